package supervisor

import (
	"context"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
)

// auditLost is called once when the audit log can no longer be written. What
// runs unrecorded is stopped where it stands, unless the operator chose
// otherwise.
func (s *Supervisor) auditLost() {
	if s.opt.Config.OnAuditLoss == config.AuditLossContinue {
		s.log.Error("the audit log cannot be written; jails go on unrecorded, as on_audit_loss says")
		return
	}
	for _, e := range s.inState(api.StateRunning) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := s.freeze(ctx, e, true, "the audit log cannot be written")
		cancel()
		if err != nil {
			s.log.Error("freeze a jail for want of an audit log; it is killed instead", "jail", e.jail.ID, "error", err)
			_ = s.kill(context.Background(), e, "the audit log could not be written, and the jail could not be frozen")
			continue
		}
		s.loop.do(func(*table) { e.lossFrozen = true })
	}
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
