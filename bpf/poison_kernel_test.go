//go:build kernel

package bpf

import (
	"maps"
	"os"
	"strings"
	"testing"

	"clawjail/bpf/wire"
	"clawjail/seccomp/notify"
)

// poison writes down a refusal of a process's execution, as the verifier does.
func poison(t *testing.T, p *Probes, pid int, start, exec uint64) {
	t.Helper()
	if err := p.core.Maps[coreMapPoisoned].Put(coreProcess{Start: start, Pid: int32(pid)}, exec); err != nil {
		t.Fatal(err)
	}
}

// A process whose SIGKILL could not be sent reaches nothing.
func TestPoisonedTaskHasNoNetwork(t *testing.T) {
	c := jailConfig()
	c.NoFiles = true // or the end of some system call kills it first
	f := newFixture(t, loadProbes(t, Options{Linger: -1}), c)
	// One thread only, so that there is one task to poison.
	cmd := f.command(f.cgroup, []string{"LC_ALL=C"}, "/bin/bash", "-c", "read; : < /dev/tcp/127.0.0.1/9")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd.Stderr = &out
	f.thread.do(func() { err = cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	var start, exec uint64
	until(t, f.probes, "exec", func(e wire.Event) bool {
		start, exec = e.StartTime, uint64(e.ExecCount)
		return e.Class == wire.Exec && int(e.Pid) == cmd.Process.Pid
	})
	poison(t, f.probes, cmd.Process.Pid, start, exec)
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), "Operation not permitted") {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

// The end of the execve itself kills once more, where file events are wanted.
func TestPoisonedTaskDiesAtTheEndOfItsExec(t *testing.T) {
	f, speak := gatedJail(t)
	if f.probes.Tier() != TierNotify {
		return // there mmap_file has refused it before
	}
	g := startGated(t, f, "spawn", "1", speak, "x")
	out := g.serve(func(call notify.Call) {
		// ExecCount of the victim plus the one that is about to happen.
		tok := f.token(call.TID, []string{speak, "x"}, gatedEnv, speak)
		var start, count uint64
		until(t, f.probes, "fork", func(e wire.Event) bool {
			start, count = e.StartTime, uint64(e.ExecCount)
			return e.Class == wire.Fork && e.Pid == tok.TGID
		})
		poison(t, f.probes, int(call.TID), start, count+1)
		g.allow(call, tok)
	})
	if out != "killed\n" {
		t.Errorf("got %q", out)
	}
}

func TestGateComesAndGoes(t *testing.T) {
	before := inventory(t)
	p := loadProbes(t, Options{RingBytes: testRing, Linger: -1})
	count := func(prefix string) (n int) {
		for _, s := range inventory(t) {
			if strings.HasPrefix(s, prefix) {
				n++
			}
		}
		return n
	}
	prefix, want := "exec_verify_", 4
	if p.Tier() == TierLSM {
		// gate_mmap writes no events, and is not in the inventory.
		prefix, want = "gate_", 2
	}
	if n := count("prog " + prefix); n != want {
		t.Errorf("%d programs loaded, want %d", n, want)
	}
	t.Run("jail", func(t *testing.T) {
		f := newFixture(t, p, jailConfig())
		if n := count("link " + prefix); n != 0 {
			t.Errorf("%d links without a gated jail", n)
		}
		for _, on := range []bool{true, true, false, true} {
			if err := f.jail.Gate(on); err != nil {
				t.Fatal(err)
			}
			if n := count("link " + prefix); n != want && on || n != 0 && !on {
				t.Errorf("gate %v: %d links", on, n)
			}
		}
		s, err := p.Stats()
		if err != nil {
			t.Fatal(err)
		}
		if p.Tier() == TierNotify && len(s.CopySkips) != want {
			t.Errorf("copies: %v", s.CopySkips)
		}
		// Tokens go with the jail.
		me := int32(os.Getpid())
		tok := ExecToken{TGID: me, TID: me, Files: make([]FileID, 1), Argv: []string{""}, TTL: MaxTTL}
		if _, err := f.jail.PutExec(tok); err != nil {
			t.Fatal(err)
		}
		if err := f.jail.Close(); err != nil {
			t.Error(err)
		}
		var key verifyTokenKey
		if err := p.gate.Maps[verifyMapTokens].NextKey(nil, &key); err == nil {
			t.Errorf("token %v is left", key)
		}
		if _, err := f.jail.PutExec(tok); err != ErrClosed {
			t.Errorf("put into a closed jail: %v", err)
		}
		if err := f.jail.Gate(true); err != ErrClosed {
			t.Errorf("gate of a closed jail: %v", err)
		}
	})
	if n := count("link " + prefix); n != 0 {
		t.Errorf("%d links after the jail", n)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	settled(t, before)
}

func TestPutExecRefuses(t *testing.T) {
	f, _ := gatedJail(t)
	good := func() ExecToken {
		return ExecToken{TGID: 1, TID: 1, Files: make([]FileID, 1), Argv: []string{"a"}, TTL: MaxTTL}
	}
	for want, change := range map[string]func(*ExecToken){
		"process -1 is none":    func(e *ExecToken) { e.TGID = -1 },
		"process 1 is none":     func(e *ExecToken) { e.TID = 0 },
		"0 files":               func(e *ExecToken) { e.Files = nil },
		"7 files":               func(e *ExecToken) { e.Files = make([]FileID, MaxChain+1) },
		"no argv[0]":            func(e *ExecToken) { e.Argv = nil },
		"valid for 0s":          func(e *ExecToken) { e.TTL = 0 },
		"valid for 5m0.":        func(e *ExecToken) { e.TTL = MaxTTL + 1 },
		"string 1 holds a NUL":  func(e *ExecToken) { e.Argv = []string{"", "a\x00b"} },
		"environment: string 0": func(e *ExecToken) { e.Env = []string{"\x00"} },
		"at most 8388608":       func(e *ExecToken) { e.Argv = []string{strings.Repeat("x", MaxArgsBytes)} },
	} {
		tok := good()
		change(&tok)
		if _, err := f.jail.PutExec(tok); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	me := int32(os.Getpid())
	tok := good()
	tok.TGID, tok.TID = me+1, me
	if _, err := f.jail.PutExec(tok); err == nil || !strings.Contains(err.Error(), "it is of process") {
		t.Errorf("a token for another process than the thread's: %v", err)
	}
	tok.TGID = me
	if _, err := f.jail.PutExec(tok); err != nil {
		t.Fatal(err)
	}
	mine := f.jail.gate.tokens
	defer func() { f.jail.gate.tokens = mine }()
	f.jail.gate.tokens = maps.Clone(mine)
	for i := range int32(MaxTokens - 1) {
		f.jail.gate.tokens[verifyTokenKey{Tgid: -1, Tid: i}] = struct{}{}
	}
	if _, err := f.jail.PutExec(tok); err != nil {
		t.Errorf("replacing a token: %v", err)
	}
	tok.TGID = 0
	if _, err := f.jail.PutExec(tok); err == nil || !strings.Contains(err.Error(), "4096 tokens") {
		t.Errorf("one too many: %v", err)
	}
}
