package plan

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"clawjail/bpf"
	"clawjail/jail/egress"
	"clawjail/jail/egress/address"
	"clawjail/jail/egress/match"
	"clawjail/policy"
)

// Policy and the mechanisms do not know each other, so what both must know is
// written twice. Here the two are held against each other.

func TestVirtualRangesAgree(t *testing.T) {
	theirs := egress.Rules{}.WithDefaults()
	if theirs.VirtualV4 != policy.VirtualV4() || theirs.VirtualV6 != policy.VirtualV6() {
		t.Errorf("egress has %v and %v", theirs.VirtualV4, theirs.VirtualV6)
	}
}

func TestProbeFitsItsMap(t *testing.T) {
	if maxAddrs+len((&lowering{p: &policy.Policy{}}).probe().AllowUDPDNS) != bpf.MaxAllowPerJail {
		t.Errorf("%d addresses and the resolvers are not the %d that the map has room for", maxAddrs, bpf.MaxAllowPerJail)
	}
	p := Probe{}
	_ = bpf.JailConfig{Name: p.Name, AllowUDPDNS: p.AllowUDPDNS, VirtualV4: p.VirtualV4, VirtualV6: p.VirtualV6, AllowAddrs: p.AllowAddrs}
}

func genAddr() *rapid.Generator[netip.Addr] {
	// Near the edges of ranges, where tables differ if they do.
	edges := []string{"0.0.0.0", "10.0.0.0", "100.64.0.0", "127.0.0.0", "168.63.129.16", "169.254.0.0", "172.16.0.0", "192.0.0.0", "192.88.99.0",
		"192.168.0.0", "198.18.0.0", "224.0.0.0", "240.0.0.0", "::", "64:ff9b::", "64:ff9b:1::", "2000::", "2001::", "2001:1::", "2002::", "4000::", "fc00::",
		"fd63:6c61:776a::", "fe80::", "fec0::", "ff00::", "11.0.0.0", "100.128.0.0", "172.32.0.0", "192.169.0.0", "198.20.0.0", "203.0.113.0", "2001:db8::"}
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		a := netip.MustParseAddr(rapid.SampledFrom(edges).Draw(t, "edge"))
		switch rapid.IntRange(0, 4).Draw(t, "how") {
		case 0:
			return a
		case 1:
			return a.Next()
		case 2:
			if p := a.Prev(); p.IsValid() {
				return p
			}
			return a
		case 3: // an IPv4 address inside an IPv6 one
			if a.Is4() {
				b := netip.MustParseAddr(rapid.SampledFrom([]string{"::ffff:0:0", "64:ff9b::", "::"}).Draw(t, "prefix")).As16()
				v4 := a.As4()
				copy(b[12:], v4[:])
				return netip.AddrFrom16(b)
			}
			return a
		default:
			b := a.As16()
			copy(b[8:12], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "bytes"))
			copy(b[2:6], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "more"))
			return netip.AddrFrom16(b)
		}
	})
}

func TestPrivateAddressesAgree(t *testing.T) {
	table := address.New()
	rapid.Check(t, func(t *rapid.T) {
		a := genAddr().Draw(t, "address")
		if err := table.Check(a, false); (err != nil) != policy.Private(a) {
			t.Fatalf("%s: policy says private %v, egress says %v", a, policy.Private(a), err)
		}
	})
}

// A host that policy accepts is one that egress accepts, and both mean the
// same names by it.
func TestHostsAgree(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "b", "example", "org", "*", "1", "0x7f", "-", "x_y", "é", "", "xn--a"})
	host := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "labels"), ".")
	})
	rapid.Check(t, func(t *rapid.T) {
		rule := host.Draw(t, "rule")
		if _, err := netip.ParseAddr(rule); err == nil || policy.CheckHost(rule) != nil {
			return
		}
		set, err := match.Compile([]egress.Dest{{Host: rule, Port: 443, Rule: "r"}})
		if err != nil {
			t.Fatalf("policy accepts %q, egress says %v", rule, err)
		}
		name, err := match.Name(host.Draw(t, "name"))
		if err != nil {
			return
		}
		if got, want := len(set.Find(name, 443)) > 0, policy.MatchHost(rule, name); got != want {
			t.Fatalf("%q and %q: egress says %v, policy %v", rule, name, got, want)
		}
	})
}
