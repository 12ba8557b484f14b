package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/jail"
	"clawjail/jail/shim"
	"clawjail/supervisor/api"
)

// leaseGrace is how long a foreground jail may be without a client that waits
// for it: long enough to reconnect, too short to be forgotten.
const leaseGrace = 10 * time.Second

// awaitEnd waits for a jail's end and takes it apart.
func (s *Supervisor) awaitEnd(b *build) {
	e := b.entry
	defer s.idle.release()
	grace := time.AfterFunc(leaseGrace, func() { s.endUnleased(e) })
	defer grace.Stop()
	exit, err := b.handle.Wait(context.Background())
	if errors.Is(err, shim.ErrLeft) {
		return
	}
	defer func() {
		if err := b.handle.Close(); err != nil {
			s.log.Error("a jail left something behind", "jail", e.jail.ID, "error", err)
		}
	}()
	s.approvals.EndJail(e.jail.ID)
	var last sync.WaitGroup
	last.Go(b.unproxy)
	// Nothing runs any more; what the probes saw may still be in the ring.
	s.settle()
	last.Wait()
	defer b.unprobe()
	result := api.Exit{Code: exit.Code, Signal: exit.Signal, OOM: exit.OOMKilled, WallClock: exit.WallClock}
	s.loop.do(func(*table) { result.Reason = e.reason })
	switch {
	case err != nil:
		result = api.Exit{Code: 137, Signal: int(unix.SIGKILL), Reason: fmt.Sprintf("its shim ended: %v", err)}
	case exit.Lost:
		result.Reason = "no supervisor came back in time (jails.on_supervisor_loss)"
	case exit.WallClock:
		result.Reason = "the wall clock limit was reached"
	case exit.OOMKilled && result.Reason == "":
		result.Reason = "the memory limit was reached"
	}
	code := result.Code
	subject := audit.Subject{ExitCode: &code, Message: result.Reason, DurationMS: milliseconds(time.Since(b.begun))}
	if exit.Signal != 0 {
		subject.Signal = unix.SignalName(unix.Signal(exit.Signal))
	}
	if err := s.audit.jail(e.jail.ID, "stop", "", subject); err != nil {
		s.log.Error("record the end of a jail", "jail", e.jail.ID, "error", err)
	}
	var forgotten []*entry
	s.loop.do(func(t *table) {
		_ = e.move(api.StateExited)
		e.jail.Exit = &result
		e.handle, e.cgroup = nil, nil
		forgotten = t.retire(e)
	})
	s.forget(forgotten)
}

// endUnleased kills a foreground jail that nobody waits for. One that an
// incident holds stays for those who look at it.
func (s *Supervisor) endUnleased(e *entry) {
	orphan := false
	if s.leaving.Load() {
		return // its client went away because we do, and comes back to the next one
	}
	s.loop.do(func(*table) { orphan = !e.jail.Detached && e.leases == 0 && e.jail.State != api.StateExited })
	if _, held := s.incidents.BlocksJail(e.jail.ID); orphan && !held {
		_ = s.kill(context.Background(), e, "its `clawjail run` went away")
	}
}

// kill ends a jail with everything in it, and records why. It returns when the
// signal is sent; e.done closes when the jail is gone.
func (s *Supervisor) kill(ctx context.Context, e *entry, reason string) *api.Error {
	var handle *shim.Handle
	var cgroup *jail.Cgroup
	ended := false
	s.loop.do(func(*table) {
		if e.jail.State == api.StateExited {
			ended = true
			return
		}
		if e.reason == "" {
			e.reason = reason
		}
		handle, cgroup = e.handle, e.cgroup
	})
	s.noteOf(e)
	if ended {
		return api.Errorf(http.StatusConflict, "jail %s has ended already", e.jail.Name)
	}
	if err := s.audit.jail(e.jail.ID, "kill", "", audit.Subject{Message: reason}); err != nil {
		s.log.Error("record a kill", "jail", e.jail.ID, "error", err) // killing never waits for the log
	}
	if handle == nil {
		return nil // being made: launch sees the reason and does not start it
	}
	// The cgroup first: it needs nobody's cooperation and reaches frozen and
	// forking processes alike. The shim then knows, and cleans up.
	if err := cgroup.Kill(); err != nil {
		s.log.Warn("kill by cgroup", "jail", e.jail.ID, "error", err)
	}
	if err := handle.Kill(ctx); err != nil {
		s.log.Warn("kill by shim", "jail", e.jail.ID, "error", err)
	}
	return nil
}

// endAll kills every jail.
func (s *Supervisor) endAll(reason string) {
	var all []*entry
	s.loop.do(func(t *table) {
		for _, e := range t.live {
			all = append(all, e)
		}
	})
	for _, e := range all {
		_ = s.kill(context.Background(), e, reason)
	}
}

// freeze stops or continues every process of a jail. Held tasks count as
// stopped: they wait in the kernel already.
func (s *Supervisor) freeze(ctx context.Context, e *entry, stop bool, reason string) *api.Error {
	if !stop {
		// Here, because everything that thaws comes through here.
		if apiErr := s.notHeld(e); apiErr != nil {
			return apiErr
		}
	}
	op, to := "thaw", api.StateRunning
	if stop {
		op, to = "freeze", api.StateFrozen
	}
	var cgroup *jail.Cgroup
	var apiErr *api.Error
	traps := false
	s.loop.do(func(*table) {
		if cgroup = e.cgroup; cgroup != nil {
			traps = e.view.traps.Load()
		} else {
			apiErr = api.Errorf(http.StatusConflict, "jail %s is %s; only a running jail can be frozen or thawed", e.jail.Name, e.jail.State)
		}
	})
	if apiErr != nil {
		return apiErr
	}
	begun := time.Now()
	var err error
	if stop {
		s.noteOf(e) // before: what is done and not known is never undone
		done := s.haste.Hurry(e.jail.ID)
		err = halt(ctx, cgroup, traps)
		done()
	} else {
		err = cgroup.Thaw()
	}
	if err != nil {
		return api.Errorf(http.StatusInternalServerError, "%s: %v", op, err)
	}
	took := time.Since(begun)
	if stop {
		s.metrics.freeze.observe(took)
	}
	s.loop.do(func(*table) {
		if e.jail.State != to {
			apiErr = e.move(to)
		}
		e.lossFrozen = false // whoever asked last decides
		if !stop {
			e.intent = intent{}
		}
		e.jail.Standing = ""
		if stop {
			e.jail.Standing = reason
		}
	})
	s.noteOf(e)
	if err := s.audit.jail(e.jail.ID, op, "", audit.Subject{Message: reason, DurationMS: milliseconds(took)}); err != nil {
		s.log.Error("record a freeze", "jail", e.jail.ID, "error", err)
	}
	return apiErr
}

// heldGrace is how long a jail that has a gate may take to stand still.
const heldGrace = 300 * time.Millisecond

// halt freezes and waits until everything stands. A task whose call is held
// stands in the kernel and never counts as frozen there; once its call is
// answered it freezes before it runs on. So a jail that may have such tasks is
// not waited for for long.
func halt(ctx context.Context, c *jail.Cgroup, traps bool) error {
	if !traps {
		return c.Freeze(ctx)
	}
	short, cancel := context.WithTimeout(ctx, heldGrace)
	defer cancel()
	err := c.Freeze(short)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return err
}

// noteOf tells a jail's shim what has changed, for the next supervisor.
func (s *Supervisor) noteOf(e *entry) {
	var b *build
	s.loop.do(func(*table) { b = e.build })
	b.noted()
}
