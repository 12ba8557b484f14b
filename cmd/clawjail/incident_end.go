package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clawjail/audit"
	"clawjail/audit/escape"
	"clawjail/audit/seal"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/incident/evidence/verify"
	incidentreport "clawjail/supervisor/incident/report"
)

// newIncidentDecideCommand is release, kill or close: a person's decision with
// words.
func newIncidentDecideCommand(e *env, verb, short, why string, do func(client.Client, context.Context, string, string) (api.Incident, error)) *cobra.Command {
	var reason string
	if why == "" {
		why = "the conclusion: what it was, and what follows from it"
	}
	c := &cobra.Command{
		Use:   verb + " ID --reason TEXT",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" {
				return fmt.Errorf("--reason is needed: %s", why)
			}
			in, err := do(client.Client{Socket: e.socket}, c.Context(), args[0], reason)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "incident %s is %s\n", in.ID, in.State)
			return nil
		},
	}
	c.Flags().StringVar(&reason, "reason", "", why)
	return c
}

func newIncidentReportCommand(e *env) *cobra.Command {
	form, dir := "markdown", defaultAuditDir
	c := &cobra.Command{
		Use:     "report ID",
		Short:   "Write a report for people: Markdown, HTML or JSON",
		Example: `  clawjail incident report 7f3a2c --format html > incident.html`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := oneIncident(c, e, args[0])
			if err != nil {
				return err
			}
			b := incidentreport.New(in, time.Now())
			for r, err := range audit.Query(dir, audit.Filter{Jail: in.Subject.Jail}) {
				switch {
				case isCorrupt(err):
					b.Damaged()
				case err != nil:
					return auditHint(dir, err)
				default:
					b.Add(&r)
				}
			}
			return writeReport(e.stdout, b.Report(), form)
		},
	}
	c.Flags().StringVar(&form, "format", form, "markdown, html or json")
	c.Flags().StringVar(&dir, "dir", dir, "directory of the audit log")
	return c
}

func writeReport(w io.Writer, r incidentreport.Report, form string) error {
	switch form {
	case "markdown", "md":
		return r.Markdown(w)
	case "html":
		return r.HTML(w)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return fmt.Errorf("unknown format %q; there are markdown, html and json", form)
}

func newIncidentVerifyCommand(e *env) *cobra.Command {
	var keys []string
	c := &cobra.Command{
		Use:   "verify FILE",
		Short: "Prove a bundle of evidence, on any machine",
		Long: `Holds every file of a bundle against its manifest, and the manifest against its
signature. The exit code is 0 when everything fits, 1 when something was altered,
2 when the bundle could not be read.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o, err := (&verifyFlags{keys: keys}).options()
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			f, err := os.Open(args[0])
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			defer f.Close()
			m, err := verify.Bundle(f, anyKey(o.Keys), nil)
			if err != nil {
				return &exitError{code: 1, err: fmt.Errorf("%s: %w", args[0], err)}
			}
			fmt.Fprintf(e.stdout, "OK: evidence of incident %s, jail %s, taken %s by %s on %s: %d files\n", escape.String(m.Incident), escape.String(m.Jail),
				m.Begun.Format(time.RFC3339), escape.String(m.By), escape.String(m.Host), len(m.Files))
			for _, s := range m.Failed {
				fmt.Fprintf(e.stdout, "  not taken: %s\n", escape.String(s))
			}
			return nil
		},
	}
	c.Flags().StringArrayVar(&keys, "key", nil, "public key that is trusted (default: this host's; there: clawjail audit key)")
	return c
}

// anyKey trusts several keys.
type anyKey []seal.Public

func (k anyKey) CheckMessage(domain string, message, signature []byte, keyID string) error {
	for _, p := range k {
		if p.ID() == keyID {
			return p.CheckMessage(domain, message, signature, keyID)
		}
	}
	return errors.New("signed by key " + escape.String(keyID) + ", which is not trusted")
}
