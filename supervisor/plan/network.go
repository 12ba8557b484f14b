package plan

import (
	"net/netip"
	"slices"

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

// destinations gives the rules that decide something, in the order of
// evaluation: not those that an earlier one covers, and refusals only where
// something would be allowed or asked for otherwise.
func (l *lowering) destinations(rules []policy.NetRule) []policy.NetRule {
	var out []policy.NetRule
	for i, rule := range rules {
		if !decided(rule, rules[:i]) && (rule.Then.Permits() || rule.Then == policy.Ask || l.needed(rule, rules[i+1:])) {
			out = append(out, rule)
		}
	}
	return out
}

// decided reports whether an earlier rule speaks for all that a rule is about.
// Two that let something happen the same way can differ in the protocol.
func decided(rule policy.NetRule, earlier []policy.NetRule) bool {
	for _, e := range earlier {
		if e.Covers(rule) && (then(e) != then(rule) || e.Protocol == rule.Protocol) {
			return true
		}
	}
	return false
}

// needed reports whether a refusal takes something away.
func (l *lowering) needed(rule policy.NetRule, later []policy.NetRule) bool {
	if _, literal := rule.Addr(); !literal && l.p.Network.Default == policy.Ask {
		return true // what is asked for by default are names
	}
	return slices.ContainsFunc(later, func(r policy.NetRule) bool {
		return then(r) != egress.ThenDeny && rule.Overlaps(r) && !rule.Covers(r)
	})
}

// then is what egress does about a rule; what it does not know is refused. What
// an action owns is asked about, and the supervisor answers.
func then(r policy.NetRule) string {
	switch {
	case r.Then.Permits() && (r.Needs == "" || r.Needs == policy.NeedsNone):
		return egress.ThenAllow
	case r.Then.Permits(), r.Then == policy.Ask:
		return egress.ThenAsk
	}
	return egress.ThenDeny
}

// owned gives rules with what sends mail taken out of those that let it through
// among other things: policy.Network.Needed says of each connection the same.
func owned(rules []policy.NetRule) []policy.NetRule {
	out := make([]policy.NetRule, 0, len(rules))
	for _, r := range rules {
		if !r.Then.Permits() || r.Needs != "" {
			out = append(out, r)
			continue
		}
		part := func(host string, port uint16) {
			mail := r
			mail.Host, mail.Port, mail.Needs = host, port, "send_email"
			out = append(out, mail)
		}
		if policy.MailDestination(r.Host, r.Port) {
			part(r.Host, r.Port)
			continue
		}
		for _, h := range policy.MailHosts() {
			for _, name := range []string{h, "*." + h} {
				if policy.CoversHost(r.Host, name) {
					part(name, r.Port)
				}
			}
		}
		if r.Port == 0 {
			for _, port := range policy.MailPorts() {
				part(r.Host, port)
			}
		}
		out = append(out, r)
	}
	return out
}

func (l *lowering) egress() egress.Rules {
	n := l.p.Network
	out := egress.Rules{
		Jail:         l.r.ID,
		AllowPrivate: n.Private == policy.Allow,
		VirtualV4:    policy.VirtualV4(), VirtualV6: policy.VirtualV6(),
		Upstream: l.r.Upstream,
	}
	for _, rule := range l.destinations(owned(n.Rules)) {
		by := rule.Origin.String()
		if rule.Needs != "" && rule.Needs != policy.NeedsNone {
			by += ", needs " + rule.Needs
		}
		out.Dests = append(out.Dests, egress.Dest{
			Host: rule.Host, Port: rule.Port, Protocol: rule.Protocol.String(), Rule: by, Then: then(rule),
		})
	}
	if n.Default == policy.Ask {
		out.AskDefault = true
		if out.AskRule = "network.default"; n.Origin.Rule != "" {
			out.AskRule = n.Origin.String()
		}
	}
	return out
}

func (l *lowering) probe() Probe {
	n := l.p.Network
	out := Probe{
		Name: l.r.Name,
		AllowUDPDNS: []netip.AddrPort{
			netip.AddrPortFrom(resolver(policy.VirtualV4()), dnsPort),
			netip.AddrPortFrom(resolver(policy.VirtualV6()), dnsPort),
		},
		VirtualV4: policy.VirtualV4(), VirtualV6: policy.VirtualV6(),
	}
	for _, rule := range l.destinations(n.Rules) {
		if a, ok := rule.Addr(); ok && then(rule) != egress.ThenDeny {
			out.AllowAddrs = append(out.AllowAddrs, netip.AddrPortFrom(a, rule.Port))
		}
	}
	if len(out.AllowAddrs) > maxAddrs {
		l.fail("network allows %d single addresses, at most %d can be enforced", len(out.AllowAddrs), maxAddrs)
	}
	return out
}
