//go:build kernel

package bpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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
		tok := f.token(call.TID, []string{speak, "hello"}, gatedEnv, speak)
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
				tok := f.token(call.TID, []string{speak, "x", "y"}, gatedEnv, speak)
				row.change(&tok)
				pid = tok.TGID
				if _, err := f.jail.PutExec(tok); err != nil {
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
	if want := died(f, want); out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	events := until(t, f.probes, "exit", exitOf(int(pid)))
	e := only(t, events, wire.ExecRefused, int(pid))
	killed := died(f, want) == "killed\n"
	if e.Reason != want || e.Path == "" || !e.Denied || e.Killed != killed {
		t.Errorf("event %+v, want reason %s", e, want)
	}
}

// died is what the spawning victim says of a refused child: with LSM a file that
// is not the right one is refused, and what comes later kills.
func died(f *fixture, reason wire.Reason) string {
	switch reason {
	case wire.NoToken, wire.Expired, wire.Inode:
		if f.probes.Tier() == TierLSM {
			return "operation not permitted\n"
		}
	case wire.Reused: // what the shell makes of it
		if f.probes.Tier() == TierLSM {
			return "exit 126\n"
		}
	}
	return "killed\n"
}

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
		tok := f.token(call.TID, []string{speak, "x"}, gatedEnv, speak)
		pid = tok.TGID
		if _, err := other.jail.PutExec(tok); err != nil {
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

func TestTokenIsUsedOnce(t *testing.T) {
	f, speak := gatedJail(t)
	// A shell that executes in its own process twice: the second time with the
	// token of the first still there.
	argv := []string{"/bin/sh", "-c", "exec " + speak + " again"}
	g := startGated(t, f, append([]string{"spawn", "1"}, argv...)...)
	var tok ExecToken
	calls := 0
	out := g.serve(func(call notify.Call) {
		if calls++; calls == 1 {
			tok = f.token(call.TID, argv, gatedEnv, realPath(t, "/bin/sh"))
			g.allow(call, tok)
			return
		}
		if tid := call.TID; tid != tok.TID {
			t.Errorf("call of %d, token of %d", tid, tok.TID)
		}
		g.goOn(call)
	})
	checkRefused(t, f, out, tok.TGID, wire.Reused)
	if used, err := f.jail.DropExec(tok.TGID, tok.TID); !used || err != nil {
		t.Errorf("token used: %v, %v", used, err)
	}
}

func realPath(t testing.TB, path string) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExecFromThread(t *testing.T) {
	f, speak := gatedJail(t)
	g := startGated(t, f, "thread", speak, "x")
	out := g.serve(func(call notify.Call) {
		tok := f.token(call.TID, []string{speak, "x"}, gatedEnv, speak)
		if tok.TID == tok.TGID {
			t.Error("the leader executes; it was to be another thread")
		}
		g.allow(call, tok)
	})
	if out != "x" {
		t.Errorf("got %q", out)
	}
}

// Two threads of one process wait at the same time, each with a token of its
// own: one of them runs, with what it was allowed.
func TestTwoThreadsAtOnce(t *testing.T) {
	f, speak := gatedJail(t)
	for range 20 {
		g := startGated(t, f, "two", speak)
		var calls []notify.Call
		out := g.serve(func(call notify.Call) {
			// A signal between the call and our receiving it makes the thread
			// call again. Whoever comes third ends with the execution of another.
			if calls = append(calls, call); len(calls) != 2 {
				return
			}
			for _, c := range calls {
				arg, err := argument(c, 1)
				if err != nil {
					t.Error(err)
				}
				if _, err := f.jail.PutExec(f.token(c.TID, []string{speak, arg}, gatedEnv, speak)); err != nil {
					t.Error(err)
				}
			}
			for _, c := range calls {
				g.goOn(c)
			}
		})
		if out != "1" && out != "2" {
			t.Fatalf("got %q", out)
		}
	}
}

// argument reads one of the arguments of a waiting execve, of one byte.
func argument(call notify.Call, i int64) (string, error) {
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", call.TID))
	if err != nil {
		return "", err
	}
	defer mem.Close()
	var word [8]byte
	if _, err := mem.ReadAt(word[:], int64(call.Args[1])+8*i); err != nil {
		return "", err
	}
	var b [1]byte
	_, err = mem.ReadAt(b[:], int64(binary.LittleEndian.Uint64(word[:])))
	return string(b[:]), err
}

func TestTwoMegabytesOfArguments(t *testing.T) {
	f, speak := gatedJail(t)
	for _, n := range []int{127, 128, 129, 255, 256, 4096, 2 << 20} {
		g := startGated(t, f, "long", speak, strconv.Itoa(n))
		argv := append([]string{speak}, longArgs(n)...)
		out := g.serve(func(call notify.Call) { g.allow(call, f.token(call.TID, argv, gatedEnv, speak)) })
		if out != argv[1][:min(1, n)]+"exit 0\n" {
			t.Errorf("%d bytes: got %q", n, out)
		}
		// The very last byte of the last argument differs.
		g = startGated(t, f, "long", speak, strconv.Itoa(n))
		last := argv[len(argv)-1]
		argv[len(argv)-1] = last[:len(last)-1] + "y"
		var pid int32
		out = g.serve(func(call notify.Call) {
			tok := f.token(call.TID, argv, gatedEnv, speak)
			pid = tok.TGID
			g.allow(call, tok)
		})
		checkRefused(t, f, out, pid, wire.Argv)
	}
}

func TestScriptIsItsInterpreter(t *testing.T) {
	f, speak := gatedJail(t)
	script := writeProgram(t, speak+".script", []byte("#!"+speak+" option\n"))
	outer := writeProgram(t, speak+".outer", []byte("#!"+script+"\n"))
	argv := []string{speak, "option", script, outer, "x"}
	for _, row := range []struct {
		name   string
		change func(*ExecToken)
		want   wire.Reason
	}{
		{"as it is", func(*ExecToken) {}, 0},
		{"another interpreter", func(e *ExecToken) { e.Files[2].Ino++ }, wire.Inode},
		{"arguments as they were given", func(e *ExecToken) { e.Argv = []string{outer, "x", "", "", ""} }, wire.Argv},
	} {
		g := startGated(t, f, "spawn", "1", outer, "x")
		var pid int32
		out := g.serve(func(call notify.Call) {
			tok := f.token(call.TID, argv, gatedEnv, outer, script, speak)
			row.change(&tok)
			pid = tok.TGID
			g.allow(call, tok)
		})
		if row.want != 0 {
			checkRefused(t, f, out, pid, row.want)
		} else if out != "oexit 0\n" {
			t.Errorf("%s: got %q", row.name, out)
		}
	}
}

// What the path leads to changes after it was approved: by a rename over it, and
// by writing into it.
func TestFileSwappedWhileHeld(t *testing.T) {
	f, speak := gatedJail(t)
	for name, swap := range map[string]func(path string) error{
		"renamed over": func(path string) error {
			return os.Rename(writeProgram(t, path+".new", speaker()), path)
		},
		"written into": func(path string) error {
			// The clock of ctime steps; what counts is the change after it.
			before := statID(t, path)
			for statID(t, path).CtimeNS == before.CtimeNS {
				if err := os.WriteFile(path, speaker(), 0o755); err != nil {
					return err
				}
			}
			return nil
		},
		"a link put in place": func(path string) error {
			return errors.Join(os.Remove(path), os.Symlink(speak, path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeProgram(t, filepath.Join(t.TempDir(), "speak"), speaker())
			g := startGated(t, f, "spawn", "1", path, "x")
			var pid int32
			out := g.serve(func(call notify.Call) {
				tok := f.token(call.TID, []string{path, "x"}, gatedEnv, path)
				pid = tok.TGID
				if err := swap(path); err != nil {
					t.Error(err)
				}
				g.allow(call, tok)
			})
			checkRefused(t, f, out, pid, wire.Inode)
		})
	}
}

// raceTries is how often a byte of argv is changed under the kernel's hands.
const raceTries = 10_000

// A sibling flips a byte of argv without pause, in shared memory. The token says
// 'a': whatever runs says so.
func TestFlippedArgumentNeverRuns(t *testing.T) {
	f, speak := gatedJail(t)
	drain(f.probes)
	n := raceTries
	if os.Getenv("CLAWJAIL_TEST_VM") != "" {
		n = 500 // emulated
	}
	var last int32
	g := startGated(t, f, "flip", strconv.Itoa(n), speak)
	out := g.serve(func(call notify.Call) {
		tok := f.token(call.TID, []string{speak, "a"}, nil, speak)
		g.allow(call, tok)
		if last != 0 {
			if _, err := f.jail.DropExec(last, last); err != nil {
				t.Error(err)
			}
		}
		last = tok.TID
	})
	said, ended, _ := strings.Cut(out, "\n")
	t.Logf("%d tries: %d ran; %q", n, len(said), ended)
	if strings.Trim(said, "a") != "" {
		t.Errorf("a program ran with another argument: %q", strings.Trim(said, "a"))
	}
}

// Many at once, none let through: none runs, and each is accounted for.
func TestStormWithoutTokens(t *testing.T) {
	f, speak := gatedJail(t)
	drain(f.probes)
	const launchers = 3
	n := 2000
	if os.Getenv("CLAWJAIL_TEST_VM") != "" {
		n = 100 // emulated
	}
	var all sync.WaitGroup
	for range launchers {
		g := startGated(t, f, "flip", strconv.Itoa(n), speak)
		all.Go(func() {
			out := g.serve(g.goOn)
			if said, _, _ := strings.Cut(out, "\n"); said != "" {
				t.Errorf("%d of %d ran", len(said), n)
			}
		})
	}
	all.Wait()
	s, err := f.probes.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Mismatches["exec"]; got != uint64(launchers*n) {
		t.Errorf("%d refused, want %d", got, launchers*n)
	}
	t.Logf("skipped runs of the copies: %v, events lost: %d", s.CopySkips, s.Lost["exec_refused"])
}

// drain reads events away.
func drain(p *Probes) {
	go func() {
		for {
			if _, err := p.Read(); err != nil {
				return
			}
		}
	}()
}

// BenchmarkGatedExec compares executions of /bin/true: as they are, trapped and
// let go on without a look, and with a token that is verified. The token is the
// cheapest one: its parts are known beforehand.
func BenchmarkGatedExec(b *testing.B) {
	const tries = "300"
	f, _ := gatedJail(b)
	drain(f.probes)
	program := realPath(b, "/bin/true")
	argv := []string{program}
	file, cwd := f.identify(program), f.identify(".")
	nanoseconds := func(out string) (ns float64) {
		if _, err := fmt.Sscan(out, &ns); err != nil {
			b.Fatalf("victim: %q", out)
		}
		return ns
	}
	var bare, trapped, judged []float64
	var last int32
	for range 7 {
		if err := f.jail.Gate(false); err != nil {
			b.Fatal(err)
		}
		out, _ := f.run(f.command(f.cgroup, []string{"BPF_VICTIM=time"}, "/proc/self/exe", tries, program))
		bare = append(bare, nanoseconds(out))
		g := startGated(b, f, "time", tries, program)
		trapped = append(trapped, nanoseconds(g.serve(g.goOn)))
		if err := f.jail.Gate(true); err != nil {
			b.Fatal(err)
		}
		g = startGated(b, f, "time", tries, program)
		judged = append(judged, nanoseconds(g.serve(func(call notify.Call) {
			t := ExecToken{TGID: call.TID, TID: call.TID, Files: []FileID{file}, Argv: argv, Env: gatedEnv,
				CwdDev: cwd.Dev, CwdIno: cwd.Ino, TTL: patience}
			g.allow(call, t)
			if last != 0 {
				if used, err := f.jail.DropExec(last, last); !used || err != nil {
					b.Errorf("token used: %v, %v", used, err)
				}
			}
			last = call.TID
		})))
	}
	base := middle(bare)
	b.ReportMetric(middle(trapped)/base, "trapped/bare")
	b.ReportMetric(middle(judged)/base, "judged/bare")
	b.Logf("bare %.0f ns, trapped %.3f, judged %.3f", base, middle(trapped)/base, middle(judged)/base)
}

func middle(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
