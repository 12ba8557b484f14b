//go:build kernel

package bpf

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/seccomp/notify"
)

// speaker is a program whose very first system call writes the first byte of
// its argv[1]: what it does not write it did not live to do.
func speaker() []byte {
	code := []byte{
		0x48, 0x8b, 0x74, 0x24, 0x10, // mov rsi, [rsp+16]
		0xbf, 1, 0, 0, 0, // mov edi, 1
		0xba, 1, 0, 0, 0, // mov edx, 1
		0xb8, 1, 0, 0, 0, // mov eax, SYS_WRITE
		0x0f, 0x05, // syscall
		0x31, 0xff, // xor edi, edi
		0xb8, 60, 0, 0, 0, // mov eax, SYS_EXIT
		0x0f, 0x05, // syscall
	}
	const base, header = 0x400000, 64 + 56
	var b bytes.Buffer
	for _, v := range []any{
		[16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, uint16(2), uint16(62), uint32(1), uint64(base + header),
		uint64(64), uint64(0), uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0),
		uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), uint64(header + len(code)), uint64(header + len(code)), uint64(4096),
		code,
	} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

func writeProgram(t testing.TB, path string, body []byte) string {
	t.Helper()
	if err := os.WriteFile(path, body, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// gated is a process in a gated jail whose executions the test answers.
type gated struct {
	t      testing.TB
	f      *fixture
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	listen *notify.Listener
}

// startGated runs an action of victimGated; it waits for go.
func startGated(t testing.TB, f *fixture, args ...string) *gated {
	t.Helper()
	g := &gated{t: t, f: f}
	g.cmd = f.command(f.cgroup, []string{"BPF_VICTIM=gated"}, append([]string{"/proc/self/exe"}, args...)...)
	g.cmd.Stderr = os.Stderr
	var err error
	if g.in, err = g.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	g.out = bufio.NewReader(out)
	f.thread.do(func() { err = g.cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	line, err := g.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the victim did not get ready: %q %v", line, err)
	}
	fd, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	pidfd, err := unix.PidfdOpen(g.cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	mine, err := unix.PidfdGetfd(pidfd, fd, 0)
	if err != nil {
		t.Fatal(err)
	}
	if g.listen, err = notify.Open(os.NewFile(uintptr(mine), "listener")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.listen.Close() })
	return g
}

// serve answers calls with decide until the victim has ended, and returns what
// it and its children wrote.
func (g *gated) serve(decide func(notify.Call)) string {
	g.t.Helper()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			call, err := g.listen.Recv()
			if err != nil {
				if !errors.Is(err, notify.ErrClosed) {
					g.t.Error(err)
				}
				return
			}
			decide(call)
		}
	})
	if err := g.in.Close(); err != nil {
		g.t.Error(err)
	}
	out, err := io.ReadAll(g.out)
	if err != nil {
		g.t.Error(err)
	}
	_ = g.cmd.Wait()
	g.listen.Interrupt()
	serving.Wait()
	return string(out)
}

// allow puts the token and lets the call go on.
func (g *gated) allow(call notify.Call, t ExecToken) {
	if _, err := g.f.jail.PutExec(t); err != nil {
		g.t.Error(err)
	}
	g.goOn(call)
}

func (g *gated) goOn(call notify.Call) {
	if err := g.listen.Continue(call.ID); err != nil && !errors.Is(err, notify.ErrGone) {
		g.t.Error(err)
	}
}

// token is what the call should turn out to be.
func (f *fixture) token(tid int32, argv, env []string, files ...string) ExecToken {
	f.t.Helper()
	tok := ExecToken{TGID: tgidOf(f.t, tid), TID: tid, Argv: argv, Env: env, TTL: patience}
	for _, path := range files {
		tok.Files = append(tok.Files, f.identify(path))
	}
	cwd := f.identify(fmt.Sprintf("/proc/%d/cwd", tid))
	tok.CwdDev, tok.CwdIno = cwd.Dev, cwd.Ino
	return tok
}

func (f *fixture) identify(path string) FileID {
	f.t.Helper()
	file, err := os.OpenFile(path, unix.O_PATH, 0)
	if err != nil {
		f.t.Error(err)
		return FileID{}
	}
	defer file.Close()
	id, err := f.probes.Identify(file)
	if err != nil {
		f.t.Error(err)
	}
	return id
}

func statID(t testing.TB, path string) FileID {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Errorf("stat %s: %v", path, err)
	}
	return FileID{Dev: kernelDev(st.Dev), Ino: st.Ino, CtimeNS: st.Ctim.Nano(), Size: st.Size}
}

func tgidOf(t testing.TB, tid int32) int32 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		t.Error(err)
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "\nTgid:")
	var tgid int32
	if _, err := fmt.Sscan(rest, &tgid); err != nil {
		t.Error(err)
	}
	return tgid
}

// victimGated traps its executions, says which descriptor receives them, waits
// for the end of its input and acts.
func victimGated() int {
	fd, err := trapExec()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(fd)
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return 1
	}
	unix.Close(fd)
	args := os.Args[2:]
	switch os.Args[1] {
	case "spawn":
		return gatedSpawn(args)
	case "thread":
		done := make(chan error)
		go execFromThread(args, done)
		fmt.Println(<-done)
		return 1
	case "two":
		done := make(chan error)
		go execFromThread([]string{args[0], "1"}, done)
		go execFromThread([]string{args[0], "2"}, done)
		fmt.Println(<-done, <-done)
		return 1
	case "time":
		return timeExec(args)
	case "flip":
		return gatedFlip(args)
	case "long":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return 1
		}
		// A quarter of the stack's limit may be arguments.
		if err := unix.Setrlimit(unix.RLIMIT_STACK, &unix.Rlimit{Cur: 64 << 20, Max: 64 << 20}); err != nil {
			return 1
		}
		return gatedSpawn(append([]string{"1", args[0]}, longArgs(n)...))
	}
	return 2
}

// longArgs are n bytes of arguments, NULs counted.
func longArgs(n int) []string {
	var list []string
	for n > 0 {
		size := min(n, 100_000)
		list = append(list, strings.Repeat("x", size-1))
		n -= size
	}
	return list
}

// gatedEnv is the environment of everything that the victim starts.
var gatedEnv = []string{"GATED=1", "EMPTY="}

// gatedSpawn is "N PROGRAM ARGS": vfork, execute, and tell how it ended.
func gatedSpawn(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return 1
	}
	for range n {
		pid, err := syscall.ForkExec(args[1], args[1:], &syscall.ProcAttr{Env: gatedEnv, Files: []uintptr{0, 1, 2}})
		if err != nil {
			fmt.Println(err)
			continue
		}
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
			fmt.Println(err)
		}
		if status.Signaled() {
			fmt.Println(status.Signal())
		} else {
			fmt.Println("exit", status.ExitStatus())
		}
	}
	return 0
}

// execFromThread executes from a thread that is not the leader.
func execFromThread(args []string, done chan error) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		go execFromThread(args, done)
		select {}
	}
	done <- rawExec(args, gatedEnv)
}

// timeExec is "N PROGRAM ARGS": the least nanoseconds of N executions.
func timeExec(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return 1
	}
	best := time.Duration(1 << 62)
	for range n {
		start := time.Now()
		pid, err := syscall.ForkExec(args[1], args[1:], &syscall.ProcAttr{Env: gatedEnv, Files: []uintptr{0, 1, 2}})
		if err != nil {
			return 1
		}
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil || status.ExitStatus() != 0 {
			return 1
		}
		best = min(best, time.Since(start))
	}
	fmt.Println(best.Nanoseconds())
	return 0
}

func gatedFlip(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return 1
	}
	f, err := newFlipper(args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go f.flip()
	if err := f.run(n); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// gatedJail is a fixture with the gate on, and a directory with a speaker.
func gatedJail(t testing.TB) (f *fixture, speak string) {
	t.Helper()
	p := loadProbes(t, Options{})
	f = newFixture(t, p, jailConfig())
	if err := f.jail.Gate(true); err != nil {
		t.Fatal(err)
	}
	return f, writeProgram(t, filepath.Join(t.TempDir(), "speak"), speaker())
}

// waitExpired returns when a token of that TTL cannot be valid any more.
func waitExpired(t testing.TB, ttl time.Duration) {
	t.Helper()
	start, err := bootTime()
	for now := start; err == nil && now <= start+ttl; now, err = bootTime() {
	}
	if err != nil {
		t.Error(err)
	}
}
