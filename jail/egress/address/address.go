package address

import (
	"fmt"
	"net/netip"
)

// span is a range with the word for it.
type span struct {
	prefix netip.Prefix
	what   string
}

// never lists what no setting permits.
func never() []span {
	return []span{
		{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
		{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
		{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay"},
		{netip.MustParsePrefix("198.18.0.0/15"), "benchmark or virtual"},
		{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
		{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
		{netip.MustParsePrefix("fd63:6c61:776a::/64"), "virtual"},
		{netip.MustParsePrefix("2001::/32"), "Teredo"},
		{netip.MustParsePrefix("ff00::/8"), "multicast"},
	}
}

// private lists what Check permits only when it is told to.
func private() []span {
	return []span{
		{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
		{netip.MustParsePrefix("10.0.0.0/8"), "private"},
		{netip.MustParsePrefix("172.16.0.0/12"), "private"},
		{netip.MustParsePrefix("192.168.0.0/16"), "private"},
		{netip.MustParsePrefix("169.254.0.0/16"), "link-local or metadata"},
		{netip.MustParsePrefix("168.63.129.16/32"), "metadata"}, // Azure's, in public space
		{netip.MustParsePrefix("100.64.0.0/10"), "CGNAT"},
		{netip.MustParsePrefix("::1/128"), "loopback"},
		{netip.MustParsePrefix("fe80::/10"), "link-local"},
		{netip.MustParsePrefix("fec0::/10"), "site-local"},
		{netip.MustParsePrefix("fc00::/7"), "unique local"},
		{netip.MustParsePrefix("64:ff9b:1::/48"), "local NAT64"},
	}
}

// Table judges addresses.
type Table struct {
	never, private           []span
	nat64, sixToFour, global netip.Prefix
}

// New returns a table.
func New() *Table {
	return &Table{
		never:     never(),
		private:   private(),
		nat64:     netip.MustParsePrefix("64:ff9b::/96"),
		sixToFour: netip.MustParsePrefix("2002::/16"),
		global:    netip.MustParsePrefix("2000::/3"),
	}
}

// Check returns nil for an address that may be dialed. The error names the
// range.
func (t *Table) Check(a netip.Addr, allowPrivate bool) error {
	if !a.IsValid() || a.Zone() != "" {
		return fmt.Errorf("address %q is refused: not a plain address", a)
	}
	inner := t.inner(a)
	for _, s := range t.never {
		if s.prefix.Contains(inner) {
			return refused(a, s.what)
		}
	}
	for _, s := range t.private {
		if s.prefix.Contains(inner) {
			if allowPrivate {
				return nil
			}
			return refused(a, s.what)
		}
	}
	if inner.Is6() && !t.global.Contains(inner) {
		return refused(a, "not global unicast")
	}
	return nil
}

// inner unwraps the address that a translator or tunnel would really reach.
// Each step shortens the address, so the loop ends: only IPv6 is unwrapped,
// and always to IPv4.
func (t *Table) inner(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if !a.Is6() {
		return a
	}
	b := a.As16()
	switch {
	case t.nat64.Contains(a): // RFC 6052 section 2.1
		return netip.AddrFrom4([4]byte(b[12:16]))
	case t.sixToFour.Contains(a): // RFC 3056 section 2
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

func refused(a netip.Addr, what string) error {
	return fmt.Errorf("address %s is refused: %s", a, what)
}
