package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/gateway/auth/store"
)

// The bounds of what is told to the supervisor, which writes the log.
const (
	maxUntold  = 512              // events that wait for it
	maxFolds   = 64               // refusals of the same kind that are told as one
	foldTime   = time.Minute      // how often what was folded is told
	tellTime   = 10 * time.Second // of one call
	tellAgain  = 5 * time.Second  // after one that was refused
	tellAtLast = 2 * time.Second  // at the end
)

// recorder writes events into the log: all of them, or an error.
type recorder func(context.Context, []api.PersonEvent) error

// journal has what happens to people recorded. What is refused is folded: a
// thousand guesses a second are two records a minute.
type journal struct {
	record recorder
	logger *slog.Logger
	users  *store.Store

	mu     sync.Mutex
	untold []api.PersonEvent
	folds  map[fold]*folded
	lost   int
	wake   chan struct{} // capacity 1: a level
}

// fold is what is told as one. Of each there is a first record at once, and one
// a minute of how many followed.
type fold struct{ op, name, network string }

type folded struct {
	first api.PersonEvent
	n     int // after the first, and not told
}

func newJournal(record recorder, logger *slog.Logger, users *store.Store) *journal {
	if record == nil {
		record = func(context.Context, []api.PersonEvent) error { return errors.New("there is no supervisor") }
	}
	return &journal{record: record, logger: logger, users: users, folds: map[fold]*folded{}, wake: make(chan struct{}, 1)}
}

// happened has one event told, soon.
func (j *journal) happened(e api.PersonEvent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(e)
}

// add appends, with the lock held. What does not fit is counted.
func (j *journal) add(e api.PersonEvent) {
	if len(j.untold) >= maxUntold {
		j.lost++
		return
	}
	j.untold = append(j.untold, e)
	select {
	case j.wake <- struct{}{}:
	default: // it is awake
	}
}

// refused has a refusal told: the first of its kind, and how many follow.
func (j *journal) refused(e api.PersonEvent) {
	e.Verdict = "deny"
	j.mu.Lock()
	defer j.mu.Unlock()
	key := fold{e.Op, e.Name, network(e.From)}
	if f := j.folds[key]; f != nil {
		f.n++
		return
	}
	if len(j.folds) >= maxFolds {
		// From everywhere: one record for all of them.
		key = fold{op: api.PersonSignIn}
		if f := j.folds[key]; f != nil {
			f.n++
			return
		}
		e = api.PersonEvent{Time: e.Time, Op: api.PersonSignIn, Verdict: "deny", Message: "of many names and addresses"}
	}
	j.folds[key] = &folded{first: e}
	j.add(e)
}

// unfold tells what was folded, and forgets what did not happen again.
func (j *journal) unfold(now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for key, f := range j.folds {
		if f.n == 0 {
			delete(j.folds, key)
			continue
		}
		e := f.first
		e.Time, e.Message = now, fmt.Sprintf("%d more in %s: %s", f.n, foldTime, f.first.Message)
		f.n = 0
		j.add(e)
	}
}

// take gives the oldest of what is untold, and how many were lost before.
func (j *journal) take() ([]api.PersonEvent, int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(len(j.untold), api.MaxPersonEvents-1)
	return append([]api.PersonEvent(nil), j.untold[:n]...), j.lost
}

// told forgets what was told.
func (j *journal) told(n, lost int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.untold = append(j.untold[:0], j.untold[n:]...)
	j.lost -= lost
}

// tell tells everything that is untold, oldest first.
func (j *journal) tell(ctx context.Context, now time.Time) error {
	for {
		events, lost := j.take()
		n := len(events)
		if n == 0 && lost == 0 {
			return nil
		}
		if lost > 0 {
			events = append(events, api.PersonEvent{Time: now, Op: api.PersonSignIn, Verdict: "deny", Message: fmt.Sprintf("%d events are not here: they could not be recorded in time", lost)})
		}
		for i := range events {
			j.blank(&events[i])
		}
		limited, cancel := context.WithTimeout(ctx, tellTime)
		err := j.record(limited, events)
		cancel()
		var refused *api.Error
		switch {
		case errors.As(err, &refused) && refused.Status == http.StatusBadRequest:
			// It would be refused for ever, and everything after it.
			j.logger.Error("events about people are not recorded", "events", n, "error", err)
			j.told(n, lost-n)
		case err != nil:
			return err
		default:
			j.told(n, lost)
		}
	}
}

// blank takes a name out that is no user's: sometimes it is a password. Here,
// and not when somebody signs in, where its time would tell who exists.
func (j *journal) blank(e *api.PersonEvent) {
	if e.Name == "" || e.Verdict != "deny" {
		return
	}
	if _, err := j.users.Get(e.Name); err != nil {
		e.Name, e.Message = "", e.Message+"; the name is no user's"
	}
}

// run tells until ctx ends, and then once more.
func (j *journal) run(ctx context.Context, now func() time.Time) {
	tick := time.NewTicker(foldTime)
	defer tick.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	<-again.C
	reached := true
	for {
		select {
		case <-ctx.Done():
			j.unfold(now())
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellAtLast)
			defer cancel()
			if err := j.tell(last, now()); err != nil {
				j.logger.Error("the last of what happened about people is not recorded", "error", err)
			}
			return
		case <-j.wake:
		case <-again.C:
		case <-tick.C:
			j.unfold(now())
		}
		err := j.tell(ctx, now())
		if err != nil {
			again.Reset(tellAgain)
		}
		if (err == nil) != reached && ctx.Err() == nil {
			reached = err == nil
			j.logger.Warn("what happens about people reaches the audit log", "yes", reached, "error", err)
		}
	}
}
