package supervisor

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/direct"
)

// notesEvery is how often a supervisor looks whether somebody thought that it
// did not answer.
const notesEvery = 5 * time.Second

// takeNotes records what was done to jails without a supervisor, and keeps those
// that are here in the state that they were put into.
func (s *Supervisor) takeNotes() {
	tick := time.NewTicker(notesEvery)
	defer tick.Stop()
	for {
		err := direct.Read(filepath.Join(s.opt.Config.StateDir, "spool"), s.takeNote)
		if err != nil {
			s.log.Error("read what was done without the supervisor", "error", err)
		}
		select {
		case <-tick.C:
		case <-s.base.Done():
			return
		}
	}
}

func (s *Supervisor) takeNote(n direct.Note) error {
	stands := "stood"
	if !n.Stands {
		stands = "was ordered to stand"
	}
	reason := fmt.Sprintf("frozen without the supervisor, which did not answer, by %s: %s", n.By, n.Reason)
	message := fmt.Sprintf("%s; it %s at %s, boot %s", reason, stands, n.Time.UTC().Format(time.RFC3339Nano), n.Boot)
	if err := s.audit.jail(n.Jail, "freeze", "", audit.Subject{Name: n.Name, Message: message}); err != nil {
		return err
	}
	var e *entry
	s.loop.do(func(t *table) { e = t.live[n.Jail] })
	if e == nil || n.Boot != bootID() {
		return nil
	}
	running := false
	s.loop.do(func(*table) { running = e.jail.State == api.StateRunning })
	if !running {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.base, containTime)
	defer cancel()
	if err := s.freeze(ctx, e, true, reason); err != nil {
		s.log.Error("keep a jail frozen that was frozen without the supervisor", "jail", n.Jail, "error", err)
	}
	return nil
}
