package action

import (
	"context"
	"time"

	"clawjail/audit"
	"clawjail/policy"
	"clawjail/supervisor/action/message"
)

// Spend decides about a connection of a jail to a destination that an action
// owns: with a use of a token, or as an action by itself where the policy lets
// such through unasked. by is the rule that says so. reason is for the record.
func (s *Service) Spend(ctx context.Context, id, action, host string, by policy.Origin) (ok bool, reason string) {
	j, who := s.find(id)
	if who == nil {
		return false, "the jail has no actions"
	}
	if token, ok := j.spend(action); ok {
		reason = "by the approved " + action + " " + token[:8]
		r := audit.Record{Time: time.Now(), Jail: id, Gate: audit.GateAction, Verdict: policy.Allow.String(), Rule: by.String(),
			Subject: audit.Subject{Op: "connect", Name: action, Host: host, Message: reason}}
		if err := s.o.Record(r); err != nil {
			return false, "the audit log cannot be written"
		}
		s.o.Count(policy.Allow.String())
		return true, reason
	}
	a := acting{jail: j, who: *who, host: host, r: message.Request{Do: "connect", Type: action, Target: host}}
	if _, d := who.Policy.EvaluateAction(action, false); d.Verdict.Permits() {
		out, d := a.decide(ctx)
		out = a.recorded(out, d)
		if out.Reason == "" {
			out.Reason = "counted as " + action
		}
		return out.Allowed(), out.Reason
	}
	out := a.recorded(message.Answer{Verdict: policy.Deny.String(), Rule: by.String(),
		Reason: "it needs an approved " + action + "; ask for one: /run/clawjail/" + ClientName + " request " + action}, nil)
	return false, out.Reason
}
