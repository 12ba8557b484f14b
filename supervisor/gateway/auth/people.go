package auth

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/gateway/auth/password"
	"clawjail/supervisor/gateway/auth/recovery"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/totp"
	"clawjail/supervisor/gateway/auth/wire"
)

// admin finds the admin of an access token.
func (s *Service) admin(access string) (store.User, error) {
	u, _, err := s.identify(access)
	if err == nil && !u.Role.Includes(assert.Admin) {
		err = refuse(http.StatusForbidden, "%s is %s, and this takes %s", u.Name, u.Role, assert.Admin)
	}
	return u, err
}

// People lists the users.
func (s *Service) People(in wire.People) ([]wire.Person, error) {
	if _, err := s.admin(in.Access); err != nil {
		return nil, err
	}
	users, err := s.opt.Store.List()
	out := make([]wire.Person, len(users))
	for i := range users {
		out[i] = s.personOf(&users[i])
	}
	return out, err
}

func (s *Service) personOf(u *store.User) wire.Person {
	p := wire.Person{Name: u.Name, Role: u.Role, Disabled: u.Disabled, TOTP: u.TOTP != "", Recovery: len(u.Recovery), UID: u.UID, NoAccount: u.NoAccount, Initial: u.Initial,
		Created: u.Created, Changed: u.Changed, Passkeys: []wire.Key{}, Sessions: s.sessionsOf(u, "")}
	for _, k := range u.Passkeys {
		p.Passkeys = append(p.Passkeys, wire.Key{Name: k.Name, Added: k.Added})
	}
	return p
}

// sessionsOf are those that go on, the newest first.
func (s *Service) sessionsOf(u *store.User, this string) []wire.Session {
	out := []wire.Session{}
	for _, n := range u.Sessions {
		if u.Session(n.ID, s.opt.Now()) != nil {
			out = append(out, wire.Session{ID: n.ID, From: n.From, With: n.With, Created: n.Created, Used: n.Used, This: n.ID == this})
		}
	}
	slices.SortFunc(out, func(x, y wire.Session) int { return y.Created.Compare(x.Created) })
	return out
}

// ChangePerson does one thing to a user: with a fresh second factor of the
// admin for exactly that, and when it is in the log.
func (s *Service) ChangePerson(in wire.People) (wire.Given, error) {
	by, err := s.admin(in.Access)
	if err == nil && in.Change == nil {
		err = refuse(http.StatusBadRequest, "what is to be changed?")
	}
	if err == nil {
		err = checkChange(*in.Change)
	}
	if err != nil {
		return wire.Given{}, err
	}
	digest, err := digestOf(in.Change)
	if err != nil {
		return wire.Given{}, err
	}
	users, err := s.opt.Store.List()
	if err != nil {
		return wire.Given{}, err
	}
	// What cannot be done uses up no code.
	if _, err := s.apply(users, *in.Change, fresh{secret: "tried"}); err != nil {
		return wire.Given{}, err
	}
	action := "person " + in.Change.Verb + " " + in.Change.Name
	if in.Begin {
		c, err := s.BeginStepUp(wire.StepUp{Access: in.Access, Action: action, Digest: digest})
		return wire.Given{Ceremony: &c}, err
	}
	with, err := s.prove(by, in.Proof, action, digest)
	if err == nil && with == "" {
		err = errNoProof()
	}
	if err != nil {
		return wire.Given{}, err
	}
	return s.change(by, in, with)
}

// change records and does it.
func (s *Service) change(by store.User, in wire.People, with string) (wire.Given, error) {
	var f fresh
	var err error
	if c := in.Change; c.Verb == wire.Add || c.Verb == wire.Reset || c.Verb == wire.SetPassword || c.Verb == wire.SetFactor {
		if f, err = s.fresh(); err != nil {
			return wire.Given{}, err
		}
	}
	event := api.PersonEvent{Time: s.opt.Now(), Op: in.Change.Verb, Verdict: "allow", Name: in.Change.Name, By: fmt.Sprintf("%s (console, %s, %s)", by.Name, by.Role, with), Message: describe(*in.Change)}
	if in.Proof != nil {
		event.From = addressOf(in.Proof.Client)
	}
	if err := s.recordNow(event); err != nil {
		return wire.Given{}, err
	}
	var given wire.Given
	err = s.opt.Store.Update(func(users []store.User) ([]store.User, error) {
		users, err := s.apply(users, *in.Change, f)
		for i := range users {
			if err == nil && users[i].Name == in.Change.Name {
				given = s.given(&users[i], *in.Change, f)
			}
		}
		return users, err
	})
	if err != nil {
		event.Verdict, event.Message = "deny", "it did not happen after all"
		s.journal.happened(event)
		return wire.Given{}, err
	}
	return given, nil
}

// recordNow is for what is not done unless it is in the log.
func (s *Service) recordNow(e api.PersonEvent) error {
	ctx, cancel := context.WithTimeout(context.Background(), tellTime)
	defer cancel()
	if err := s.journal.record(ctx, []api.PersonEvent{e}); err != nil {
		s.opt.Logger.Error("a change of users cannot be recorded, and is not made", "error", err)
		r := refuse(http.StatusServiceUnavailable, "this cannot be recorded, so it is not done")
		r.Hint = "on the host: systemctl status clawjail"
		return r
	}
	return nil
}

// fresh is what a user gets who is made or reset.
type fresh struct {
	password, hash string
	secret         string
	codes, kept    []string
	handle         []byte
}

func (s *Service) fresh() (fresh, error) {
	f := fresh{password: rand.Text(), secret: totp.NewSecret(), handle: make([]byte, 32)}
	f.codes, f.kept = recovery.Codes()
	rand.Read(f.handle) // never fails: crypto/rand since Go 1.24
	s.checking <- struct{}{}
	defer func() { <-s.checking }()
	var err error
	f.hash, err = password.Hash(f.password)
	return f, err
}

func checkChange(c wire.Change) error {
	if err := store.CheckName(c.Name); err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	verbs := []string{wire.Add, wire.SetRole, wire.Disable, wire.Enable, wire.Reset, wire.SetPassword, wire.SetFactor, wire.EndSessions}
	if !slices.Contains(verbs, c.Verb) {
		return refuse(http.StatusBadRequest, "nobody can %q a user", c.Verb)
	}
	if (c.Verb == wire.Add || c.Verb == wire.SetRole) && !slices.Contains(assert.Roles(), string(c.Role)) {
		return refuse(http.StatusBadRequest, "there is no role %q", c.Role)
	}
	return nil
}

func describe(c wire.Change) string {
	switch c.Verb {
	case wire.Add, wire.SetRole:
		return "is " + string(c.Role)
	case wire.EndSessions:
		if c.Session != "" {
			return "one session"
		}
		return "all sessions"
	}
	return ""
}

// apply makes the change in a list of all users. It is tried once before a code
// is used up, and done under the store's lock.
func (s *Service) apply(users []store.User, c wire.Change, f fresh) ([]store.User, error) {
	before := admins(users)
	at := slices.IndexFunc(users, func(u store.User) bool { return u.Name == c.Name })
	if c.Verb == wire.Add {
		if at >= 0 {
			return nil, refuse(http.StatusConflict, "there is a user %q already", c.Name)
		}
		users = append(users, store.User{Name: c.Name, Role: c.Role, Handle: f.handle, NoAccount: c.NoAccount, Created: s.opt.Now()})
		at = len(users) - 1
	}
	if at < 0 {
		return nil, refuse(http.StatusNotFound, "there is no user %q", c.Name)
	}
	u := &users[at]
	if err := s.edit(u, c, f); err != nil {
		return nil, err
	}
	if before > 0 && admins(users) == 0 {
		r := refuse(http.StatusConflict, "%s is the last admin: nobody would be left who keeps users", c.Name)
		r.Hint = "make another one first"
		return nil, r
	}
	return users, nil
}

// edit changes one user.
func (s *Service) edit(u *store.User, c wire.Change, f fresh) error {
	now := s.opt.Now()
	switch c.Verb {
	case wire.SetRole:
		if u.Role == c.Role {
			return refuse(http.StatusConflict, "%s is %s already", u.Name, u.Role)
		}
		u.Role, u.Changed = c.Role, now
		if s.needsSecond(u) && !u.SecondFactor() {
			r := refuse(http.StatusConflict, "%s has no second factor, and every %s needs one", u.Name, u.Role)
			r.Hint = "give them one first"
			return r
		}
	case wire.Disable:
		u.Disabled = true
		u.EndSession("")
	case wire.Enable:
		u.Disabled = false
	case wire.EndSessions:
		u.EndSession(c.Session)
	default:
		noFactor := c.NoFactor && (c.Verb == wire.Add || c.Verb == wire.Reset)
		if c.Verb != wire.SetFactor {
			u.Password, u.Initial = f.hash, true
		}
		if c.Verb != wire.SetPassword {
			u.TOTP, u.TOTPLast, u.Recovery, u.Passkeys = f.secret, 0, f.kept, nil
		}
		if noFactor {
			u.TOTP, u.Recovery = "", nil
			if s.needsSecond(u) {
				return refuse(http.StatusConflict, "every %s needs a second factor", u.Role)
			}
		}
		u.Changed = now
		u.EndSession("")
	}
	return nil
}

// admins counts those who can sign in as one.
func admins(users []store.User) int {
	n := 0
	for _, u := range users {
		if u.Role == assert.Admin && !u.Disabled && u.SecondFactor() {
			n++
		}
	}
	return n
}

// given is what the admin hands over.
func (s *Service) given(u *store.User, c wire.Change, f fresh) wire.Given {
	g := wire.Given{Person: s.personOf(u)}
	switch c.Verb {
	case wire.Add, wire.Reset, wire.SetPassword:
		g.Password = f.password
	}
	if u.TOTP != "" && u.TOTP == f.secret {
		g.Secret, g.Address, g.Recovery = f.secret, totp.URL("clawjail", u.Name, f.secret), f.codes
	}
	return g
}

// digestOf is of a change, as it is proven.
func digestOf(c *wire.Change) (string, error) {
	b, err := json.Marshal(c)
	return assert.Digest(b), err
}

// event is one about a person, of now.
func (s *Service) event(op, name, from, message string) api.PersonEvent {
	return api.PersonEvent{Time: s.opt.Now(), Op: op, Verdict: "allow", Name: name, From: addressOf(from), Message: message}
}

// addressOf is an address as records have it, or none.
func addressOf(client string) string {
	if network(client) == "unknown" {
		return ""
	}
	return client
}
