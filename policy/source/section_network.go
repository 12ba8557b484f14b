package source

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
	"clawjail/policy/strict"
)

func (r *reader) readNetwork(n *yaml.Node, l *layer) {
	if n.Kind == yaml.SequenceNode { // nothing but a list of what is allowed
		r.readDestinations(n, "allow", l)
		r.orderNetwork(l)
		return
	}
	fields := r.Fields(n, "network", append([]string{"default", "private"}, lists()...)...)
	if fields == nil {
		return
	}
	if d := fields["default"]; d != nil {
		out := policy.Network{Origin: r.origin("network.default", d)}
		if v, ok := r.verdict(d, "network.default (the network is a list of what is allowed)", &out.Origin, policy.Deny, policy.Ask); ok {
			out.Default, l.netDefault = v, &out
		}
	}
	if d := fields["private"]; d != nil {
		out := policy.Network{PrivateOrigin: r.origin("network.private", d)}
		if v, ok := r.verdict(d, "network.private", &out.PrivateOrigin, policy.Deny, policy.Allow); ok {
			out.Private, l.netPrivate = v, &out
		}
	}
	for _, key := range lists() {
		if n := fields[key]; n != nil {
			r.readDestinations(n, key, l)
		}
	}
	r.orderNetwork(l)
}

// readDestinations reads one list, which is about one verdict.
func (r *reader) readDestinations(n *yaml.Node, key string, l *layer) {
	then, err := parseWord(key)
	if err == nil && then.verdict == policy.Ask && !r.features.Gate {
		r.Problem(n, "list it under allow, or leave it out", "network.%s needs the gate that holds operations, which this clawjail does not have yet", key)
		return
	}
	for i, item := range r.Items(n, "network."+key, policy.MaxRules) {
		where := fmt.Sprintf("network.%s[%d]", key, i)
		rule, ok := r.destination(item, where)
		if ok && rule.Needs != "" && !then.verdict.Permits() {
			r.Problem(item, "list it under allow", "%s needs an action, and is %s anyway", where, key)
			continue
		}
		if ok {
			rule.Then, rule.Origin = then.verdict, r.origin(where, item)
			rule.Origin.Category = then.category
			l.network = append(l.network, placed[policy.NetRule]{rule: rule, node: item, own: true})
		}
	}
}

func (r *reader) orderNetwork(l *layer) {
	slices.SortStableFunc(l.network, func(a, b placed[policy.NetRule]) int { return bySpecificity(a.rule, b.rule) })
	r.shadowedHosts(l.network)
}

// lists are the keys of lists of destinations, each a verdict or a category for
// one; of equally specific entries the earlier list would win.
func lists() []string {
	return []string{"deny", "ask", "critical", "audit", "sensitive", "allow", "routine"}
}

// bySpecificity orders the rules of one document: the more specific first.
func bySpecificity(a, b policy.NetRule) int {
	wild := func(n policy.NetRule) int {
		if strings.HasPrefix(n.Host, "*.") {
			return 1
		}
		return 0
	}
	anyPort := func(n policy.NetRule) int {
		if n.Port == 0 {
			return 1
		}
		return 0
	}
	return cmp.Or(
		wild(a)-wild(b),
		strings.Count(b.Host, ".")-strings.Count(a.Host, "."),
		anyPort(a)-anyPort(b),
	)
}

func (r *reader) shadowedHosts(entries []placed[policy.NetRule]) {
	for i, e := range entries {
		for _, earlier := range entries[:i] {
			if earlier.rule.Covers(e.rule) {
				r.Problem(e.node, "", "%s can never be reached: line %d decides it (%s)", e.rule.Origin.Rule, earlier.node.Line, earlier.rule.Origin.Rule)
				break
			}
		}
	}
}

// destination reads "host:port", or a mapping with host, port, protocol and the
// action that it needs.
func (r *reader) destination(n *yaml.Node, where string) (policy.NetRule, bool) {
	if n.Kind == yaml.ScalarNode {
		s, ok := r.Str(n, where)
		if !ok {
			return policy.NetRule{}, false
		}
		return r.hostPort(n, s, where)
	}
	fields := r.Fields(n, where, "host", "port", "protocol", "needs")
	if fields == nil {
		return policy.NetRule{}, false
	}
	before := r.Count()
	var rule policy.NetRule
	if h := fields["host"]; h == nil {
		r.Problem(n, "", "%s has no host", where)
	} else if s, ok := r.Str(h, where+".host"); ok {
		rule.Host = r.host(h, s, where)
	}
	if p := fields["port"]; p == nil && fields["needs"] != nil {
		rule.Port = 443 // what an action has to do with is an interface on the web
	} else if p == nil {
		r.Problem(n, "add port: 443, or port: any", "%s has no port", where)
	} else if s, ok := r.Word(p, where+".port"); ok {
		rule.Port, _ = r.port(p, s, where)
	}
	if p := fields["protocol"]; p != nil {
		rule.Protocol, _ = strict.OneWord(r.Reader, p, "protocol", policy.Protocols(), policy.ParseProtocol)
	}
	if v := fields["needs"]; v != nil {
		if !r.features.Gate {
			r.Problem(v, "leave needs out until then", "%s.needs needs the gate that holds operations, which this clawjail does not have yet", where)
		}
		rule.Needs, _ = r.actionName(v, where+".needs")
	}
	if _, literal := rule.Addr(); literal && rule.Protocol == policy.ProtocolNamed {
		rule.Protocol = policy.ProtocolTCP // an address has no name to match
	}
	return rule, r.Count() == before
}

func (r *reader) hostPort(n *yaml.Node, s, where string) (policy.NetRule, bool) {
	var rule policy.NetRule
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		port := map[string]string{"https": ":443", "http": ":80"}[scheme]
		if strings.Contains(host, ":") {
			port = ""
		}
		r.Problem(n, fmt.Sprintf("did you mean %q?", host+port), "%s is a host and a port, not the URL %q", where, s)
		return rule, false
	}
	host, port, ok := cutPort(s)
	if !ok {
		hint := fmt.Sprintf("did you mean %q?", s+":443")
		if strings.Count(s, ":") > 1 {
			hint = `an IPv6 address stands in brackets, as in "[2001:db8::1]:443"`
		}
		r.Problem(n, hint, "%s %q has no port", where, s)
		return rule, false
	}
	before := r.Count()
	rule.Host = r.host(n, host, where)
	rule.Port, _ = r.port(n, port, where)
	if _, literal := rule.Addr(); literal {
		rule.Protocol = policy.ProtocolTCP
	}
	return rule, r.Count() == before
}

// cutPort splits "host:port" and "[v6]:port".
func cutPort(s string) (host, port string, ok bool) {
	if rest, bracket := strings.CutPrefix(s, "["); bracket {
		return strings.Cut(rest, "]:")
	}
	if strings.Count(s, ":") != 1 {
		return s, "", false
	}
	return strings.Cut(s, ":")
}

func (r *reader) port(n *yaml.Node, s, where string) (uint16, bool) {
	if s == "any" || s == "*" {
		if s == "*" {
			r.Problem(n, `write "any"`, "%s has the port %q", where, s)
			return 0, false
		}
		return 0, true
	}
	v, err := strconv.ParseUint(s, 10, 16)
	if err != nil || v == 0 || s != strconv.FormatUint(v, 10) {
		r.Problem(n, `a port is 1 to 65535, or "any"`, "%s has the port %q", where, s)
		return 0, false
	}
	return uint16(v), true
}

// host reads a name, a wildcard or an address.
func (r *reader) host(n *yaml.Node, s, where string) string {
	host := policy.NormalHost(s)
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" || a.Is4In6() {
			r.Problem(n, "", "%s has the address %q, which nothing connects to as written", where, s)
			return ""
		}
		return r.routable(n, a, where)
	}
	if _, err := netip.ParsePrefix(host); err == nil {
		r.Problem(n, "list single addresses", "%s is a range of addresses: %q", where, s)
		return ""
	}
	if host == "*" || host == "*." {
		r.Problem(n, "list the names that the agent needs", "%s allows every host", where)
		return ""
	}
	if name, _ := strings.CutPrefix(host, "*."); name == "localhost" || strings.HasSuffix(name, ".localhost") {
		r.Problem(n, "", "%s can never match: %q inside a jail is the jail itself, and the host's loopback cannot be reached", where, s)
		return ""
	}
	if err := policy.CheckHost(host); err != nil {
		hint := ""
		if suffix, ok := strings.CutPrefix(host, "."); ok && policy.CheckHost(suffix) == nil {
			hint = fmt.Sprintf("did you mean %q?", "*."+suffix)
		}
		r.Problem(n, hint, "%v", err)
		return ""
	}
	if name, wild := strings.CutPrefix(host, "*."); wild && !strings.Contains(name, ".") {
		r.Problem(n, "give the wildcard a domain, as in *.example.org", "%s %q covers a whole top-level domain", where, s)
		return ""
	}
	return host
}

func (r *reader) routable(n *yaml.Node, a netip.Addr, where string) string {
	if a.IsLoopback() || a.IsUnspecified() {
		r.Problem(n, "", "%s can never match: %q inside a jail is the jail itself, and the host's loopback cannot be reached", where, a)
		return ""
	}
	if policy.VirtualV4().Contains(a) || policy.VirtualV6().Contains(a) {
		r.Problem(n, "", "%s can never match: %q stands for a name inside a jail", where, a)
		return ""
	}
	return a.String()
}

// checkNetwork checks what only shows once the bases are in: entries that can
// never match.
func (r *reader) checkNetwork(l layer) {
	private := l.netPrivate != nil && l.netPrivate.Private == policy.Allow
	for _, e := range l.network {
		if a, ok := e.rule.Addr(); ok && e.own && !private && e.rule.Then != policy.Deny && policy.Private(a) {
			r.Problem(e.node, "add private: allow to network if the agent may reach private addresses", "%s can never match: %s is a private address", e.rule.Origin.Rule, a)
		}
	}
}
