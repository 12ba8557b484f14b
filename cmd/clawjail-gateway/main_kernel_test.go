//go:build kernel

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
	"clawjail/supervisor/notify"
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

// supervisor answers for counters on a socket that everybody may reach, and
// gives out what is due once.
func supervisor(t *testing.T, due notify.Due) (socket string, reports <-chan notify.Report, stop func()) {
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
	dues, reported := make(chan notify.Due, 1), make(chan notify.Report, 8)
	dues <- due
	mux.HandleFunc("GET /v1/gateway/due", func(w http.ResponseWriter, r *http.Request) {
		select {
		case d := <-dues:
			_ = json.NewEncoder(w).Encode(d)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /v1/gateway/report", func(w http.ResponseWriter, r *http.Request) {
		var rs []notify.Report
		if err := json.NewDecoder(r.Body).Decode(&rs); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, r := range rs {
			reported <- r
		}
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
	return socket, reported, stop
}

// TestGateway: the program as root starts it, in its own user and under its
// filter, answers everything it is for.
func TestGateway(t *testing.T) {
	heard := make(chan string, 4)
	hooks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		heard <- r.URL.Path + " " + string(b)
	}))
	defer hooks.Close()
	m1 := notify.Message{ID: "m", Time: time.Now(), Category: notify.Incident, Event: "opened", Title: "stands still"}
	socket, reports, stop := supervisor(t, notify.Due{
		Routes: []notify.Route{
			{Channel: config.Channel{Name: "hook", Kind: config.Webhook, URL: hooks.URL + "/hook"}, Secret: []byte("not-a-secret")},
			{Channel: config.Channel{Name: "chat", Kind: config.Slack}, URL: hooks.URL + "/chat"},
			{Channel: config.Channel{Name: "name", Kind: config.Webhook, URL: "http://localhost:1/"}, Secret: []byte("not-a-secret")},
		},
		Deliveries: []notify.Delivery{{ID: "m.hook", Channel: "hook", Message: m1}, {ID: "m.chat", Channel: "chat", Message: m1}, {ID: "m.name", Channel: "name", Message: m1}},
	})
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
	for range 3 { // the last one has nobody to listen, and a name that is looked up
		if r := <-reports; (r.Error != "") != (r.ID == "m.name") || r.Error != "" && !strings.Contains(r.Error, "refused") {
			t.Errorf("%+v", r)
		}
	}
	for range 2 {
		if h := <-heard; !strings.Contains(h, "stands still") {
			t.Errorf("heard %q", h)
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
