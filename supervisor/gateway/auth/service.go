package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/gateway/auth/password"
	"clawjail/supervisor/gateway/auth/recovery"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/totp"
	"clawjail/supervisor/gateway/auth/wire"
)

const (
	maxChecks  = 2
	maxWaiting = 16
)

// Options are what a Service needs.
type Options struct {
	Store       *store.Store
	Keys        *assert.Keys
	Name        string        // of the console, as browsers know it: a host
	Origin      string        // https://host:port
	AllMFA      bool          // everybody needs a second factor, not only admins
	AccessLife  time.Duration // at most assert.AccessLife
	SessionLife time.Duration
	Logger      *slog.Logger
	// Record writes what happens into the audit log, all of it or nothing.
	Record func(context.Context, []api.PersonEvent) error
	Now    func() time.Time
}

// Service signs people in.
type Service struct {
	opt        Options
	passkeys   *webauthn.WebAuthn
	ceremonies *ceremonies
	throttle   *throttle
	journal    *journal
	waiting    chan struct{} // capacity maxWaiting+maxChecks: who is let in at all
	checking   chan struct{} // capacity maxChecks: who has 64 MiB
	nobody     string        // a hash for those who do not exist
}

// New makes a Service.
func New(o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AccessLife <= 0 || o.AccessLife > assert.AccessLife {
		o.AccessLife = assert.AccessLife
	}
	w, err := webauthn.New(&webauthn.Config{RPID: o.Name, RPDisplayName: "clawjail", RPOrigins: []string{o.Origin}})
	if err != nil {
		return nil, fmt.Errorf("passkeys for %s: %w", o.Origin, err)
	}
	nobody, err := password.Hash(rand.Text())
	if err != nil {
		return nil, err
	}
	return &Service{opt: o, passkeys: w, ceremonies: newCeremonies(), throttle: newThrottle(), nobody: nobody, journal: newJournal(o.Record, o.Logger, o.Store),
		waiting: make(chan struct{}, maxWaiting+maxChecks), checking: make(chan struct{}, maxChecks)}, nil
}

func refuse(status int, format string, args ...any) *wire.Refusal {
	return &wire.Refusal{Status: status, Message: fmt.Sprintf(format, args...)}
}

// errWrong is the one answer to everything that is wrong with a sign-in.
func errWrong() *wire.Refusal {
	r := refuse(http.StatusUnauthorized, "the name, the password or the code is wrong, or the code was used before")
	r.Hint = "an admin needs a code of the authenticator, a recovery code or a passkey"
	return r
}

// check is password.Check for as many as there is memory for.
func (s *Service) check(hash, pass string) (bool, error) {
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		r := refuse(http.StatusTooManyRequests, "too many people sign in at this moment")
		r.Retry = time.Second
		return false, r
	}
	s.checking <- struct{}{}
	defer func() { <-s.checking }()
	return password.Check(hash, pass)
}

// SignIn checks a password and a second factor, and begins a session.
func (s *Service) SignIn(in wire.SignIn) (wire.Tokens, error) {
	now := s.opt.Now()
	name := in.User
	if store.CheckName(name) != nil {
		name = "" // all names that nobody has are one
	}
	known := s.knownDevice(in.Device, name, now)
	if wait := s.throttle.pause(name, in.Client, known, now); wait > 0 {
		s.journal.refused(s.event(api.PersonLockedOut, name, in.Client, "too many wrong attempts, the next in "+wait.Round(time.Second).String()))
		r := refuse(http.StatusTooManyRequests, "too many wrong attempts; try again in %s", wait.Round(time.Second))
		r.Retry, r.Locked = wait, true
		return wire.Tokens{}, r
	}
	u, err := s.opt.Store.Get(name)
	unknown := errors.Is(err, store.ErrUnknown)
	if err != nil && !unknown {
		return wire.Tokens{}, err
	}
	hash := u.Password
	if unknown || hash == "" {
		hash = s.nobody
	}
	right, err := s.check(hash, in.Password)
	if err != nil {
		return wire.Tokens{}, err
	}
	if unknown || !right || u.Disabled {
		s.journal.refused(s.event(api.PersonSignIn, name, in.Client, "the password is wrong"))
		return wire.Tokens{}, errWrong()
	}
	t, err := s.begin(name, session{from: in.Client, code: in.Code, with: passwordAlone, hash: hash})
	if err != nil {
		s.journal.refused(s.event(api.PersonSignIn, name, in.Client, "the second factor is wrong, or the user is disabled"))
		return wire.Tokens{}, err
	}
	s.throttle.right(name, in.Client, known)
	return t, nil
}

func (s *Service) knownDevice(token, name string, now time.Time) bool {
	c, err := s.opt.Keys.Verify(token, assert.Device, now)
	return err == nil && c.Subject == name
}

// needsSecond reports whether a password alone is not enough for a user.
func (s *Service) needsSecond(u *store.User) bool {
	return s.opt.AllMFA || u.Role == assert.Admin || u.TOTP != ""
}

// second takes a code: of the authenticator, or for recovery. What it takes is
// used up.
func (s *Service) second(u *store.User, code string, now time.Time) (with string, ok bool, err error) {
	if six := strings.ReplaceAll(code, " ", ""); u.TOTP != "" && len(six) == 6 {
		step, ok, err := totp.Check(u.TOTP, six, now, u.TOTPLast)
		if ok {
			u.TOTPLast = step
		}
		return "password and code", ok, err
	}
	u.Recovery, ok = recovery.Use(u.Recovery, code)
	return recovered, ok, nil
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// passwordAlone is what a session was begun with that has no second factor.
const passwordAlone = "password"

// recovered is what a session was begun with when the authenticator is lost.
const recovered = "password and recovery code"

// session is how one begins.
type session struct {
	from, with string
	hash, code string                  // of a password; the second factor is still to be looked at
	change     func(*store.User) error // of a passkey
}

// begin makes a session of a user whose first factor was right. Everything is
// looked at again under the store's lock, and what counts once is used up.
func (s *Service) begin(name string, b session) (wire.Tokens, error) {
	now := s.opt.Now()
	var t wire.Tokens
	err := s.opt.Store.Change(name, func(u *store.User) error {
		if u.Disabled || b.hash != "" && b.hash != u.Password {
			return errWrong()
		}
		if b.change != nil {
			if err := b.change(u); err != nil {
				return err
			}
		}
		if b.hash != "" && s.needsSecond(u) {
			with, ok, err := s.second(u, b.code, now)
			if err != nil {
				return err
			}
			if !ok {
				return errWrong()
			}
			b.with = with
		}
		refresh := rand.Text()
		n := store.Session{ID: rand.Text(), Refresh: digest(refresh), From: b.from, With: b.with, Created: now, Used: now, Expires: now.Add(s.opt.SessionLife)}
		u.AddSession(n)
		var err error
		t, err = s.tokens(u, n, refresh, now)
		if left := len(u.Recovery); b.with == recovered {
			t.RecoveryLeft = &left
		}
		return err
	})
	if err != nil {
		return wire.Tokens{}, err
	}
	t.Device, err = s.opt.Keys.Sign(assert.Claims{Audience: assert.Device, Subject: name, ID: rand.Text()}, now, assert.DeviceLife)
	s.journal.happened(s.event(api.PersonSignIn, name, b.from, "as "+string(t.Role)+" with "+b.with))
	return t, err
}

// tokens are those of a session.
func (s *Service) tokens(u *store.User, n store.Session, refresh string, now time.Time) (wire.Tokens, error) {
	life := min(s.opt.AccessLife, n.Expires.Sub(now))
	access, err := s.opt.Keys.Sign(assert.Claims{Audience: assert.Access, Subject: u.Name, Role: u.Role, Session: n.ID, ID: rand.Text()}, now, life)
	return wire.Tokens{Access: access, Refresh: u.Name + ":" + n.ID + ":" + refresh, User: u.Name, Role: u.Role,
		Expires: now.Add(life), Ends: n.Expires, MustChange: u.Initial}, err
}

func errSignedOut() *wire.Refusal {
	return refuse(http.StatusUnauthorized, "the session has ended: sign in again")
}

// Refresh gives new tokens for a refresh token, once.
func (s *Service) Refresh(in wire.Token) (wire.Tokens, error) {
	part := strings.Split(in.Token, ":")
	if len(part) != 3 || len(in.Token) > 200 || store.CheckName(part[0]) != nil {
		return wire.Tokens{}, errSignedOut()
	}
	now := s.opt.Now()
	var t wire.Tokens
	var refused error
	err := s.opt.Store.Change(part[0], func(u *store.User) error {
		n := u.Session(part[1], now)
		if n == nil || u.Disabled || n.With == passwordAlone && s.needsSecond(u) {
			return errSignedOut()
		}
		if subtle.ConstantTimeCompare([]byte(n.Refresh), []byte(digest(part[2]))) != 1 {
			u.EndSession(n.ID)
			refused = errSignedOut()
			e := s.event(api.PersonSession, u.Name, n.From, "a refresh token came a second time, so two have it: the session is ended")
			e.Verdict = "deny"
			s.journal.happened(e)
			return nil
		}
		fresh := rand.Text()
		n.Refresh, n.Used = digest(fresh), now
		var err error
		t, err = s.tokens(u, *n, fresh, now)
		return err
	})
	if errors.Is(err, store.ErrUnknown) {
		err = errSignedOut()
	}
	return t, errors.Join(err, refused)
}

// identify finds the user and the session of an access token. Whoever has to
// change the password does that first: nothing else is done for them.
func (s *Service) identify(access string) (store.User, assert.Claims, error) {
	u, c, err := s.recognise(access)
	if err == nil && u.Initial {
		err = errChangeFirst()
	}
	return u, c, err
}

// errChangeFirst is the answer to a password that somebody else knows.
func errChangeFirst() *wire.Refusal {
	r := refuse(http.StatusForbidden, "somebody else gave you your password: change it first")
	r.Hint = "the console asks for it; a program calls POST /api/v1/account/password"
	return r
}

// recognise is identify for what may be done before the password is changed.
func (s *Service) recognise(access string) (store.User, assert.Claims, error) {
	now := s.opt.Now()
	c, err := s.opt.Keys.Verify(access, assert.Access, now)
	if err != nil {
		r := refuse(http.StatusUnauthorized, "%v", err)
		return store.User{}, c, r
	}
	u, err := s.opt.Store.Get(c.Subject)
	if errors.Is(err, store.ErrUnknown) {
		return store.User{}, c, errSignedOut()
	}
	if err != nil {
		return store.User{}, c, err
	}
	n := u.Session(c.Session, now)
	// Whoever became more since signs in again, as those do who are that.
	if u.Disabled || n == nil || n.With == passwordAlone && s.needsSecond(&u) {
		return store.User{}, c, errSignedOut()
	}
	return u, c, nil
}

// Check says who an access token stands for.
func (s *Service) Check(in wire.Token) (wire.Identity, error) {
	u, c, err := s.recognise(in.Token)
	return wire.Identity{User: u.Name, Role: u.Role, Session: c.Session, Expires: time.Unix(c.Expires, 0), MustChange: u.Initial}, err
}

// Assert signs one request for the supervisor, in the name of whoever the
// access token stands for. If the role is enough is the supervisor's to say.
func (s *Service) Assert(in wire.Ask) (wire.Asserted, error) {
	u, c, err := s.identify(in.Access)
	if err != nil {
		return wire.Asserted{}, err
	}
	if len(in.Action) > 1024 || len(in.Digest) != 2*sha256.Size {
		return wire.Asserted{}, refuse(http.StatusBadRequest, "what is to be signed is no request")
	}
	fresh, err := s.prove(u, in.Proof, in.Action, in.Digest)
	if err != nil {
		return wire.Asserted{}, err
	}
	t, err := s.opt.Keys.Sign(assert.Claims{Audience: assert.Console, Subject: u.Name, Role: u.Role, UID: u.UID, NoAccount: u.NoAccount, StepUp: fresh,
		Session: c.Session, Action: in.Action, Digest: in.Digest, ID: rand.Text()}, s.opt.Now(), assert.ConsoleLife)
	return wire.Asserted{Assertion: t}, err
}

// SignOut ends the session of an access token.
func (s *Service) SignOut(in wire.Token) (struct{}, error) {
	u, c, err := s.recognise(in.Token)
	if err != nil {
		return struct{}{}, err
	}
	err = s.opt.Store.Change(u.Name, func(u *store.User) error { u.EndSession(c.Session); return nil })
	if err == nil {
		s.journal.happened(s.event(api.PersonSignOut, u.Name, "", ""))
	}
	return struct{}{}, err
}
