//go:build kernel

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
)

// TestMain lets this program be the gateway.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "gateway" {
		os.Args = append(os.Args[:1], os.Args[2:]...)
		main()
		os.Exit(0)
	}
	if len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "-listen") { // executed again, or alone
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// supervisor answers for counters on a socket that everybody may reach.
func supervisor(t *testing.T) (socket string, stop func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "clawjail-gateway-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "control.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, socket} {
		if err := os.Chmod(name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/stats", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(api.Stats{Tier: "notify", Jails: map[api.State]uint64{api.StateRunning: 3}})
	})
	srv := &http.Server{Handler: mux}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	stop = func() {
		_ = srv.Close()
		<-done
	}
	t.Cleanup(stop)
	return socket, stop
}

// TestGateway: the program as root starts it, in its own user and under its
// filter, answers everything it is for.
func TestGateway(t *testing.T) {
	socket, stop := supervisor(t)
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "gateway", "-listen=127.0.0.1:0", "-socket="+socket, "-user=64902")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewReader(stderr)
	line, err := log.ReadString('\n')
	m := regexp.MustCompile(`address=(\S+) uid=(\d+)`).FindStringSubmatch(line)
	if err != nil || m == nil || m[2] != "64902" {
		t.Fatalf("first line %q, %v", line, err)
	}
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		_, _ = io.Copy(io.Discard, log)
	}()
	text := scrape(t, m[1])
	for _, want := range []string{"clawjail_up 1", `clawjail_jails{state="running"} 3`, "process_open_fds ", "process_resident_memory_bytes ", "go_goroutines "} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	stop()
	for !strings.Contains(text, "\nclawjail_up 0\n") { // an answer may be used again for a moment
		text = scrape(t, m[1])
		if t.Context().Err() != nil {
			return
		}
	}
	if strings.Contains(text, "clawjail_jails{") {
		t.Errorf("old values without a supervisor:\n%s", text)
	}
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-rest
	if err := cmd.Wait(); err != nil {
		t.Errorf("its end: %v", err)
	}
}

func scrape(t *testing.T, address string) string {
	t.Helper()
	c := http.Client{Timeout: 10 * time.Second}
	defer c.CloseIdleConnections()
	res, err := c.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestGatewayBecomesWhoTheConfigurationSays: the supervisor answers that user
// and no other.
func TestGatewayBecomesWhoTheConfigurationSays(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"clawjail", "clawjail-gateway"} {
		c := exec.Command("go", "build", "-o", filepath.Join(dir, name), "clawjail/cmd/"+name)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	path := filepath.Join(dir, "config.yaml")
	tests := []struct{ name, text, want string }{
		{"a user of its own", "version: 1\nusers:\n  gateway: {uid: 64999, gid: 64998}\n", " uid=64999\n"},
		{"nothing about it", "version: 1\n", " uid=64902\n"},
		{"a mistake", "version: 1\nusers: {gatway: {}}\n", "did you mean \"gateway\"?\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			c := exec.CommandContext(t.Context(), filepath.Join(dir, "clawjail-gateway"), "-listen=127.0.0.1:0", "-config="+path)
			stderr, err := c.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
			log := bufio.NewReader(stderr)
			for line := ""; !strings.HasSuffix(line, tt.want); {
				if line, err = log.ReadString('\n'); err != nil {
					t.Fatalf("%q did not come: %q, %v", tt.want, line, err)
				}
			}
		})
	}
}
