//go:build kernel

package service_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/seccomp/service"
)

// roleVariable makes the test binary a daemon under a filter.
const roleVariable = "CLAWJAIL_SERVICE_TEST"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	name, what, _ := strings.Cut(role, "/")
	if err := act(name, what); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func act(name, what string) error {
	// Threads that exist already must come under the filter, too.
	stop := make(chan struct{})
	defer close(stop)
	for range 4 {
		go func() { runtime.LockOSThread(); <-stop }()
	}
	var l net.Listener
	if name == service.Egress {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	if err := service.Install(name); err != nil {
		return err
	}
	if addr, dials := strings.CutPrefix(what, "dial:"); dials {
		_, port, _ := net.SplitHostPort(addr)
		c, err := net.Dial("tcp", net.JoinHostPort("localhost", port)) // by a name
		if err != nil {
			return err
		}
		return c.Close()
	}
	switch what {
	case "serve":
		return serve(l)
	case "exec":
		return exec.Command("/bin/true").Run()
	case "chmod":
		return os.Chmod("/nonexistent", 0o600)
	case "create":
		_, err := os.Create(filepath.Join(os.TempDir(), "clawjail-service-test"))
		return err
	case "raw":
		_, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, 1)
		return err
	case "netlink":
		_, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, 0)
		return err
	case "open":
		_, err := os.Open("/etc/passwd")
		return err
	case "socket":
		_, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		return err
	case "internet":
		_, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		return err
	case "datagram":
		_, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
		return err
	case "parse":
		return parse()
	case "signal":
		return unix.Kill(os.Getppid(), 0)
	case "threads":
		return everyThread()
	}
	return errors.New("unknown role")
}

// serve does what the daemons do: HTTP over TLS both ways on TCP
// connections, UDP, files, garbage collections.
func serve(l net.Listener) error {
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	web := &httptest.Server{Listener: l, Config: &http.Server{Handler: echo}}
	web.StartTLS()
	defer web.Close()
	resp, err := web.Client().Post(web.URL, "text/plain", strings.NewReader(strings.Repeat("x", 1<<20)))
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil || n != 1<<20 {
		return fmt.Errorf("echoed %d bytes: %w", n, err)
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer udp.Close()
	if _, err := udp.WriteTo([]byte("x"), udp.LocalAddr()); err != nil {
		return err
	}
	if _, _, err := udp.ReadFrom(make([]byte, 1)); err != nil {
		return err
	}
	if _, err := os.ReadFile("/etc/passwd"); err != nil {
		return err
	}
	for range 3 {
		runtime.GC()
	}
	fmt.Println("served")
	return nil
}

// parse does what the parser does: compute, with threads and memory, from its
// stdin to its stdout.
func parse() error {
	b, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for range 3 {
				_ = bytes.Repeat(append(b, 'x'), 1<<16)
				runtime.GC()
			}
		})
	}
	done.Wait()
	_, err = fmt.Println("parsed")
	return err
}

// everyThread reads the kernel's word on each thread of this process.
func everyThread() error {
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(tasks) < 5 {
		// Only the gateway may list directories; the egress reads itself.
		tasks = []string{"/proc/self/status"}
	}
	for _, file := range tasks {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !strings.Contains(string(b), "Seccomp:\t2") || !strings.Contains(string(b), "NoNewPrivs:\t1") {
			return fmt.Errorf("%s: not under the filter", file)
		}
	}
	fmt.Println("threads", len(tasks))
	return nil
}

func role(t *testing.T, name, what string) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+name+"/"+what)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestDaemonsWorkUnderTheirFilters(t *testing.T) {
	if out, err := role(t, service.Parser, "parse"); err != nil || out != "parsed\n" {
		t.Errorf("parser: %v\n%s", err, out)
	}
	for _, name := range []string{service.Egress, service.Gateway} {
		for _, what := range []string{"serve", "threads"} {
			if out, err := role(t, name, what); err != nil {
				t.Errorf("%s %s: %v\n%s", name, what, err, out)
			}
		}
	}
	if out, err := role(t, service.Gateway, "threads"); err != nil || strings.HasPrefix(out, "threads 1\n") {
		t.Errorf("not every thread was looked at: %v, %s", err, out)
	}
}

func TestDaemonsAreRefused(t *testing.T) {
	for _, name := range service.Names() {
		for what, want := range map[string]string{
			"create": "operation not permitted", "raw": "operation not permitted",
			"netlink": "operation not permitted", "signal": "operation not permitted",
		} {
			if name == service.SignIn && what == "create" {
				continue // it keeps the users
			}
			if out, err := role(t, name, what); err == nil || !strings.Contains(out, want) {
				t.Errorf("%s %s: %v\n%s", name, what, err, out)
			}
		}
	}
}

// TestTheSignInReachesThisHostAlone: it tells the supervisor what happens, and
// has no other socket than the one that it was given.
func TestTheSignInReachesThisHostAlone(t *testing.T) {
	if out, err := role(t, service.SignIn, "socket"); err != nil {
		t.Errorf("a stream of this host: %v\n%s", err, out)
	}
	for _, what := range []string{"internet", "datagram"} {
		if out, err := role(t, service.SignIn, what); err == nil || !strings.Contains(out, "operation not permitted") {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
}

// TestTheCounterServesNobody: it reads and dials, and neither listens nor talks
// to this host's sockets.
func TestTheCounterServesNobody(t *testing.T) {
	for _, what := range []string{"serve", "socket"} {
		if out, err := role(t, service.Counter, what); err == nil || !strings.Contains(out, "operation not permitted") {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, what := range []string{"open", "threads", "dial:" + l.Addr().String()} {
		if out, err := role(t, service.Counter, what); err != nil {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
}

func TestTheParserOpensNothing(t *testing.T) {
	for _, what := range []string{"open", "socket", "create"} {
		if out, err := role(t, service.Parser, what); err == nil || !strings.Contains(out, "operation not permitted") {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
}

func TestIntrudersAreKilled(t *testing.T) {
	for _, name := range service.Names() {
		_, err := role(t, name, "chmod")
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGSYS {
			t.Errorf("%s chmod: %v, want SIGSYS", name, err)
		}
		// The runtime forks with clone flags of its own, which are refused
		// before anything could be executed.
		if out, err := role(t, name, "exec"); err == nil {
			t.Errorf("%s executed: %s", name, out)
		}
	}
}
