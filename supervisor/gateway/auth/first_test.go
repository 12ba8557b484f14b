package auth

import (
	"testing"

	"clawjail/supervisor/assert"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/wire"
)

// TestAPasswordOfSomebodyElse: who signed in with one can change it, look who
// they are, go on and sign out, and nothing else, whatever the gateway says.
func TestAPasswordOfSomebodyElse(t *testing.T) {
	w := newWorld(t)
	if err := w.store.Change("bob", func(u *store.User) error { u.Initial = true; return nil }); err != nil {
		t.Fatal(err)
	}
	got, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: here})
	if err != nil || !got.MustChange {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err = w.Refresh(wire.Token{Token: got.Refresh}); err != nil || !got.MustChange {
		t.Fatalf("%+v, %v", got, err)
	}
	other, err := w.SignIn(wire.SignIn{User: "bob", Password: secret, Client: "192.0.2.2"})
	if err != nil {
		t.Fatal(err)
	}
	token := wire.Token{Token: got.Access, ID: "x"}
	calls := map[string]func() error{
		"account":         func() error { _, err := w.Account(token); return err },
		"end-session":     func() error { _, err := w.EndSession(token); return err },
		"passkey-remove":  func() error { _, err := w.RemovePasskey(token); return err },
		"register-begin":  func() error { _, err := w.BeginRegister(token); return err },
		"register-finish": func() error { _, err := w.FinishRegister(wire.Passkey{Access: got.Access, Name: "x"}); return err },
		"step-up": func() error {
			_, err := w.BeginStepUp(wire.StepUp{Access: got.Access, Action: "GET /", Digest: assert.Digest(nil)})
			return err
		},
		"assert": func() error {
			_, err := w.Assert(wire.Ask{Access: got.Access, Action: "GET /", Digest: assert.Digest(nil)})
			return err
		},
		"people": func() error { _, err := w.People(wire.People{Access: got.Access}); return err },
		"person": func() error { _, err := w.ChangePerson(wire.People{Access: got.Access}); return err },
	}
	for name, call := range calls {
		if got := status(t, call()); got != 403 {
			t.Errorf("%s before the password is changed: %d", name, got)
		}
	}
	if id, err := w.Check(token); err != nil || !id.MustChange {
		t.Errorf("%+v, %v", id, err)
	}
	change := func(old, to string) int {
		_, err := w.ChangePassword(wire.NewPassword{Access: got.Access, Old: old, New: to, Client: here})
		return status(t, err)
	}
	if got := change(secret, secret); got != 400 {
		t.Errorf("the same again: %d", got)
	}
	if got := change("wrong", "seven lamps and a moth"); got != 403 {
		t.Errorf("without the old one: %d", got)
	}
	if got := change(secret, "seven lamps and a moth"); got != 0 {
		t.Errorf("another one: %d", got)
	}
	if err := calls["assert"](); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if id, err := w.Check(token); err != nil || id.MustChange {
		t.Errorf("afterwards: %+v, %v", id, err)
	}
	if _, err := w.Check(wire.Token{Token: other.Access}); status(t, err) != 401 {
		t.Errorf("a session of the old password goes on: %v", err)
	}
}

// TestWhoHasToChange: whoever was given a password, and nobody else.
func TestWhoHasToChange(t *testing.T) {
	w := newWorld(t)
	for verb, want := range map[string]bool{wire.Add: true, wire.Reset: true, wire.SetPassword: true, wire.SetFactor: false, wire.Enable: false, wire.EndSessions: false} {
		u := store.User{Name: "zoe", Role: assert.Viewer}
		if err := w.edit(&u, wire.Change{Verb: verb, Name: "zoe"}, fresh{hash: "h", secret: "s"}); err != nil || u.Initial != want {
			t.Errorf("%s: %v, %v", verb, u.Initial, err)
		}
	}
}
