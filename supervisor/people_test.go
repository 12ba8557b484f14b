package supervisor

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
	"clawjail/supervisor/control"
)

// people is a supervisor with nothing but a log, asked by a user.
func people(t *testing.T) (*Supervisor, func(uid uint32, body string) *api.Error) {
	t.Helper()
	c := config.Default()
	c.StateDir = t.TempDir()
	log := slog.New(slog.DiscardHandler)
	a, err := openAuditor(c, "notify", log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	s := &Supervisor{log: log, audit: a, persons: &persons{}, opt: Options{Config: c}}
	return s, func(uid uint32, body string) *api.Error {
		r := httptest.NewRequest(http.MethodPost, "/v1/people", strings.NewReader(body))
		_, apiErr := (&call{s: s, w: httptest.NewRecorder(), r: r, peer: control.Peer{UID: uid}}).recordPeople()
		return apiErr
	}
}

func TestWhatIsRecordedAboutPeople(t *testing.T) {
	s, ask := people(t)
	const good = `{"time":"2026-11-23T10:00:00Z","op":"sign-in","verdict":"deny","name":"alice","from":"192.0.2.7","message":"wrong"}`
	auth := s.opt.Config.AuthUID
	for _, tt := range []struct {
		name string
		uid  uint32
		body string
		want int // status; 0: recorded
	}{
		{"by the sign-in", auth, "[" + good + "]", 0},
		{"by root", 0, `[{"time":"0001-01-01T00:00:00Z","op":"role","verdict":"allow","name":"bob","by":"uid 0","message":"is admin"}]`, 0},
		{"by the gateway", s.opt.Config.GatewayUID, "[" + good + "]", 403},
		{"by anybody", 1000, "[" + good + "]", 403},
		{"an event that there is not", auth, strings.Replace("["+good+"]", "sign-in", "format", 1), 400},
		{"a verdict that there is not", auth, strings.Replace("["+good+"]", "deny", "maybe", 1), 400},
		{"a name that is none", auth, strings.Replace("["+good+"]", "alice", "<b>", 1), 400},
		{"an address that is none", auth, strings.Replace("["+good+"]", "192.0.2.7", "x", 1), 400},
		{"an escape in the message", auth, strings.Replace("["+good+"]", "wrong", `\u001b[2J`, 1), 400},
		{"a long message", auth, strings.Replace("["+good+"]", "wrong", strings.Repeat("x", 501), 1), 400},
		{"more than fit", auth, "[" + strings.Repeat(good+",", api.MaxPersonEvents) + good + "]", 400},
		{"another form", auth, `{"op":"sign-in"}`, 400},
	} {
		got := 0
		if apiErr := ask(tt.uid, tt.body); apiErr != nil {
			got = apiErr.Status
		}
		if got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	var got []string
	for r, err := range audit.Query(s.opt.Config.AuditDir(), audit.Filter{Gate: audit.GateAuth}) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(r.Subject)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Verdict+" "+string(b))
	}
	want := []string{`deny {"op":"sign-in","name":"alice","uid":64903,"addr":"192.0.2.7","message":"wrong"}`, `allow {"op":"role","name":"bob","uid":0,"message":"by uid 0: is admin"}`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("recorded:\n%s", strings.Join(got, "\n"))
	}
	if os.Getuid() == 0 && s.audit.records.Load() != 2 {
		t.Errorf("%d records", s.audit.records.Load())
	}
}

// TestPeopleCannotFillTheLog: not even with a sign-in that was taken over.
func TestPeopleCannotFillTheLog(t *testing.T) {
	_, ask := people(t)
	one := `{"time":"2026-11-23T10:00:00Z","op":"sign-in","verdict":"deny"}`
	body := "[" + strings.Repeat(one+",", api.MaxPersonEvents-1) + one + "]"
	refused := 0
	for range 20 {
		if apiErr := ask(0, body); apiErr != nil && apiErr.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("1280 records at once are written")
	}
	a := allowance{at: time.Unix(1_800_000_000, 0)}
	now := a.at
	if !a.take(maxPeopleRecords, now) || a.take(1, now) || a.take(1, now.Add(-time.Hour)) || !a.take(maxPeopleRecords/2, now.Add(peopleWindow/2)) || a.take(1, now.Add(peopleWindow/2)) {
		t.Error("the allowance is another")
	}
}
