package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"clawjail/audit"
	"clawjail/audit/escape"
	"clawjail/audit/export"
	"clawjail/audit/seal"
	"clawjail/audit/verify"
)

// defaultKeyDir is where the keys of this host are.
const defaultKeyDir = "/var/lib/clawjail/keys"

// maxAnchorBytes bounds a file of anchors: a syslog of a busy day has less.
const maxAnchorBytes = 1 << 30

type verifyFlags struct {
	dir, output   string
	keys, anchors []string
}

func newAuditVerifyCommand(e *env) *cobra.Command {
	f := verifyFlags{}
	c := &cobra.Command{
		Use:   "verify",
		Short: "Prove that the log is whole, or say where it was altered",
		Long: `Reads the whole log, offline and without the supervisor, and holds it against
its hash chain and its signed checkpoints. The exit code is 0 when everything
fits, 1 when something was altered, 2 when the log could not be read.

Records after the last checkpoint are chained and not signed: whoever can write
the log can replace them. Whoever has the signing key can sign another log: keep
copies of the checkpoints elsewhere (audit.anchors in the configuration) and
give them with --anchor, and keep the public key elsewhere ("clawjail audit key")
and give it with --key.`,
		Example: `  clawjail audit verify
  clawjail audit verify --dir ./evidence/audit --key host7.pub --anchor /mnt/other/anchor.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return verifyAudit(c.Context(), e, f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.dir, "dir", defaultAuditDir, "directory of the log")
	fl.StringArrayVar(&f.keys, "key", nil, "public key that is trusted, several if they changed (default: this host's)")
	fl.StringArrayVar(&f.anchors, "anchor", nil, "file with copies of checkpoints: an anchor, a syslog, or what a webhook received, a line each")
	fl.StringVarP(&f.output, "output", "o", "", "\"json\": the whole report")
	return c
}

func verifyAudit(ctx context.Context, e *env, f verifyFlags) error {
	if err := checkOutput(f.output); err != nil {
		return err
	}
	o, err := f.options()
	if err != nil {
		return &exitError{code: 2, err: err}
	}
	start := time.Now()
	r, err := verify.Log(ctx, f.dir, o)
	if err != nil {
		return &exitError{code: 2, err: auditHint(f.dir, err)}
	}
	if f.output == "json" {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(r)
	} else {
		err = printVerified(e.stdout, r, time.Since(start))
	}
	if err == nil && !r.OK {
		err = &exitError{code: 1, err: fmt.Errorf("the log in %s cannot be proven to be what was written", f.dir)}
	}
	return err
}

// options reads keys and anchors.
func (f *verifyFlags) options() (verify.Options, error) {
	var o verify.Options
	if len(f.keys) == 0 {
		keys, err := seal.ReadPublics(defaultKeyDir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return o, fmt.Errorf("this host has no public key in %s: give the one of the host that wrote the log with --key (there: `clawjail audit key`)", defaultKeyDir)
		case errors.Is(err, fs.ErrPermission):
			return o, fmt.Errorf("%w: the keys of this host are root's; run it with sudo, or give a copy of the public key with --key", err)
		case err != nil:
			return o, err
		}
		o.Keys = keys
	}
	for _, p := range f.keys {
		k, err := seal.ReadPublic(p)
		if err != nil {
			return o, err
		}
		o.Keys = append(o.Keys, k)
	}
	for _, p := range f.anchors {
		file, err := os.Open(p)
		if err != nil {
			return o, err
		}
		b, err := io.ReadAll(io.LimitReader(file, maxAnchorBytes+1))
		if err := errors.Join(err, file.Close()); err != nil {
			return o, err
		}
		if len(b) > maxAnchorBytes {
			return o, fmt.Errorf("%s: larger than %d bytes; take the lines with \"audit checkpoint\" out of it first", p, maxAnchorBytes)
		}
		o.Anchors = append(o.Anchors, bytes.Split(b, []byte{'\n'})...)
	}
	return o, nil
}

// printVerified says in words what was found.
func printVerified(w io.Writer, r verify.Report, took time.Duration) error {
	var b bytes.Buffer
	switch {
	case r.Records == 0 && r.OK:
		fmt.Fprintln(&b, "OK: the log is empty")
	case r.OK:
		fmt.Fprintf(&b, "OK: records %d to %d are whole, signed up to record %d at %s\n", r.First, r.Last, r.Signed, r.SignedAt.Local().Format(time.DateTime))
	case unproven(r):
		fmt.Fprintf(&b, "NOT PROVEN: records %d to %d are of one piece\n", r.First, r.Last)
	default:
		fmt.Fprintf(&b, "ALTERED: records %d to %d\n", r.First, r.Last)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "  %s\n", escape.String(p.String()))
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "  and %d more\n", r.More)
	}
	if r.Retired > 0 {
		fmt.Fprintf(&b, "records up to %d were removed by retention, and signed for\n", r.Retired)
	}
	if r.Unsigned > 0 {
		fmt.Fprintf(&b, "the last %d records are chained and not signed yet\n", r.Unsigned)
	}
	if r.Torn {
		fmt.Fprintln(&b, "the very last line has no end: it is being written, or its writer died")
	}
	fmt.Fprintf(&b, "%d segments, %d checkpoints, key %s, %.1f MB in %s\n", r.Segments, r.Checkpoints, r.Key, float64(r.Bytes)/1e6, took.Round(time.Millisecond))
	_, err := w.Write(b.Bytes())
	return err
}

// unproven says that nothing was found to be altered, but that a signature that
// is trusted is missing.
func unproven(r verify.Report) bool {
	return !slices.ContainsFunc(r.Problems, func(p verify.Problem) bool { return p.Kind != verify.Unsigned && p.Kind != verify.Key })
}

func newAuditKeyCommand(e *env) *cobra.Command {
	var keys string
	c := &cobra.Command{
		Use:   "key",
		Short: "Print the public key that checkpoints are signed with",
		Long: `Prints the public half of the key that signs the audit log, in PEM. Keep it
where this host does not rule: "clawjail audit verify --key" proves the log with
it, anywhere.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			k, err := seal.ReadPublic(filepath.Join(keys, seal.PublicName))
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("there is no key in %s yet; the supervisor makes it when it starts for the first time", keys)
			}
			if err != nil {
				return err
			}
			_, err = e.stdout.Write(k.PEM())
			return err
		},
	}
	c.PersistentFlags().StringVar(&keys, "keys", defaultKeyDir, "directory of the keys")
	c.AddCommand(newAuditKeyNewCommand(e, &keys))
	return c
}

func newAuditKeyNewCommand(e *env, keys *string) *cobra.Command {
	var dir string
	var lost bool
	c := &cobra.Command{
		Use:   "new",
		Short: "Begin a new signing key",
		Long: `Begins a new key. The old one signs for it, so that whoever trusts the old one
can go on. With --lost the old one is gone, and the new key signs for itself:
"clawjail audit verify" says so until it is given both keys. No supervisor may run
meanwhile.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := audit.Open(dir, audit.Options{}) // for its lock: the supervisor signs with what it has read
			if errors.Is(err, audit.ErrLocked) {
				return fmt.Errorf("%w: stop the supervisor first (systemctl stop clawjail)", err)
			}
			if err != nil {
				return err
			}
			defer l.Close()
			var next seal.Public
			if lost {
				next, err = seal.Replace(dir, *keys, seal.Options{})
			} else {
				_, next, err = seal.Rotate(dir, *keys, seal.Options{})
			}
			if err != nil {
				return err
			}
			_, err = e.stdout.Write(next.PEM())
			return err
		},
	}
	c.Flags().StringVar(&dir, "dir", defaultAuditDir, "directory of the log")
	c.Flags().BoolVar(&lost, "lost", false, "the old key is gone: begin without its signature")
	return c
}

func newAuditExportCommand(e *env) *cobra.Command {
	var f auditFlags
	form := string(export.JSONL)
	c := &cobra.Command{
		Use:   "export",
		Short: "Write records for other systems: JSON lines, CSV or OCSF",
		Long: `Writes the records that match to stdout, the oldest first: as JSON lines as they
stand in the log, as CSV, or as OCSF events, one a line.`,
		Example: `  clawjail audit export --since 24h --format ocsf > events.ndjson
  clawjail audit export --jail claude --verdict deny --format csv > denied.csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return exportAudit(c.Context(), e, f, export.Format(form)) },
	}
	f.register(c)
	c.Flags().StringVar(&form, "format", form, "jsonl, csv or ocsf")
	for _, hidden := range []string{"output", "utc", "wide"} {
		_ = c.Flags().MarkHidden(hidden) // they are about showing
	}
	return c
}

func exportAudit(ctx context.Context, e *env, f auditFlags, form export.Format) error {
	filter, err := f.filter(time.Now())
	if err != nil {
		return err
	}
	w, err := export.NewWriter(e.stdout, form)
	if err != nil {
		return err
	}
	if filter.Jail, err = jailIDs(ctx, e, f.dir, f.jail); err != nil {
		return auditHint(f.dir, err)
	}
	damaged := 0
	for r, err := range audit.Query(f.dir, filter) {
		switch {
		case isCorrupt(err):
			damaged++
			fmt.Fprintf(e.stderr, "clawjail: %s\n", escape.String(err.Error()))
		case err != nil:
			return auditHint(f.dir, err)
		default:
			if err := w.Write(&r); err != nil {
				return err
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if damaged > 0 {
		return &exitError{code: 1, err: fmt.Errorf("the log is damaged in %d places", damaged)}
	}
	return nil
}
