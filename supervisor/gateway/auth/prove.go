package auth

import (
	"net/http"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"clawjail/supervisor/api"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/totp"
	"clawjail/supervisor/gateway/auth/wire"
)

// What a fresh second factor was.
const (
	freshCode    = "code"
	freshPasskey = "passkey"
)

func errNoProof() *wire.Refusal {
	r := refuse(http.StatusForbidden, "this takes a fresh code of your authenticator, or a passkey")
	r.Hint = "enter the code that the authenticator shows now"
	return r
}

func errWrongProof() *wire.Refusal {
	r := refuse(http.StatusForbidden, "the code is wrong or was used before, or the passkey was for something else")
	r.Hint = "wait for the next code; each counts once"
	return r
}

// BeginStepUp begins to prove with a passkey that a person wants one thing, and
// no other.
func (s *Service) BeginStepUp(in wire.StepUp) (wire.Ceremony, error) {
	u, _, err := s.identify(in.Access)
	if err != nil {
		return wire.Ceremony{}, err
	}
	if len(in.Action) > 1024 || len(in.Digest) > 128 || in.Action == "" {
		return wire.Ceremony{}, refuse(http.StatusBadRequest, "what is to be proven is nothing")
	}
	if len(u.Passkeys) == 0 {
		return wire.Ceremony{}, refuse(http.StatusConflict, "there is no passkey: enter a code, or add one on the page of your account")
	}
	p, err := personOf(&u)
	if err != nil {
		return wire.Ceremony{}, err
	}
	options, data, err := s.passkeys.BeginLogin(p, webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return wire.Ceremony{}, err
	}
	return s.ceremony(options, data, stepUpOf(u.Name, in.Action, in.Digest))
}

// stepUpOf names the ceremony of one request: no other ends it. A user's name
// has no space, so it is none of a registration.
func stepUpOf(user, action, digest string) string { return user + " " + digest + " " + action }

// prove looks at a fresh second factor for one request, and uses it up.
func (s *Service) prove(u store.User, p *wire.Proof, action, digest string) (fresh string, err error) {
	if p == nil || p.Code == "" && p.Passkey == nil {
		return "", nil
	}
	now := s.opt.Now()
	event := s.event(api.PersonStepUp, u.Name, p.Client, "")
	if wait := s.throttle.pause(u.Name+" step-up", p.Client, true, now); wait > 0 {
		event.Message = "too many wrong codes"
		s.journal.refused(event)
		r := refuse(http.StatusTooManyRequests, "too many wrong codes; try again in %s", wait.Round(time.Second))
		r.Retry = wait
		return "", r
	}
	if p.Code != "" {
		fresh, err = freshCode, s.proveCode(u.Name, p.Code, now)
	} else {
		fresh, err = freshPasskey, s.provePasskey(u, p.Passkey, stepUpOf(u.Name, action, digest), now)
	}
	if err != nil {
		event.Message = fresh + " refused"
		s.journal.refused(event)
		return "", err
	}
	s.throttle.right(u.Name+" step-up", p.Client, true)
	return fresh, nil
}

func (s *Service) proveCode(name, code string, now time.Time) error {
	return s.opt.Store.Change(name, func(u *store.User) error {
		if u.TOTP == "" {
			return errWrongProof()
		}
		step, ok, err := totp.Check(u.TOTP, code, now, u.TOTPLast)
		if err == nil && !ok {
			err = errWrongProof()
		}
		if ok {
			u.TOTPLast = step
		}
		return err
	})
}

func (s *Service) provePasskey(u store.User, p *wire.Signed, of string, now time.Time) error {
	one, ok := s.ceremonies.take(p.ID, now)
	if !ok || one.user != of {
		return errWrongProof()
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(p.Response)
	if err != nil {
		return errWrongProof()
	}
	person, err := personOf(&u)
	if err != nil {
		return err
	}
	credential, err := s.passkeys.ValidateLogin(person, one.data, parsed)
	if err != nil || credential.Authenticator.CloneWarning || !credential.Flags.UserVerified {
		return errWrongProof()
	}
	return s.opt.Store.Change(u.Name, func(u *store.User) error { return keepCounter(u, credential) })
}
