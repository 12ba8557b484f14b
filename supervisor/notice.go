package supervisor

import (
	"net/netip"
	"strings"

	"clawjail/audit"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
)

// maxNotice bounds the words of a notice, in columns.
const maxNotice = 256

// tell has humans hear of something that was done, because the policy says so.
// The record of it is in the log already, or about to be.
func (s *Supervisor) tell(v *jailView, r audit.Record) {
	sub := r.Subject
	key := sub.Op + "\x00" + sub.Path + "\x00" + sub.Path2
	switch r.Gate {
	case audit.GateExec:
		key = sub.Path // whatever its arguments: the log has them
	case audit.GateEgress:
		key = sub.Host + "\x00" + sub.Addr
	}
	s.approvals.Tell(approval.Done{Jail: v.id, JailName: v.name, Gate: r.Gate, Rule: r.Rule,
		Default: strings.HasPrefix(r.Rule, "exec.default") || strings.HasPrefix(r.Rule, "network.default"),
		Key:     key,
		What:    func() string { return show.Clip(noticeText(r), maxNotice) }})
}

// noticeText is what was done, in one line that is safe to show.
func noticeText(r audit.Record) string {
	sub := r.Subject
	q := approval.Request{Gate: r.Gate, Op: sub.Op, Path: sub.Path, Path2: sub.Path2, Argv: sub.Argv, Host: sub.Host, Port: sub.Port}
	if r.Gate == audit.GateEgress {
		q.Gate = approval.GateConnect
		q.Addr, _ = netip.ParseAddr(sub.Addr) // a name alone is fine
	}
	if q.Gate == approval.GateExec && sub.Truncated {
		return show.Summary(q) + " …"
	}
	if q.Gate == audit.GateDelete {
		q.Gate = approval.GateDelete
	}
	return show.Summary(q)
}
