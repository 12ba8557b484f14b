package send

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"clawjail/supervisor/config"
	"clawjail/supervisor/notify"
)

const secret = "not-a-secret-but-a-test"

var quiet = slog.New(slog.DiscardHandler)

func message() notify.Message {
	return notify.Message{ID: "m1", Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Category: notify.Incident, Event: "opened", Severity: "high",
		Title: "incident 20261123-abcdef: jail \"x\" stands still", Text: "freeze: <!channel> & @all", Host: "h"}
}

// got is a request that a server saw.
type got struct {
	header http.Header
	body   string
}

// server answers with what answer says and keeps what it was sent.
func server(t *testing.T, answer func(http.ResponseWriter, *http.Request)) (*httptest.Server, <-chan got) {
	t.Helper()
	seen := make(chan got, 16)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen <- got{r.Header, string(b)}
		if answer != nil {
			answer(w, r)
		}
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	t.Cleanup(s.Close)
	return s, seen
}

func roots(s *httptest.Server) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func sender(t *testing.T, c *tls.Config) *Sender {
	t.Helper()
	s, err := NewSender(nil, c, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func route(kind, url string) notify.Route {
	r := notify.Route{Channel: config.Channel{Name: "c", Kind: kind, URL: url}, Secret: []byte(secret)}
	if kind != config.Webhook {
		r.URL = url
	}
	return r
}

func try(t *testing.T, s *Sender, r notify.Route) notify.Report {
	t.Helper()
	return s.Try(t.Context(), []notify.Route{r}, notify.Delivery{ID: "m1.c", Channel: "c", Message: message()})
}

func TestWebhookIsSigned(t *testing.T) {
	srv, seen := server(t, nil)
	srv.StartTLS()
	if r := try(t, sender(t, roots(srv)), route(config.Webhook, srv.URL)); r.Error != "" {
		t.Fatal(r.Error)
	}
	g := <-seen
	at, err := strconv.ParseInt(g.header.Get("Webhook-Timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if want := Sign([]byte(secret), "m1.c", time.Unix(at, 0), []byte(g.body)); g.header.Get("Webhook-Signature") != want || g.header.Get("Webhook-Id") != "m1.c" {
		t.Errorf("%v, want %s", g.header, want)
	}
	var b Body
	if err := json.Unmarshal([]byte(g.body), &b); err != nil || b.Type != "clawjail.incident.opened" || b.Data.Title != message().Title {
		t.Errorf("%+v, %v", b, err)
	}
	// A certificate that nobody vouches for.
	if r := try(t, sender(t, nil), route(config.Webhook, srv.URL)); !strings.Contains(r.Error, "certificate") || r.Refused {
		t.Errorf("%+v", r)
	}
}

// TestSignature: the id, the time and the body are all signed.
func TestSignature(t *testing.T) {
	key := []byte{0x31, 0xf2, 0xa1}
	a := Sign(key, "msg_1", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if a == Sign(key, "msg_2", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`)) ||
		a == Sign(key, "msg_1", time.Unix(1614265331, 0), []byte(`{"test": 2432232314}`)) ||
		a == Sign(key, "msg_1", time.Unix(1614265330, 0), []byte(`{"test": 2432232315}`)) || !strings.HasPrefix(a, "v1,") {
		t.Errorf("%s", a)
	}
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		name    string
		answer  func(http.ResponseWriter, *http.Request)
		want    string // part of the error
		refused bool
	}{
		{"busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "answered 503", false},
		{"not known yet", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "answered 404", false},
		{"never", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, "answered 410", true},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusTemporaryRedirect)
		}, "redirects", false},
		{"an answer without end", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, "", false},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, _ := server(t, tt.answer)
			srv.Start()
			r := try(t, sender(t, nil), route(config.Webhook, srv.URL))
			if tt.want == "" && r.Error != "" || !strings.Contains(r.Error, tt.want) || r.Refused != tt.refused {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestSlack(t *testing.T) {
	srv, seen := server(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	srv.Start()
	if r := try(t, sender(t, nil), route(config.Slack, srv.URL+"/services/T000/B000/notasecret")); r.Error != "" {
		t.Fatal(r.Error)
	}
	var b map[string]string
	g := <-seen
	if err := json.Unmarshal([]byte(g.body), &b); err != nil || len(b) != 1 || b["text"] != message().Title+"\nfreeze: &lt;!channel&gt; &amp; @all" {
		t.Errorf("%s, %v", g.body, err)
	}
}

func TestShoutrrr(t *testing.T) {
	srv, seen := server(t, nil)
	srv.Start()
	to := "mattermost://" + strings.TrimPrefix(srv.URL, "http://") + "/notasecret?disabletls=yes"
	if r := try(t, sender(t, nil), route(config.Shoutrrr, to)); r.Error != "" {
		t.Fatal(r.Error)
	}
	if g := <-seen; !strings.Contains(g.body, "@\u2060all") || !strings.Contains(g.body, "stands still") {
		t.Errorf("%s", g.body)
	}
	for _, to := range []string{"smtp://a@b/", "logger://", "none://x", "::"} {
		if r := try(t, sender(t, nil), route(config.Shoutrrr, to)); r.Error == "" {
			t.Errorf("%s: no error", to)
		}
	}
}

// No error has a secret in it, whoever words it.
func TestErrorsHaveNoSecrets(t *testing.T) {
	srv, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		fmt.Fprint(w, r.URL)
	})
	srv.Start()
	gone, _ := server(t, nil)
	gone.Start()
	gone.Close()
	for _, base := range []string{srv.URL, gone.URL} {
		host := strings.TrimPrefix(base, "http://")
		for kind, to := range map[string]string{
			config.Webhook:  base + "/notasecret?key=notasecret2",
			config.Slack:    base + "/notasecret/x?key=notasecret2",
			config.Shoutrrr: "mattermost://" + host + "/notasecret?disabletls=yes",
		} {
			r := try(t, sender(t, nil), route(kind, to))
			if r.Error == "" || strings.Contains(r.Error, "notasecret") {
				t.Errorf("%s: %q", kind, r.Error)
			}
		}
	}
}

func TestNeedsBounds(t *testing.T) {
	was := http.DefaultTransport
	defer func() { http.DefaultTransport = was }()
	http.DefaultTransport = &http.Transport{}
	if _, err := NewSender(nil, nil, quiet); err == nil {
		t.Error("no error")
	}
}

// queue gives out deliveries and keeps reports.
type queue struct {
	mu      sync.Mutex
	due     []notify.Due
	reports chan notify.Report
	fails   int // times that it does not answer first
}

func (q *queue) Due(ctx context.Context) (notify.Due, error) {
	q.mu.Lock()
	if q.fails > 0 {
		q.fails--
		q.mu.Unlock()
		return notify.Due{}, fmt.Errorf("no supervisor")
	}
	if len(q.due) > 0 {
		d := q.due[0]
		q.due = q.due[1:]
		q.mu.Unlock()
		return d, nil
	}
	q.mu.Unlock()
	<-ctx.Done()
	return notify.Due{}, ctx.Err()
}

func (q *queue) Report(_ context.Context, rs []notify.Report) error {
	for _, r := range rs {
		q.reports <- r
	}
	return nil
}

// TestRun: what is due is sent and reported, also when the supervisor was away
// first, and one channel that fails holds up no other.
func TestRun(t *testing.T) {
	srv, seen := server(t, nil)
	srv.Start()
	var due notify.Due
	due.Routes = []notify.Route{route(config.Webhook, srv.URL), {Channel: config.Channel{Name: "bad", Kind: config.Slack}, URL: "x"}}
	for n := range 20 {
		channel := map[bool]string{true: "c", false: "bad"}[n%2 == 0]
		due.Deliveries = append(due.Deliveries, notify.Delivery{ID: fmt.Sprint(n), Channel: channel, Message: message()})
	}
	q := &queue{due: []notify.Due{due}, reports: make(chan notify.Report, 20), fails: 1}
	s, err := NewSender(q, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	sent := 0
	for range 20 {
		if r := <-q.reports; r.Error == "" {
			sent++
			<-seen
		}
	}
	cancel()
	<-done
	if sent != 10 {
		t.Errorf("%d of 10 were sent", sent)
	}
}
