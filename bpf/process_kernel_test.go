//go:build kernel

package bpf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"clawjail/bpf/wire"
)

func TestExecIsSeenWhole(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	argv := []string{"/bin/true", "a b", "", "\x1b[31m\nnew\xff line"}
	_, pid := f.inside(argv...)
	events := until(t, p, "exit", exitOf(pid))

	e := only(t, events, wire.Exec, pid)
	path, err := filepath.EvalSymlinks("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	sys := st.Sys().(*syscall.Stat_t)
	got := []any{e.Path, e.PathExact, e.PathTruncated, e.Path2, e.Argv, e.ArgvTruncated, e.Ino, e.PPid, e.Jail, e.CgroupID, e.UID, e.Comm, e.Ret}
	want := []any{path, true, false, "/bin/true", argv, false, sys.Ino, int32(os.Getpid()), f.jail.ID(), f.jail.ID(), uint32(0), "true", int32(0)}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("exec event (-want +got):\n%s", d)
	}
	exit := only(t, events, wire.Exit, pid)
	if exit.StartTime != e.StartTime || exit.ExecCount != e.ExecCount || exit.ExitCode != 0 {
		t.Errorf("exit %+v does not belong to exec %+v", exit, e)
	}
}

func TestScriptKeepsItsName(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, pid := f.inside(script, "arg")
	events := until(t, p, "exit", exitOf(pid))
	e := only(t, events, wire.Exec, pid)
	if e.Path2 != script || !strings.HasPrefix(e.Path, "/usr/bin/") {
		t.Errorf("Path %q Path2 %q, want an interpreter and %q", e.Path, e.Path2, script)
	}
	if d := cmp.Diff([]string{"/bin/sh", script, "arg"}, e.Argv); d != "" {
		t.Errorf("argv (-want +got):\n%s", d)
	}
	if exit := only(t, events, wire.Exit, pid); exit.ExitCode != 3<<8 {
		t.Errorf("exit code %#x, want 0x300", exit.ExitCode)
	}
}

func TestLongArgvIsFlagged(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	long := strings.Repeat("x", 20000)
	_, pid := f.inside("/bin/true", long)
	e := only(t, until(t, p, "exit", exitOf(pid)), wire.Exec, pid)
	if !e.ArgvTruncated || len(e.Argv) != 2 || len(e.Argv[0])+1+len(e.Argv[1]) != wire.MaxArgv {
		t.Errorf("truncated %v, %d arguments", e.ArgvTruncated, len(e.Argv))
	}
	s, err := p.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if s.Truncated[wire.Exec] != 1 {
		t.Errorf("truncated execs: %d, want 1", s.Truncated[wire.Exec])
	}
}

func TestForkNamesParentAndChild(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	_, pid := f.inside("/bin/sh", "-c", "/bin/true; kill -9 $$")
	events := until(t, p, "exit", exitOf(pid))
	var child int32
	for _, e := range events {
		if e.Class == wire.Fork && int(e.PPid) == pid {
			child = e.Pid
		}
	}
	if child == 0 {
		t.Fatalf("no fork by %d in %+v", pid, events)
	}
	fork, run := only(t, events, wire.Fork, int(child)), only(t, events, wire.Exec, int(child))
	if fork.StartTime != run.StartTime || run.PPid != int32(pid) || run.ExecCount != fork.ExecCount+1 {
		t.Errorf("fork %+v and exec %+v do not belong together", fork, run)
	}
	if exit := only(t, events, wire.Exit, pid); exit.ExitCode != 9 {
		t.Errorf("exit code %#x, want signal 9", exit.ExitCode)
	}
}

func TestManyThreadsEndOnce(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	pids := make(map[int32]int)
	for range 20 {
		_, pid := f.victim("threads")
		pids[int32(pid)] = 0
	}
	_, last := f.inside("/bin/true")
	for _, e := range until(t, p, "exit", exitOf(last)) {
		if _, ours := pids[e.Pid]; ours && e.Class == wire.Exit {
			pids[e.Pid]++
			if e.ExitCode != 7<<8 {
				t.Errorf("exit code %#x, want 0x700", e.ExitCode)
			}
		}
	}
	for pid, n := range pids {
		if n != 1 {
			t.Errorf("%d exit events of process %d", n, pid)
		}
	}
}

func TestRefusedExecIsSeen(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, pid := f.inside("/bin/sh", "-c", "exec "+plain)
	for _, e := range until(t, p, "exit", exitOf(pid)) {
		if e.Class == wire.Exec && int(e.Pid) == pid && e.Ret == -int32(syscall.EACCES) {
			if e.Path != plain || e.PathExact {
				t.Errorf("path %q exact %v, want %q as written", e.Path, e.PathExact, plain)
			}
			return
		}
	}
	t.Error("no event for the refused exec")
}

func TestScopeIsTheJailAndItsSubCgroups(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	nested := newCgroup(t, newCgroup(t, f.cgroup))
	beside := newCgroup(t, "")

	_, outside := f.run(f.command(beside, nil, "/bin/true", "outside"))
	_, sub := f.run(f.command(nested, nil, "/bin/true", "nested"))
	_, last := f.inside("/bin/true", "inside")
	events := until(t, p, "exit", exitOf(last))
	for _, e := range events {
		if int(e.Pid) == outside {
			t.Errorf("a process outside was reported: %+v", e)
		}
	}
	e := only(t, events, wire.Exec, sub)
	if e.Jail != f.jail.ID() || e.CgroupID == e.Jail {
		t.Errorf("nested exec in jail %d cgroup %d, want jail %d and its own cgroup", e.Jail, e.CgroupID, f.jail.ID())
	}
}

func TestFullRingIsCounted(t *testing.T) {
	p := loadProbes(t, Options{RingBytes: os.Getpagesize()})
	f := newFixture(t, p, jailConfig())
	const runs = 20
	for i := range runs {
		f.inside("/bin/true", fmt.Sprint(i), strings.Repeat("x", 500))
	}
	s, err := p.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Events[wire.Exec] + s.Lost["exec"]; got != runs || s.Lost["exec"] == 0 {
		t.Errorf("%d events and %d lost, want %d together and some lost", s.Events[wire.Exec], s.Lost["exec"], runs)
	}
	for _, class := range []string{"exec_skipped", "exit_skipped", "fork_skipped", "file_skipped", "connect"} {
		if _, ok := s.Lost[class]; !ok {
			t.Errorf("loss class %q is missing", class)
		}
	}
}

// only returns the one event of a class and process.
func only(t *testing.T, events []wire.Event, class wire.Class, pid int) wire.Event {
	t.Helper()
	var found []wire.Event
	for _, e := range events {
		if e.Class == class && int(e.Pid) == pid {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d %s events of %d, want 1, in %+v", len(found), class, pid, events)
	}
	return found[0]
}
