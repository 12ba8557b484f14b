package supervisor

import (
	"net/http"
	"sync"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
)

// The bound of what is recorded about people: whoever attacks the sign-in must
// not fill the log. The sign-in folds what it tells to much less than that.
const (
	maxPeopleRecords = 1000
	peopleWindow     = time.Minute
)

// allowance is maxPeopleRecords in every peopleWindow, refilled evenly.
type allowance struct {
	mu   sync.Mutex
	used float64
	at   time.Time
}

// take reports whether n more records may be written now.
func (a *allowance) take(n int, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if d := now.Sub(a.at); d > 0 {
		a.used = max(0, a.used-maxPeopleRecords*float64(d)/float64(peopleWindow))
		a.at = now
	}
	if a.used+float64(n) > maxPeopleRecords {
		return false
	}
	a.used += float64(n)
	return true
}

// peopleRoutes is what the sign-in process may ask, on its own socket, and root.
func (s *Supervisor) peopleRoutes(add func(string, func(*call) (any, *api.Error))) {
	add("POST /v1/people", (*call).recordPeople)
}

// signInRoutes is all of that socket.
func (s *Supervisor) signInRoutes() http.Handler {
	mux := http.NewServeMux()
	s.peopleRoutes(func(pattern string, fn func(*call) (any, *api.Error)) { mux.Handle(pattern, s.identified(fn)) })
	return mux
}

// recordPeople writes down what happened about people who sign in. It is the
// word of the sign-in process, or of root on the command line, and the record
// says of whom; the addresses in it are the gateway's word.
func (c *call) recordPeople() (any, *api.Error) {
	if c.peer.UID != 0 && c.peer.UID != c.s.opt.Config.AuthUID {
		return nil, api.Errorf(http.StatusForbidden, "user %d is not the sign-in process", c.peer.UID)
	}
	var events []api.PersonEvent
	if apiErr := c.decode(&events); apiErr != nil {
		return nil, apiErr
	}
	if len(events) > api.MaxPersonEvents {
		return nil, api.Errorf(http.StatusBadRequest, "%d events, at most %d", len(events), api.MaxPersonEvents)
	}
	for _, e := range events {
		if err := e.Check(); err != nil {
			return nil, api.Errorf(http.StatusBadRequest, "an event about somebody who signs in: %v", err)
		}
	}
	now := time.Now()
	if !c.s.persons.recorded.take(len(events), now) {
		return nil, api.Errorf(http.StatusTooManyRequests, "more than %d records about people in a minute", maxPeopleRecords).WithHint("tell fewer, and how many were left out")
	}
	uid := c.peer.UID
	for i, e := range events {
		if e.Time.IsZero() || e.Time.After(now) {
			e.Time = now
		}
		r := audit.Record{Time: e.Time, Gate: audit.GateAuth, Verdict: e.Verdict, Subject: audit.Subject{Op: e.Op, Name: e.Name, Addr: e.From, UID: &uid, Message: e.Message}}
		if e.By != "" {
			r.Subject.Message = "by " + e.By
			if e.Message != "" {
				r.Subject.Message += ": " + e.Message
			}
		}
		if err := c.s.audit.append(r); err != nil {
			return nil, api.Errorf(http.StatusServiceUnavailable, "record what happened about people, %d of %d: %v", i+1, len(events), err)
		}
	}
	return struct{}{}, nil
}
