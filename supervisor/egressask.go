package supervisor

import (
	"context"
	"net/netip"
	"sync"

	"clawjail/audit"
	"clawjail/jail/egress"
	"clawjail/policy"
	"clawjail/supervisor/approval"
)

// maxHeldConns bounds the decisions about connections of one jail that wait
// for their connection's end. It is what egress admits at once.
const maxHeldConns = 4096

// heldConns are the decisions about a jail's connections, by the id of their
// ask, until the connection's event comes.
type heldConns struct {
	mu sync.Mutex
	by map[uint64]*audit.Decision
}

// heldConn remembers a decision.
func (v *jailView) heldConn(id uint64, d *audit.Decision) {
	h := &v.held
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by = map[uint64]*audit.Decision{}
	}
	if len(h.by) >= maxHeldConns {
		for any := range h.by { // the decision itself is in the log already
			delete(h.by, any)
			break
		}
	}
	h.by[id] = d
}

// takeConn takes a decision out again.
func (v *jailView) takeConn(id uint64) *audit.Decision {
	h := &v.held
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.by[id]
	delete(h.by, id)
	return d
}

// askConnect holds a connection until a human decides. The proxy's word is
// taken for what it wants to dial and for nothing else: the policy says again
// whether that is a question at all, and by which rule.
func (s *Supervisor) askConnect(ctx context.Context, id uint64, a egress.Ask) egress.Verdict {
	v := s.scope.Load().byID[a.Jail]
	if v == nil {
		return egress.Verdict{Reason: "the jail is not running"}
	}
	if verdict, owned := s.spend(ctx, v, a); owned {
		return verdict
	}
	by := v.policy.Evaluate(policy.Request{Gate: policy.GateConnect, Op: "connect", Host: a.Name, Addr: a.Addr, Port: a.Port})
	if by.Verdict != policy.Ask {
		s.log.Error("egress asks for what the policy does not ask for", "jail", a.Jail, "host", a.Name, "port", a.Port, "verdict", by.Verdict.String())
		return egress.Verdict{Reason: by.Verdict.String() + " by " + by.Rule}
	}
	r, ok := s.connectRequest(v, a)
	if !ok {
		return egress.Verdict{Reason: "the jail has ended"}
	}
	r.Rule = by.Rule
	s.metrics.decide(audit.GateConnect, policy.Ask.String())
	d, err := s.approvals.Submit(ctx, r)
	if err != nil {
		s.log.Error("hold a connection", "jail", a.Jail, "error", err)
		return egress.Verdict{Reason: "it cannot be asked for"}
	}
	s.metrics.hold.observe(d.Held)
	if ctx.Err() == nil { // withdrawn: its event may have been before us
		v.heldConn(id, decisionRecord(&d))
	}
	return egress.Verdict{Allow: d.Allowed(), Reason: d.Outcome.String()}
}

// connectRequest is what a human sees. Nothing in it depends on the moment, so
// that connections to the same place are one question.
func (s *Supervisor) connectRequest(v *jailView, a egress.Ask) (approval.Request, bool) {
	r := approval.Request{Jail: a.Jail, Policy: v.policy.Name, Gate: approval.GateConnect, Op: "connect",
		Host: a.Name, Port: a.Port, Timeout: v.policy.Approval.Timeout}
	if a.Name == "" {
		r.Addr = a.Addr
	}
	switch a.Protocol {
	case "tls":
		r.Notes = []string{"TLS, and the client names this host"}
	case "http":
		r.Notes = []string{"HTTP without encryption, and the client names this host"}
	default:
		r.Notes = []string{"any protocol: what is sent is not looked at"}
	}
	found := false
	s.loop.do(func(t *table) {
		if e := t.live[a.Jail]; e != nil {
			found = true
			r.JailName, r.Agent, r.StartedBy = e.jail.Name, e.jail.Argv[0], e.jail.By
		}
	})
	return r, found
}

// virtual reports whether an address stands for a name inside a jail.
func virtual(a netip.Addr) bool {
	a = a.Unmap()
	return policy.VirtualV4().Contains(a) || policy.VirtualV6().Contains(a)
}
