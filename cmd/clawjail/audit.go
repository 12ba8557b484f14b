package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clawjail/audit"
)

// defaultAuditDir is where the supervisor keeps the log.
const defaultAuditDir = "/var/lib/clawjail/audit"

// What --gate and --verdict know.
const (
	auditGates    = "exec,file,delete,connect,egress,dns,action,jail,skill,auth,supervisor,gap"
	auditVerdicts = "allow,audit,ask,deny,kill,freeze"
)

// auditFlags are what tail and query have in common.
type auditFlags struct {
	dir, jail, gate, verdict string
	since, until             string
	output                   string
	utc, wide, tail, follow  bool
	limit                    int
}

func newAuditCommand(e *env) *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show what jails did and what was decided",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newAuditTailCommand(e), newAuditQueryCommand(e), newAuditVerifyCommand(e), newAuditExportCommand(e), newAuditKeyCommand(e))
	return c
}

func newAuditTailCommand(e *env) *cobra.Command {
	f := auditFlags{tail: true}
	c := &cobra.Command{
		Use:   "tail",
		Short: "Show the newest records",
		Example: `  clawjail audit tail -f
  clawjail audit tail -n 50 --jail claude --verdict deny,kill`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return showAudit(c.Context(), e, f) },
	}
	f.register(c)
	c.Flags().IntVarP(&f.limit, "limit", "n", 10, "how many; with --follow, how many old ones first")
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on with records as they are written")
	return c
}

func newAuditQueryCommand(e *env) *cobra.Command {
	var f auditFlags
	c := &cobra.Command{
		Use:   "query",
		Short: "Search the records",
		Long: `Shows the records that match, the oldest first. The hash chain of everything
that is read is checked on the way; what does not fit is reported on stderr and
makes the exit code 1.`,
		Example: `  clawjail audit query --since 2h --gate egress,dns
  clawjail audit query --jail claude --verdict deny -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return showAudit(c.Context(), e, f) },
	}
	f.register(c)
	c.Flags().IntVar(&f.limit, "limit", 0, "only the newest so many; 0: all")
	return c
}

func (f *auditFlags) register(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.dir, "dir", defaultAuditDir, "directory of the log")
	fl.StringVar(&f.jail, "jail", "", "of this jail: its id, or a name that it was started under")
	fl.StringVar(&f.gate, "gate", "", "of these gates: "+auditGates)
	fl.StringVar(&f.verdict, "verdict", "", "with these verdicts: "+auditVerdicts)
	fl.StringVar(&f.since, "since", "", "not older: 2h, 3d, 2026-11-23, or an RFC 3339 time")
	fl.StringVar(&f.until, "until", "", "older than: likewise")
	fl.StringVarP(&f.output, "output", "o", "", "\"json\": the lines as they stand in the log")
	fl.BoolVar(&f.utc, "utc", false, "times in UTC")
	fl.BoolVar(&f.wide, "wide", false, "do not cut lines to the terminal's width")
}

// filter checks all flags and makes the filter of them.
func (f *auditFlags) filter(now time.Time) (audit.Filter, error) {
	out := audit.Filter{Jail: f.jail, Gate: f.gate, Verdict: f.verdict, Limit: f.limit}
	errs := []error{known("gate", f.gate, auditGates), known("verdict", f.verdict, auditVerdicts)}
	if f.output != "" && f.output != "json" {
		errs = append(errs, fmt.Errorf("unknown output %q; the only one is json", f.output))
	}
	var err error
	if out.Since, err = parseMoment(f.since, now); err != nil {
		errs = append(errs, fmt.Errorf("--since: %w", err))
	}
	if out.Until, err = parseMoment(f.until, now); err != nil {
		errs = append(errs, fmt.Errorf("--until: %w", err))
	}
	if !out.Since.IsZero() && !out.Until.IsZero() && !out.Since.Before(out.Until) {
		errs = append(errs, errors.New("--since is not before --until: nothing can match"))
	}
	switch {
	case f.limit < 0:
		errs = append(errs, fmt.Errorf("the limit %d is negative", f.limit))
	case f.limit == 0 && f.follow:
		out.Limit = -1 // nothing old; for Follow 0 would be all
	case f.limit == 0 && f.tail:
		errs = append(errs, errors.New("a limit of 0 shows nothing without --follow"))
	}
	return out, errors.Join(errs...)
}

// known refuses a value that no record has, which would only look like an
// empty log.
func known(flag, list, values string) error {
	if list == "" {
		return nil
	}
	for v := range strings.SplitSeq(list, ",") {
		if !slices.Contains(strings.Split(values, ","), v) {
			return fmt.Errorf("--%s: there is no %s %q, only %s", flag, flag, v, strings.ReplaceAll(values, ",", ", "))
		}
	}
	return nil
}

// parseMoment reads a time: how long ago, a day or a minute on the local
// clock, or RFC 3339.
func parseMoment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil {
		if d < 0 {
			return time.Time{}, fmt.Errorf("%q lies in the future; write it without the sign", s)
		}
		return now.Add(-d), nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(form, s, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write how long ago (90s, 2h, 3d), a day (2026-01-31), \"2026-01-31 15:04\", or an RFC 3339 time", s)
}
