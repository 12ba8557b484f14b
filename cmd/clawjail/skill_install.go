package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clawjail/audit"
	"clawjail/policy/skill"
	"clawjail/policy/skill/derive"
	"clawjail/policy/skill/store"
	"clawjail/supervisor/api"
)

// installFlags are the flags of `skill install`.
type installFlags struct {
	source  string
	grants  []string
	yes     bool
	forJail string
}

func newSkillInstallCommand(s *skills) *cobra.Command {
	var f installFlags
	c := &cobra.Command{
		Use:   "install DIR|ARCHIVE",
		Short: "Verify, audit, ask about and keep a skill",
		Long: `install copies the skill to where nobody writes, and looks at that copy alone: it
checks the signatures, audits it, derives the policy that it would run under,
and shows how that differs from the installed version. Then a human decides:
through the supervisor where one runs (clawjail pending, clawjail approve), at
this terminal where none does. No answer is a no.

An installation is an action like those of agents, install_skill: it is on record
as one, and counts where action_limits.defaults of the configuration limits it.
Over the limit a human is asked, with --yes as well, or it is refused. With --for
it is what an agent asked for with clawjail-act request install_skill --target
NAME: that takes its approval, which must be about a skill of this name.

What is approved is exactly this content, under these rules, with this policy;
when one of them changes, clawjail skill run asks again. A rejected skill is
not asked about and not installed.`,
		Example: `  sudo clawjail skill install --source github.com/openclaw/skills ./skills/weather
  sudo clawjail skill install --grant net=api.example.org:443 weather.zip
  sudo clawjail skill install --for openclaw ./skills/weather`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return s.install(c.Context(), f, args[0]) },
	}
	c.Flags().StringVar(&f.source, "source", "", "where the skill comes from: the URL it was cloned or downloaded from (default: its path)")
	c.Flags().StringArrayVar(&f.grants, "grant", nil, "permit KIND=VALUE besides what is derived: net=HOST:PORT, exec=PROGRAM, read=PATH, write=PATH, env=NAME")
	c.Flags().StringVar(&f.forJail, "for", "", "install what the agent in this jail asked for, with the approval that it got")
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask; only for a skill that verifies and that the audit approves")
	return c
}

func (s *skills) install(ctx context.Context, f installFlags, arg string) error {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	g, err := openSkill(arg)
	if err != nil {
		return err
	}
	defer g.close()
	src, err := g.source(ctx, &s.parser)
	if err != nil {
		return fmt.Errorf("the skill cannot be installed:\n%w", err)
	}
	st, err := store.Open(s.store)
	if err != nil {
		return err
	}
	if err := st.Lock(); err != nil {
		return err
	}
	defer st.Unlock()
	staged, err := st.Stage(g.name, src)
	if err != nil {
		return fmt.Errorf("the skill cannot be installed:\n%w", err)
	}
	defer staged.Discard()
	c := candidate{source: g.path, grants: f.grants, forJail: f.forJail}
	if f.source != "" {
		c.source = normalSource(f.source)
	}
	c.trusted = cfg.TrustedSource(c.source)
	cand, err := s.candidate(ctx, cfg, staged.Measured, staged.Dir(), c)
	if err != nil {
		return err
	}
	cand.print(s.e.stdout)
	approved, err := s.decide(ctx, cand, f.yes)
	if err != nil {
		return err
	}
	if _, err := staged.Keep(cand.modes); err != nil {
		return err
	}
	if err := errors.Join(st.Put(cand.record(approved)), st.Collect()); err != nil {
		return err
	}
	var also []audit.Record
	if cand.installs() {
		also = append(also, installed(cand))
	}
	s.recordEvent(ctx, api.SkillEvent{Name: cand.name, Op: "installed", Tree: cand.tree.String(), Verdict: "allow",
		Message: clipText(fmt.Sprintf("approved by %s via %s; verdict %s, policy %s", approved.By, approved.Via, cand.verdict, cand.policy.Digest), api.MaxSkillLine)}, also...)
	fmt.Fprintf(s.e.stdout, "installed %s\n  run it: clawjail skill run %s -- COMMAND\n", cand.name, cand.name)
	return nil
}

// decide has a human decide, unless the verdict does.
func (s *skills) decide(ctx context.Context, c *candidate, yes bool) (store.Approval, error) {
	if c.verdict == skill.Rejected {
		s.recordEvent(ctx, api.SkillEvent{Name: c.name, Op: "refused", Tree: c.tree.String(), Verdict: "deny", Message: clipText(readable(strings.Join(c.reasons, "; ")), api.MaxSkillLine)})
		return store.Approval{}, &exitError{code: exitRejected, err: fmt.Errorf("skill %s is rejected", c.name)}
	}
	a := c.binding()
	a.At = time.Now().UTC().Truncate(time.Second)
	if yes {
		if c.verdict != skill.Approved {
			return a, &exitError{code: exitReview, err: fmt.Errorf("skill %s needs a person to look at it: --yes is for what verifies and is approved", c.name)}
		}
		a.By, a.Via = userName(os.Getuid()), "flag"
	}
	return s.ask(ctx, c, a)
}

// record is what is remembered of an approved candidate.
func (c *candidate) record(a store.Approval) store.Record {
	return store.Record{
		Name: c.name, Tree: c.tree, Root: c.root, Source: c.source, Trusted: c.trusted, Vouches: c.outcome.Vouches, Grants: c.grants,
		Permissions: c.policy.Permissions(), Kinds: c.policy.Kinds, Policy: c.policy.Text, Report: c.report, Approval: a,
		Installed: time.Now().UTC().Truncate(time.Second),
	}
}

// print shows a candidate to a person.
func (c *candidate) print(w io.Writer) {
	fmt.Fprintf(w, "skill %s from %s\n", c.name, readable(c.source))
	if c.report.Description != "" {
		fmt.Fprintf(w, "  it says of itself: %s\n", readable(clipText(c.report.Description, 300)))
	}
	fmt.Fprintf(w, "  root digest %s\n  tree digest %s\n", c.root, c.tree)
	printVouches(w, c.outcome)
	fmt.Fprintf(w, "audit: %s, %d of %d files analysed (rules %s)\n", c.report.Verdict, c.report.Analysed, c.report.Files, readable(c.report.RuleSet))
	shown := findingsOf(c.report, 20)
	printFindings(w, shown)
	if more := len(c.report.Findings) - len(shown); more > 0 {
		fmt.Fprintf(w, "  %d more: clawjail skill audit shows all\n", more)
	}
	c.printPermissions(w)
	fmt.Fprintf(w, "verdict: %s\n", c.verdict)
	for _, r := range c.reasons[:min(len(c.reasons), 20)] {
		fmt.Fprintf(w, "  %s\n", readable(r))
	}
}

func (c *candidate) printPermissions(w io.Writer) {
	now := c.policy.Permissions()
	if c.old == nil {
		fmt.Fprintf(w, "permissions (%d kinds):\n", len(c.policy.Kinds))
		for _, p := range now {
			fmt.Fprintf(w, "  + %s\n", readable(p))
		}
	} else {
		added, removed := derive.Diff(c.old.Permissions, now)
		fmt.Fprintf(w, "permissions (%d kinds), against the version installed on %s:\n", len(c.policy.Kinds), c.old.Installed.Format(time.DateOnly))
		for _, p := range added {
			fmt.Fprintf(w, "  + %s\n", readable(p))
		}
		for _, p := range removed {
			fmt.Fprintf(w, "  - %s\n", readable(p))
		}
		if len(added)+len(removed) == 0 {
			fmt.Fprintln(w, "  the same")
		}
	}
	if len(now) == 0 {
		fmt.Fprintln(w, "  none besides reading its own files and the workspace")
	}
	for i, d := range c.policy.Denied {
		if i == 20 {
			fmt.Fprintf(w, "  and %d more denied\n", len(c.policy.Denied)-i)
			break
		}
		fmt.Fprintf(w, "  denied: %s: %s\n", readable(d.String()), readable(d.Why))
	}
}
