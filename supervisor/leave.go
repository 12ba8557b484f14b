package supervisor

import (
	"errors"
	"net/http"
	"sync"
)

// leaveAll lets go of the jails that go on without this supervisor, and gives
// their number. Clients are cut off first: they wait for the next one by
// themselves, and nothing that they asked for is answered with half of it.
func (s *Supervisor) leaveAll(server *http.Server) int {
	if !s.leaving.Load() && !s.opt.Private {
		return 0
	}
	var going []*build
	s.loop.do(func(t *table) {
		for _, e := range t.live {
			if e.build != nil && e.build.survives {
				going = append(going, e.build)
			}
		}
	})
	if len(going) == 0 {
		return 0
	}
	s.leaving.Store(true)
	_ = server.Close()
	// Whoever waits for a human stays held, and is in the journal.
	s.egress.Hush()
	s.approvals.Queue.Close()
	var all sync.WaitGroup
	for _, b := range going {
		all.Go(func() { s.leave(b) })
	}
	all.Wait()
	return len(going)
}

// leave lets go of one jail.
func (s *Supervisor) leave(b *build) {
	for _, e := range b.engines() {
		e.Close()
	}
	s.settle() // what the probes saw so far is recorded by us
	b.noted()
	s.loop.do(func(t *table) { t.leave(b.entry) })
	if b.stopOutput != nil {
		b.stopOutput()
	}
	if err := b.handle.Leave(); err != nil {
		s.log.Error("leave a jail to its shim", "jail", b.entry.jail.ID, "error", err)
	}
	b.closeFiles()
	if b.cgroup != nil {
		_ = b.cgroup.Close()
	}
}

// leaveOrphans lets go of jails that were found and not adopted.
func (s *Supervisor) leaveOrphans() error {
	var errs []error
	for _, o := range s.orphans {
		o.Forget()
		errs = append(errs, o.Leave())
	}
	s.orphans = nil
	return errors.Join(errs...)
}
