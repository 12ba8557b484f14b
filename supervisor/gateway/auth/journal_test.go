package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/wire"
)

// logOf is a journal whose records stand in a list.
func logOf(w *world, fail *error) *[]api.PersonEvent {
	var list []api.PersonEvent
	w.journal = newJournal(func(_ context.Context, events []api.PersonEvent) error {
		if fail != nil && *fail != nil {
			return *fail
		}
		if len(events) > api.MaxPersonEvents {
			return errors.New("more events than a call takes")
		}
		for _, e := range events {
			if err := e.Check(); err != nil {
				return err
			}
		}
		list = append(list, events...)
		return nil
	}, slog.New(slog.DiscardHandler), w.store)
	return &list
}

func said(list []api.PersonEvent) string {
	var out []string
	for _, e := range list {
		out = append(out, strings.Join([]string{e.Op, e.Verdict, e.Name, e.From, e.By, e.Message}, "|"))
	}
	return strings.Join(out, "\n")
}

// TestWhatIsTold: sign-ins, what was refused and what was changed, and no name
// that is nobody's.
func TestWhatIsTold(t *testing.T) {
	w := newWorld(t)
	list := logOf(w, nil)
	got, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: here})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []wire.SignIn{{User: "bob", Password: "x", Client: here}, {User: "hunter2", Password: "x", Client: here}, {User: "alice", Password: secret, Code: "000000", Client: "2001:db8::1"}} {
		if _, err := w.SignIn(in); status(t, err) != http.StatusUnauthorized {
			t.Error(err)
		}
	}
	if _, err := w.ChangePassword(wire.NewPassword{Access: got.Access, Old: secret, New: "seven lamps and a moth", Client: here}); err != nil {
		t.Error(err)
	}
	if _, err := w.SignOut(wire.Token{Token: got.Access}); err != nil {
		t.Error(err)
	}
	if err := w.journal.tell(t.Context(), w.now); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"sign-in|allow|bob|" + here + "||as approver with password",
		"sign-in|deny|bob|" + here + "||the password is wrong",
		"sign-in|deny||" + here + "||the password is wrong; the name is no user's",
		"sign-in|deny|alice|2001:db8::1||the second factor is wrong, or the user is disabled",
		"password|allow|bob|" + here + "||was changed",
		"sign-out|allow|bob|||"}, "\n")
	if s := said(*list); s != want {
		t.Errorf("told:\n%s", s)
	}
}

// TestAnAttackIsFolded: thousands of guesses are a few records, which say how
// many there were; what else happens is told in between.
func TestAnAttackIsFolded(t *testing.T) {
	w := newWorld(t)
	list := logOf(w, nil)
	for i := range 5000 {
		w.journal.refused(w.event(api.PersonSignIn, "alice", "198.51.100.9", "the password is wrong"))
		w.journal.refused(w.event(api.PersonLockedOut, fmt.Sprintf("u%d", i), address(i), "too many wrong attempts"))
	}
	w.journal.happened(w.event(api.PersonSignIn, "bob", here, "as approver"))
	for range 2 {
		w.journal.unfold(w.now)
		if err := w.journal.tell(t.Context(), w.now); err != nil {
			t.Fatal(err)
		}
	}
	s := said(*list)
	if len(*list) > 2*maxFolds+10 {
		t.Errorf("%d records", len(*list))
	}
	for _, want := range []string{"sign-in|deny|alice|198.51.100.9||4999 more in 1m0s: the password is wrong", "of many names and addresses", "sign-in|allow|bob"} {
		if strings.Count(s, want) == 0 {
			t.Errorf("nothing says %q:\n%s", want, s)
		}
	}
	w.journal.unfold(w.now)
	if len(w.journal.folds) != 0 {
		t.Errorf("%d are folded for ever", len(w.journal.folds))
	}
}

// TestWithoutASupervisor: what happens waits, in order and with a bound; and one
// that is refused for ever does not stand in the way.
func TestWithoutASupervisor(t *testing.T) {
	w := newWorld(t)
	away := errors.New("away")
	fail := away
	list := logOf(w, &fail)
	for i := range maxUntold + 7 {
		w.journal.happened(w.event(api.PersonSignIn, "bob", here, fmt.Sprint(i)))
	}
	if err := w.journal.tell(t.Context(), w.now); !errors.Is(err, away) {
		t.Fatal(err)
	}
	fail = nil
	if err := w.journal.tell(t.Context(), w.now); err != nil {
		t.Fatal(err)
	}
	if n := len(*list); n != maxUntold+1 || (*list)[0].Message != "0" || !strings.Contains(said(*list), "7 events are not here") {
		t.Errorf("%d told, the first %+v", n, (*list)[0])
	}
	fail = &api.Error{Status: http.StatusBadRequest, Message: "no"}
	w.journal.happened(w.event(api.PersonSignIn, "bob", here, "poison"))
	done := make(chan error, 1)
	go func() { done <- w.journal.tell(t.Context(), w.now) }()
	fail = <-done
	if fail != nil {
		t.Fatal(fail)
	}
	if untold, _ := w.journal.take(); len(untold) != 0 {
		t.Errorf("it stands in the way: %v", untold)
	}
}

// TestRun: the journal tells by itself, tries again, and tells the rest at the
// end.
func TestRun(t *testing.T) {
	w := newWorld(t)
	told := make(chan api.PersonEvent, 16)
	w.journal = newJournal(func(_ context.Context, events []api.PersonEvent) error {
		for _, e := range events {
			told <- e
		}
		return nil
	}, slog.New(slog.DiscardHandler), w.store)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.journal.run(ctx, func() time.Time { return w.now }) }()
	w.journal.happened(w.event(api.PersonSignIn, "bob", here, "one"))
	if e := <-told; e.Message != "one" {
		t.Errorf("%+v", e)
	}
	w.journal.refused(w.event(api.PersonSignIn, "bob", here, "wrong"))
	w.journal.refused(w.event(api.PersonSignIn, "bob", here, "wrong"))
	stop()
	<-done
	if a, b := <-told, <-told; a.Message != "wrong" || !strings.HasPrefix(b.Message, "1 more in ") {
		t.Errorf("%+v, %+v", a, b)
	}
}

// grace makes alice's access token, and a proof with a code that counts.
func (w *world) grace(t *testing.T) (access string, proof func() *wire.Proof) {
	t.Helper()
	got, err := w.SignIn(wire.SignIn{User: "alice", Password: secret, Code: w.code(0), Client: here})
	if err != nil {
		t.Fatal(err)
	}
	return got.Access, func() *wire.Proof {
		w.now = w.now.Add(time.Minute)
		return &wire.Proof{Code: w.code(0), Client: here}
	}
}

// TestAdminsKeepUsers: every change, with a fresh code for each, in the log
// before it is made; and the new person can do what the role says.
func TestAdminsKeepUsers(t *testing.T) {
	w := newWorld(t)
	list := logOf(w, nil)
	access, proof := w.grace(t)
	do := func(c wire.Change) wire.Given {
		t.Helper()
		g, err := w.ChangePerson(wire.People{Access: access, Change: &c, Proof: proof()})
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		return g
	}
	g := do(wire.Change{Verb: wire.Add, Name: "zoe", Role: assert.Approver})
	if g.Password == "" || g.Secret == "" || len(g.Recovery) != 10 || !g.Person.TOTP {
		t.Fatalf("%+v", g)
	}
	zoe, err := w.SignIn(wire.SignIn{User: "zoe", Password: g.Password, Code: g.Recovery[0], Client: here})
	if err != nil {
		t.Fatal(err)
	}
	if got := do(wire.Change{Verb: wire.SetRole, Name: "zoe", Role: assert.Responder}); got.Person.Role != assert.Responder || got.Password != "" {
		t.Errorf("%+v", got)
	}
	if id, err := w.Check(wire.Token{Token: zoe.Access}); err != nil || id.Role != assert.Responder {
		t.Errorf("%+v, %v", id, err)
	}
	do(wire.Change{Verb: wire.EndSessions, Name: "zoe"})
	if _, err := w.Check(wire.Token{Token: zoe.Access}); status(t, err) != http.StatusUnauthorized {
		t.Error("the session goes on")
	}
	if got := do(wire.Change{Verb: wire.SetPassword, Name: "zoe"}); got.Password == "" || got.Secret != "" {
		t.Errorf("%+v", got)
	}
	if got := do(wire.Change{Verb: wire.SetFactor, Name: "zoe"}); got.Password != "" || got.Secret == g.Secret || len(got.Recovery) != 10 {
		t.Errorf("%+v", got)
	}
	g = do(wire.Change{Verb: wire.Reset, Name: "zoe"})
	do(wire.Change{Verb: wire.Disable, Name: "zoe"})
	if _, err := w.SignIn(wire.SignIn{User: "zoe", Password: g.Password, Code: g.Recovery[0], Client: "192.0.2.77"}); status(t, err) != http.StatusUnauthorized {
		t.Error("who is disabled signs in")
	}
	do(wire.Change{Verb: wire.Enable, Name: "zoe"})
	if people, err := w.People(wire.People{Access: access}); err != nil || len(people) != 5 || people[4].Name != "zoe" || people[4].Disabled {
		t.Errorf("%+v, %v", people, err)
	}
	s := said(*list)
	for _, want := range []string{"add|allow|zoe|" + here + "|alice (console, admin, code)|is approver", "role|allow|zoe|" + here + "|alice (console, admin, code)|is responder",
		"end-sessions|allow|zoe", "password|allow|zoe", "second-factor|allow|zoe", "reset|allow|zoe", "disable|allow|zoe", "enable|allow|zoe"} {
		if !strings.Contains(s, want) {
			t.Errorf("nothing says %q:\n%s", want, s)
		}
	}
}

// TestWhatAdminsMayNot: nobody but they, nothing without a fresh code, nothing
// that is not recorded, and never the last of them.
func TestWhatAdminsMayNot(t *testing.T) {
	w := newWorld(t)
	var fail error
	logOf(w, &fail)
	access, proof := w.grace(t)
	bob, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: here})
	if err != nil {
		t.Fatal(err)
	}
	add := wire.Change{Verb: wire.Add, Name: "eve", Role: assert.Admin}
	used := proof()
	if _, err := w.ChangePerson(wire.People{Access: access, Change: &wire.Change{Verb: wire.Disable, Name: "bob"}, Proof: used}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ChangePerson(wire.People{Access: access, Change: &wire.Change{Verb: wire.Enable, Name: "bob"}, Proof: proof()}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		in   wire.People
		want int
	}{
		"an approver":             {wire.People{Access: bob.Access, Change: &add, Proof: proof()}, 401}, // who was disabled in between
		"nobody":                  {wire.People{Change: &add, Proof: proof()}, 401},
		"without a code":          {wire.People{Access: access, Change: &add}, 403},
		"with an empty proof":     {wire.People{Access: access, Change: &add, Proof: &wire.Proof{Client: here}}, 403},
		"with a wrong code":       {wire.People{Access: access, Change: &add, Proof: &wire.Proof{Code: "000000", Client: here}}, 403},
		"with a used code":        {wire.People{Access: access, Change: &add, Proof: used}, 403},
		"with a recovery code":    {wire.People{Access: access, Change: &add, Proof: &wire.Proof{Code: w.codes[7], Client: here}}, 403},
		"with another's passkey":  {wire.People{Access: access, Change: &add, Proof: &wire.Proof{Passkey: &wire.Signed{ID: "x", Response: []byte("{}")}, Client: here}}, 403},
		"who is there":            {wire.People{Access: access, Change: &wire.Change{Verb: wire.Add, Name: "bob", Role: assert.Viewer}}, 409},
		"who is not there":        {wire.People{Access: access, Change: &wire.Change{Verb: wire.Disable, Name: "eve"}}, 404},
		"no name":                 {wire.People{Access: access, Change: &wire.Change{Verb: wire.Add, Name: "A B", Role: assert.Viewer}}, 400},
		"no role":                 {wire.People{Access: access, Change: &wire.Change{Verb: wire.Add, Name: "eve", Role: "root"}}, 400},
		"the role of before":      {wire.People{Access: access, Change: &wire.Change{Verb: wire.SetRole, Name: "bob", Role: assert.Approver}, Proof: proof()}, 409},
		"no verb":                 {wire.People{Access: access, Change: &wire.Change{Verb: "erase", Name: "bob"}}, 400},
		"no change":               {wire.People{Access: access}, 400},
		"the last admin's role":   {wire.People{Access: access, Change: &wire.Change{Verb: wire.SetRole, Name: "alice", Role: assert.Viewer}, Proof: proof()}, 409},
		"the last admin":          {wire.People{Access: access, Change: &wire.Change{Verb: wire.Disable, Name: "alice"}, Proof: proof()}, 409},
		"an admin without factor": {wire.People{Access: access, Change: &wire.Change{Verb: wire.Reset, Name: "alice", NoFactor: true}, Proof: proof()}, 409},
		"a promotion without one": {wire.People{Access: access, Change: &wire.Change{Verb: wire.SetRole, Name: "bob", Role: assert.Admin}, Proof: proof()}, 409},
	} {
		w.throttle = newThrottle()
		if _, err := w.ChangePerson(tt.in); status(t, err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	fail = errors.New("the log cannot be written")
	w.throttle = newThrottle()
	if _, err := w.ChangePerson(wire.People{Access: access, Change: &wire.Change{Verb: wire.Disable, Name: "bob"}, Proof: proof()}); status(t, err) != http.StatusServiceUnavailable {
		t.Error(err)
	}
	if u, err := w.store.Get("bob"); err != nil || u.Disabled || u.Role != assert.Approver {
		t.Errorf("%+v, %v", u, err)
	}
	fail = nil
	if _, err := w.People(wire.People{Access: bob.Access}); status(t, err) != 401 {
		t.Error(err)
	}
	for i := range 20 { // and guessing codes has to wait
		_, err := w.ChangePerson(wire.People{Access: access, Change: &add, Proof: &wire.Proof{Code: "111111", Client: here}})
		if got := status(t, err); i == 19 && got != http.StatusTooManyRequests {
			t.Errorf("guess %d: %v", i, err)
		}
	}
}

// TestWhoBecomesMoreSignsInAgain: a session that began with a password alone is
// none of somebody who needs more than that.
func TestWhoBecomesMoreSignsInAgain(t *testing.T) {
	w := newWorld(t)
	logOf(w, nil)
	got, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: here})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Change("bob", func(u *store.User) error { u.Role = assert.Admin; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Check(wire.Token{Token: got.Access}); status(t, err) != http.StatusUnauthorized {
		t.Error("an admin without a second factor")
	}
	if _, err := w.Refresh(wire.Token{Token: got.Refresh}); status(t, err) != http.StatusUnauthorized {
		t.Error("its tokens are renewed")
	}
}

// TestAssertionsSayWhatWasProven: only for who gave a fresh factor.
func TestAssertionsSayWhatWasProven(t *testing.T) {
	w := newWorld(t)
	logOf(w, nil)
	access, proof := w.grace(t)
	// The code that signed in is used up.
	if _, err := w.Assert(wire.Ask{Access: access, Action: "POST /v1/x", Digest: assert.Digest(nil), Proof: &wire.Proof{Code: w.code(0), Client: here}}); status(t, err) != http.StatusForbidden {
		t.Error(err)
	}
	for name, p := range map[string]*wire.Proof{"": nil, "code": proof()} {
		a, err := w.Assert(wire.Ask{Access: access, Action: "POST /v1/x", Digest: assert.Digest(nil), Proof: p})
		if err != nil {
			t.Fatal(err)
		}
		if c, err := w.keys.Verify(a.Assertion, assert.Console, w.now); err != nil || c.StepUp != name {
			t.Errorf("%q: %+v, %v", name, c, err)
		}
	}
	if _, err := w.Assert(wire.Ask{Access: access, Action: "POST /v1/x", Digest: assert.Digest(nil), Proof: &wire.Proof{Code: "000000", Client: here}}); status(t, err) != http.StatusForbidden {
		t.Error(err)
	}
	if _, err := w.BeginStepUp(wire.StepUp{Access: access, Action: "POST /v1/x", Digest: assert.Digest(nil)}); status(t, err) != http.StatusConflict {
		t.Error("a ceremony of who has no passkey")
	}
}
