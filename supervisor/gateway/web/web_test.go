package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/gateway/auth/wire"
)

func TestText(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []Part
	}{
		{"", nil},
		{"plain", []Part{{"plain", ""}}},
		{`a\b`, []Part{{`a\\b`, ""}}},
		{"a\u202eb", []Part{{"a", ""}, {`\u202e`, "esc"}, {"b", ""}}},
		{"\x1b\x00", []Part{{`\x1b\x00`, "esc"}}},
		{"\U000e0041", []Part{{`\U000e0041`, "esc"}}},
		{"pаy", []Part{{"p", ""}, {"а", "odd"}, {"y", ""}}},
		{`\u202e`, []Part{{`\\u202e`, ""}}},
	} {
		if d := cmp.Diff(tt.want, Text(tt.in)); d != "" {
			t.Errorf("%q: %s", tt.in, d)
		}
	}
	if n := hiddenIn(Text("\x1b\x00a"), Text("\n")); n != 3 {
		t.Errorf("%d hidden", n)
	}
}

// FuzzText: whatever a jail writes, all of it is shown, and no part of it can
// hide or be taken for an escape that it is not.
func FuzzText(f *testing.F) {
	f.Add("a\u202e\x1b[2J\\x41'\"<script>")
	f.Add(`\`)
	f.Add("\xff\xfe")
	f.Fuzz(func(t *testing.T, s string) {
		ps := Text(s)
		if got := plain(ps); got != escape.String(s) {
			t.Errorf("%q is shown as %q", s, got)
		}
		for _, p := range ps {
			for _, r := range p.Text {
				if escape.Hidden(r) {
					t.Errorf("%q has %U", s, r)
				}
			}
			if p.Kind == "" && strings.ContainsFunc(p.Text, func(r rune) bool { return r > 0x7f }) {
				t.Errorf("%q: %q is not marked", s, p.Text)
			}
		}
	})
}

func TestLocal(t *testing.T) {
	for in, want := range map[string]string{"/jails": "/jails", "/audit?text=a": "/audit?text=a", "": "/approvals", "jails": "/approvals", "//evil.example": "/approvals",
		"https://evil.example": "/approvals", `/\evil.example`: "/approvals", "javascript:alert(1)": "/approvals", "/%zz": "/approvals"} {
		if got := local(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestLimiter(t *testing.T) {
	l := newLimiter(100, 15*time.Minute)
	now := time.Unix(1_800_000_000, 0)
	n := 0
	for range 1000 {
		if _, ok := l.take("a", now); ok {
			n++
		}
	}
	if n != 100 {
		t.Errorf("%d of 100", n)
	}
	if wait, ok := l.take("a", now); ok || wait != 9*time.Second {
		t.Errorf("wait %s, %v", wait, ok)
	}
	if _, ok := l.take("b", now); !ok {
		t.Error("one client uses up what another may")
	}
	if _, ok := l.take("a", now.Add(9*time.Second)); !ok {
		t.Error("it does not refill")
	}
	if _, ok := l.take("a", now.Add(-time.Hour)); ok {
		t.Error("a clock that is set back refills it")
	}
	for i := range maxClients + 10 {
		l.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String(), now)
	}
	if len(l.clients) > maxClients {
		t.Errorf("%d clients are counted", len(l.clients))
	}
}

func TestNetwork(t *testing.T) {
	for in, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8::1:2": "2001:db8::/64", "fe80::1%eth0": "fe80::/64"} {
		if got := network(netip.MustParseAddr(in)); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// TestRenewals: requests of one browser that come at once use its refresh token
// once.
func TestRenewals(t *testing.T) {
	n := &renewals{done: map[string]*renewal{}}
	var asked atomic.Int32
	fn := func(context.Context, string) (wire.Tokens, error) {
		asked.Add(1)
		return wire.Tokens{Access: "a"}, nil
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got, err := n.get(t.Context(), "r", fn); err != nil || got.Access != "a" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	wg.Wait()
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	block := make(chan struct{})
	defer close(block)
	go func() {
		_, _ = n.get(context.Background(), "s", func(context.Context, string) (wire.Tokens, error) { <-block; return wire.Tokens{}, nil })
	}()
	for n.begun("s") == nil {
		runtime.Gosched() // until the other has begun
	}
	if _, err := n.get(gone, "s", fn); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func (n *renewals) begun(refresh string) *renewal {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.done[refresh]
}

func TestLiveViewsAreBounded(t *testing.T) {
	l := newLiveViews()
	for i := range maxLive {
		if !l.begin(string(rune('a' + i/maxLiveEach))) {
			t.Fatalf("%d views are too many", i)
		}
	}
	if l.begin("new") {
		t.Error("one more than all")
	}
	l.end("a")
	if !l.begin("a") || l.begin("a") {
		t.Error("of one session")
	}
}

func TestPages(t *testing.T) {
	if _, err := New(Options{Requests: 1, Window: time.Minute}); err != nil {
		t.Error(err)
	}
}

// TestCertificateOnTheHealthPage: one that is about to expire says so before it
// does.
func TestCertificateOnTheHealthPage(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name    string
		expires time.Time
		want    string
	}{{"for a year", now.Add(365 * 24 * time.Hour), "ok"}, {"for a week", now.Add(7 * 24 * time.Hour), "warn"}, {"over", now.Add(-time.Minute), "bad"}, {"a proxy's", time.Time{}, ""}} {
		s, err := New(Options{Requests: 1, Window: time.Minute, Expires: tt.expires, Stats: func(context.Context) (api.Stats, error) { return api.Stats{}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		got, hint := "", ""
		for _, c := range s.health(t.Context(), &healthData{}, func(context.Context) error { return nil }) {
			if c.Name == "Certificate" {
				got, hint = c.State, c.Hint
			}
		}
		if got != tt.want || (got == "warn" || got == "bad") != strings.Contains(hint, "--new-certificate") {
			t.Errorf("%s: %q, %q", tt.name, got, hint)
		}
	}
}

func TestLimitsInOrder(t *testing.T) {
	d := limitsOf([]api.Limit{
		{Name: "c", What: "x", Max: 10, Used: 2, Left: 8}, {Name: "b", What: "x", Max: 10, Used: 9, Left: 1}, {Name: "a", What: "x", Max: 10, Used: 10}, {Name: "a", What: "w", Max: 0, Used: 0},
		{Name: "d", What: "spending", Currency: "USD", Max: math.MaxInt64, Used: math.MaxInt64 / 2, Left: 1}, {Name: "e", What: "x", Max: 10, Problem: "away"},
	})
	var got []string
	for _, l := range d.Limits {
		got = append(got, l.Name+l.What)
	}
	if strings.Join(got, " ") != "ex ax bx dspending cx aw" || d.Over != 2 || d.Near != 1 {
		t.Errorf("%v, %d over, %d near", got, d.Over, d.Near)
	}
	if l := (limitRow{api.Limit{Currency: "USD"}}); l.Amount(1234) != "12.34 USD" || (limitRow{}).Amount(1234) != "1234" {
		t.Errorf("%s", l.Amount(1234))
	}
}

func TestDraw(t *testing.T) {
	c, err := draw("otpauth://totp/clawjail:zoe?secret=ABC")
	if err != nil || c.Size < 21+2*quiet || !strings.HasPrefix(c.Path, "M4 4h1v1h-1z") || strings.Trim(c.Path, "Mhvz0123456789 -") != "" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := draw(strings.Repeat("x", 5000)); err == nil {
		t.Error("5000 bytes fit")
	}
}

// TestProof: what a form brings as a fresh second factor.
func TestProof(t *testing.T) {
	for _, tt := range []struct {
		form    string
		code    string
		passkey bool
		begin   bool
		bad     bool
	}{
		{"", "", false, false, false},
		{"step_code=123+456", "123456", false, false, false},
		{"step_begin=1&step_code=123456", "", false, true, false},
		{"step_passkey=" + url.QueryEscape(`{"id":"x","response":{}}`), "", true, false, false},
		{"step_code=1&step_passkey=" + url.QueryEscape(`{"id":"x","response":{}}`), "1", false, false, false},
		{"step_passkey=" + url.QueryEscape(`{"id":"x","more":{}}`), "", false, false, true},
		{"step_passkey=x", "", false, false, true},
		{"%zz", "", false, false, true},
	} {
		r := httptest.NewRequest(http.MethodPost, "/users/vera", strings.NewReader(tt.form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		p, begin, err := (&view{r: r}).proof()
		if (err != nil) != tt.bad || begin != tt.begin || (p != nil) != (tt.code != "" || tt.passkey) || p != nil && (p.Code != tt.code || (p.Passkey != nil) != tt.passkey) {
			t.Errorf("%q: %+v, %v, %v", tt.form, p, begin, err)
		}
	}
}
