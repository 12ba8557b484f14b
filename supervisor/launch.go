package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"clawjail/audit"
	"clawjail/jail/shim"
	"clawjail/supervisor/api"
	"clawjail/supervisor/control"
)

// launch records the start, which may be refused, and lets the command go. Its
// execution may have to wait for a human, or stand still for one, as long as whoever
// wants the jail waits.
func (b *build) launch(ctx, waits context.Context, r api.RunRequest) *api.Error {
	s, e := b.s, b.entry
	b.view.home, b.view.name = b.plan.Jail.User.Home, e.jail.Name
	b.view.policy = b.plan.Policy // before the judge can see the view
	s.addScope(b.created.CgroupID, b.view)
	b.act()
	uid := r.UID
	err := s.audit.jail(e.jail.ID, "start", "allow", audit.Subject{Name: e.jail.Name, Argv: stringsOf(r.Argv), UID: &uid, Path: r.Workspace,
		Message: fmt.Sprintf("policy %s %s, by uid %d", e.jail.Policy, e.jail.Digest, e.jail.By)})
	if err != nil {
		return s.unrecorded("so the jail does not start", err)
	}
	var gone string
	s.loop.do(func(*table) {
		gone = e.reason // ended while it was being made
		e.handle, e.cgroup, e.build = b.handle, b.cgroup, b
		e.jail.InitPID, e.jail.Cgroup = b.created.InitPID, b.created.CgroupPath
		e.jail.Notes = b.plan.Notes
		e.env, e.cwd, e.trap = b.plan.Jail.Env, b.plan.Jail.Cwd, b.trap
		e.jail.Protection = api.Protection{FilterBytes: len(b.created.Filter), Listener: b.created.Listener != nil,
			LandlockABI: b.plan.Jail.LandlockABI, UserNS: b.plan.Jail.UserNS, Probes: b.probe != nil, Egress: b.proxied,
			Traps: b.plan.Gates.Names()}
	})
	if gone != "" || ctx.Err() != nil {
		return notStarted(gone)
	}
	// Before anything runs: from here on the jail outlives this process.
	if err := b.keep(ctx); err != nil {
		return api.Errorf(http.StatusInternalServerError, "%v", err)
	}
	b.mark("keep")
	// A command can have ended before the answer to Go was read: it did start.
	if err := b.goAhead(waits); err != nil {
		return startError(err, b.plan)
	}
	b.mark("go")
	s.work.Go(func() { s.fillAfter(e) })
	s.metrics.start.observe(time.Since(b.begun))
	for phase, d := range b.created.Timings {
		b.phases["shim."+phase] = milliseconds(d)
	}
	s.loop.do(func(*table) {
		if e.jail.State == api.StateCreating { // or it stands still by now
			_ = e.move(api.StateRunning)
		}
		e.jail.StartMS = b.phases
	})
	b.noted()
	if s.audit.err() != nil {
		s.audit.recheck() // it broke after the start was recorded
	}
	return nil
}

// goAhead lets the command go, and waits until it runs. A jail that an incident holds
// stays for those who look at it, also when nobody waits for its start any more.
func (b *build) goAhead(ctx context.Context) error {
	err := b.handle.Go(ctx)
	if errors.Is(err, shim.ErrClosed) {
		return nil // it has ended, and had begun
	}
	if ctx.Err() == nil {
		return err
	}
	if _, held := b.s.incidents.BlocksJail(b.entry.jail.ID); held || b.s.leaving.Load() && b.survives {
		return nil // the next supervisor has it, and whoever waits comes back to that one
	}
	return err
}

// notStarted says why a jail was ended while it was being made.
func notStarted(reason string) *api.Error {
	if reason == "" {
		return api.Errorf(http.StatusConflict, "the jail was ended before its command started")
	}
	return api.Errorf(http.StatusConflict, "the jail was ended before its command started: %s", reason)
}

// mark notes how far the start is, in milliseconds since the request.
func (b *build) mark(phase string) { b.phases[phase] = milliseconds(time.Since(b.begun)) }

// rejoin gives a client the jail that it asked an earlier supervisor for, whose
// answer it has not heard: that supervisor was lost while the command was held, or
// about to run. The terminal's master, if there is one, belongs to the caller.
func (s *Supervisor) rejoin(r api.RunRequest, peer control.Peer) (api.Jail, *os.File, *api.Error) {
	var found *entry
	s.loop.do(func(t *table) { found = t.byKey(r.Key) })
	if found == nil {
		return api.Jail{}, nil, api.Errorf(http.StatusNotFound, "the jail was not made: its supervisor was lost before that")
	}
	if peer.UID != 0 && peer.UID != found.jail.By {
		return api.Jail{}, nil, api.Errorf(http.StatusForbidden, "jail %s belongs to user %d", found.jail.Name, found.jail.By)
	}
	var j api.Jail
	var pty *os.File
	s.loop.do(func(*table) {
		j = found.snapshot()
		if r.Terminal {
			pty, found.pty = found.pty, nil
		}
	})
	if r.Terminal && pty == nil {
		return api.Jail{}, nil, api.Errorf(http.StatusConflict, "the terminal of jail %s is not here any more", j.Name)
	}
	return j, pty, nil
}
