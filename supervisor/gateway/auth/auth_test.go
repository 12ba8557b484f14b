package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clawjail/supervisor/assert"
	"clawjail/supervisor/gateway/auth/password"
	"clawjail/supervisor/gateway/auth/recovery"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/totp"
	"clawjail/supervisor/gateway/auth/wire"
)

const (
	secret = "rhubarb-violin-tundra-19"
	here   = "192.0.2.1"
)

// world is a service with its clock.
type world struct {
	*Service
	t     *testing.T
	now   time.Time
	store *store.Store
	keys  *assert.Keys
	totp  string
	codes []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "users")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := assert.New(bytes.Repeat([]byte{7}, assert.MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: time.Unix(1_800_000_010, 0), store: st, keys: keys, totp: totp.NewSecret()}
	hash, err := password.Hash(secret)
	if err != nil {
		t.Fatal(err)
	}
	codes, kept := recovery.Codes()
	w.codes = codes
	err = st.Update(func([]store.User) ([]store.User, error) {
		return []store.User{
			{Name: "alice", Role: assert.Admin, Password: hash, TOTP: w.totp, Recovery: kept, Handle: []byte("a")},
			{Name: "bob", Role: assert.Approver, Password: hash, Handle: []byte("b")},
			{Name: "carol", Role: assert.Admin, Password: hash, Handle: []byte("c")},
			{Name: "dave", Role: assert.Viewer, Password: hash, Handle: []byte("d"), Disabled: true},
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Service, err = New(Options{Store: st, Keys: keys, Name: "localhost", Origin: "https://localhost:9443", SessionLife: 12 * time.Hour,
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) code(steps int64) string {
	c, err := totp.Code(w.totp, totp.Step(w.now)+steps)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// status is that of a refusal; 0 for none.
func status(t *testing.T, err error) int {
	t.Helper()
	var r *wire.Refusal
	if err == nil {
		return 0
	}
	if !errors.As(err, &r) {
		t.Fatal(err)
	}
	return r.Status
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	tests := []struct {
		name, user, pass, code string
		want                   int
	}{
		{"without a code, who needs none", "bob", secret, "", 0},
		{"with a wrong password", "bob", secret + "x", "", 401},
		{"an admin without a code", "alice", secret, "", 401},
		{"an admin with a wrong code", "alice", secret, "000000", 401},
		{"an admin with an old code", "alice", secret, w.code(-5), 401},
		{"an admin with a code", "alice", secret, w.code(0), 0},
		{"an admin with the same code", "alice", secret, w.code(0), 401},
		{"an admin without any second factor", "carol", secret, "", 401},
		{"somebody who is disabled", "dave", secret, "", 401},
		{"somebody unknown", "eve", secret, "", 401},
		{"a name that is none", "'; --", secret, "", 401},
		{"with a recovery code, in small letters", "alice", secret, "", 0},
		{"with the same recovery code", "alice", secret, "", 401},
	}
	var wrong string
	for i, tt := range tests {
		w.now = w.now.Add(0)
		if i >= 11 {
			tt.code = string(bytes.ToLower([]byte(w.codes[3])))
		}
		got, err := w.SignIn(wire.SignIn{User: tt.user, Password: tt.pass, Code: tt.code, Client: here})
		if status(t, err) != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
		switch {
		case err != nil && wrong == "":
			wrong = err.Error()
		case err != nil && err.Error() != wrong:
			t.Errorf("%s: it says more than that it is wrong: %v", tt.name, err)
		case err == nil:
			if id, err := w.Check(wire.Token{Token: got.Access}); err != nil || id.User != tt.user {
				t.Errorf("%s: %+v, %v", tt.name, id, err)
			}
		}
	}
	w.throttle = newThrottle()
	w.now = w.now.Add(time.Minute)
	if got, err := w.SignIn(wire.SignIn{User: "alice", Password: secret, Code: w.codes[4], Client: here}); err != nil || *got.RecoveryLeft != 8 {
		t.Error(got.RecoveryLeft, err)
	}
}

// TestACodeCountsOnce: also when it comes many times at once.
func TestACodeCountsOnce(t *testing.T) {
	w := newWorld(t)
	var in atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			client := "192.0.2." + string(rune('1'+i))
			if _, err := w.SignIn(wire.SignIn{User: "alice", Password: secret, Code: w.code(0), Client: client}); err == nil {
				in.Add(1)
			}
		})
	}
	wg.Wait()
	if in.Load() != 1 {
		t.Errorf("%d sign-ins with one code", in.Load())
	}
}

func TestRefreshTokensCountOnce(t *testing.T) {
	w := newWorld(t)
	first, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: here})
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Hour)
	if _, err := w.Check(wire.Token{Token: first.Access}); status(t, err) != 401 {
		t.Error("an access token of an hour ago")
	}
	second, err := w.Refresh(wire.Token{Token: first.Refresh})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Check(wire.Token{Token: second.Access}); err != nil {
		t.Error(err)
	}
	if _, err := w.Refresh(wire.Token{Token: first.Refresh}); status(t, err) != 401 {
		t.Error("a refresh token twice")
	}
	if _, err := w.Check(wire.Token{Token: second.Access}); status(t, err) != 401 {
		t.Error("the session goes on although two had its token")
	}
	for _, bad := range []string{"", "bob", "bob:x:y", "eve:x:y", "BOB:x:y", first.Access} {
		if _, err := w.Refresh(wire.Token{Token: bad}); status(t, err) != 401 {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestWhatEndsASession(t *testing.T) {
	for name, end := range map[string]func(*world, wire.Tokens) error{
		"signing out": func(w *world, t wire.Tokens) error { _, err := w.SignOut(wire.Token{Token: t.Access}); return err },
		"being disabled": func(w *world, _ wire.Tokens) error {
			return w.store.Change("bob", func(u *store.User) error { u.Disabled = true; return nil })
		},
		"an administrator": func(w *world, _ wire.Tokens) error {
			return w.store.Change("bob", func(u *store.User) error { u.EndSession(""); return nil })
		},
		"its time": func(w *world, _ wire.Tokens) error { w.now = w.now.Add(12 * time.Hour); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			got, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: here})
			if err != nil {
				t.Fatal(err)
			}
			if err := end(w, got); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Check(wire.Token{Token: got.Access}); status(t, err) != 401 {
				t.Error("the access token still counts")
			}
			if _, err := w.Refresh(wire.Token{Token: got.Refresh}); status(t, err) != 401 {
				t.Error("the refresh token still counts")
			}
			if _, err := w.Assert(wire.Ask{Access: got.Access, Action: "GET /", Digest: assert.Digest(nil)}); status(t, err) != 401 {
				t.Error("it still signs")
			}
		})
	}
}

// TestRolesAreAsTheyAre: a role that was taken is gone for tokens of before.
func TestRolesAreAsTheyAre(t *testing.T) {
	w := newWorld(t)
	got, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: here})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Change("bob", func(u *store.User) error { u.Role = assert.Viewer; return nil }); err != nil {
		t.Fatal(err)
	}
	a, err := w.Assert(wire.Ask{Access: got.Access, Action: "GET /", Digest: assert.Digest(nil)})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := w.keys.Verify(a.Assertion, assert.Console, w.now); err != nil || c.Role != assert.Viewer || c.Subject != "bob" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestForgedAccessTokens(t *testing.T) {
	w := newWorld(t)
	other, _ := assert.New(bytes.Repeat([]byte{9}, assert.MinSecret))
	got, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: here})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := w.keys.Verify(got.Access, assert.Access, w.now)
	forged, _ := other.Sign(c, w.now, time.Hour)
	c.Session = rand.Text()
	elsewhere, _ := w.keys.Sign(c, w.now, time.Hour)
	for name, token := range map[string]string{"another key": forged, "no session": elsewhere, "a device's": got.Device, "a refresh token": got.Refresh, "none": ""} {
		if _, err := w.Check(wire.Token{Token: token}); status(t, err) != 401 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGuessing: the one who guesses has to wait; others of the same name, from
// elsewhere, do not.
func TestGuessing(t *testing.T) {
	w := newWorld(t)
	guess := func(client, device, pass string) int {
		_, err := w.SignIn(wire.SignIn{User: "bob", Password: pass, Client: client, Device: device})
		return status(t, err)
	}
	own, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: here})
	if err != nil {
		t.Fatal(err)
	}
	w.nobody = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	var waits int
	for range 20 {
		if guess("198.51.100.9", "", "wrong") == 429 {
			waits++
		}
	}
	if waits < 10 {
		t.Errorf("%d of 20 guesses had to wait", waits)
	}
	if got := guess("198.51.100.9", "", secret); got != 429 {
		t.Errorf("the right password among the guesses: %d", got)
	}
	if got := guess(here, "", secret); got != 0 {
		t.Errorf("from elsewhere: %d", got)
	}
	// From everywhere at once.
	for i := range maxPerUser + 5 {
		w.throttle.pause("bob", address(i), false, w.now)
	}
	if got := guess("203.0.113.1", "", secret); got != 429 {
		t.Errorf("a browser that nobody knows, while all guess: %d", got)
	}
	if got := guess("203.0.113.1", own.Device, secret); got != 0 {
		t.Errorf("a browser that signed in before, while all guess: %d", got)
	}
	w.now = w.now.Add(forgetAfter + time.Minute)
	if got := guess("203.0.113.2", "", secret); got != 0 {
		t.Errorf("an hour later: %d", got)
	}
}

func address(i int) string { return net.IPv4(10, 0, byte(i>>8), byte(i)).String() }

func TestThrottleIsBounded(t *testing.T) {
	th := newThrottle()
	now := time.Now()
	for i := range maxRemembered + 100 {
		th.pause("x", net.IPv4(10, byte(i>>16), byte(i>>8), byte(i)).String(), true, now)
	}
	if len(th.pairs) > maxRemembered {
		t.Errorf("%d pairs", len(th.pairs))
	}
}

func TestAccount(t *testing.T) {
	w := newWorld(t)
	a, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: here})
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: "192.0.2.2"})
	if err != nil {
		t.Fatal(err)
	}
	acc, err := w.Account(wire.Token{Token: a.Access})
	if err != nil || len(acc.Sessions) != 2 || acc.User != "bob" {
		t.Fatalf("%+v, %v", acc, err)
	}
	if _, err := w.ChangePassword(wire.NewPassword{Access: a.Access, Old: "wrong", New: "a" + secret, Client: here}); status(t, err) != 403 {
		t.Error(err)
	}
	if _, err := w.ChangePassword(wire.NewPassword{Access: a.Access, Old: secret, New: "bobbobbobbob", Client: here}); status(t, err) != 400 {
		t.Error(err)
	}
	if _, err := w.ChangePassword(wire.NewPassword{Access: a.Access, Old: secret, New: "seven lamps and a moth", Client: here}); err != nil {
		t.Error(err)
	}
	if _, err := w.Check(wire.Token{Token: b.Access}); status(t, err) != 401 {
		t.Error("the other session goes on with the old password")
	}
	if _, err := w.Check(wire.Token{Token: a.Access}); err != nil {
		t.Error(err)
	}
}

// TestOverTheSocket: the client and the service understand each other, and
// nobody else is answered.
func TestOverTheSocket(t *testing.T) {
	w := newWorld(t)
	serve := func(uid uint32) *wire.Client {
		l, err := net.Listen("unix", "@clawjail-test-"+rand.Text())
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Serve(ctx, l, uid) }()
		c := wire.Dial(l.Addr().String())
		t.Cleanup(func() {
			c.Close()
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return c
	}
	c := serve(uint32(os.Getuid()))
	got, err := c.SignIn(t.Context(), wire.SignIn{User: "bob", Password: secret, Client: here})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := c.Check(t.Context(), got.Access); err != nil || id.Role != assert.Approver {
		t.Errorf("%+v, %v", id, err)
	}
	if _, err := c.SignIn(t.Context(), wire.SignIn{User: "bob", Password: "x", Client: here}); status(t, err) != http.StatusUnauthorized {
		t.Error(err)
	}
	if begun, err := c.BeginPasskey(t.Context()); err != nil || !bytes.Contains(begun.Options, []byte(`"challenge"`)) {
		t.Errorf("%s, %v", begun.Options, err)
	}
	if _, err := c.FinishPasskey(t.Context(), wire.Passkey{ID: "x", Response: []byte("{}")}); status(t, err) != http.StatusUnauthorized {
		t.Error(err)
	}
	if err := c.SignOut(t.Context(), got.Access); err != nil {
		t.Error(err)
	}
	if _, err := c.Check(t.Context(), got.Access); status(t, err) != http.StatusUnauthorized {
		t.Error(err)
	}
	if _, err := serve(uint32(os.Getuid())+1).Check(t.Context(), got.Access); err == nil {
		t.Error("another user is answered")
	}
}
