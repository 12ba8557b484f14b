package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clawjail/policy/skill/store"
	"clawjail/policy/skill/trust"
	"clawjail/supervisor/api"
	"clawjail/supervisor/client"
	"clawjail/supervisor/client/launch"
)

// skillRunFlags are the flags of `skill run`.
type skillRunFlags struct {
	launch  launch.Options
	observe bool
	summary bool
	output  string
	timeout time.Duration
}

func newSkillRunCommand(s *skills) *cobra.Command {
	var f skillRunFlags
	c := &cobra.Command{
		Use:   "run NAME -- COMMAND [ARG ...]",
		Short: "Run something of an installed skill in its jail",
		Long: `run starts COMMAND in a jail with the stored copy of the skill, read-only, under
the policy that was approved. COMMAND is a file of the skill, as in
scripts/get.sh, or a program that the policy permits; SKILL_DIR in its
environment is where the skill is. It exits with COMMAND's code, as clawjail run
does.

The approval is for this content, these rules and this policy. If clawjail has
other rules by now, the skill is audited again and a human asked again; if its
copy is damaged, or it or its signer was revoked, it does not run.

With --observe, what the skill did is held against what the audit saw in it, at
the end and on stderr: what was not predicted is a gap in the audit's coverage.`,
		Example: "  sudo clawjail skill run weather -- scripts/get.sh Berlin",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(f.output); err != nil {
				return err
			}
			return s.run(c.Context(), f, args[0], args[1:])
		},
	}
	flags := c.Flags()
	flags.StringVarP(&f.launch.Workspace, "workspace", "w", "", "directory that the skill works in (default: the current one)")
	flags.StringArrayVarP(&f.launch.Env, "env", "e", nil, "set a variable: KEY=VALUE, or KEY to pass the caller's")
	flags.StringVarP(&f.launch.User, "user", "u", "", "user to run as: a name or a number")
	flags.BoolVar(&f.observe, "observe", false, "report what the audit did not predict")
	flags.BoolVar(&f.summary, "summary", false, "say on stderr what was done and refused, at the end")
	flags.DurationVar(&f.timeout, "timeout", 0, "end the jail after this time (shortens the policy's wall limit)")
	flags.StringVarP(&f.output, "output", "o", "", "\"json\": with --observe, print that report on stdout as JSON")
	return c
}

func (s *skills) run(ctx context.Context, f skillRunFlags, name string, argv []string) error {
	st, err := store.Read(s.store)
	if err != nil {
		return err
	}
	r, err := st.Get(name)
	if err != nil {
		return err
	}
	if err := s.stillGood(st, r); err != nil {
		return &exitError{code: 125, err: err}
	}
	if r, err = s.stillApproved(ctx, st, r); err != nil {
		return &exitError{code: 125, err: err}
	}
	dir := st.Path(r.Tree)
	if argv, err = skillCommand(dir, r, argv); err != nil {
		return err
	}
	ended, err := s.start(ctx, f, r, dir, argv)
	if err != nil {
		return err
	}
	if f.summary {
		summarise(s.e.stderr, ended)
	}
	if f.observe {
		if err := s.observe(ended, r, dir, f.output); err != nil {
			return err
		}
	}
	return exitOf(s.e, ended)
}

// start runs a command under the policy of a skill.
func (s *skills) start(ctx context.Context, f skillRunFlags, r store.Record, dir string, argv []string) (api.Jail, error) {
	tmp, err := os.MkdirTemp("", "clawjail-skill-")
	if err != nil {
		return api.Jail{}, err
	}
	defer os.RemoveAll(tmp)
	text := r.Policy
	if f.observe {
		// What the policy refuses is to be seen, not the end of the observation.
		text += "on_violation: deny\n"
	}
	f.launch.Policy = filepath.Join(tmp, "policy.yaml")
	if err := os.WriteFile(f.launch.Policy, []byte(text), 0o600); err != nil {
		return api.Jail{}, err
	}
	f.launch.Argv = argv
	f.launch.Env = append(f.launch.Env, "SKILL_DIR="+dir)
	req, err := launch.Prepare(f.launch)
	if err != nil {
		return api.Jail{}, err
	}
	req.Timeout = f.timeout
	cl := client.Client{Socket: s.e.socket}
	if err := cl.Ensure(ctx); err != nil {
		return api.Jail{}, err
	}
	return cl.Foreground(ctx, req, client.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}

// skillCommand finds the file of the skill that a command names, and who can
// run it. Everything else is a program for the policy to judge.
func skillCommand(dir string, r store.Record, argv []string) ([]string, error) {
	name := strings.TrimPrefix(argv[0], "./")
	full := filepath.Join(dir, name)
	inside := trust.CheckPath(name) == nil && isFile(full)
	switch {
	case !inside && strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return nil, &exitError{code: 127, err: fmt.Errorf("skill %s has no file %q", r.Name, readable(name))}
	case !inside:
		return argv, nil
	}
	info, err := os.Stat(full)
	if err != nil {
		return nil, err
	}
	if info.Mode()&0o111 != 0 {
		return append([]string{full}, argv[1:]...), nil
	}
	interpreter := map[string]string{".sh": "sh", ".bash": "bash", ".py": "python3", ".js": "node", ".mjs": "node", ".cjs": "node"}[path.Ext(name)]
	if interpreter == "" {
		return nil, &exitError{code: 126, err: fmt.Errorf("file %q of skill %s is not executable; name the program that runs it", readable(name), r.Name)}
	}
	return append([]string{interpreter, full}, argv[1:]...), nil
}

func isFile(p string) bool {
	info, err := os.Lstat(p)
	return err == nil && info.Mode().IsRegular()
}

// stillApproved holds the approval against today's rules. Where they are
// others, the skill is audited again and a human asked again.
func (s *skills) stillApproved(ctx context.Context, st *store.Store, r store.Record) (store.Record, error) {
	now := store.Approval{Tree: r.Tree, RuleSet: s.ruleSet(ctx), Policy: textDigest(r.Policy)}
	worse := r.Reaudit != nil && r.Reaudit.Verdict < r.Report.Verdict && !r.Reaudit.At.Before(r.Approval.At)
	why := ""
	switch {
	case r.Approval.Tree != now.Tree || r.Approval.Policy != now.Policy:
		why = "CJS-SIG-005: its content or its policy is not what was approved"
	case worse:
		why = "a later audit says " + r.Reaudit.Verdict.String()
	case !sameBinding(r.Approval, now):
		why = fmt.Sprintf("it was approved under the rules %q, these are %q", readable(r.Approval.RuleSet), now.RuleSet)
	default:
		return r, nil
	}
	fmt.Fprintf(s.e.stderr, "clawjail: the approval of skill %s is void: %s; auditing it again\n", r.Name, why)
	return s.approveAgain(ctx, st, r)
}

// approveAgain makes a candidate of a stored skill and has a human decide.
func (s *skills) approveAgain(ctx context.Context, st *store.Store, r store.Record) (store.Record, error) {
	cfg, err := s.config()
	if err != nil {
		return r, err
	}
	m, err := st.Manifest(r.Tree)
	if err != nil {
		return r, err
	}
	// The signatures were checked when it was stored, what was stored is what is
	// there, and stillGood has asked what was revoked since.
	c := candidate{source: r.Source, trusted: cfg.TrustedSource(r.Source), grants: r.Grants,
		outcome: trust.Outcome{Verified: len(r.Vouches) > 0, Vouches: r.Vouches, Modes: true}}
	cand, err := s.candidate(ctx, cfg, store.Measured{Manifest: m}, st.Path(r.Tree), c)
	if err != nil {
		return r, err
	}
	if cand.tree != r.Tree {
		return r, errors.New("the stored skill is another one by now")
	}
	cand.print(s.e.stderr)
	a, err := s.decide(ctx, cand, false)
	if err != nil {
		return r, err
	}
	if err := st.Lock(); err != nil {
		return r, err
	}
	defer st.Unlock()
	fresh := cand.record(a)
	fresh.Installed = r.Installed
	if err := st.Put(fresh); err != nil {
		return r, err
	}
	s.recordEvent(ctx, api.SkillEvent{Name: r.Name, Op: "installed", Tree: r.Tree.String(), Verdict: "allow", Message: "approved again by " + a.By + " via " + a.Via})
	return fresh, nil
}
