//go:build kernel

package bpf

import (
	"testing"
	"time"

	"clawjail/bpf/wire"
	"clawjail/seccomp/notify"
)

func TestApprovedExecRuns(t *testing.T) {
	f, speak := gatedJail(t)
	g := startGated(t, f, "spawn", "2", speak, "hello")
	var keys []verifyTokenKey
	out := g.serve(func(call notify.Call) {
		tok := token(t, call.TID, []string{speak, "hello"}, gatedEnv, speak)
		keys = append(keys, verifyTokenKey{Tgid: tok.TGID, Tid: tok.TID})
		g.allow(call, tok)
	})
	if out != "hexit 0\nhexit 0\n" {
		t.Errorf("got %q", out)
	}
	for _, k := range keys {
		if used, err := f.jail.DropExec(k.Tgid, k.Tid); !used || err != nil {
			t.Errorf("token used: %v, %v", used, err)
		}
	}
	if _, err := f.jail.DropExec(keys[0].Tgid, keys[0].Tid); err == nil {
		t.Error("a token was dropped twice")
	}
	s, err := f.probes.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if s.Mismatches["exec"] != 0 {
		t.Errorf("%d mismatches", s.Mismatches["exec"])
	}
}

// Everything that can differ does, once each. What is refused writes nothing: it
// is gone before its first system call.
func TestMismatchDies(t *testing.T) {
	f, speak := gatedJail(t)
	other := writeProgram(t, speak+"-other", append(speaker(), 0))
	for _, row := range []struct {
		name string
		want wire.Reason
		// change gets the right token, and changes it, or the world around it.
		change func(*ExecToken)
	}{
		{"another inode", wire.Inode, func(e *ExecToken) { e.Files = []FileID{statID(t, other)} }},
		{"another device", wire.Inode, func(e *ExecToken) { e.Files[0].Dev++ }},
		{"another ctime, by a nanosecond", wire.Inode, func(e *ExecToken) { e.Files[0].CtimeNS++ }},
		{"another size", wire.Inode, func(e *ExecToken) { e.Files[0].Size++ }},
		{"an argument less", wire.Argc, func(e *ExecToken) { e.Argv = e.Argv[:2] }},
		{"an argument more", wire.Argc, func(e *ExecToken) { e.Argv = append(e.Argv, "") }},
		{"one byte of an argument", wire.Argv, func(e *ExecToken) { e.Argv = []string{speak, "x", "Y"} }},
		{"arguments split elsewhere", wire.Argv, func(e *ExecToken) { e.Argv = []string{speak, "", "xy"} }},
		{"a longer argument", wire.Argv, func(e *ExecToken) { e.Argv = []string{speak, "x", "yy"} }},
		{"one byte of the environment", wire.Env, func(e *ExecToken) { e.Env = []string{"GATED=2", "EMPTY="} }},
		{"no environment", wire.Env, func(e *ExecToken) { e.Env = nil }},
		{"another directory", wire.Cwd, func(e *ExecToken) { e.CwdIno++ }},
		{"too late", wire.Expired, func(e *ExecToken) { e.TTL = time.Millisecond }},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := startGated(t, f, "spawn", "1", speak, "x", "y")
			var pid int32
			out := g.serve(func(call notify.Call) {
				tok := token(t, call.TID, []string{speak, "x", "y"}, gatedEnv, speak)
				row.change(&tok)
				pid = tok.TGID
				if err := f.jail.PutExec(tok); err != nil {
					t.Error(err)
				}
				if row.want == wire.Expired {
					waitExpired(t, tok.TTL)
				}
				g.goOn(call)
			})
			checkRefused(t, f, out, pid, row.want)
		})
	}
}

// checkRefused looks for the one event of a refusal, and that nothing ran.
func checkRefused(t *testing.T, f *fixture, out string, pid int32, want wire.Reason) {
	t.Helper()
	if out != died(f) {
		t.Errorf("got %q, want %q", out, died(f))
	}
	events := until(t, f.probes, "exit", exitOf(int(pid)))
	e := only(t, events, wire.ExecRefused, int(pid))
	if e.Reason != want || e.Path == "" || !e.Denied || e.Killed != (f.probes.Tier() == TierNotify) {
		t.Errorf("event %+v, want reason %s", e, want)
	}
}

// died is what the spawning victim says of a refused child.
func died(f *fixture) string { return "killed\n" }

func TestExecWithoutTokenDies(t *testing.T) {
	f, speak := gatedJail(t)
	g := startGated(t, f, "spawn", "1", speak, "x")
	var pid int32
	out := g.serve(func(call notify.Call) {
		pid = tgidOf(t, call.TID)
		g.goOn(call)
	})
	checkRefused(t, f, out, pid, wire.NoToken)
}

func TestTokenOfAnotherJailDies(t *testing.T) {
	f, speak := gatedJail(t)
	other := newFixture(t, f.probes, jailConfig())
	g := startGated(t, f, "spawn", "1", speak, "x")
	var pid int32
	out := g.serve(func(call notify.Call) {
		tok := token(t, call.TID, []string{speak, "x"}, gatedEnv, speak)
		pid = tok.TGID
		if err := other.jail.PutExec(tok); err != nil {
			t.Error(err)
		}
		g.goOn(call)
	})
	checkRefused(t, f, out, pid, wire.NoToken)
}

func TestUngatedJailIsLeftAlone(t *testing.T) {
	f, speak := gatedJail(t)
	free := newFixture(t, f.probes, jailConfig())
	g := startGated(t, free, "spawn", "1", speak, "x")
	if out := g.serve(g.goOn); out != "xexit 0\n" {
		t.Errorf("got %q", out)
	}
	// And a task without a filter in the gated jail.
	if out, _ := f.inside(speak, "y"); out != "y" {
		t.Errorf("without a filter: %q", out)
	}
	if err := f.jail.Gate(false); err != nil {
		t.Fatal(err)
	}
	g = startGated(t, f, "spawn", "1", speak, "z")
	if out := g.serve(g.goOn); out != "zexit 0\n" {
		t.Errorf("with the gate off again: %q", out)
	}
}
