package gate

import (
	"errors"

	"clawjail/policy"
	"clawjail/seccomp/notify"
)

// quickFile lets a change go on that the policy allows, or does it at once where
// it has to be counted, and reports whether it did. Everything else is looked at again and in full.
// Continuing grants nothing (see file), so it is enough to know what was asked.
func (e *Engine) quickFile(call notify.Call) bool {
	if e.glance == nil || e.glance.At(call.TID) != nil {
		return false
	}
	c, ok, err := decode(call, e.glance)
	if !ok || err != nil || len(c.places) == 0 {
		return false
	}
	for i := range c.places {
		p := &c.places[i]
		if p.byFD {
			return false
		}
		if p.path, err = e.glance.Path(p.dirfd, p.name, p.follow); err != nil {
			return false
		}
	}
	if e.c.Files.TakeDeletion != nil && (c.delete || c.op == "truncate") {
		return e.quickDelete(call, c)
	}
	d := e.verdict(&edit{change: c})
	switch d.Verdict {
	case policy.Allow:
	case policy.Audit:
		if Probed(c.op) {
			break // who sees it happen tells of it
		}
		who, err := e.c.Tokens.Origin(call.TID)
		o := outcomeOf(c, d)
		o.PID = who.TGID
		// The process that is written down is the one that still waits.
		if err != nil || !e.listen.Valid(call.ID) || !e.record(o) {
			return false
		}
	default:
		return false
	}
	if err := e.listen.Continue(call.ID); err != nil && !errors.Is(err, notify.ErrGone) {
		e.c.Logger.Error("continue a call", "jail", e.c.Jail, "error", err)
	}
	return true
}
