package auth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"clawjail/supervisor/api"
	"clawjail/supervisor/gateway/auth/password"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/strength"
	"clawjail/supervisor/gateway/auth/wire"
)

// Account gives what a person sees of their own.
func (s *Service) Account(in wire.Token) (wire.Account, error) {
	u, c, err := s.identify(in.Token)
	if err != nil {
		return wire.Account{}, err
	}
	a := wire.Account{Identity: wire.Identity{User: u.Name, Role: u.Role, Session: c.Session}, TOTP: u.TOTP != "", RecoveryLeft: len(u.Recovery),
		Passkeys: []wire.Key{}, Sessions: s.sessionsOf(&u, c.Session)}
	for _, p := range u.Passkeys {
		a.Passkeys = append(a.Passkeys, wire.Key{Name: p.Name, Added: p.Added})
	}
	return a, nil
}

// EndSession ends one of the person's sessions.
func (s *Service) EndSession(in wire.Token) (struct{}, error) {
	u, _, err := s.identify(in.Token)
	if err == nil && in.ID == "" {
		err = refuse(http.StatusBadRequest, "which session?")
	}
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.own(u.Name, s.event(api.PersonSession, u.Name, "", "was ended"), func(u *store.User) error { u.EndSession(in.ID); return nil })
}

// own is a change that a person makes to what is theirs: done and then told, for
// nobody gets more by it.
func (s *Service) own(name string, e api.PersonEvent, fn func(*store.User) error) error {
	err := s.opt.Store.Change(name, fn)
	if err == nil {
		s.journal.happened(e)
	}
	return err
}

// ChangePassword changes it and ends every other session.
func (s *Service) ChangePassword(in wire.NewPassword) (struct{}, error) {
	u, c, err := s.recognise(in.Access)
	if err != nil {
		return struct{}{}, err
	}
	if wait := s.throttle.pause(u.Name, in.Client, true, s.opt.Now()); wait > 0 {
		r := refuse(http.StatusTooManyRequests, "too many wrong attempts")
		r.Retry = wait
		return struct{}{}, r
	}
	right, err := s.check(u.Password, in.Old)
	if err != nil {
		return struct{}{}, err
	}
	if !right {
		s.journal.refused(s.event(api.PersonPassword, u.Name, in.Client, "the old password is wrong"))
		return struct{}{}, refuse(http.StatusForbidden, "the old password is wrong")
	}
	s.throttle.right(u.Name, in.Client, true)
	if in.New == in.Old {
		return struct{}{}, refuse(http.StatusBadRequest, "the new password is the old one")
	}
	if err := strength.Weak(in.New, u.Name); err != nil {
		return struct{}{}, refuse(http.StatusBadRequest, "%v", err)
	}
	hash, err := password.Hash(in.New)
	if err != nil {
		return struct{}{}, err
	}
	was := u.Password
	return struct{}{}, s.own(u.Name, s.event(api.PersonPassword, u.Name, in.Client, "was changed"), func(u *store.User) error {
		if u.Password != was {
			return refuse(http.StatusConflict, "the password was changed by somebody else at this moment")
		}
		u.Password, u.Initial, u.Changed = hash, false, s.opt.Now()
		u.Sessions = slices.DeleteFunc(u.Sessions, func(n store.Session) bool { return n.ID != c.Session })
		return nil
	})
}

// RemovePasskey forgets one. The last second factor of who needs one stays.
func (s *Service) RemovePasskey(in wire.Token) (struct{}, error) {
	u, _, err := s.identify(in.Token)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.own(u.Name, s.event(api.PersonPasskey, u.Name, "", fmt.Sprintf("%q was removed", in.ID)), func(u *store.User) error {
		had := len(u.Passkeys)
		u.Passkeys = slices.DeleteFunc(u.Passkeys, func(p store.Passkey) bool { return p.Name == in.ID })
		switch {
		case len(u.Passkeys) == had:
			return refuse(http.StatusNotFound, "there is no passkey of that name")
		case s.needsSecond(u) && !u.SecondFactor():
			return refuse(http.StatusConflict, "this is the only second factor: add another passkey first")
		}
		u.Changed = s.opt.Now()
		return nil
	})
}

// passkeyName is what a person calls one, as far as it can be shown.
func passkeyName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", refuse(http.StatusBadRequest, "a passkey needs a name: 1 to 64 plain characters")
	}
	return s, nil
}
