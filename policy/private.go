package policy

import "net/netip"

// notInternet lists the ranges that `network.private` is about, each with the
// document that sets it aside. Documentation ranges are left out: nobody
// routes them, and tests need addresses that belong to nobody.
func notInternet() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),        // this host, RFC 1122
		netip.MustParsePrefix("10.0.0.0/8"),       // RFC 1918
		netip.MustParsePrefix("100.64.0.0/10"),    // carrier-grade NAT, RFC 6598
		netip.MustParsePrefix("127.0.0.0/8"),      // loopback, RFC 1122
		netip.MustParsePrefix("169.254.0.0/16"),   // link-local and cloud metadata, RFC 3927
		netip.MustParsePrefix("168.63.129.16/32"), // Azure's metadata, in public space
		netip.MustParsePrefix("172.16.0.0/12"),    // RFC 1918
		netip.MustParsePrefix("192.0.0.0/24"),     // protocol assignments, RFC 6890
		netip.MustParsePrefix("192.88.99.0/24"),   // 6to4 relays, RFC 7526
		netip.MustParsePrefix("192.168.0.0/16"),   // RFC 1918
		netip.MustParsePrefix("198.18.0.0/15"),    // benchmarking, RFC 2544
		netip.MustParsePrefix("224.0.0.0/4"),      // multicast, RFC 5771
		netip.MustParsePrefix("240.0.0.0/4"),      // reserved and broadcast, RFC 1112
		netip.MustParsePrefix("2001::/32"),        // Teredo, RFC 4380
	}
}

// Private reports whether an address is anything but the public internet:
// loopback, RFC 1918, link-local, metadata, carrier-grade NAT, unique local,
// multicast, reserved; or an IPv6 address that carries such an IPv4 address
// (mapped, NAT64, 6to4). An invalid address is private.
func Private(a netip.Addr) bool {
	if !a.IsValid() {
		return true
	}
	a = a.Unmap().WithZone("")
	for _, p := range notInternet() {
		if p.Contains(a) {
			return true
		}
	}
	if v4, ok := embedded(a); ok {
		return Private(v4)
	}
	// Of IPv6 only global unicast is the internet (RFC 4291): the rest is
	// loopback, unique local, link-local, multicast or nothing yet.
	return a.Is6() && !netip.MustParsePrefix("2000::/3").Contains(a)
}

// embedded gives the IPv4 address that a translating or tunnelling prefix carries.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if a.Is4() {
		return netip.Addr{}, false
	}
	b := a.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a): // NAT64, RFC 6052
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case netip.MustParsePrefix("2002::/16").Contains(a): // 6to4, RFC 3056
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
