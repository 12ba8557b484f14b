package supervisor

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"clawjail/audit"
	"clawjail/jail/egress"
	"clawjail/policy"
)

// attachTime bounds the wait for the last supervisor's proxy: one that does not
// answer is replaced.
const attachTime = 5 * time.Second

func (s *Supervisor) egressBinary() string {
	return filepath.Join(s.opt.Binaries, "clawjail-egress")
}

func (s *Supervisor) startEgress(ctx context.Context) (*egress.Server, error) {
	return egress.Start(ctx, s.opt.Namespaces, s.egressBinary(), s.opt.Config.EgressUID, s.opt.Config.EgressGID, s.log, s.askConnect)
}

// openEgress goes on with the last supervisor's proxy, so that connections of jails
// go on, or starts one.
func (s *Supervisor) openEgress(ctx context.Context) (*egress.Server, error) {
	for _, o := range s.orphans {
		carrier := o.Kept[keptEgress]
		if carrier == nil {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, attachTime)
		server, err := egress.Attach(bounded, carrier, s.egressBinary(), s.opt.Config.EgressUID, s.log, s.askConnect)
		cancel()
		if err == nil {
			s.succeeded = "the egress proxy of the last supervisor goes on, and connections of jails with it"
			return server, nil
		}
		// Another shim may hold a later one; of one that has ended others say the same.
		if s.succeeded == "" || !errors.Is(err, egress.ErrEnded) {
			s.succeeded = "the egress proxy of the last supervisor is replaced, and connections of jails are reset: " + err.Error()
		}
	}
	return s.startEgress(ctx)
}

// keepEgress has the shims hold another proxy.
func (s *Supervisor) keepEgress() {
	for _, b := range s.builds() {
		if !b.kept() {
			continue // its first message will have it
		}
		if err := b.keep(s.base); err != nil {
			s.log.Error("have a shim hold the next egress proxy; it may end with this supervisor", "jail", b.entry.jail.ID, "error", err)
		}
	}
}

// pruneEgress ends what the proxy still serves of jails that are gone.
func (s *Supervisor) pruneEgress() {
	ctx, cancel := context.WithTimeout(s.base, attachTime)
	defer cancel()
	if err := s.egress.Prune(ctx); err != nil {
		s.log.Error("take jails off the egress proxy that ended without a supervisor", "error", err)
	}
}

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
		if v == nil && slices.Contains(s.left, ev.Jail) {
			v = newJailView(ev.Jail) // it ended without a supervisor; what it did is recorded
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
	if v.policy == nil {
		return false // of a jail that ended without a supervisor
	}
	return v.policy.Evaluate(policy.Request{Gate: policy.GateConnect, Op: "connect", Host: ev.Name, Addr: ev.Addr, Port: ev.Port}).Verdict == policy.Audit
}
