package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"clawjail/audit"
	"clawjail/policy/skill/derive"
	"clawjail/policy/skill/store"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/client"
)

// installAction is the type of the action that installing a skill is.
const installAction = "install_skill"

// ask has an installation counted, and a human decide about a candidate: through
// the supervisor where one runs, else at the terminal. An approval that was given
// by a flag asks nobody but about a limit.
func (s *skills) ask(ctx context.Context, c *candidate, a store.Approval) (store.Approval, error) {
	if a.Via != "" && !c.installs() {
		return a, nil // it is there already
	}
	cl := client.Client{Socket: s.e.socket}
	if _, err := cl.Ping(ctx); err == nil {
		return s.askGate(ctx, cl, c, a)
	}
	if err := s.uncounted(c); err != nil {
		return a, err
	}
	if a.Via != "" {
		return a, nil
	}
	if !s.atTerminal() {
		return a, &exitError{code: exitReview, err: fmt.Errorf("skill %s waits for a person, and there is neither a supervisor to hold it nor a terminal to ask at\n  start the supervisor (sudo systemctl start clawjail), or run this at a terminal", c.name)}
	}
	fmt.Fprintf(s.e.stdout, "approve skill %s with this content and these permissions? Type yes: ", c.name)
	if !s.saysYes() {
		return a, refusedByHuman(c.name, "at the terminal")
	}
	a.By, a.Via = userName(os.Getuid()), "terminal"
	return a, nil
}

// uncounted refuses to install where only a supervisor could tell whether it may.
func (s *skills) uncounted(c *candidate) error {
	if !c.installs() {
		return nil
	}
	const start = "\n  start the supervisor: sudo systemctl start clawjail"
	if c.forJail != "" {
		return fmt.Errorf("no supervisor runs that knows of jail %s%s", readable(c.forJail), start)
	}
	cfg, err := s.config()
	if err != nil {
		return err
	}
	limits, err := cfg.HostLimits()
	if err != nil {
		return err
	}
	for _, l := range limits {
		if l.Of == installAction {
			return fmt.Errorf("the installation cannot be counted, and there is a limit, %s: no supervisor runs%s", l.String(), start)
		}
	}
	return nil
}

func refusedByHuman(name, how string) error {
	return &exitError{code: exitRejected, err: fmt.Errorf("skill %s was not approved: %s", name, how)}
}

// atTerminal reports whether a person is at both ends.
func (s *skills) atTerminal() bool {
	in, ok := s.e.stdin.(*os.File)
	return ok && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
}

// saysYes reads one line. Everything but the whole word is a no.
func (s *skills) saysYes() bool {
	line, err := bufio.NewReader(s.e.stdin).ReadString('\n')
	return err == nil && strings.TrimSpace(line) == "yes"
}

// askGate holds the candidate at the supervisor until somebody decides.
func (s *skills) askGate(ctx context.Context, cl client.Client, c *candidate, a store.Approval) (store.Approval, error) {
	watchCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	// It may be reading the terminal, which nothing can interrupt: so it is not
	// waited for. Once the context has ended it decides nothing any more.
	go s.tellRequest(watchCtx, cl, c)
	r := c.request()
	r.Decided = a.Via != ""
	if c.installs() {
		r.For = c.forJail
	}
	d, err := cl.ApproveSkill(ctx, r)
	cancel()
	switch {
	case err != nil:
		return a, fmt.Errorf("ask about skill %s: %w", c.name, err)
	case d.Outcome == api.SkillDenied:
		return a, &exitError{code: exitRejected, err: fmt.Errorf("skill %s may not be installed: %s", c.name, readable(d.Reason))}
	case !d.Allowed:
		return a, refusedByHuman(c.name, readable(d.String()))
	case d.Outcome == api.SkillAllowed && r.Decided:
		return a, nil
	}
	a.By, a.Via, a.ID, a.At = d.By, "gate", d.ID, d.At.UTC().Truncate(time.Second)
	return a, nil
}

// request is what the approver is shown.
func (c *candidate) request() api.SkillRequest {
	r := api.SkillRequest{Name: c.name, Op: "install", Tree: c.tree.String(), Root: c.root.String(), Policy: c.policy.Digest.String(),
		RuleSet: clipText(c.report.RuleSet, 400), Verdict: c.verdict.String(), Source: clipText(readable(c.source), 400)}
	add := func(format string, args ...any) {
		if len(r.Lines) < api.MaxSkillLines {
			r.Lines = append(r.Lines, clipText(readable(fmt.Sprintf(format, args...)), api.MaxSkillLine))
		}
	}
	add("signed by %s", principals(c.outcome.Vouches))
	if c.old == nil {
		add("permissions: %s", inWords(c.policy.Permissions()))
	} else {
		r.Op = "update"
		if c.old.Tree == c.tree {
			r.Op = "approve"
		}
		added, removed := derive.Diff(c.old.Permissions, c.policy.Permissions())
		add("permissions that are new: %s", inWords(added))
		add("permissions that go: %s", inWords(removed))
	}
	if n := len(c.policy.Denied); n > 0 {
		add("%d things that it does are denied", n)
	}
	for _, reason := range c.reasons {
		add("%s", reason)
	}
	return r
}

func inWords(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// tellRequest says under which id the question is held, and takes the answer of
// who sits at the terminal.
func (s *skills) tellRequest(ctx context.Context, cl client.Client, c *candidate) {
	sum := strings.TrimPrefix(c.tree.String(), "sha256:")
	var mine *client.Approval
	found := errors.New("found")
	err := cl.WatchApprovals(ctx, func(e client.ApprovalEvent) error {
		for _, a := range append(e.List, e.Approval) {
			if a.Gate == approval.GateSkill && a.Path == c.name && a.SHA256 == sum && e.Kind != approval.Removed {
				mine = &a
				return found
			}
		}
		return nil
	})
	if !errors.Is(err, found) {
		return
	}
	fmt.Fprintf(s.e.stdout, "held as request %s: clawjail approve %s (clawjail pending %s shows it)\n", mine.ID, mine.ID, mine.ID)
	if !s.atTerminal() {
		return
	}
	fmt.Fprint(s.e.stdout, "or type yes here to approve, anything else to deny: ")
	yes := s.saysYes()
	if ctx.Err() != nil {
		return
	}
	// Where the answer counts, who asked is told of it at once and ends the
	// context, sometimes before the answer to this request is read.
	if _, _, err := cl.Decide(ctx, mine.ID, api.DecideRequest{Approve: yes, Digest: mine.Digest}); err != nil && ctx.Err() == nil {
		fmt.Fprintf(s.e.stderr, "clawjail: %v\n", err)
	}
}

// recordEvent records what was done with a skill: through the supervisor, or
// where none runs and we are root, in the log itself, with what a supervisor would
// have recorded besides.
func (s *skills) recordEvent(ctx context.Context, e api.SkillEvent, also ...audit.Record) {
	err := client.Client{Socket: s.e.socket}.RecordSkill(ctx, e)
	if errors.Is(err, client.ErrNotRunning) {
		err = recordDirectly(e, also)
	}
	if err != nil {
		fmt.Fprintf(s.e.stderr, "clawjail: this is not in the audit log: %v\n", err)
	}
}

// installed is the record of the action, where no supervisor runs to make it.
func installed(c *candidate) audit.Record {
	uid := uint32(os.Getuid())
	return audit.Record{Time: time.Now(), Gate: audit.GateAction, Verdict: "allow", Subject: audit.Subject{Op: "request", Name: installAction, UID: &uid,
		Argv: []string{installAction, "target=" + c.name + " " + c.tree.String()}, Message: "no supervisor runs, and there is no limit"}}
}

func recordDirectly(e api.SkillEvent, also []audit.Record) error {
	if os.Geteuid() != 0 {
		return errors.New("no supervisor runs, and only root can write to it")
	}
	if err := e.Check(); err != nil {
		return err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return err
	}
	l, err := audit.Open(defaultAuditDir, audit.Options{Boot: strings.TrimSpace(string(boot))})
	if err != nil {
		return err
	}
	uid := uint32(os.Getuid())
	_, err = l.Append(audit.Record{Time: time.Now(), Gate: audit.GateSkill, Verdict: e.Verdict,
		Subject: audit.Subject{Op: e.Op, Path: e.Name, SHA256: strings.TrimPrefix(e.Tree, "sha256:"), UID: &uid, Message: e.Message}})
	for _, r := range also {
		if err == nil {
			_, err = l.Append(r)
		}
	}
	return errors.Join(err, l.Close())
}

// userName is who a number is, for people.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(uid)
}
