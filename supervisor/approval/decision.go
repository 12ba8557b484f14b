package approval

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Outcome is how a request ended. The zero value is a denial.
type Outcome uint8

// The outcomes. Only Approved lets anything happen.
const (
	Denied      Outcome = iota // for no known reason
	Approved                   // by a human, or by a scope that a human gave
	Rejected                   // by a human, or by such a scope
	TimedOut                   // nobody answered
	JailEnded                  // the jail is gone
	Withdrawn                  // the process that asked is gone
	Flooded                    // too many open requests
	Unrecorded                 // the request or the decision could not be written down
	Interrupted                // the supervisor stops; the request stays in the journal
	Seconding                  // one person approved and another has to; nothing is decided
)

// String gives the words that records and messages use.
func (o Outcome) String() string {
	switch o {
	case Approved:
		return "approved"
	case Rejected:
		return "denied: rejected"
	case TimedOut:
		return "denied: timed out"
	case JailEnded:
		return "denied: the jail ended"
	case Withdrawn:
		return "denied: the process that asked is gone"
	case Flooded:
		return "denied: too many open requests"
	case Unrecorded:
		return "denied: it could not be recorded"
	case Interrupted:
		return "denied: the supervisor stopped"
	case Seconding:
		return "approved, and takes another person"
	}
	return "denied"
}

// ScopeKind is how far a decision reaches.
type ScopeKind string

// The scopes. For every one but ScopeOnce, Request.Covers says in words what
// will not be asked again.
const (
	ScopeOnce   ScopeKind = "once"
	ScopeFor    ScopeKind = "for"
	ScopeJail   ScopeKind = "jail"
	ScopeAlways ScopeKind = "always"
)

// MaxFor is the longest ScopeFor.
const MaxFor = 7 * 24 * time.Hour

// Scope is how far, and with ScopeFor how long, a decision reaches.
type Scope struct {
	Kind ScopeKind
	For  time.Duration
}

// Once is the scope of a decision that says nothing else.
func Once() Scope { return Scope{Kind: ScopeOnce} }

// Validate says what is wrong with a scope.
func (s Scope) Validate() error {
	switch s.Kind {
	case ScopeOnce, ScopeJail, ScopeAlways:
		if s.For != 0 {
			return fmt.Errorf("the scope %q takes no time", s.Kind)
		}
		return nil
	case ScopeFor:
		if s.For < time.Second || s.For > MaxFor {
			return fmt.Errorf("the time %s is not between 1s and %s", s.For, MaxFor)
		}
		return nil
	}
	return fmt.Errorf("there is no scope %q, only once, for, jail and always", s.Kind)
}

// String gives the scope in words.
func (s Scope) String() string {
	switch s.Kind {
	case ScopeFor:
		return "for " + shortly(s.For)
	case ScopeJail:
		return "while the jail lives"
	case ScopeAlways:
		return "always"
	}
	return "once"
}

// shortly is a duration without the units that are zero: 1h, not 1h0m0s.
func shortly(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// By is who decided.
type By struct {
	UID  uint32 // NoAccount: of a person who has none on this host
	Name string // as records have it
	// Person is who it is by the configuration or the console; empty: not known.
	Person string
	// Login is the account that logged in, where somebody became another user
	// since, as root with sudo; nil: not known, or the same.
	Login *uint32
	// For is in whose place somebody decides who stands in for them.
	For string
}

// String gives the name, or the number where there is none; nothing where
// nobody decided. Root has a name.
func (b By) String() string {
	if b == (By{}) {
		return ""
	}
	s := b.Name
	if s == "" {
		s = "uid " + strconv.FormatUint(uint64(b.UID), 10)
	}
	if b.For != "" {
		s += " for " + b.For
	}
	return s
}

// Decision is the answer to a request. The zero value is a denial.
type Decision struct {
	ID      string
	Digest  string
	Outcome Outcome
	Scope   Scope
	By      By            // zero unless Approved or Rejected
	Reason  string        // the approver's words, or what went wrong
	Held    time.Duration // from Submit to the answer
	At      time.Time     // wall clock
	// Grant is the id of the earlier decision whose scope covers this request;
	// empty when it was decided itself.
	Grant string
	// File is the policy file that an approver's client wrote the rule to.
	File string
	// With names those who approved before By, where it takes several people, and
	// Needs how many more it takes.
	With  string
	Needs int
	// Category is the operator's name for what it is about; empty: none.
	Category string
}

// Allowed reports whether the operation may happen.
func (d Decision) Allowed() bool { return d.Outcome == Approved }

// String gives outcome, approver and reason in one line. The reason is raw.
func (d Decision) String() string {
	s := d.Outcome.String()
	if d.Outcome == Approved || d.Outcome == Rejected {
		s += " by " + d.By.String()
	}
	if d.Outcome == Approved && d.With != "" {
		s += " with " + d.With
	}
	if d.Reason != "" {
		s += " (" + d.Reason + ")"
	}
	return s
}

// Answer is what an approver sends.
type Answer struct {
	ID      string // or an unambiguous prefix
	Digest  string // of what the approver saw; must be given
	Approve bool
	Scope   Scope
	By      By
	Reason  string
	// Waiting is how many identical calls the approver saw; 0: not told. If
	// more wait, an approval does not apply.
	Waiting int
	File    string // see Decision.File
}
