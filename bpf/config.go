package bpf

import (
	"log/slog"
	"net/netip"
	"time"

	"clawjail/bpf/wire"
)

// Bounds. Jails and allow entries are sizes of maps (bpf/c/maps.h).
const (
	MaxJails         = 1024
	MaxAllowPerJail  = 256
	DefaultRingBytes = 4 << 20
	MaxRingBytes     = 256 << 20
)

// DefaultLinger is Options.Linger's default.
const DefaultLinger = 5 * time.Second

// ReadInterval is how long an event that is not urgent may wait in the ring.
const ReadInterval = 20 * time.Millisecond

// Options configures Load.
type Options struct {
	Logger    *slog.Logger
	RingBytes int // size of the event ring; a power of two times the page size; 0: DefaultRingBytes

	// Linger is how long the tracing programs stay attached without a jail.
	// Attaching again right after is free then; attaching soon after detaching
	// waits 20 ms for the kernel. 0: DefaultLinger, negative: not at all.
	Linger time.Duration
}

// JailConfig is what the network programs of one jail allow. It is inert.
// Loopback (127.0.0.0/8, ::1) inside the jail's own namespace is always allowed.
type JailConfig struct {
	Name                 string
	AllowUDPDNS          []netip.AddrPort // datagrams (and TCP) to these resolvers
	VirtualV4, VirtualV6 netip.Prefix     // TCP into these prefixes reaches the egress proxy
	AllowAddrs           []netip.AddrPort // literal TCP destinations that the policy allows; port 0: any

	// FailedReads also reports opens for reading that failed, as class Open: with
	// Ret and what the caller wrote. A program's search for its libraries makes
	// many; the reader drops those that the policy would have allowed.
	FailedReads bool

	// NoFiles leaves out open_write, unlink, rename, truncate and open events.
	NoFiles bool

	// Filters is how many system call filters the runtime's own tasks in the jail
	// have, which are those of the process that it comes from. Only a task with
	// more is judged (Jail.Gate).
	Filters int

	// Urgent classes wake the reader at once (about 15 µs on the jail's side);
	// others wait at most ReadInterval. What a probe refuses is always urgent.
	Urgent []wire.Class
}
