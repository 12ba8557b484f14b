package bpf

import (
	"log/slog"
	"net/netip"
)

// Options configures Load.
type Options struct {
	Logger    *slog.Logger
	RingBytes int    // size of the event ring; a power of two times the page size; 0: DefaultRingBytes
	PinDir    string // reserved: must be empty
}

// JailConfig is what the network programs of one jail allow. It is inert.
// Loopback (127.0.0.0/8, ::1) inside the jail's own namespace is always allowed.
type JailConfig struct {
	Name                 string
	AllowUDPDNS          []netip.AddrPort // datagrams (and TCP) to these resolvers
	VirtualV4, VirtualV6 netip.Prefix     // TCP into these prefixes reaches the egress proxy
	AllowAddrs           []netip.AddrPort // literal TCP destinations that the policy allows; port 0: any
}
