package policy

import (
	"net/netip"
	"strings"
)

// NormalHost gives the form in which names are compared: lower case, without
// the final dot.
func NormalHost(s string) string {
	return strings.TrimSuffix(strings.ToLower(s), ".")
}

// MatchHost compares a name with the Host of a rule. "*.example.org" matches
// one or more whole labels before example.org, and not example.org itself.
func MatchHost(pattern, name string) bool {
	suffix, wild := strings.CutPrefix(pattern, "*.")
	if !wild {
		return name != "" && pattern == name
	}
	labels, ok := strings.CutSuffix(name, "."+suffix)
	return ok && labels != "" && labels[0] != '.'
}

// CoversHost reports whether every name that b matches is matched by a. Addresses
// are the same however they are written: 203.0.113.7 is ::ffff:203.0.113.7.
func CoversHost(a, b string) bool {
	if x, err := netip.ParseAddr(a); err == nil {
		y, err := netip.ParseAddr(b)
		return err == nil && x.Unmap() == y.Unmap()
	}
	suffix, wild := strings.CutPrefix(b, "*.")
	if !wild {
		return MatchHost(a, b)
	}
	// The names below suffix are covered by the same wildcard or a higher one.
	return a == b || strings.HasPrefix(a, "*.") && MatchHost(a, suffix)
}

// overlapHost reports whether some name is matched by both.
func overlapHost(a, b string) bool { return CoversHost(a, b) || CoversHost(b, a) }

// Covers reports whether r matches every destination that other matches.
func (r NetRule) Covers(other NetRule) bool {
	return (r.Port == 0 || r.Port == other.Port) && CoversHost(r.Host, other.Host)
}

// Overlaps reports whether some destination is matched by both.
func (r NetRule) Overlaps(other NetRule) bool {
	return (r.Port == 0 || other.Port == 0 || r.Port == other.Port) && overlapHost(r.Host, other.Host)
}

// matches judges a destination by name, or by address where that is what the
// rule and the request have.
func (r NetRule) matches(host string, addr netip.Addr, port uint16) bool {
	if r.Port != 0 && r.Port != port {
		return false
	}
	if want, ok := r.Addr(); ok {
		return addr.IsValid() && host == "" && want.Unmap() == addr
	}
	return MatchHost(r.Host, host)
}

// The addresses that stand for names inside a jail. They never leave the host.
const (
	virtual4 = "198.18.0.0/15"
	virtual6 = "fd63:6c61:776a::/64"
)

// VirtualV4 is the range from which a jail's names get their IPv4 addresses.
func VirtualV4() netip.Prefix { return netip.MustParsePrefix(virtual4) }

// VirtualV6 is the range from which a jail's names get their IPv6 addresses.
func VirtualV6() netip.Prefix { return netip.MustParsePrefix(virtual6) }
