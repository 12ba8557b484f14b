//go:build kernel

package stage_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/stage"
	"clawjail/seccomp"
	"clawjail/seccomp/compiler"
)

// nobody is who the stage runs as in these tests.
const nobody = 65534

var binaries = struct{ dir, stage, victim string }{}

func TestMain(m *testing.M) {
	if name := os.Getenv(loopVariable); name != "" {
		if err := loop(name); err != nil {
			panic(err)
		}
		return
	}
	dir, err := os.MkdirTemp("", "clawjail-stage-test")
	if err != nil {
		panic(err)
	}
	binaries.dir, binaries.stage, binaries.victim = dir, filepath.Join(dir, "clawjail-stage"), filepath.Join(dir, "victim")
	for file, pkg := range map[string]string{binaries.stage: "clawjail/cmd/clawjail-stage", binaries.victim: "clawjail/test/victim"} {
		build := exec.Command("go", "build", "-o", file, pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			panic(string(out))
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// abi is what this kernel has; every tier has some.
func abi(t testing.TB) int {
	t.Helper()
	v, err := ll.LandlockGetABIVersion()
	if err != nil {
		t.Fatalf("Landlock: %v", err)
	}
	return v
}

func baseFilter(t testing.TB) []byte {
	t.Helper()
	b, err := compiler.Compile(seccomp.Base())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// launched is a stage, seen from the shim's side.
type launched struct {
	cmd    *exec.Cmd
	conn   *net.UnixConn
	out    bytes.Buffer
	errOut bytes.Buffer
}

// launch starts a stage with this config file, as the test user.
func launch(t testing.TB, config *os.File, uid uint32) *launched {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		t.Fatal(err)
	}
	l := &launched{conn: conn.(*net.UnixConn), cmd: exec.Command(binaries.stage)}
	if err := l.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	l.cmd.Env, l.cmd.Dir = []string{}, "/"
	l.cmd.WaitDelay = 5 * time.Second // a grandchild may hold the output open
	l.cmd.Stdout, l.cmd.Stderr = &l.out, &l.errOut
	l.cmd.ExtraFiles = []*os.File{config, theirs}
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: nobody}, Pdeathsig: unix.SIGKILL}
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	config.Close()
	t.Cleanup(func() {
		l.conn.Close()
		if l.cmd.ProcessState == nil {
			l.cmd.Process.Kill()
			l.cmd.Wait()
		}
	})
	return l
}

func start(t testing.TB, c stage.Config) *launched {
	t.Helper()
	config, err := c.File()
	if err != nil {
		t.Fatal(err)
	}
	return launch(t, config, nobody)
}

// released goes through the whole handshake; the caller waits for the command.
func released(t testing.TB, c stage.Config) (*launched, *os.File) {
	t.Helper()
	l := start(t, c)
	m, listener, err := stage.Await(l.conn)
	if err != nil || m.Type != "ready" {
		t.Fatalf("want ready, got %+v, %v", m, err)
	}
	t.Cleanup(func() { listener.Close() })
	if err := stage.Release(l.conn); err != nil {
		t.Fatal(err)
	}
	return l, listener
}

// refusal returns the error that the stage reports, and its exit status.
func (l *launched) refusal(t testing.TB) (stage.Message, int) {
	t.Helper()
	m, listener, err := stage.Await(l.conn)
	if err != nil || listener != nil {
		t.Fatalf("want an error message, got %+v, %v", m, err)
	}
	return m, l.wait(t)
}

func (l *launched) wait(t testing.TB) int {
	t.Helper()
	err := l.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return l.cmd.ProcessState.ExitCode()
}

// config shows the whole host read-only and dir writable.
func config(t testing.TB, dir string, argv ...string) stage.Config {
	t.Helper()
	return stage.Config{
		Filter: baseFilter(t), LandlockABI: abi(t), Cwd: "/", Argv: argv,
		Env: []string{"PATH=/usr/bin:/bin", "TMPDIR=" + dir, "HOME=" + dir},
		Landlock: []jail.PathRule{
			{Path: "/", Exec: true, Dir: true}, {Path: dir, Write: true, Exec: true, Dir: true},
			{Path: "/dev", Write: true, Dir: true},
		},
	}
}

// ownDir is a directory of the test user.
func ownDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(binaries.dir, "own")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestVictimIsRefusedAndWorks(t *testing.T) {
	l, _ := released(t, config(t, ownDir(t), binaries.victim))
	if m, _, err := stage.Await(l.conn); err != io.EOF {
		t.Fatalf("after the exec: want end of file, got %+v, %v", m, err)
	}
	if status := l.wait(t); status != 0 {
		t.Errorf("exit status %d, stderr:\n%s", status, l.errOut.String())
	}
	if n := strings.Count(l.out.String(), "\n"); n < 130 {
		t.Errorf("only %d lines:\n%s", n, l.out.String())
	}
}

func TestListenerBelongsToTheFilterAndIsNotInherited(t *testing.T) {
	l, listener := released(t, config(t, ownDir(t), "sh", "-c", "ls -l /proc/self/fd | grep -c -- '->'; cat /proc/self/status"))
	link, err := os.Readlink("/proc/self/fd/" + itoa(listener.Fd()))
	if err != nil || !strings.Contains(link, "seccomp notify") {
		t.Errorf("listener is %q, %v", link, err)
	}
	if status := l.wait(t); status != 0 {
		t.Fatalf("exit status %d: %s", status, l.errOut.String())
	}
	lines := strings.Split(l.out.String(), "\n")
	// 0, 1, 2, and the directory that ls reads.
	if lines[0] != "4" {
		t.Errorf("%s descriptors in the agent, want 4", lines[0])
	}
	for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "Seccomp_filters:\t1", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000"} {
		if !strings.Contains(l.out.String(), want) {
			t.Errorf("/proc/self/status lacks %q", want)
		}
	}
}

func TestBytesOfArgumentsArrive(t *testing.T) {
	odd := "line\nnext\x1b[31m\xff\xfe"
	big := strings.Repeat("x", 100<<10)
	c := config(t, ownDir(t), "printf", "%s|", odd, big, "")
	c.Env = append(c.Env, "ODD="+odd)
	l, _ := released(t, c)
	if status := l.wait(t); status != 0 {
		t.Fatal(l.errOut.String())
	}
	if want := odd + "|" + big + "||"; l.out.String() != want {
		t.Errorf("arguments changed: %d bytes, want %d", l.out.Len(), len(want))
	}
}

func TestTwoMegabytesOfArguments(t *testing.T) {
	argv := []string{"sh", "-c", "echo $#", "sh"}
	for range 20 {
		argv = append(argv, strings.Repeat("a", 100<<10))
	}
	l, _ := released(t, config(t, ownDir(t), argv...))
	if status := l.wait(t); status != 0 || l.out.String() != "20\n" {
		t.Errorf("status %d, %q, %s", status, l.out.String(), l.errOut.String())
	}
}

func TestLimitOfOpenFilesIsNotTheRuntimes(t *testing.T) {
	l, _ := released(t, config(t, ownDir(t), "sh", "-c", "ulimit -Sn"))
	l.wait(t)
	want, err := exec.Command("sh", "-c", "ulimit -Sn").Output()
	if err != nil || l.out.String() != string(want) {
		t.Errorf("soft limit %q, outside %q, %v", l.out.String(), want, err)
	}
}

func itoa(fd uintptr) string {
	const digits = "0123456789"
	if fd < 10 {
		return digits[fd : fd+1]
	}
	return itoa(fd/10) + digits[fd%10:fd%10+1]
}
