//go:build e2e

package console

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/config"
)

// client trusts the world's certificate and no other.
func (w *world) client() *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.cert)
	c := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	w.t.Cleanup(c.CloseIdleConnections)
	return c
}

// call makes one request and gives its answer.
func (w *world) call(c *http.Client, method, path, token, body string, change ...func(*http.Request)) (*http.Request, *http.Response, []byte) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.origin+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, fn := range change {
		fn(req)
	}
	res, err := c.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return req, res, b
}

// token signs in as bob.
func (w *world) token(c *http.Client) string {
	_, res, b := w.call(c, "POST", "/api/v1/sign-in", "", `{"user":"bob","password":"`+secret+`"}`)
	var t struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(b, &t); err != nil || res.StatusCode != 200 {
		w.t.Fatalf("%s: %s", res.Status, b)
	}
	return t.Access
}

// adminToken signs in as alice.
func (w *world) adminToken(c *http.Client) string {
	_, res, b := w.call(c, "POST", "/api/v1/sign-in", "", `{"user":"alice","password":"`+secret+`","code":"`+w.recovered(w.t)+`"}`)
	var t struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(b, &t); err != nil || res.StatusCode != 200 {
		w.t.Fatalf("%s: %s", res.Status, b)
	}
	return t.Access
}

// TestDescription: the API is what its description says. Every operation in it
// answers, and every answer has the described form.
func TestDescription(t *testing.T) {
	w := newWorld(t, 1000)
	w.day()
	w.hold(push(1))
	held := w.queue.List()[0]
	c := w.client()
	_, _, b := w.call(c, "GET", "/api/openapi.json", "", "")
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	token := w.token(c)
	admin := w.adminToken(c)
	bodies := map[string]string{
		"POST /api/v1/sign-in":                 `{"user":"bob","password":"` + secret + `"}`,
		"POST /api/v1/refresh":                 `{"refresh_token":"nobody"}`,
		"POST /api/v1/approvals/{id}/decide":   `{"approve":true,"digest":"` + held.Digest + `"}`,
		"POST /api/v1/incidents":               `{"jail":"j0","reason":"x"}`,
		"POST /api/v1/incidents/{id}/severity": `{"severity":"low"}`, "POST /api/v1/incidents/{id}/preserve": `{}`,
		"POST /api/v1/users": `{"name":"zoe","role":"viewer"}`, "POST /api/v1/users/{name}/role": `{"role":"approver"}`, "POST /api/v1/users/{name}/end-sessions": `{}`,
		"POST /api/v1/account/password":     `{"old":"wrong","new":"seven lamps and a moth"}`,
		"POST /api/v1/incidents/{id}/close": `{"reason":"x"}`, "POST /api/v1/incidents/{id}/kill": `{"reason":"x"}`, "POST /api/v1/incidents/{id}/release": `{"reason":"x"}`,
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			name := method + " " + path
			if path == "/api/v1/events" || path == "/api/v1/sign-out" {
				continue // the one does not end, the other ends this
			}
			id := map[bool]string{true: held.ID, false: "j0"}[strings.Contains(path, "approvals")]
			want := map[string]int{"POST /api/v1/refresh": 401, "POST /api/v1/account/password": 403}[name]
			if want == 0 {
				want = 200
			}
			if name == "GET /api/v1/approvals/{id}" { // another may be decided already
				w.hold(push(2))
				id = w.queue.List()[len(w.queue.List())-1].ID
			}
			who, change := token, []func(*http.Request){}
			if strings.HasPrefix(path, "/api/v1/users") {
				who = admin
				change = append(change, func(r *http.Request) { r.Header.Set(api.CodeHeader, w.fresh(t)) })
			}
			req, res, b := w.call(c, method, strings.NewReplacer("{id}", id, "{name}", "vera").Replace(path), who, bodies[name], change...)
			if res.StatusCode != want {
				t.Errorf("%s: %s: %s", name, res.Status, b)
				continue
			}
			route, params, err := router.FindRoute(req)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}}
			out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(b))}
			if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	// Nothing else is there: what the description does not have answers 404.
	for _, path := range []string{"/api/v1", "/api/v1/stats", "/api/v1/jails/j0/exec", "/api/v1/jails/j0/signal", "/api/v1/users/vera/erase"} {
		if _, res, _ := w.call(c, "GET", path, token, ""); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if _, res, _ := w.call(c, "POST", "/api/v1/sign-out", token, ""); res.StatusCode != 200 {
		t.Error(res.Status)
	}
	if _, res, _ := w.call(c, "GET", "/api/v1/me", token, ""); res.StatusCode != 401 {
		t.Errorf("signed out, and %s", res.Status)
	}
}

// TestWhoMayNot: forged, foreign and insufficient requests are refused.
func TestWhoMayNot(t *testing.T) {
	w := newWorld(t, 1000)
	w.day()
	c := w.client()
	now := time.Now()
	other, err := assert.New(bytes.Repeat([]byte{8}, assert.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	claims := assert.Claims{Audience: assert.Access, Subject: "alice", Role: assert.Admin, Session: "x", ID: "1"}
	sign := func(k *assert.Keys, at time.Time) string {
		s, err := k.Sign(claims, at, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, token := range map[string]string{"none": "", "text": "x", "another key": sign(other, now), "of no session": sign(w.keys, now), "expired": sign(w.keys, now.Add(-2*time.Hour)), "of the future": sign(w.keys, now.Add(time.Hour)),
		"alg none": "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhbGljZSJ9."} {
		if _, res, _ := w.call(c, "GET", "/api/v1/jails", token, ""); res.StatusCode != 401 {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
	_, res, _ := w.call(c, "POST", "/sign-in", "", "user=vera&password="+secret, form, w.from(w.origin))
	cookies := func(r *http.Request) {
		for _, k := range res.Cookies() {
			r.AddCookie(k)
		}
	}
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 3 {
		t.Fatal(res.Status, res.Cookies())
	}
	for _, k := range res.Cookies() {
		if !k.HttpOnly || !k.Secure || k.SameSite != http.SameSiteStrictMode || k.Path != "/" || !strings.HasPrefix(k.Name, "__Host-") {
			t.Errorf("a cookie that others get: %v", k)
		}
	}
	for name, tt := range map[string]struct {
		origin string
		want   int
	}{"from another page": {"https://evil.example", 403}, "from nowhere": {"", 403}, "from null": {"null", 403}, "from here, without the role": {w.origin, 403}} {
		if _, res, b := w.call(c, "POST", "/jails/j0/kill", "", "", form, cookies, w.from(tt.origin)); res.StatusCode != tt.want {
			t.Errorf("%s: %s: %s", name, res.Status, b)
		}
	}
	if len(w.did) != 0 {
		t.Errorf("done: %v", w.did)
	}
	// The cookies are nothing to the API.
	if _, res, _ := w.call(c, "POST", "/api/v1/jails/j0/kill", "", "{}", cookies, w.from(w.origin)); res.StatusCode != 401 {
		t.Errorf("the API with cookies: %s", res.Status)
	}
	// A link from a chat: the cookies did not come, and the page opens itself again.
	if _, res, b := w.call(c, "GET", "/approvals/abc", "", "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); res.StatusCode != 200 || !bytes.Contains(b, []byte(`href="/approvals/abc"`)) {
		t.Errorf("%s: %s", res.Status, b)
	}
	// Nobody is sent elsewhere after signing in.
	for _, next := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "javascript:alert(1)"} {
		_, res, _ := w.call(c, "POST", "/sign-in", "", "user=vera&password="+secret+"&next="+next, form, w.from(w.origin))
		if got := res.Header.Get("Location"); got != "/approvals" {
			t.Errorf("%s leads to %s", next, got)
		}
	}
}

func form(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }

func (w *world) from(origin string) func(*http.Request) {
	return func(r *http.Request) {
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
	}
}

// TestTwoApprovers: of two who decide at once, one does.
func TestTwoApprovers(t *testing.T) {
	w := newWorld(t, 1000)
	decided := w.hold(push(1))
	v := w.queue.List()[0]
	c := w.client()
	token := w.token(c)
	code := make(chan int, 2)
	for _, approve := range []string{"true", "false"} {
		go func() {
			_, res, _ := w.call(c, "POST", "/api/v1/approvals/"+v.ID+"/decide", token, `{"approve":`+approve+`,"digest":"`+v.Digest+`"}`)
			code <- res.StatusCode
		}()
	}
	a, b := <-code, <-code
	if a+b != 200+409 && a+b != 200+410 && a+b != 200+404 {
		t.Errorf("%d and %d", a, b)
	}
	<-decided
	w.hold(push(2))
	if _, res, _ := w.call(c, "POST", "/api/v1/approvals/"+w.queue.List()[0].ID+"/decide", token, `{"approve":true,"digest":"`+v.Digest+`"}`); res.StatusCode != 409 {
		t.Errorf("what was shown is another: %s", res.Status)
	}
}

// TestAttack: thousands of sign-ins from an address are turned away while who is
// signed in, from the same address, notices nothing.
func TestAttack(t *testing.T) {
	w := newWorld(t, 100)
	w.day()
	c := w.client()
	_, res, _ := w.call(c, "POST", "/sign-in", "", "user=bob&password="+secret, form, w.from(w.origin))
	cookies := func(r *http.Request) {
		for _, k := range res.Cookies() {
			r.AddCookie(k)
		}
	}
	const attackers, each = 32, 100
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range attackers {
		wg.Go(func() {
			for j := range each {
				_, res, _ := w.call(c, "POST", "/sign-in", "", fmt.Sprintf("user=alice&password=guess-%d-%d", i, j), form, w.from(w.origin))
				mu.Lock()
				got[res.StatusCode]++
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var slowest time.Duration
	n := 0
	for running := true; running; n++ {
		select {
		case <-done:
			running = false
		default:
		}
		at := time.Now()
		if _, res, b := w.call(c, "GET", "/approvals", "", "", cookies); res.StatusCode != 200 {
			t.Fatalf("who is signed in gets %s: %.200s", res.Status, b)
		}
		slowest = max(slowest, time.Since(at))
	}
	t.Logf("%d sign-ins at %.0f/s: %v; %d pages meanwhile, the slowest after %s", attackers*each, attackers*each/time.Since(begin).Seconds(), got, n, slowest)
	if got[200] != 0 || got[303] != 0 || got[401] > 100 || got[429] < attackers*each-100 {
		t.Errorf("answers: %v", got)
	}
	// All of them are counted, and as what they were.
	w.mu.Lock()
	defer w.mu.Unlock()
	sum := 0
	for _, n := range w.outcomes {
		sum += n
	}
	if o := w.outcomes; sum != attackers*each+1 || o["in"] != 1 || o["wrong"] != got[401] || o["throttled"]+o["locked-out"]+o["busy"] != got[429] || o["throttled"] < attackers*each/2 {
		t.Errorf("counted: %v", o)
	}
}

// TestCodesOfPrograms: with auth.step_up a decision takes a code in its header,
// once, and a change of users always does.
func TestCodesOfPrograms(t *testing.T) {
	w := newWorld(t, 1000)
	w.day()
	w.setStepUp(config.StepUpCritical)
	decided := w.hold(push(1))
	v := w.queue.List()[0]
	c := w.client()
	bob, alice := w.token(c), w.adminToken(c)
	with := func(code string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(api.CodeHeader, code) }
	}
	approve := `{"approve":true,"digest":"` + v.Digest + `"}`
	used := w.fresh(t)
	for _, tt := range []struct {
		name, path, token, body string
		change                  func(*http.Request)
		want                    int
	}{
		{"approve without a code", "/approvals/" + v.ID + "/decide", alice, approve, nil, 403},
		{"approve with a wrong code", "/approvals/" + v.ID + "/decide", alice, approve, with("12345"), 403},
		{"approve with a code of who has no authenticator", "/approvals/" + v.ID + "/decide", bob, approve, with("123456"), 403},
		{"disable with a code", "/users/vera/disable", alice, "", with(used), 200},
		{"enable with the same code", "/users/vera/enable", alice, "", with(used), 403},
		{"enable without one", "/users/vera/enable", alice, "", nil, 403},
		{"the last admin", "/users/alice/disable", alice, "", with(used), 409},
		{"a user who is there", "/users", alice, `{"name":"bob","role":"viewer"}`, with(used), 409},
		{"a responder", "/users/vera/disable", bob, "", with(used), 403},
		{"a list for a responder", "/users/vera", bob, "", nil, 403},
		{"approve with a fresh code", "/approvals/" + v.ID + "/decide", alice, approve, func(r *http.Request) { r.Header.Set(api.CodeHeader, w.fresh(t)) }, 200},
	} {
		method := "POST"
		if tt.name == "a list for a responder" {
			method = "GET"
		}
		change := []func(*http.Request){}
		if tt.change != nil {
			change = append(change, tt.change)
		}
		if _, res, b := w.call(c, method, "/api/v1"+tt.path, tt.token, tt.body, change...); res.StatusCode != tt.want {
			t.Errorf("%s: %s: %s", tt.name, res.Status, b)
		}
	}
	if d := <-decided; !d.Allowed() || d.By.Name != "alice" {
		t.Errorf("%+v", d)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.ContainsFunc(w.told, func(e api.PersonEvent) bool {
		return e.Op == api.PersonDisable && e.Name == "vera" && e.By == "alice (console, admin, code)" && e.From == "127.0.0.1"
	}) {
		t.Errorf("told: %+v", w.told)
	}
}
