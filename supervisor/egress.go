package supervisor

import (
	"clawjail/audit"
	"clawjail/jail/egress"
	"clawjail/policy"
)

// recordEgress turns what the proxy reports into records. The proxy parses
// hostile bytes, so its word is bounded and only ever believed about jails
// that exist.
func (s *Supervisor) recordEgress() {
	for ev := range s.egress.Events() {
		v := s.scope.Load().byID[ev.Jail]
		if ev.Kind == egress.KindLost {
			s.metrics.lose("egress", ev.Count)
			_ = s.audit.append(gap(ev.Jail, "egress", ev.Count, ev.Reason))
			continue
		}
		if v == nil {
			s.metrics.lose("unknown_jail", 1)
			continue
		}
		r := audit.Record{Time: ev.Time, Jail: ev.Jail, Gate: audit.GateEgress, Verdict: ev.Verdict, Rule: ev.Rule,
			Subject: audit.Subject{Op: ev.Kind, Host: ev.Name, Port: ev.Port, Proto: ev.Protocol, BytesUp: ev.BytesUp, BytesDown: ev.BytesDown,
				DurationMS: milliseconds(ev.Duration), Message: ev.Reason}}
		if ev.Ask != 0 {
			r.Decision = v.takeConn(ev.Ask)
		}
		if ev.Kind == egress.KindDNS {
			r.Gate = audit.GateDNS
		} else if ev.Verdict == egress.Allow {
			v.connections.Add(1)
		}
		if ev.Addr.IsValid() {
			r.Subject.Addr = ev.Addr.String()
		}
		if ev.Verdict != egress.Allow {
			v.refused.Add(1)
		}
		if r.Rule == "" && ev.Verdict != egress.Allow {
			r.Rule = "network.default" // nothing in the policy names it
		}
		told := ev.Kind == egress.KindConn && ev.Verdict == egress.Allow && s.audited(v, ev)
		if told {
			r.Verdict = policy.Audit.String()
		}
		s.metrics.decide(r.Gate, r.Verdict)
		if err := s.audit.append(r); err != nil {
			v.lost.Add(1)
			s.metrics.lose("audit", 1)
		}
		if told {
			s.tell(v, r)
		}
	}
}

// egressRecord records what becomes of the proxy, and that it took with it what
// it had not told.
func (s *Supervisor) egressRecord(op, message string) {
	s.log.Warn("the egress proxy", "what", message)
	s.audit.supervisor(op, message)
}

// audited reports whether a connection that egress let through is one that the
// policy has humans told of. To egress both are the same.
func (s *Supervisor) audited(v *jailView, ev egress.Event) bool {
	return v.policy.Evaluate(policy.Request{Gate: policy.GateConnect, Op: "connect", Host: ev.Name, Addr: ev.Addr, Port: ev.Port}).Verdict == policy.Audit
}
