package plan

import (
	"net/netip"

	"clawjail/jail/egress"
	"clawjail/policy"
)

// resolver is the DNS server of a jail: the first address of a virtual range.
func resolver(p netip.Prefix) netip.Addr { return p.Addr().Next() }

// dnsPort is where the jail's resolvers listen.
const dnsPort = 53

// maxAddrs bounds the single addresses that a policy allows: what the probes'
// map has room for beside the resolvers (bpf.MaxAllowPerJail).
const maxAddrs = 254

// allowed gives the destinations that are allowed, in the order of evaluation,
// without those that an earlier rule refuses as a whole or allows already.
func (l *lowering) allowed() []policy.NetRule {
	var out []policy.NetRule
	for i, rule := range l.p.Network.Rules {
		if rule.Then != policy.Allow {
			continue
		}
		dropped := false
		for _, earlier := range l.p.Network.Rules[:i] {
			switch {
			case earlier.Then == policy.Allow: // the same once more, from a base
				dropped = dropped || earlier.Covers(rule) && earlier.Protocol == rule.Protocol
			case !earlier.Overlaps(rule):
			case earlier.Covers(rule):
				dropped = true
			default:
				// Egress takes a list of what is allowed: a part of a wildcard
				// cannot be taken away from it, so nothing is allowed at all.
				l.fail("network rule %s cannot be cut out of %q (%s)", earlier.Origin, rule.Host, rule.Origin)
				dropped = true
			}
		}
		if !dropped {
			out = append(out, rule)
		}
	}
	return out
}

func (l *lowering) egress() egress.Rules {
	out := egress.Rules{
		Jail:         l.r.ID,
		AllowPrivate: l.p.Network.Private == policy.Allow,
		VirtualV4:    policy.VirtualV4(), VirtualV6: policy.VirtualV6(),
		Upstream: l.r.Upstream,
	}
	for _, rule := range l.allowed() {
		out.Allow = append(out.Allow, egress.Dest{
			Host: rule.Host, Port: rule.Port, Protocol: rule.Protocol.String(), Rule: rule.Origin.String(),
		})
	}
	return out
}

func (l *lowering) probe() Probe {
	out := Probe{
		Name: l.r.Name,
		AllowUDPDNS: []netip.AddrPort{
			netip.AddrPortFrom(resolver(policy.VirtualV4()), dnsPort),
			netip.AddrPortFrom(resolver(policy.VirtualV6()), dnsPort),
		},
		VirtualV4: policy.VirtualV4(), VirtualV6: policy.VirtualV6(),
	}
	for _, rule := range l.allowed() {
		if a, ok := rule.Addr(); ok {
			out.AllowAddrs = append(out.AllowAddrs, netip.AddrPortFrom(a, rule.Port))
		}
	}
	if len(out.AllowAddrs) > maxAddrs {
		l.fail("network allows %d single addresses, at most %d can be enforced", len(out.AllowAddrs), maxAddrs)
	}
	return out
}
