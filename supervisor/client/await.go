package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"time"

	"clawjail/supervisor/api"
)

// How a client waits for the next supervisor.
const (
	awaitFirst = 20 * time.Millisecond
	awaitLast  = time.Second
	awaitQuiet = 2 * time.Second // before the user is told
)

// gone reports whether an error means that the supervisor has gone, and not what
// it answers.
func gone(err error) bool {
	var answer *api.Error
	switch {
	case err == nil, errors.As(err, &answer):
		return false
	case errors.Is(err, ErrNotRunning), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return true
	}
	return false
}

// begin starts a jail. Its command may be held for a human, and the supervisor lost
// meanwhile: the next one has the jail then, if it was made.
func (c Client) begin(ctx context.Context, r api.RunRequest, s *session, files []*os.File) (api.Jail, *os.File, error) {
	r.Key = rand.Text()
	jail, pty, first := c.Run(ctx, r, files...)
	if !s.streams.Survives || !gone(first) || errors.Is(first, ErrNotRunning) {
		return jail, pty, first
	}
	r.Rejoin = true
	err := again(ctx, true, s.tell, func() error {
		var err error
		jail, pty, err = c.Run(ctx, r)
		return err
	})
	var answer *api.Error
	if errors.As(err, &answer) && answer.Status == http.StatusNotFound {
		err = first
	}
	return jail, pty, err
}

// beginExec starts a process in a jail. It may be held for a human as well; what the
// lost supervisor had started the next one has, and it is not started again.
func (c Client) beginExec(ctx context.Context, id string, r api.ExecRequest, s *session, files []*os.File) (a api.ExecAnswer, pty *os.File, err error) {
	r.Key = rand.Text()
	a, pty, first := c.exec(ctx, id, r, files...)
	if !s.streams.Survives || !gone(first) || errors.Is(first, ErrNotRunning) {
		return a, pty, first
	}
	r.Rejoin = true
	err = again(ctx, true, s.tell, func() error {
		a, pty, err = c.exec(ctx, id, r)
		return err
	})
	var answer *api.Error
	if errors.As(err, &answer) && answer.Status == http.StatusNotFound {
		err = fmt.Errorf("nothing was started in the jail, try again: %w", first)
	}
	return a, pty, err
}

// await waits for a jail's end, over the end of its supervisor if it goes on
// without one.
func (c Client) await(ctx context.Context, j api.Jail, tell func(string)) (api.Jail, error) {
	var ended api.Jail
	err := again(ctx, j.Survives, tell, func() error {
		var err error
		ended, err = c.Wait(ctx, j.ID, true)
		return err
	})
	var answer *api.Error
	if j.Survives && errors.As(err, &answer) && answer.Status == http.StatusNotFound {
		err = fmt.Errorf("jail %s ended while there was no supervisor, and nobody knows how: %w", j.Name, err)
	}
	return ended, err
}

// awaitExec does the same for a process that was added to a jail.
func (c Client) awaitExec(ctx context.Context, id string, a api.ExecAnswer, tell func(string)) (api.Exit, error) {
	var exit api.Exit
	err := again(ctx, a.Survives, tell, func() error {
		var err error
		exit, err = c.ExecWait(ctx, id, a.ID)
		return err
	})
	return exit, err
}

// again asks until there is an answer, or ctx ends.
func again(ctx context.Context, survives bool, tell func(string), ask func() error) error {
	pause, told := awaitFirst, false
	var since time.Time
	for {
		began := time.Now()
		err := ask()
		if !survives || !gone(err) || ctx.Err() != nil {
			if told && err == nil {
				tell("the supervisor was back")
			}
			return err
		}
		if since.IsZero() || time.Since(began) > awaitQuiet {
			since, pause, told = time.Now(), awaitFirst, false
		}
		if !told && time.Since(since) > awaitQuiet {
			tell("there is no supervisor; the agent goes on, what it has to ask for waits. Interrupt twice to leave it alone")
			told = true
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
		pause = min(2*pause, awaitLast)
	}
}

// tell writes a line for the user.
func (s *session) tell(text string) {
	end := "\n"
	if s.pty != nil {
		end = "\r\n"
	}
	fmt.Fprintf(s.streams.Err, "clawjail: %s%s", text, end)
}
