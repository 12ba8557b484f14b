package main

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"clawjail/policy/skill"
	"clawjail/policy/skill/store"
	"clawjail/policy/skill/trust"
)

// maxAttestation bounds the file of an attestation.
const maxAttestation = trust.MaxSignature

// attestFlags are the flags of `skill attest`.
type attestFlags struct {
	key, chain, output string
	grants             []string
}

func newSkillAttestCommand(s *skills) *cobra.Command {
	var f attestFlags
	c := &cobra.Command{
		Use:   "attest DIR|ARCHIVE",
		Short: "Sign what the audit says of a skill, and its policy",
		Long: `attest audits the skill, derives its policy, and signs both as one statement
(in-toto, in a sigstore bundle), so that a registry or a pipeline can pass them
on: the version of the rules, the verdict, the digests of the content and of the
policy, the report itself. It goes beside the skill, not into it.

Others check it with clawjail skill verify --attestation. It counts for exactly
this content and these rules; when one of them changes it is void.`,
		Example: `  clawjail skill attest --key ~/.ssh/id_ed25519 -o weather.audit.json ./weather
  clawjail skill verify --signers team.signers --attestation weather.audit.json ./weather`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return s.attest(c, f, args[0]) },
	}
	c.Flags().StringVarP(&f.key, "key", "k", "", "private key: OpenSSH or PEM; Ed25519 or ECDSA")
	c.Flags().StringVar(&f.chain, "chain", "", "certificates in PEM, the signer's own first")
	c.Flags().StringVarP(&f.output, "output", "o", "", "file to write (default: NAME.audit.json here)")
	c.Flags().StringArrayVar(&f.grants, "grant", nil, "permit KIND=VALUE besides what is derived, as with install")
	return c
}

func (s *skills) attest(c *cobra.Command, f attestFlags, arg string) error {
	if f.key == "" {
		return errors.New("no key to sign with\n  name one: --key FILE (ssh-keygen -t ed25519 makes one)")
	}
	key, err := readKey(f.key)
	if err != nil {
		return err
	}
	var chain []*x509.Certificate
	if f.chain != "" {
		if chain, err = readChain(f.chain); err != nil {
			return err
		}
	}
	cand, err := s.lookAt(c.Context(), arg, f.grants)
	if err != nil {
		return err
	}
	cand.report.Root = cand.root.String()
	report, err := json.Marshal(cand.report)
	if err != nil {
		return err
	}
	bundle, err := trust.SignAttestation(trust.Attestation{Name: cand.name, Root: cand.root, Tree: cand.tree, RuleSet: cand.report.RuleSet,
		Verdict: cand.report.Verdict, Report: report, Policy: cand.policy.Text, At: time.Now()}, key, chain)
	if err != nil {
		return err
	}
	if f.output == "" {
		f.output = cand.name + ".audit.json"
	}
	if err := os.WriteFile(f.output, bundle, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(s.e.stdout, "%s: %s, by the rules %s\n  root digest   %s\n  tree digest   %s\n  policy digest %s\n",
		f.output, cand.report.Verdict, readable(cand.report.RuleSet), cand.root, cand.tree, cand.policy.Digest)
	return nil
}

// readChain reads the certificates that --chain names.
func readChain(path string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	var chain []*x509.Certificate
	if err == nil {
		chain, err = trust.ParseCertificates(text)
	}
	if err != nil {
		return nil, fmt.Errorf("--chain %s: %w", path, err)
	}
	return chain, nil
}

// attested is what `skill verify -o json` says of an attestation.
type attested struct {
	Principal string        `json:"principal,omitempty"`
	RuleSet   string        `json:"rule_set,omitempty"`
	Verdict   skill.Verdict `json:"verdict"`
	Policy    trust.Digest  `json:"policy"`
	At        time.Time     `json:"at"`
	// Findings say why it does not count.
	Findings []skill.Finding `json:"findings,omitempty"`
}

// attestation holds an attestation against a skill. The rules in force are those
// of an audit here: that they are called the same is not enough to be known
// without one.
func (s *skills) attestation(c *cobra.Command, m store.Measured, p trust.Policy, file, arg string) (*attested, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("--attestation: %w", err)
	}
	if info.Size() > maxAttestation {
		return nil, fmt.Errorf("--attestation %s: %d bytes, at most %d", file, info.Size(), maxAttestation)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--attestation: %w", err)
	}
	g, err := openSkill(arg)
	if err != nil {
		return nil, err
	}
	defer g.close()
	report, err := s.audit(c.Context(), g.name, g.feed(c.Context()))
	if err != nil {
		return nil, err
	}
	a, v, bad := p.Attested(m.Manifest, data, file, report.RuleSet)
	return &attested{v.Principal, a.RuleSet, a.Verdict, a.PolicyDigest(), a.At, bad}, nil
}

// print says in lines what an attestation is worth.
func (a *attested) print(s *skills) {
	if len(a.Findings) > 0 {
		printFindings(s.e.stdout, a.Findings)
		fmt.Fprintln(s.e.stdout, "  the attestation does not count")
		return
	}
	fmt.Fprintf(s.e.stdout, "  audited by %s on %s: %s\n    rules %s\n    policy digest %s\n", readable(a.Principal), a.At.Format(time.DateOnly), a.Verdict, readable(a.RuleSet), a.Policy)
}
