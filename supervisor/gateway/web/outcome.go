package web

import (
	"errors"
	"net/http"

	"clawjail/supervisor/gateway/auth/wire"
)

// What came of an attempt to sign in, by a form, a passkey or a program.
const (
	signedIn    = "in"
	wrong       = "wrong"      // name, password, code or passkey
	lockedOut   = "locked-out" // too many wrong ones before
	throttled   = "throttled"  // too many requests of one client: nothing of it was looked at
	busy        = "busy"       // too many people at that moment
	unavailable = "error"      // the sign-in process does not answer
)

// Outcomes is the closed set of what Options.Count is called with.
func Outcomes() []string {
	return []string{signedIn, wrong, lockedOut, throttled, busy, unavailable}
}

// attempted counts what came of an attempt.
func (s *Server) attempted(err error) {
	var refused *wire.Refusal
	outcome := unavailable
	switch {
	case err == nil:
		outcome = signedIn
	case !errors.As(err, &refused):
	case refused.Locked:
		outcome = lockedOut
	case refused.Status == http.StatusTooManyRequests:
		outcome = busy
	case refused.Status < http.StatusInternalServerError:
		outcome = wrong
	}
	s.opt.Count(outcome)
}

// throttle is limited for an attempt to sign in.
func (s *Server) throttle(w http.ResponseWriter, r *http.Request) bool {
	if !s.limited(w, s.strangers, network(clientOf(r))) {
		return false
	}
	s.opt.Count(throttled)
	return true
}
