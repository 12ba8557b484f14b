package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clawjail/supervisor/api"
	"clawjail/test/golden"
)

// busy is a supervisor that has seen everything.
func busy() api.Stats {
	return api.Stats{
		Version: "0.1", Tier: "notify",
		Decisions:      []api.DecisionCount{{Gate: "exec", Verdict: "allow", Count: 1200}, {Gate: "exec", Verdict: "deny", Count: 3}, {Gate: "egress", Verdict: "allow", Count: 17}},
		HoldsPending:   map[string]uint64{"exec": 2},
		HoldSeconds:    api.Histogram{Bounds: []float64{1, 10, 60}, Buckets: []uint64{0, 1, 4}, Count: 5, Sum: 312.5},
		VerifyMismatch: map[string]uint64{"exec": 1},
		EventsLost:     map[string]uint64{"open_write": 12, "exec_skipped": 1},
		Notices:        map[string]uint64{"exec": 3},
		Incidents:      map[string]uint64{"assessed": 1, "closed": 4},
		AuditRecords:   5000, AuditErrors: 2, AuditUnsigned: 11, AuditSealErrors: 1, StartTimeUnix: 1795000000.5,
		Jails:         map[api.State]uint64{api.StateRunning: 4, api.StateFrozen: 1},
		FreezeSeconds: api.Histogram{Bounds: []float64{0.001, 0.01}, Buckets: []uint64{7, 9}, Count: 9, Sum: 0.012},
		StartSeconds:  api.Histogram{Bounds: []float64{0.01, 0.1}, Buckets: []uint64{3, 5}, Count: 5, Sum: 0.06},
		AuditBytes:    123456, SupervisorBytes: 40 << 20,
		JailEvents:   map[string]uint64{"start": 5, "adopt": 2, "unheard-of": 1},
		PeopleEvents: []api.EventCount{{Event: "sign-in", Verdict: "allow", Count: 4}, {Event: "sign-in", Verdict: "deny", Count: 9}},
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func serve(t *testing.T, source Source) *httptest.Server {
	t.Helper()
	h, err := Handler(NewCollector(source, "0.1", nil), quiet())
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", url, res.StatusCode, err, b)
	}
	return string(b)
}

// ours keeps the lines about clawjail, without what differs between builds.
func ours(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, "clawjail_") && !strings.HasPrefix(line, "clawjail_build_info{") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func constant(s api.Stats) Source {
	return func(context.Context) (api.Stats, error) { return s, nil }
}

func away(context.Context) (api.Stats, error) {
	return api.Stats{}, errors.New("no supervisor is running")
}

func TestGolden(t *testing.T) {
	tests := []struct {
		file   string
		source Source
	}{{"busy.txt", constant(busy())}, {"fresh.txt", constant(api.Stats{Tier: "lsm"})}, {"away.txt", away}}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got := ours(get(t, serve(t, tt.source).URL+"/metrics"))
			name := filepath.Join("testdata", tt.file)
			golden.Check(t, name, got)
		})
	}
}

// TestPromtool holds names, HELP and TYPE to Prometheus' own rules.
func TestPromtool(t *testing.T) {
	for name, source := range map[string]Source{"busy": constant(busy()), "away": away} {
		text := get(t, serve(t, source).URL+"/metrics")
		cmd := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: promtool (Debian package prometheus): %v\n%s", name, err, out)
		}
		for _, want := range []string{"go_goroutines", "process_resident_memory_bytes", "clawjail_build_info{"} {
			if !strings.Contains(text, "\n"+want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
	}
}

// TestSupervisorGoes: what was is not served as if it were, and what comes back
// is.
func TestSupervisorGoes(t *testing.T) {
	var gone atomic.Bool
	var reports []string
	c := NewCollector(func(context.Context) (api.Stats, error) {
		if gone.Load() {
			return api.Stats{}, errors.New("gone")
		}
		return busy(), nil
	}, "0.1", func(err error) { reports = append(reports, fmt.Sprint(err)) })
	now := time.Now()
	c.now = func() time.Time { return now }
	h, err := Handler(c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	scrape := func() string {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return rec.Body.String()
	}
	for i, state := range []bool{false, true, true, false} {
		gone.Store(state)
		now = now.Add(2 * reuse)
		text := scrape()
		if up := strings.Contains(text, "\nclawjail_up 1\n"); up == state {
			t.Errorf("scrape %d: up %v", i, up)
		}
		if old := strings.Contains(text, "clawjail_jails{"); old == state {
			t.Errorf("scrape %d: has the supervisor's metrics: %v", i, old)
		}
	}
	if got := strings.Join(reports, "|"); got != "gone|<nil>" {
		t.Errorf("reports %s", got)
	}
}

// TestReuse: the root process is not asked more often than it must be.
func TestReuse(t *testing.T) {
	asked := 0
	c := NewCollector(func(context.Context) (api.Stats, error) {
		asked++
		return busy(), nil
	}, "", nil)
	now := time.Now()
	c.now = func() time.Time { return now }
	for _, step := range []struct {
		pass time.Duration
		want int
	}{{0, 1}, {reuse / 2, 1}, {reuse, 2}, {-time.Hour, 3}, {0, 3}} {
		now = now.Add(step.pass)
		if _, err := c.ask(); err != nil || asked != step.want {
			t.Errorf("after %v: asked %d times, want %d (%v)", step.pass, asked, step.want, err)
		}
	}
}

// TestLabels: no text of a jail's becomes a label, whatever the supervisor says.
func TestLabels(t *testing.T) {
	s := busy()
	hostile := "/home/me/secret\n10.0.0.1"
	s.Tier = hostile
	s.Decisions = append(s.Decisions, api.DecisionCount{Gate: hostile, Verdict: hostile, Count: 1}, api.DecisionCount{Gate: "evil.example", Verdict: "4711", Count: 2})
	s.HoldsPending[hostile], s.VerifyMismatch[hostile], s.EventsLost[hostile], s.Jails[api.State(hostile)] = 1, 1, 1, 1
	s.EventsLost["evil.example"] = 4
	text := ours(get(t, serve(t, constant(s)).URL+"/metrics"))
	for _, bad := range []string{"secret", "10.0.0.1", "evil", "4711"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in\n%s", bad, text)
		}
	}
	for _, want := range []string{`clawjail_decisions_total{gate="other",verdict="other"} 3`, `clawjail_events_lost_total{class="other"} 5`,
		`clawjail_tier_info{tier="other"} 1`, `clawjail_jails{state="other"} 1`, "clawjail_up 1"} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if got := label(strings.Repeat("ä", 100) + "\xff"); len(got) > 64 || !strings.HasPrefix(got, "ä") {
		t.Errorf("label %q", got)
	}
}

func TestBadHistogram(t *testing.T) {
	tests := []struct {
		name string
		h    api.Histogram
	}{
		{"a bucket too few", api.Histogram{Bounds: []float64{1, 2}, Buckets: []uint64{1}, Count: 1}},
		{"bounds that fall", api.Histogram{Bounds: []float64{2, 1}, Buckets: []uint64{1, 1}, Count: 1}},
		{"buckets that fall", api.Histogram{Bounds: []float64{1, 2}, Buckets: []uint64{2, 1}, Count: 2}},
		{"more in a bucket than there are", api.Histogram{Bounds: []float64{1}, Buckets: []uint64{2}, Count: 1}},
		{"too many", api.Histogram{Bounds: make([]float64, 1000), Buckets: make([]uint64, 1000)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := busy()
			s.FreezeSeconds = tt.h
			text := ours(get(t, serve(t, constant(s)).URL+"/metrics"))
			if !strings.Contains(text, "clawjail_up 0\n") || strings.Contains(text, "clawjail_jails") {
				t.Errorf("metrics\n%s", text)
			}
		})
	}
}

func TestRequests(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, err := Handler(NewCollector(constant(busy()), "", nil), quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, h, quiet()) }()
	url := "http://" + l.Addr().String()
	tests := []struct {
		method, path string
		header       string
		body         io.Reader
		want         int
	}{
		{http.MethodGet, "/metrics", "", nil, http.StatusOK},
		{http.MethodHead, "/metrics", "", nil, http.StatusOK},
		{http.MethodGet, "/healthz", "", nil, http.StatusOK},
		{http.MethodPost, "/metrics", "", strings.NewReader("x"), http.StatusMethodNotAllowed},
		{http.MethodGet, "/", "", nil, http.StatusNotFound},
		{http.MethodGet, "/metrics/../v1/jails", "", nil, http.StatusNotFound},
		{http.MethodGet, "/metrics", strings.Repeat("x", 2*maxHeaderBytes), nil, http.StatusRequestHeaderFieldsTooLarge},
	}
	for _, tt := range tests {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, url+tt.path, tt.body)
		if err != nil {
			t.Fatal(err)
		}
		if tt.header != "" {
			req.Header.Set("X-Long", tt.header)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s %s: %v", tt.method, tt.path, err)
			continue
		}
		res.Body.Close()
		if res.StatusCode != tt.want {
			t.Errorf("%s %s: status %d, want %d", tt.method, tt.path, res.StatusCode, tt.want)
		}
	}
	// A client that never says what it wants does not keep the server up.
	slow, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := slow.Write([]byte("GET /metrics")); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestStatsForm holds the collector to what crosses the socket.
func TestStatsForm(t *testing.T) {
	b, err := json.Marshal(busy())
	if err != nil {
		t.Fatal(err)
	}
	var back api.Stats
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(busy(), back); d != "" {
		t.Error(d)
	}
}

func TestParseAccount(t *testing.T) {
	tests := []struct {
		in   string
		want Account
		err  string
	}{
		{"64902:64903", Account{64902, 64903}, ""},
		{"64902", Account{64902, 64902}, ""},
		{"0", Account{}, "is root"},
		{"5:0", Account{}, "is root"},
		{"root", Account{}, "is root"},
		{"no-such-user-here", Account{}, "unknown user"},
		{"-1", Account{}, "write a name, uid or uid:gid"},
		{"4294967295", Account{}, "write a name, uid or uid:gid"},
		{"a:b", Account{}, "write a name, uid or uid:gid"},
		{"", Account{}, "user"},
	}
	for _, tt := range tests {
		got, err := ParseAccount(tt.in)
		if tt.err == "" && (err != nil || got != tt.want) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("ParseAccount(%q) = %v, %v", tt.in, got, err)
		}
	}
}
