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
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"clawjail/audit/escape"
	"clawjail/audit/verify"
	"clawjail/policy"
	"clawjail/policy/shell"
	"clawjail/policy/skill/store"
	"clawjail/policy/source"
	"clawjail/supervisor/checklist"
	"clawjail/supervisor/checklist/ledger"
	"clawjail/supervisor/checklist/probe"
	"clawjail/supervisor/client"
	"clawjail/supervisor/config"
	"clawjail/supervisor/doctor"
)

// checklistFacts tries everything. What fails is a fact too.
func checklistFacts(ctx context.Context, e *env) checklist.Facts {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	f := checklist.Facts{Time: time.Now(), Host: host}
	f.Doctor = checklist.Know(doctorFailures(ctx))
	f.Config = checklist.Know(checklistConfig(e))
	f.Policies = checklist.Know(checklistPolicies("/etc/clawjail/policies", hostLimits(e)), nil)
	f.Accounts = checklist.Know(checklistAccounts(e))
	f.SignIn = checklist.Know(checklistSignIn(e))
	f.Passwords = checklist.Know(weakPasswords(e))
	f.Keys = checklist.Know(keyFiles(defaultKeyDir))
	f.Skills = checklist.Know(checklistSkills(store.DefaultDir))
	f.Shell = checklist.Know(shellPasses(), nil)
	f.Jail = checklist.Know(doorsOfJail(ctx, e))
	f.Response = checklist.Know(responseOf(e, checklist.ResponseDocument))
	running, done, err := supervisorFacts(ctx, e)
	f.Running, f.Ledger = checklist.Know(running, err), checklist.Know(done, err)
	// Last: what went before is in the log, and signed with the rest.
	f.Log = checklist.Know(verifiedLog(ctx))
	return f
}

func doctorFailures(ctx context.Context) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(self), "clawjaild"), "doctor", "-o", "json")
	cmd.Stdout = &bounded{w: &out, left: doctor.MaxReportBytes}
	runErr := cmd.Run()
	report, err := doctor.Decode(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("clawjaild doctor: %w", errors.Join(err, runErr))
	}
	var failures []string
	for _, c := range report.Checks {
		if c.Status == doctor.Fail {
			failures = append(failures, c.Name+": "+c.Detail)
		}
	}
	return failures, nil
}

func checklistConfig(e *env) (checklist.Config, error) {
	f, name, none, err := readConfig(e, nil)
	c := checklist.Config{Exists: !none}
	for _, p := range problemsOf(name, err) {
		c.Problems = append(c.Problems, p.String())
	}
	if len(c.Problems) > 0 {
		return c, nil
	}
	k := f.Config
	c.FourEyes, c.Group = k.FourEyes, k.Approvers
	c.Retain, c.Anchors, c.Freeze = time.Duration(k.AuditRetain), len(k.AuditAnchors), k.OnAuditLoss == config.AuditLossFreeze
	for _, channel := range k.Channels {
		if slices.Contains(channel.Categories, "checkpoint") {
			c.Anchors++
		}
	}
	c.Channels, c.Unsigned, c.Verify = len(k.Channels), k.SkillUnsigned, k.SkillVerify
	for _, o := range k.Overrides() {
		c.Overrides = append(c.Overrides, o.Key+": "+o.Risk)
	}
	if k.Approvers != "" {
		c.Approvers, err = members(k.Approvers)
	}
	return c, err
}

// hostLimits are the limits of actions of this host; without a configuration that
// can be read, which is a fact of its own, the built-in ones.
func hostLimits(e *env) []policy.ActionLimit {
	f, _, _, err := readConfig(e, nil)
	if err != nil {
		return policy.BuiltinLimits()
	}
	limits, err := f.Config.HostLimits()
	if err != nil {
		return policy.BuiltinLimits()
	}
	return limits
}

// checklistPolicies looks at the policies of the host, and at the preset that an
// agent without one gets, with the limits of the host.
func checklistPolicies(dir string, host []policy.ActionLimit) []checklist.Policy {
	names := []string{"agent"}
	files, _ := filepath.Glob(filepath.Join(dir, "*.yaml")) // the pattern is one
	var out []checklist.Policy
	for _, name := range append(names, files...) {
		p := checklist.Policy{Name: name}
		pol, err := source.Open(name, sampleVars(), source.Features{Gate: true})
		if err != nil {
			p.Problem = escape.Clip(err.Error(), 300)
			out = append(out, p)
			continue
		}
		for _, l := range pol.ActionLimits(host) {
			amount := fmt.Sprint(l.Max)
			if l.Currency != "" {
				amount = policy.Money(l.Max, l.Currency)
			}
			text := amount + " " + l.Of
			if l.Per != 0 {
				text += " in " + policy.Duration(l.Per)
			}
			p.Limits = append(p.Limits, text)
		}
		for _, k := range pol.Actions.NeverAsk {
			p.Spares = append(p.Spares, string(k))
		}
		out = append(out, p)
	}
	return out
}

// keyFiles lists the secrets in the directory of the keys: all that is not the
// public half of one.
func keyFiles(dir string) ([]checklist.KeyFile, error) {
	var keys []checklist.KeyFile
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".pub") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			keys = append(keys, checklist.KeyFile{Path: path, Mode: info.Mode(), UID: st.Uid})
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return keys, err
}

func checklistSkills(dir string) ([]checklist.Skill, error) {
	st, err := store.Read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := st.List()
	if err != nil {
		return nil, err
	}
	var out []checklist.Skill
	for _, l := range list {
		if l.Problem != nil {
			return nil, l.Problem
		}
		s := checklist.Skill{Name: l.Name, Verdict: l.Report.Verdict.String(), Audited: l.Installed}
		if l.Reaudit != nil {
			s.Verdict, s.Audited = l.Reaudit.Verdict.String(), l.Reaudit.At
		}
		out = append(out, s)
	}
	return out, nil
}

// shellPasses gives the dangerous commands that a policy which permits every
// program would run.
func shellPasses() []string {
	var passed []string
	all := func([]string) (policy.Verdict, string) { return policy.Allow, "" }
	for _, c := range checklist.DangerousCommands() {
		if shell.Judge(c, shell.Options{Program: all}).Allowed() {
			passed = append(passed, c)
		}
	}
	return passed
}

func supervisorFacts(ctx context.Context, e *env) (r checklist.Running, done map[string]ledger.Entry, err error) {
	cl := client.Client{Socket: e.socket}
	ping, err := cl.Ping(ctx)
	if isNotRunning(err) {
		return r, nil, errors.New("no supervisor answers: sudo systemctl enable --now clawjail")
	}
	if err != nil {
		return r, nil, err
	}
	stats, err := cl.Stats(ctx)
	if err != nil {
		return r, nil, err
	}
	c, err := cl.Checklist(ctx)
	r = checklist.Running{Private: ping.Private, Version: ping.Version, Tier: ping.Tier, AuditLost: stats.EventsLost["audit"], Scraped: c.Scraped,
		Started: time.UnixMilli(int64(stats.StartTimeUnix * 1000))}
	return r, c.Done, err
}

func verifiedLog(ctx context.Context) (checklist.Log, error) {
	f := verifyFlags{dir: defaultAuditDir}
	o, err := f.options()
	if err != nil {
		return checklist.Log{}, err
	}
	r, err := verify.Log(ctx, f.dir, o)
	if err != nil {
		return checklist.Log{}, err
	}
	l := checklist.Log{Proven: r.OK, New: neverSigned(r), Records: r.Records, SignedAt: r.SignedAt}
	if r.Last > r.Signed {
		l.Unsigned = r.Last - r.Signed
	}
	for _, p := range r.Problems {
		l.Problems = append(l.Problems, p.String())
	}
	return l, nil
}

// neverSigned reports whether nothing is wrong but that there is no checkpoint.
func neverSigned(r verify.Report) bool {
	return !r.OK && !slices.ContainsFunc(r.Problems, func(p verify.Problem) bool { return p.Kind != verify.Unsigned })
}

// doorsOfJail runs this program in a jail of the preset that most agents have,
// in a directory of its own, and has it try what a jail must not permit.
func doorsOfJail(ctx context.Context, e *env) (doors []probe.Door, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "clawjail-checklist-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "clawjail")
	if err := copyProgram(program, self); err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "run", "--socket", e.socket, "--rm", "--policy", "agent", "--workspace", dir, "--",
		program, "checklist", "probe", "--socket", e.socket)
	cmd.Stdout, cmd.Stderr = &bounded{w: &out, left: 64 << 10}, &bounded{w: &errOut, left: 4096}
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("a jail to try things in: %w: %s", err, escape.Clip(errOut.String(), 500))
	}
	if err := json.Unmarshal(out.Bytes(), &doors); err != nil {
		return nil, fmt.Errorf("what the jail says: %w", err)
	}
	return doors, nil
}

func copyProgram(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
