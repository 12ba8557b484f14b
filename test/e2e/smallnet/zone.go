package smallnet

import (
	"maps"
	"net/netip"
	"slices"
)

// Addresses of the wire between host and internet.
const (
	gateway4 = "192.0.2.1"
	gateway6 = "2001:db8::1"
	host4    = "192.0.2.2"
	host6    = "2001:db8::2"
)

// ControlURL is where the tests talk to the internet itself: scripts and log.
const ControlURL = "http://" + gateway4 + ":8053"

// Ports beside 80 and 443 that every host of the internet serves.
const (
	PortEcho    = 9000 // TCP: sends back what it gets
	PortUDPEcho = 9001 // UDP: the same
	PortSource  = 9002 // TCP: sends zeros until the client closes
)

// Names of the small internet that no policy ships with.
const (
	NameWeb    = "www.example.com"  // files, bulk, echo
	NameGit    = "git.example.com"  // a repository "demo.git"
	NameEvil   = "evil.example.net" // collects what is sent to it
	NameRebind = "rebind.example.net"
	NameMixed  = "mixed.example.net" // one public and one private address
)

// record is what DNS says about a name.
type record struct{ v4, v6 []netip.Addr }

// hosts numbers the names of the internet; each has 198.51.100.N or 203.0.113.N
// and 2001:db8:1::N.
func zone() map[string]record {
	z := map[string]record{}
	for i, name := range []string{
		"api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com", "github.com",
		"chatgpt.com", "statsig.anthropic.com", NameWeb, NameGit, "a.wild.example.com", "b.a.wild.example.com",
	} {
		n := byte(10 + i)
		z[name] = record{
			v4: []netip.Addr{netip.AddrFrom4([4]byte{198, 51, 100, n})},
			v6: []netip.Addr{netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1, 15: n})},
		}
	}
	z[NameEvil] = record{
		v4: []netip.Addr{netip.MustParseAddr("203.0.113.66")},
		v6: []netip.Addr{netip.MustParseAddr("2001:db8:1::66")},
	}
	z[NameRebind] = record{
		v4: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("169.254.169.254")},
		v6: []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("fd00::1")},
	}
	z[NameMixed] = record{v4: []netip.Addr{netip.MustParseAddr("198.51.100.99"), netip.MustParseAddr("192.168.1.1")}}
	return z
}

// served are the addresses that the internet's own loopback carries.
func served(z map[string]record) []netip.Addr {
	set := map[netip.Addr]bool{}
	for name, r := range z {
		if name == NameRebind {
			continue
		}
		for _, a := range append(slices.Clone(r.v4), r.v6...) {
			if !a.IsPrivate() {
				set[a] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(set), netip.Addr.Compare)
}
