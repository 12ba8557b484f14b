package supervisor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"clawjail/audit"
	"clawjail/bpf"
	"clawjail/jail"
	"clawjail/jail/egress"
	"clawjail/jail/shim"
	"clawjail/supervisor/api"
	"clawjail/supervisor/incident"
)

// How long a start waits for what a former supervisor left.
const (
	adoptTime  = 10 * time.Second // a shim, to answer: one that does not is killed
	resumeTime = 3 * time.Second  // held calls, to be asked about again before anybody can decide
	returnTime = 15 * time.Second // who had been held, to be there again
)

// unrecorded is how much older than the last record an event may be that the last
// supervisor had taken and not recorded: what an event waits for is some
// milliseconds.
const unrecorded = time.Second

// orphan is a jail that a former supervisor left, as its shim gives it.
type orphan struct {
	*shim.Orphan
	id    string
	ward  ward
	note  note
	entry *entry // from expectOrphans
}

// findOrphans asks the shims of a former supervisor for their jails. What cannot
// be gone on with is ended: nothing runs on that nobody watches.
func (s *Supervisor) findOrphans(ids []string) []*orphan {
	found := make([]*orphan, len(ids))
	var all sync.WaitGroup
	for i, id := range ids {
		all.Go(func() {
			o, err := s.findOrphan(id)
			switch {
			case err == nil:
				found[i] = o
			case !errors.Is(err, shim.ErrNobody): // that one is swept
				s.log.Error("a jail of the last supervisor cannot be gone on with, and is ended", "jail", id, "error", err)
				s.refused.Store(id, err.Error())
			}
		})
	}
	all.Wait()
	var out []*orphan
	for _, o := range found {
		if o != nil {
			out = append(out, o)
		}
	}
	return out
}

func (s *Supervisor) findOrphan(id string) (*orphan, error) {
	ctx, cancel := context.WithTimeout(s.base, adoptTime)
	defer cancel()
	o, err := shim.Adopt(ctx, s.opt.Config.JailDir(id), cgroupParent, id)
	if err != nil {
		return nil, err
	}
	out := &orphan{Orphan: o, id: id}
	if out.ward, err = readWard(o.Kept[keptWard]); err == nil && out.ward.Jail.ID != id {
		err = fmt.Errorf("its shim keeps the description of jail %q", out.ward.Jail.ID)
	}
	if err == nil {
		out.note, err = decodeNote(o.Note)
	}
	if err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return out, nil
}

// lastRecordOf gives when the last record of a log was made, and zero if nobody knows.
func lastRecordOf(dir string) time.Time {
	var last time.Time
	for r, err := range audit.Query(dir, audit.Filter{Limit: 1}) {
		if err == nil {
			last = r.Time
		}
	}
	return last
}

// loadProbes goes on with the programs that hold the orphans, or loads new ones
// where these are of another build: then both are attached for a moment.
func (s *Supervisor) loadProbes(orphans []*orphan) (*bpf.Probes, error) {
	opt := bpf.Options{Logger: s.log}
	for _, o := range orphans {
		p, err := bpf.Adopt(opt, o.ward.Probes, below(o.Kept, keptProbe))
		if err == nil {
			return p, nil
		}
		s.log.Warn("the probes of the last supervisor are replaced", "jail", o.id, "reason", err)
	}
	return bpf.Load(opt)
}

// adoptAll makes jails of the orphans. It runs before anything is judged, so that
// every event finds the jail that it is of.
func (s *Supervisor) adoptAll(orphans []*orphan) {
	resumed := make([]<-chan struct{}, 0, len(orphans))
	alive := map[string]bool{}
	for _, o := range orphans {
		b, err := s.adopt(o)
		if err != nil {
			s.log.Error("a jail of the last supervisor cannot be gone on with, and is ended", "jail", o.id, "error", err)
			s.abandonOrphan(o, b, err)
			continue
		}
		o.Forget()
		alive[o.id] = true
		for _, e := range b.engines() {
			resumed = append(resumed, e.Resumed())
		}
		s.resume(o, b)
		s.work.Go(func() { s.awaitEnd(b) })
	}
	s.orphans = nil
	if err := s.probes.Sweep(); err != nil {
		s.log.Error("forget jails that ended without a supervisor", "error", err)
	}
	s.approvals.Retain(func(jail string) bool { return alive[jail] })
	s.work.Go(func() { s.releaseHeld() })
	s.awaitResumed(resumed)
}

// awaitResumed waits until what was held is asked about again: an answer that came
// before would have nobody to go to.
func (s *Supervisor) awaitResumed(resumed []<-chan struct{}) {
	ctx, cancel := context.WithTimeout(s.base, resumeTime)
	defer cancel()
	for _, r := range resumed {
		select {
		case <-r:
		case <-ctx.Done():
			return
		}
	}
	if len(resumed) > 0 {
		s.approvals.AwaitReturn(ctx)
	}
}

// releaseHeld ends the requests of those who have not come back: their callers
// were killed while nobody looked.
func (s *Supervisor) releaseHeld() {
	timer := time.NewTimer(returnTime)
	defer timer.Stop()
	select {
	case <-timer.C:
		s.approvals.WithdrawRestored()
	case <-s.base.Done():
	}
}

// expectOrphans has events be of the orphans before they are adopted: the proxy
// goes on telling what their connections do.
func (s *Supervisor) expectOrphans() {
	if s.succeeded != "" {
		s.egressRecord("egress", s.succeeded)
	}
	for _, o := range s.orphans {
		o.entry = newOrphanEntry(o)
		s.addScope(o.CgroupID, o.entry.view)
	}
}

// adopt makes a jail of an orphan. On an error the build is what has to be undone.
func (s *Supervisor) adopt(o *orphan) (*build, error) {
	w := o.ward
	e := o.entry
	b := &build{s: s, entry: e, view: e.view, plan: w.plan(), handle: o.Handle, begun: w.Jail.Created, phases: w.Jail.StartMS, adopted: true, running: true,
		created: &shim.Created{Placed: shim.Placed{CgroupPath: o.CgroupPath, CgroupID: o.CgroupID}, InitPID: o.InitPID}}
	b.loss, b.survives = lossOf(s.live()), true
	var apiErr *api.Error
	s.loop.do(func(t *table) { apiErr = t.reserve(e, func() string { return e.jail.Name }) })
	if apiErr != nil {
		return b, apiErr
	}
	s.idle.hold()
	b.admitted = true
	if err := b.guardAgain(o); err != nil {
		return b, err
	}
	frozen, err := b.cgroup.Frozen()
	if err != nil {
		return b, fmt.Errorf("look at the jail's cgroup: %w", err)
	}
	s.loop.do(func(*table) {
		e.handle, e.cgroup, e.trap, e.env, e.cwd = b.handle, b.cgroup, b.trap, b.plan.Jail.Env, b.plan.Jail.Cwd
		e.build = b
		e.pty, o.PTY = o.PTY, nil
		_ = e.move(api.StateRunning)
		e.jail.Started = o.note.Started
		if frozen {
			_ = e.move(api.StateFrozen)
			e.jail.Standing, e.lossFrozen = o.note.Standing, o.note.LossFrozen
			if e.jail.Standing == "" {
				e.jail.Standing = "frozen when the last supervisor was lost"
			}
		}
	})
	s.recordAdoption(o)
	if err := b.takeUp(o); err != nil {
		return b, err
	}
	// Before anything is let through: from here on nothing judges by what the last
	// supervisor had attached, if that was something else.
	if err := b.keep(s.base); err != nil {
		return b, err
	}
	for _, f := range o.Kept {
		_ = f.Close()
	}
	return b, b.serveAgain(o)
}

// newOrphanEntry is the jail as the last supervisor knew it.
func newOrphanEntry(o *orphan) *entry {
	e := &entry{done: make(chan struct{}), procs: map[string]*shim.Proc{}, remove: o.ward.Remove, view: newJailView(o.id), jail: o.ward.Jail}
	e.jail.State, e.jail.Started, e.jail.Standing = api.StateCreating, nil, ""
	e.reason, e.nextID, e.key = o.note.Reason, o.note.Next, o.ward.Key
	e.view.home, e.view.name, e.view.policy = o.ward.User.Home, e.jail.Name, o.ward.Policy
	e.view.restore(o.note.Counts)
	return e
}

// guardAgain puts the jail's network under control again, and its probes where
// they are not the same.
func (b *build) guardAgain(o *orphan) error {
	var err error
	if b.cgroup, err = jail.OpenCgroup(o.CgroupPath); err != nil {
		return fmt.Errorf("open the jail's cgroup: %w", err)
	}
	files := below(o.Kept, keptProbe)
	if o.ward.Probes == b.s.probes.Handover() {
		b.probe, err = b.s.probes.AdoptJail(b.probeConfig(), o.CgroupPath, files)
	} else {
		b.probe, err = b.s.probes.Add(b.probeConfig(), o.CgroupPath, o.NetNS, o.TCP4, o.TCP6, o.UDP4, o.UDP6)
		if err == nil && b.plan.Gates.Exec {
			err = b.probe.Gate(true)
		}
		if err == nil && b.plan.Gates.Exec {
			err = b.closeNamed()
		}
	}
	if err != nil {
		return fmt.Errorf("attach the probes: %w", err)
	}
	ctx, cancel := context.WithTimeout(b.s.base, adoptTime)
	defer cancel()
	err = b.s.egress.Add(ctx, b.plan.Egress, egress.Sockets{TCP4: o.TCP4, TCP6: o.TCP6, UDP4: o.UDP4, UDP6: o.UDP6})
	if err != nil {
		return fmt.Errorf("give the jail to the egress proxy: %w", err)
	}
	b.proxied = true
	return nil
}

// takeUp goes on with the output, and with the trees that are written on approval.
func (b *build) takeUp(o *orphan) error {
	if f := o.Kept[keptLog]; f != nil {
		mine, err := duplicateFile(f)
		if err == nil {
			err = b.copyOutput(mine)
		}
		if err != nil {
			return fmt.Errorf("go on copying the jail's output: %w", err)
		}
	}
	for i, a := range b.plan.Asks {
		f := o.Kept[rootName(i)]
		if f == nil {
			break
		}
		if err := b.adoptRoot(a.Path, f); err != nil {
			return err
		}
	}
	if err := b.actAgain(); err != nil {
		return err
	}
	return nil
}

// serveAgain goes on with held calls and added processes.
func (b *build) serveAgain(o *orphan) error {
	listener, ledger := o.Listener, o.Ledger
	o.Listener = nil
	if err := b.openGate(listener, ledger); err != nil {
		return fmt.Errorf("open the gate: %w", err)
	}
	return b.adoptProcs(o)
}

// resume answers what the last supervisor did not come to: a freeze that it had
// begun, an incident that it had opened, a jail that the shim has frozen for it.
func (s *Supervisor) resume(o *orphan, b *build) {
	e := b.entry
	in, held := s.incidentOf(e.jail.ID)
	switch {
	case held && (in.State == incident.Killed || in.State == incident.Restored):
		_ = s.kill(s.base, e, "incident "+in.ID+", which a person ended")
	case held:
		s.work.Go(func() { s.holdAgain(e, in) })
	case o.note.Kind == triggerLog || o.note.LossFrozen:
		if s.audit.err() == nil {
			s.work.Go(func() { s.thawAgain(e, "the audit log works again") })
			return
		}
		s.loop.do(func(*table) { e.lossFrozen = true })
		s.audit.recheck()
	case o.note.Kind != "":
		s.work.Go(func() { s.freezeByID(e.jail.ID, o.note.Kind, o.note.Why) })
	case s.audit.err() != nil:
		s.audit.recheck()
	case o.Frozen:
		s.work.Go(func() { s.thawAgain(e, "the supervisor is back") })
	}
}

// thawAgain lets a jail go on that only stood still for us.
func (s *Supervisor) thawAgain(e *entry, reason string) {
	if apiErr := s.freeze(s.base, e, false, reason); apiErr != nil {
		s.log.Error("thaw a jail", "jail", e.jail.ID, "error", apiErr)
	}
}

// holdAgain makes sure that a jail which an incident holds is held.
func (s *Supervisor) holdAgain(e *entry, in incident.Incident) {
	ctx, cancel := context.WithTimeout(s.base, containTime)
	defer cancel()
	if apiErr := s.freeze(ctx, e, true, "held by incident "+in.ID); apiErr != nil {
		s.log.Error("freeze a jail that an incident holds; it is killed instead", "jail", e.jail.ID, "error", apiErr)
		_ = s.kill(s.base, e, "an incident holds it, and it could not be frozen")
		return
	}
	if in.State == incident.Open {
		s.pursue(e, in)
		return
	}
	if err := s.egress.Cut(ctx, e.jail.ID); err != nil {
		s.log.Error("cut off a jail that an incident holds", "jail", e.jail.ID, "error", err)
	}
}

// incidentOf finds the incident that holds a jail.
func (s *Supervisor) incidentOf(id string) (incident.Incident, bool) {
	held, ok := s.incidents.BlocksJail(id)
	if !ok {
		return incident.Incident{}, false
	}
	in, err := s.incidents.Get(held.ID)
	return in, err == nil
}

// recordAdoption says that the jail goes on, and from when until when nobody
// judged what it did.
func (s *Supervisor) recordAdoption(o *orphan) {
	lost, now := o.Lost.UTC().Round(time.Millisecond), time.Now().UTC().Round(time.Millisecond)
	span := fmt.Sprintf("between %s and %s", lost.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano))
	message := "supervisor restarted, adopted jail " + o.ward.Jail.Name + "; without a supervisor " + span
	if err := s.audit.jail(o.id, "adopt", "allow", audit.Subject{Name: o.ward.Jail.Name, Message: message, DurationMS: milliseconds(now.Sub(lost))}); err != nil {
		s.log.Error("record that a jail is adopted", "jail", o.id, "error", err)
	}
	from := lost
	if !s.lastRecord.IsZero() && s.lastRecord.Before(from) {
		from = s.lastRecord.UTC().Round(time.Millisecond)
	}
	span = fmt.Sprintf("between %s and %s", from.Add(-unrecorded).Format(time.RFC3339Nano), now.Format(time.RFC3339Nano))
	gapMessage := "gap of events " + span + ": what the probes saw is recorded from here on, with its own times; what the last supervisor had taken from them and not recorded is missing"
	if o.ward.Probes != s.probes.Handover() {
		gapMessage = "gap of events " + span + ": the probes are of another build and were replaced; what the last ones saw and nobody had read is missing"
	}
	_ = s.audit.append(gap(o.id, "restart", 0, gapMessage))
}

// abandonOrphan ends a jail that could not be adopted.
func (s *Supervisor) abandonOrphan(o *orphan, b *build, why error) {
	o.Forget()
	if b == nil || !b.admitted {
		_ = o.Handle.Close()
		s.dropScope(o.CgroupID)
		_ = s.audit.jail(o.id, "stop", "", audit.Subject{Message: "could not be adopted, and was ended: " + why.Error()})
		return
	}
	_ = s.abandon(b, api.Errorf(500, "the next supervisor could not adopt it: %v", why))
}
