package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
)

// followAudit keeps the jails in line with the audit log: what runs unrecorded
// is stopped where it stands, unless the operator chose otherwise, and goes on
// when the log works again.
func (s *Supervisor) followAudit() {
	for {
		select {
		case <-s.audit.changed:
		case <-s.base.Done():
			return
		}
		s.settleAudit()
	}
}

// settleAudit does what the state of the log asks for now.
func (s *Supervisor) settleAudit() {
	if err := s.audit.err(); err != nil {
		s.tellHealth("log-broken", "the audit log cannot be written", s.warning())
		s.auditLost(err)
		return
	}
	s.auditMended()
}

// auditLost answers a log that cannot be written. It may be called again while
// that lasts, for jails that have started to run since.
func (s *Supervisor) auditLost(why error) {
	if s.live().OnAuditLoss == config.AuditLossContinue {
		s.log.Error("jails go on unrecorded, as audit.on_loss says", "error", why)
		return
	}
	var all sync.WaitGroup // one that does not stand soon must not hold up the others
	for _, e := range s.inState(api.StateRunning) {
		all.Go(func() { s.freezeForLoss(e) })
	}
	all.Wait()
}

func (s *Supervisor) freezeForLoss(e *entry) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// Should this process be killed from here on, the next one knows why it stands.
	s.loop.do(func(*table) { e.intent = intent{triggerLog, "the audit log cannot be written"} })
	if err := s.freeze(ctx, e, true, "the audit log cannot be written"); err != nil {
		s.log.Error("freeze a jail for want of an audit log; it is killed instead", "jail", e.jail.ID, "error", err)
		_ = s.kill(context.Background(), e, "the audit log could not be written, and the jail could not be frozen")
		return
	}
	s.loop.do(func(*table) { e.lossFrozen, e.intent = true, intent{} })
	s.noteOf(e)
	s.log.Error("a jail stands still until the audit log can be written", "jail", e.jail.ID, "name", e.jail.Name)
}

// auditMended thaws what auditLost froze, and nothing that a person froze.
func (s *Supervisor) auditMended() {
	for _, e := range s.inState(api.StateFrozen) {
		ours := false
		s.loop.do(func(*table) { ours, e.lossFrozen = e.lossFrozen, false })
		if !ours {
			continue
		}
		if err := s.freeze(context.Background(), e, false, "the audit log works again"); err != nil {
			s.log.Error("thaw a jail", "jail", e.jail.ID, "error", err)
		}
	}
}

// mayThaw refuses to let a jail run unrecorded where the operator wants it to
// stand still.
func (s *Supervisor) mayThaw() *api.Error {
	if err := s.audit.err(); err != nil && s.live().OnAuditLoss != config.AuditLossContinue {
		return s.unrecorded("so no jail runs on", err)
	}
	return nil
}

// unrecorded says that the audit log cannot be written, what follows from that,
// and how to mend it.
func (s *Supervisor) unrecorded(so string, err error) *api.Error {
	e := api.Errorf(http.StatusInsufficientStorage, "the audit log cannot be written, %s: %v", so, err)
	if errors.Is(err, audit.ErrFull) {
		return e.WithHint("make room on the disk of %s; everything goes on by itself then", s.opt.Config.AuditDir())
	}
	return e.WithHint("mend the disk of %s, then restart the supervisor", s.opt.Config.AuditDir())
}

// warning is what whoever looks at jails should know; empty when all is well.
func (s *Supervisor) warning() string {
	err := s.audit.err()
	if err == nil {
		return ""
	}
	jails := "running jails stand still until it can"
	if s.live().OnAuditLoss == config.AuditLossContinue {
		jails = "running jails go on unrecorded, as audit.on_loss says"
	}
	return fmt.Sprintf("the audit log in %s cannot be written (%v): no jail starts, and %s", s.opt.Config.AuditDir(), err, jails)
}

func (s *Supervisor) inState(state api.State) []*entry {
	var out []*entry
	s.loop.do(func(t *table) {
		for _, e := range t.live {
			if e.jail.State == state {
				out = append(out, e)
			}
		}
	})
	return out
}
