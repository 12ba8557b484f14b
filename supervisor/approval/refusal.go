package approval

import (
	"errors"
	"fmt"
)

// Why an answer does not apply. A *Refusal matches one of them.
var (
	ErrUnknown    = errors.New("no such request")
	ErrAmbiguous  = errors.New("more than one request begins like that")
	ErrDigest     = errors.New("the request is not what was shown")
	ErrMore       = errors.New("more calls wait than were shown")
	ErrDecided    = errors.New("already decided")
	ErrExpired    = errors.New("timed out")
	ErrJailEnded  = errors.New("the jail ended")
	ErrGone       = errors.New("the process that asked is gone")
	ErrFourEyes   = errors.New("whoever started a jail may not approve for it")
	ErrSame       = errors.New("one person approved twice")
	ErrUnrecorded = errors.New("it could not be recorded")
	ErrScope      = errors.New("bad scope")
	ErrFull       = errors.New("too many remembered decisions")
	ErrClosed     = errors.New("the queue is closed")
)

// Refusal says in words why an answer does not apply.
type Refusal struct {
	Why     error // one of the sentinels
	ID      string
	Message string    // the whole sentence
	Hint    string    // the next step, or empty
	Prior   *Decision // how the request ended, if it did
}

func (r *Refusal) Error() string { return r.Message }

// Unwrap gives the sentinel.
func (r *Refusal) Unwrap() error { return r.Why }

func refuse(why error, id, hint, format string, args ...any) *Refusal {
	return &Refusal{Why: why, ID: id, Hint: hint, Message: fmt.Sprintf(format, args...)}
}

// refuseClosed says why a request that ended cannot be decided any more.
func refuseClosed(d Decision) *Refusal {
	r := refuse(ErrDecided, d.ID, "", "request %s was already decided: %s", d.ID, d.Outcome)
	switch d.Outcome {
	case Approved:
		r.Message = fmt.Sprintf("request %s was already approved by %s", d.ID, d.By)
	case Rejected:
		r.Message = fmt.Sprintf("request %s was already denied by %s", d.ID, d.By)
	case TimedOut:
		r.Why, r.Message = ErrExpired, fmt.Sprintf("request %s timed out at %s and was denied", d.ID, d.At.Format("15:04:05"))
		r.Hint = "the agent has to try again; `approval: {timeout: …}` in the policy gives more time"
	case JailEnded:
		r.Why, r.Message = ErrJailEnded, fmt.Sprintf("request %s ended with its jail", d.ID)
	case Withdrawn:
		r.Why, r.Message = ErrGone, fmt.Sprintf("request %s: the process that asked is gone", d.ID)
	}
	r.Prior = &d
	return r
}
