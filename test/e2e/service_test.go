//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// service starts one of the daemons as a service manager would; it ends with
// the test, in order.
func service(t *testing.T, name string, environ []string, args ...string) (stderr *bufio.Reader) {
	t.Helper()
	c := exec.Command(bin(t, name), args...)
	c.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, environ...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("%s: its end: %v", name, err)
		}
		r.Close()
	})
	return bufio.NewReader(r)
}

// TestServices: the daemon and the gateway as their units start them, with a
// service manager that wants to be told, and a scrape that Debian's promtool
// accepts.
func TestServices(t *testing.T) {
	if !ownHost(t, "users:\n  gateway: {uid: 64911, gid: 64911}\n", 16<<20) {
		return
	}
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	service(t, "clawjaild", []string{"NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=200000"})
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		b := make([]byte, 64)
		n, err := manager.Read(b)
		if err != nil || string(b[:n]) != want {
			t.Fatalf("the service manager was told %q, not %q: %v", b[:n], want, err)
		}
	}
	dir := workspace(t)
	if o := jail(t, run{Workspace: dir, Argv: []string{"sh", "-c", "true; curl -s -m 5 https://evil.example.net"}}); o.Code == 0 {
		t.Errorf("%v", o)
	}
	detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})

	log := service(t, "clawjail-gateway", nil, "-listen=127.0.0.1:0")
	line, err := log.ReadString('\n')
	m := regexp.MustCompile(`address=(\S+) uid=64911`).FindStringSubmatch(line)
	if err != nil || m == nil {
		t.Fatalf("the gateway says %q, %v", line, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m[1]+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{"clawjail_up 1\n", `clawjail_jails{state="running"} 1`, `clawjail_decisions_total{gate="exec",verdict="audit"}`, `clawjail_decisions_total{gate="dns",verdict="deny"}`, `clawjail_jail_events_total{event="start"} 2`, `clawjail_start_seconds_count 2`, "go_goroutines ", "process_open_fds "} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	c := exec.CommandContext(ctx, "promtool", "check", "metrics")
	c.Stdin = strings.NewReader(text)
	if out, err := c.CombinedOutput(); err != nil || len(out) != 0 {
		t.Errorf("promtool (Debian package prometheus): %v\n%s", err, out)
	}
}
