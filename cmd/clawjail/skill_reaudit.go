package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clawjail/policy/skill"
	"clawjail/policy/skill/store"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
)

// hookTime bounds the program that is told of new findings.
const hookTime = time.Minute

// reaudited is what a re-audit says about one skill.
type reaudited struct {
	Name    string          `json:"name"`
	Verdict skill.Verdict   `json:"verdict"`
	Was     skill.Verdict   `json:"was"`
	RuleSet string          `json:"rule_set"`
	New     []skill.Finding `json:"new"`
	Problem string          `json:"problem,omitempty"`
}

func newSkillReauditCommand(s *skills) *cobra.Command {
	var output, hook string
	c := &cobra.Command{
		Use:   "reaudit [NAME ...]",
		Short: "Audit installed skills again, with today's rules",
		Long: `reaudit looks into the stored copy of every installed skill again, or of those
that are named, checks that no copy is damaged, and that neither the skill nor
who signed it was revoked. What the approved audit did not find is new; a skill
whose verdict has become worse does not run until it is approved again.

With --hook PROGRAM it is started once when there is something new, without
arguments and with the report in JSON on its stdin: to send a mail, say. The
unit clawjail-reaudit.timer does this every week, with the hook
/etc/clawjail/skills/reaudit-hook if there is one.

It exits with 1 when a skill is rejected or damaged by now, with 2 when one
needs a person.`,
		RunE: func(c *cobra.Command, args []string) error { return s.reaudit(c.Context(), args, output, hook) },
	}
	c.Flags().StringVarP(&output, "output", "o", "", "\"json\": one list")
	c.Flags().StringVar(&hook, "hook", "", "program to start when something is new")
	return c
}

func (s *skills) reaudit(ctx context.Context, names []string, output, hook string) error {
	if err := checkOutput(output); err != nil {
		return err
	}
	st, err := store.Open(s.store)
	if err != nil {
		return err
	}
	if err := st.Lock(); err != nil {
		return err
	}
	defer st.Unlock()
	records, err := st.List()
	if err != nil {
		return err
	}
	results := []reaudited{}
	for _, r := range records {
		if len(names) == 0 || slices.Contains(names, r.Name) {
			results = append(results, s.reauditOne(ctx, st, r))
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(results, func(r reaudited) bool { return r.Name == n }) {
			return fmt.Errorf("skill %q: %w", readable(n), store.ErrNotInstalled)
		}
	}
	if err := s.printReaudited(results, output); err != nil {
		return err
	}
	if err := runHook(ctx, hook, results); err != nil {
		return err
	}
	if len(names) == 0 {
		// For the checklist. Without a supervisor there is none to be ready for.
		err := client.Client{Socket: s.e.socket}.TaskDone(ctx, "skill-audit", fmt.Sprintf("%d skills", len(results)))
		if err != nil && !isNotRunning(err) {
			return err
		}
	}
	code := 0
	for _, r := range results {
		switch {
		case r.Problem != "" || r.Verdict == skill.Rejected:
			code = exitRejected
		case r.Verdict == skill.ManualReview && r.Was == skill.Approved && code == 0:
			code = exitReview
		}
	}
	if code != 0 {
		return &exitError{code: code}
	}
	return nil
}

// reauditOne looks into one stored skill again and remembers what was found.
func (s *skills) reauditOne(ctx context.Context, st *store.Store, l store.Listed) reaudited {
	out := reaudited{Name: l.Name, Was: l.Report.Verdict, New: []skill.Finding{}}
	err := l.Problem
	if err == nil {
		err = s.stillGood(st, l.Record)
	}
	var report skill.Report
	if err == nil {
		report, err = s.auditStored(ctx, st, l.Record)
	}
	if err != nil {
		out.Problem = readable(strings.ReplaceAll(err.Error(), "\n  ", "; "))
		s.recordEvent(ctx, api.SkillEvent{Name: l.Name, Op: "reaudited", Verdict: "deny", Message: clipText(out.Problem, api.MaxSkillLine)})
		return out
	}
	out.Verdict, out.RuleSet = report.Verdict, report.RuleSet
	for _, f := range report.Findings {
		if f.Class != skill.Ability && !slices.ContainsFunc(l.Report.Findings, func(old skill.Finding) bool { return sameFinding(old, f) }) {
			out.New = append(out.New, f)
		}
	}
	r := l.Record
	r.Reaudit = &store.Reaudit{At: time.Now().UTC().Truncate(time.Second), RuleSet: report.RuleSet, Verdict: report.Verdict, New: out.New}
	if err := st.Put(r); err != nil {
		out.Problem = readable(err.Error())
	}
	verdict := "allow"
	if report.Verdict == skill.Rejected {
		verdict = "deny"
	}
	s.recordEvent(ctx, api.SkillEvent{Name: l.Name, Op: "reaudited", Tree: l.Tree.String(), Verdict: verdict,
		Message: clipText(fmt.Sprintf("verdict %s, was %s; %d new findings; rules %s", report.Verdict, l.Report.Verdict, len(out.New), report.RuleSet), api.MaxSkillLine)})
	return out
}

// sameFinding compares by fingerprint, or where there is none by place.
func sameFinding(a, b skill.Finding) bool {
	if a.Fingerprint != "" || b.Fingerprint != "" {
		return a.Fingerprint == b.Fingerprint
	}
	return a.Rule == b.Rule && a.Place == b.Place
}

// stillGood checks what can change under an installed skill: the copy, and what
// was revoked.
func (s *skills) stillGood(st *store.Store, r store.Record) error {
	if err := st.Check(r.Tree); err != nil {
		return err
	}
	cfg, err := s.config()
	if err != nil {
		return err
	}
	p, err := s.trust(cfg)
	if err != nil {
		return err
	}
	if why, revoked := p.Revoked.Skill(r.Tree, r.Root); revoked {
		return fmt.Errorf("CJS-SIG-003: skill %s was revoked: %s", r.Name, why)
	}
	for _, v := range r.Vouches {
		for _, key := range []string{v.Key, v.Certificate, v.Root} {
			if why, revoked := p.Revoked.Key(key); revoked {
				return fmt.Errorf("CJS-SIG-003: the key of %s, who signed skill %s, was revoked: %s", v.Principal, r.Name, why)
			}
		}
	}
	return nil
}

// auditStored looks into a stored skill.
func (s *skills) auditStored(ctx context.Context, st *store.Store, r store.Record) (skill.Report, error) {
	dir, err := os.Open(st.Path(r.Tree))
	if err != nil {
		return skill.Report{}, err
	}
	defer dir.Close()
	return s.audit(ctx, r.Name, feedDir(ctx, dir, r.Name))
}

func (s *skills) printReaudited(results []reaudited, output string) error {
	if output == "json" {
		return json.NewEncoder(s.e.stdout).Encode(results)
	}
	for _, r := range results {
		switch {
		case r.Problem != "":
			fmt.Fprintf(s.e.stdout, "%s: %s\n", r.Name, r.Problem)
		case r.Verdict != r.Was:
			fmt.Fprintf(s.e.stdout, "%s: %s, was %s, %d new findings\n", r.Name, r.Verdict, r.Was, len(r.New))
		default:
			fmt.Fprintf(s.e.stdout, "%s: %s, %d new findings\n", r.Name, r.Verdict, len(r.New))
		}
		printFindings(s.e.stdout, r.New)
	}
	return nil
}

// runHook starts the operator's program with what is new.
func runHook(ctx context.Context, hook string, results []reaudited) error {
	fresh := slices.DeleteFunc(slices.Clone(results), func(r reaudited) bool {
		return r.Problem == "" && len(r.New) == 0 && r.Verdict == r.Was
	})
	if hook == "" || len(fresh) == 0 {
		return nil
	}
	b, err := json.Marshal(fresh)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, hook)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(b), os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("--hook %s: %w", hook, errors.Join(ctx.Err(), err))
	}
	return nil
}
