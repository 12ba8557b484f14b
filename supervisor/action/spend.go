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
	return s.spend(ctx, id, spending{op: "connect", action: action, target: anyTarget, about: host, host: host, by: by.String()})
}

// SpendFor decides about something that is done outside of a jail because the jail
// asked for it. Only a token about that very target is good.
func (s *Service) SpendFor(ctx context.Context, id, op, action, target, by string) (ok bool, reason string) {
	return s.spend(ctx, id, spending{op: op, action: action, target: target, about: target, by: by})
}

// spending is what a token is needed for.
type spending struct {
	op     string // what is done
	action string // the type of the action that it takes
	target string // that the action has to be about, or anyTarget
	about  string // what is recorded as its target
	host   string // of a connection
	by     string // the rule that says that an action is needed
}

func (s *Service) spend(ctx context.Context, id string, sp spending) (ok bool, reason string) {
	j, who := s.find(id)
	if who == nil {
		return false, "the jail has no actions"
	}
	a := acting{jail: j, who: *who, host: sp.host, r: message.Request{Do: sp.op, Type: sp.action, Target: sp.about}}
	if token, ok := j.spend(sp.action, sp.target); ok {
		reason = "by the approved " + sp.action + " " + token[:8]
		r := audit.Record{Time: time.Now(), Jail: id, Gate: audit.GateAction, Verdict: policy.Allow.String(), Rule: sp.by,
			Subject: audit.Subject{Op: sp.op, Name: sp.action, Host: sp.host, Message: reason}}
		if sp.host == "" {
			r.Subject.Argv = a.words()
		}
		if err := s.o.Record(r); err != nil {
			return false, "the audit log cannot be written"
		}
		s.o.Count(policy.Allow.String())
		return true, reason
	}
	if _, d := who.Policy.EvaluateAction(sp.action, false); d.Verdict.Permits() {
		out, d := a.decide(ctx)
		out = a.recorded(out, d)
		if out.Reason == "" {
			out.Reason = "counted as " + sp.action
		}
		return out.Allowed(), out.Reason
	}
	hint := ClientName + " request " + sp.action
	if sp.target != anyTarget {
		hint += " --target " + sp.target
	}
	out := a.recorded(message.Answer{Verdict: policy.Deny.String(), Rule: sp.by,
		Reason: "it needs an approved " + sp.action + "; ask for one: /run/clawjail/" + hint}, nil)
	return false, out.Reason
}
