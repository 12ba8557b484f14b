package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/spf13/cobra"

	"clawjail/policy/skill"
	skillreport "clawjail/policy/skill/report"
	"clawjail/policy/skill/store"
	"clawjail/policy/skill/trust"
)

// skillAuditFlags are the flags of `skill audit`.
type skillAuditFlags struct {
	output, failOn, baseline string
	requireSignature, all    bool
}

func newSkillAuditCommand(s *skills) *cobra.Command {
	var f skillAuditFlags
	c := &cobra.Command{
		Use:   "audit DIR|ARCHIVE [...]",
		Short: "Look into skills and report what is in them",
		Long: `audit reads each skill once and reports what it does that it should not, what it
needs, and what could not be looked into, with file and line. The verdict is of
the content alone; with --require-signature it is also of who signed it, as
install takes it.

The exit code is 0 for approved, 2 for manual review, 1 for rejected, and of
several skills that of the worst. With --fail-on it is 1 if there is a finding of
that severity or a worse one, or a rejected skill, and else 0; hints of low
confidence and capabilities do not count. Neither do findings that a baseline
file accepts, each with a reason and until a day; -o baseline prints one to
start from.`,
		Example: `  clawjail skill audit ./weather
  clawjail skill audit -o sarif --fail-on high skills/* > skills.sarif`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return s.auditAll(c.Context(), f, args) },
	}
	c.Flags().StringVarP(&f.output, "output", "o", "text", "text, json, sarif, html or baseline")
	c.Flags().BoolVarP(&f.all, "all", "a", false, "show hints, quality and capabilities one by one as well")
	c.Flags().StringVar(&f.failOn, "fail-on", "", "exit with 1 for findings of this severity or worse: critical, high, medium or low")
	c.Flags().StringVar(&f.baseline, "baseline", "", "file with findings that are accepted")
	c.Flags().BoolVar(&f.requireSignature, "require-signature", false, "let the verdict take in who signed the skill")
	return c
}

// auditAll audits every skill that is named and reports on all of them.
func (s *skills) auditAll(ctx context.Context, f skillAuditFlags, args []string) error {
	failOn, err := parseFailOn(f.failOn)
	if err != nil {
		return err
	}
	out, err := newReporter(s.e, f, len(args))
	if err != nil {
		return err
	}
	reports, err := s.auditEach(ctx, f, args)
	if err != nil {
		return err
	}
	code := 0
	for _, r := range reports {
		code = worseCode(code, exitOfReport(out.add(r), failOn))
	}
	if err := out.write(s.e.stdout); err != nil {
		return err
	}
	if code != 0 {
		return &exitError{code: code}
	}
	return nil
}

// auditEach audits several skills side by side, each in a process of its own, as
// many at a time as there are processors.
func (s *skills) auditEach(ctx context.Context, f skillAuditFlags, args []string) ([]skill.Report, error) {
	reports, errs := make([]skill.Report, len(args)), make([]error, len(args))
	var done sync.WaitGroup
	slots := make(chan struct{}, min(runtime.NumCPU(), maxAudits))
	for i, arg := range args {
		slots <- struct{}{}
		done.Go(func() {
			defer func() { <-slots }()
			if reports[i], errs[i] = s.auditOne(ctx, f, arg); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", readable(arg), errs[i])
			}
		})
	}
	done.Wait()
	return reports, errors.Join(errs...)
}

// maxAudits bounds the skills that are looked into at the same time.
const maxAudits = 8

// auditOne audits one skill; with --require-signature also for who signed it.
func (s *skills) auditOne(ctx context.Context, f skillAuditFlags, arg string) (skill.Report, error) {
	g, err := openSkill(arg)
	if err != nil {
		return skill.Report{}, err
	}
	defer g.close()
	r, err := s.audit(ctx, g.name, g.feed(ctx))
	if err != nil || g.archive != nil && !f.requireSignature {
		return r, err // an archive is not unpacked again for its digest
	}
	src, err := g.source(ctx, &s.parser)
	var m store.Measured
	if err == nil {
		m, err = store.Measure(g.name, src)
	}
	if err == nil {
		r.Root = m.Manifest.Root().String()
	}
	if !f.requireSignature {
		return r, nil // what cannot be measured cannot be installed, but was looked into
	}
	if err != nil {
		return r, err
	}
	cfg, err := s.config()
	if err != nil {
		return r, err
	}
	p, err := s.trust(cfg)
	if err != nil {
		return r, err
	}
	if o := trust.Verify(m.Manifest, m.Signatures, p); !o.Verified {
		r.Findings = append(r.Findings, o.Findings...)
		r.Verdict, r.Reasons = skill.Judge(r.Findings)
	}
	return r, nil
}

// parseFailOn reads a severity; nil for none.
func parseFailOn(s string) (*skill.Severity, error) {
	if s == "" {
		return nil, nil
	}
	var v skill.Severity
	if err := v.UnmarshalText([]byte(s)); err != nil {
		return nil, fmt.Errorf("--fail-on: %w", err)
	}
	return &v, nil
}

// exitOfReport is the exit code that one report asks for.
func exitOfReport(r skill.Report, failOn *skill.Severity) int {
	switch {
	case r.Verdict == skill.Rejected:
		return exitRejected
	case failOn == nil && r.Verdict == skill.ManualReview:
		return exitReview
	case failOn == nil:
		return 0
	}
	if skillreport.Fails(r, *failOn) {
		return exitRejected
	}
	return 0
}

// worseCode is the worse of two exit codes: rejected, then review, then none.
func worseCode(a, b int) int {
	if a == exitRejected || b == exitRejected {
		return exitRejected
	}
	return max(a, b)
}
