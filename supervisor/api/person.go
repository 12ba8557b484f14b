package api

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What happens about people who sign in.
const (
	PersonSignIn      = "sign-in"
	PersonSignOut     = "sign-out"
	PersonLockedOut   = "locked-out"    // whoever guesses has to wait
	PersonStepUp      = "step-up"       // a fresh second factor was asked for
	PersonSession     = "session"       // one was ended, or a token of it came twice
	PersonPassword    = "password"      // was changed
	PersonPasskey     = "passkey"       // was added or removed
	PersonFactor      = "second-factor" // authenticator and recovery codes were made anew
	PersonReset       = "reset"         // everything that signs in was
	PersonAdd         = "add"
	PersonRole        = "role"
	PersonDisable     = "disable"
	PersonEnable      = "enable"
	PersonEndSessions = "end-sessions"
)

// The bounds of what is told about people.
const (
	MaxPersonEvents  = 64  // of one call
	maxPersonMessage = 500 // bytes
)

// PersonEvent is one of these, to be recorded. The supervisor says when, and
// who told it.
type PersonEvent struct {
	// Time is when it happened, if it could not be told at once.
	Time time.Time `json:"time"`
	Op   string    `json:"op"`
	// Verdict is allow for what was done, deny for what was refused.
	Verdict string `json:"verdict"`
	// Name is the user's; empty: no user's. What strangers type as a name is in
	// no record: sometimes it is a password.
	Name string `json:"name,omitempty"`
	// By is who did it to the user, if not the user.
	By string `json:"by,omitempty"`
	// From is the address that the gateway names.
	From    string `json:"from,omitempty"`
	Message string `json:"message,omitempty"`
}

// Check says what no event can be.
func (e PersonEvent) Check() error {
	ops := []string{PersonSignIn, PersonSignOut, PersonLockedOut, PersonStepUp, PersonSession, PersonPassword, PersonPasskey, PersonFactor, PersonReset,
		PersonAdd, PersonRole, PersonDisable, PersonEnable, PersonEndSessions}
	var errs []error
	if !slices.Contains(ops, e.Op) {
		errs = append(errs, fmt.Errorf("there is no event %q", e.Op))
	}
	if e.Verdict != "allow" && e.Verdict != "deny" {
		errs = append(errs, fmt.Errorf("verdict %q is neither allow nor deny", e.Verdict))
	}
	name := regexp.MustCompile(`^[a-z0-9._, ()-]{0,100}$`)
	for what, s := range map[string]string{"name": e.Name, "by": e.By} {
		if !name.MatchString(s) {
			errs = append(errs, fmt.Errorf("%s %q is nobody's", what, s))
		}
	}
	if e.From != "" {
		if _, err := netip.ParseAddr(e.From); err != nil {
			errs = append(errs, fmt.Errorf("from %q is not an address", e.From))
		}
	}
	if len(e.Message) > maxPersonMessage || strings.ContainsFunc(e.Message, func(r rune) bool { return r < ' ' || r > '~' }) {
		errs = append(errs, errors.New("the message is too long or not plain"))
	}
	return errors.Join(errs...)
}
