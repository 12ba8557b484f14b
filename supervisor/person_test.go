package supervisor

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/config"
	"clawjail/supervisor/control"
)

// consoleOf serves one call for responders behind a socket, as the gateway's.
func consoleOf(t *testing.T, keys *assert.Keys, gateway uint32, fn func(*call) (any, *api.Error)) *http.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "clawjail-person-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := control.Listen(filepath.Join(dir, "s.sock"), -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &Supervisor{log: slog.New(slog.DiscardHandler), persons: &persons{keys: keys}, opt: Options{Config: config.Config{GatewayUID: gateway}}}
	mux := http.NewServeMux()
	mux.Handle("POST /v1/x", s.asserted(assert.Responder, fn))
	server := s.server(mux)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return control.Dial(ctx, filepath.Join(dir, "s.sock"))
	}}}
}

func TestOnlyWhatAPersonSignedIsDone(t *testing.T) {
	keys, err := assert.New(bytes.Repeat([]byte{1}, assert.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	other, err := assert.New(bytes.Repeat([]byte{2}, assert.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"reason":"x"}`
	now := time.Now()
	good := assert.Claims{Audience: assert.Console, Subject: "alice", Role: assert.Responder, Action: assert.Action("POST", "/v1/x?a=b"), Digest: assert.Digest([]byte(body))}
	n := 0
	sign := func(k *assert.Keys, at time.Time, change func(*assert.Claims)) string {
		c := good
		n++
		c.ID = string(rune('a' + n))
		change(&c)
		token, err := k.Sign(c, at, assert.ConsoleLife)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	same := func(*assert.Claims) {}
	once := sign(keys, now, same)
	tests := []struct {
		name, token string
		want        int
	}{
		{"what was signed", once, 200},
		{"the same again", once, 401},
		{"nothing", "", 401},
		{"another key", sign(other, now, same), 401},
		{"an access token", sign(keys, now, func(c *assert.Claims) { c.Audience = assert.Access }), 401},
		{"for another path", sign(keys, now, func(c *assert.Claims) { c.Action = "POST /v1/y" }), 401},
		{"for another query", sign(keys, now, func(c *assert.Claims) { c.Action = "POST /v1/x?a=c" }), 401},
		{"for another method", sign(keys, now, func(c *assert.Claims) { c.Action = "GET /v1/x?a=b" }), 401},
		{"for another body", sign(keys, now, func(c *assert.Claims) { c.Digest = assert.Digest(nil) }), 401},
		{"expired", sign(keys, now.Add(-time.Minute), same), 401},
		{"of the future", sign(keys, now.Add(5*time.Minute), same), 401},
		{"of an approver", sign(keys, now, func(c *assert.Claims) { c.Role = assert.Approver }), 403},
		{"of no role", sign(keys, now, func(c *assert.Claims) { c.Role = "" }), 403},
		{"of an admin", sign(keys, now, func(c *assert.Claims) { c.Role = assert.Admin }), 200},
	}
	var did []string
	var doing sync.Mutex // the answer comes over a socket, which orders nothing for the detector
	fn := func(c *call) (any, *api.Error) {
		doing.Lock()
		defer doing.Unlock()
		did = append(did, c.reason("frozen")+", "+c.responder())
		return struct{}{}, nil
	}
	client := consoleOf(t, keys, uint32(os.Getuid()), fn)
	defer client.CloseIdleConnections()
	for _, tt := range tests {
		if got := post(t, client, tt.token, body); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	doing.Lock()
	all := strings.Join(did, "; ")
	doing.Unlock()
	if all != "frozen by alice (console, responder), alice (console, responder); frozen by alice (console, admin), alice (console, admin)" {
		t.Errorf("done: %q", all)
	}
	if got := post(t, client, sign(keys, now, same), strings.Repeat(" ", maxConsoleBytes+1)); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d", got)
	}
	if got := post(t, consoleOf(t, nil, uint32(os.Getuid()), fn), sign(keys, now, same), body); got != 403 {
		t.Errorf("without a console: %d", got)
	}
	if os.Getuid() != 0 {
		if got := post(t, consoleOf(t, keys, uint32(os.Getuid())+1, fn), sign(keys, now, same), body); got != 403 {
			t.Errorf("from who is not the gateway: %d", got)
		}
	}
}

func post(t *testing.T, client *http.Client, token, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://clawjail/v1/x?a=b", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(api.AssertionHeader, token)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestFourEyesNeedAnAccount(t *testing.T) {
	uid := uint32(1000)
	for _, tt := range []struct {
		name     string
		fourEyes bool
		person   assert.Claims
		uid      uint32
		ok       bool
	}{
		{"known account", true, assert.Claims{UID: &uid}, 1000, true},
		{"said to have none", true, assert.Claims{NoAccount: true}, approval.NoAccount, true},
		{"nobody has said", true, assert.Claims{}, approval.NoAccount, false},
		{"nobody has said, and nobody asks", false, assert.Claims{}, approval.NoAccount, true},
	} {
		c := &call{s: &Supervisor{approvals: &approvals{}, opt: Options{Config: config.Config{FourEyes: tt.fourEyes}}}, person: &tt.person}
		by, apiErr := c.decides(approval.View{}, true)
		if (apiErr == nil) != tt.ok || by.UID != tt.uid {
			t.Errorf("%s: %+v, %v", tt.name, by, apiErr)
		}
	}
	if got := uidNote(approval.By{UID: approval.NoAccount}) + uidNote(approval.By{UID: 7}); got != " (uid 7)" {
		t.Errorf("%q", got)
	}
}
