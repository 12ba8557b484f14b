package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"clawjail/policy/skill"
	"clawjail/policy/skill/store"
	"clawjail/policy/skill/trust"
)

// verified is what `skill verify -o json` prints.
type verified struct {
	Name  string       `json:"name"`
	Tree  trust.Digest `json:"tree"`
	Root  trust.Digest `json:"root"`
	Files int          `json:"files"`
	trust.Outcome
	Attestation *attested `json:"attestation,omitempty"`
}

func newSkillVerifyCommand(s *skills) *cobra.Command {
	var output, name, attestation string
	c := &cobra.Command{
		Use:   "verify DIR|ARCHIVE",
		Short: "Check who signed a skill, and that it is what they signed",
		Long: `verify reads every file of the skill once and holds it against the skill's
signatures, the list of allowed signers and the list of what was revoked. It
exits with 1 if the skill does not verify. A signature says who, not that the
skill is safe: that is what audit looks at. With --attestation it also checks a
signed audit (clawjail skill attest): who made it, and that it was of this very
content, by the rules of this clawjail.

The list of allowed signers has the form of ssh-keygen(1), with more options:

  alice@example.org namespaces="clawjail-skill@v1",skills="weather*",
    permissions="net,env",valid-before="20271231Z" ssh-ed25519 AAAA...
  *@example.org x509-ca MIIB...    a root certificate, base64 of its DER

(on one line each). In the list of what was revoked a line is "key SHA256:…",
"cert sha256:…" or "skill sha256:…", with a reason behind it.`,
		Example: "  clawjail skill verify --signers team.signers ./weather",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			m, p, err := s.measure(c, args[0])
			if err != nil {
				return err
			}
			if name != "" {
				m.Manifest.Name = name
			}
			v := verified{Name: m.Manifest.Name, Tree: m.Manifest.Tree(), Root: m.Manifest.Root(), Files: len(m.Manifest.Files), Outcome: trust.Verify(m.Manifest, m.Signatures, p)}
			if attestation != "" {
				if v.Attestation, err = s.attestation(c, m, p, attestation, args[0]); err != nil {
					return err
				}
			}
			return s.printVerified(v, output)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": one object")
	c.Flags().StringVar(&attestation, "attestation", "", "file with a signed audit of the skill, which must count as well")
	c.Flags().StringVar(&name, "name", "", "name that the skill was signed under, if its SKILL.md and its directory do not say it")
	return c
}

// measure reads a skill and the operator's lists.
func (s *skills) measure(c *cobra.Command, arg string) (store.Measured, trust.Policy, error) {
	cfg, err := s.config()
	if err != nil {
		return store.Measured{}, trust.Policy{}, err
	}
	p, err := s.trust(cfg)
	if err != nil {
		return store.Measured{}, p, err
	}
	g, err := openSkill(arg)
	if err != nil {
		return store.Measured{}, p, err
	}
	defer g.close()
	src, err := g.source(c.Context(), &s.parser)
	if err != nil {
		return store.Measured{}, p, err
	}
	m, err := store.Measure(g.name, src)
	if err != nil {
		return m, p, fmt.Errorf("the skill cannot be verified:\n%w", err)
	}
	return m, p, nil
}

func (s *skills) printVerified(v verified, output string) error {
	if output == "json" {
		if err := json.NewEncoder(s.e.stdout).Encode(v); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.e.stdout, "skill %s, %d files\n  root digest %s\n  tree digest %s\n", v.Name, v.Files, v.Root, v.Tree)
		printVouches(s.e.stdout, v.Outcome)
		if v.Attestation != nil {
			v.Attestation.print(s)
		}
	}
	if !v.Verified || v.Attestation != nil && len(v.Attestation.Findings) > 0 {
		return &exitError{code: exitRejected}
	}
	return nil
}

// printVouches says in lines what the signatures are worth.
func printVouches(w io.Writer, o trust.Outcome) {
	for _, v := range o.Vouches {
		modes := ""
		if !v.Modes {
			modes = "; modes are not signed, so no file will be executable"
		}
		fmt.Fprintf(w, "  signed by %s with %s (%s%s)\n", readable(v.Principal), v.Key, readable(v.File), modes)
	}
	for _, n := range o.Notes {
		fmt.Fprintf(w, "  note: %s\n", readable(n))
	}
	printFindings(w, o.Findings)
	if o.Verified {
		fmt.Fprintln(w, "  verified")
	} else {
		fmt.Fprintln(w, "  not verified")
	}
}

// printFindings gives one line for each.
func printFindings(w io.Writer, list []skill.Finding) {
	for _, f := range list {
		at := readable(f.File)
		if f.Line > 0 {
			at = fmt.Sprintf("%s:%d", at, f.Line)
		}
		if at != "" {
			at += ": "
		}
		fmt.Fprintf(w, "  %s %s: %s%s\n", f.Rule, f.Severity, at, readable(f.Message))
	}
}
