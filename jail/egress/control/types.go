package control

import (
	"net/netip"
	"time"
)

// Limits of what crosses the control socket. A message over a limit is
// refused by its reader, never cut.
const (
	MaxMessage  = 256 << 10 // one control message; SO_SNDBUF's doubled default maximum is 416 KiB
	MaxEvent    = 4 << 10   // one event message
	MaxDests    = 1024      // destinations of one jail
	MaxUpstream = 8         // resolvers of one jail
	MaxName     = 253       // a DNS name without its trailing dot, RFC 1035 section 3.1
	MaxText     = 512       // every other string
	MaxJailID   = 128
	MaxServed   = 1024 // jails of one process
)

// Bounds of connections that are held until somebody decides.
const (
	MaxHeld     = 1024 // of all jails
	MaxHeldJail = 64   // of one jail
)

// What is done about a destination. The zero value of Dest.Then is Allow's.
const (
	ThenAllow = ""
	ThenAsk   = "ask"
	ThenDeny  = "deny"
)

// Dest is one destination and what is done about it.
type Dest struct {
	// Host is an exact name, "*." and a name (one or more whole labels
	// below it, never the name itself), or an IP literal without brackets.
	Host string `json:"host"`
	// Port is a TCP port; 0 is any port.
	Port uint16 `json:"port"`
	// Protocol is what the client must speak: "tls", "http", "tcp" (not
	// looked at, for servers that speak first) or "" (tls or http).
	Protocol string `json:"protocol,omitempty"`
	// Rule is the label of the policy rule, repeated in events.
	Rule string `json:"rule,omitempty"`
	// Then is ThenAllow, ThenAsk or ThenDeny. Of the destinations that a
	// connection belongs to, the first in the list decides.
	Then string `json:"then,omitempty"`
}

// Rules is what one jail may reach. It is inert.
type Rules struct {
	Jail string `json:"jail"`
	// Dests are looked at in their order. What is in none of them is refused,
	// or asked for: see AskDefault.
	Dests []Dest `json:"dests,omitempty"`
	// AskDefault holds connections to every public name that Dests does not
	// know, on any port, if they are TLS or HTTP. AskRule is the label.
	AskDefault bool   `json:"ask_default,omitempty"`
	AskRule    string `json:"ask_rule,omitempty"`
	// AllowPrivate permits loopback, RFC 1918, link-local, metadata, CGNAT
	// and ULA addresses as answers. Multicast, unspecified, reserved and
	// the virtual prefixes stay refused.
	AllowPrivate bool `json:"allow_private,omitempty"`
	// VirtualV4 and VirtualV6 are where virtual addresses come from; the
	// first address of each is the DNS server. Zero: DefaultV4, DefaultV6.
	VirtualV4 netip.Prefix `json:"virtual_v4"`
	VirtualV6 netip.Prefix `json:"virtual_v6"`
	// MaxConns bounds the jail's open connections; 0 is the default.
	MaxConns int `json:"max_conns,omitempty"`
	// Idle ends a connection without bytes either way; 0 is the default.
	Idle time.Duration `json:"idle_ns,omitempty"`
	// Upstream are the resolvers; empty: those of /etc/resolv.conf.
	Upstream []netip.AddrPort `json:"upstream,omitempty"`
}

// Served is a jail that the process has served since a former supervisor.
type Served struct {
	Jail   string `json:"jail"`
	Digest string `json:"digest"`        // of the rules it was added with
	Cut    bool   `json:"cut,omitempty"` // it is cut off from the network
}

// Event kinds.
const (
	KindDNS  = "dns"  // questions for one name, counted
	KindConn = "conn" // a connection at its end, or refused attempts, counted
	KindLost = "lost" // Count events could not be delivered
)

// Verdicts of events, spelled as policy spells them.
const (
	Allow = "allow"
	Deny  = "deny"
)

// Event is one fact about a jail's traffic. The supervisor holds it to be
// untrusted: Decode bounds every field.
type Event struct {
	Kind string `json:"kind"`
	Jail string `json:"jail"`
	// Name is the destination's name as policy knows it, or as the jail
	// asked for it when it was refused.
	Name string `json:"name,omitempty"`
	// Addr is the address dialed; for one that was refused because no name
	// leads to it, the address that the jail tried; for DNS the virtual IPv4
	// address that was given out.
	Addr netip.Addr `json:"addr"`
	Port uint16     `json:"port,omitempty"`
	// Protocol is tls, http or tcp for connections, the question's type
	// for DNS.
	Protocol string `json:"protocol,omitempty"`
	Verdict  string `json:"verdict"`
	Reason   string `json:"reason,omitempty"`
	Rule     string `json:"rule,omitempty"`
	// BytesUp left the jail, BytesDown came to it.
	BytesUp   int64         `json:"bytes_up,omitempty"`
	BytesDown int64         `json:"bytes_down,omitempty"`
	Duration  time.Duration `json:"duration_ns,omitempty"`
	// Ask is the id of the Ask that held the connection; 0: it was not held.
	Ask uint64 `json:"ask,omitempty"`
	// Count is how many like facts this event stands for, at least 1.
	Count uint64 `json:"count"`
	// Time is when the connection or the first question came.
	Time time.Time `json:"time"`
}

// Ask is a connection that waits for a decision. Nothing of it has left the
// host, not even a question about its name. The supervisor holds it to be
// untrusted.
type Ask struct {
	Jail string `json:"jail"`
	// Name is canonical. It is empty for a connection to an address that
	// policy knows, and then Addr is that address.
	Name string     `json:"name,omitempty"`
	Addr netip.Addr `json:"addr"`
	Port uint16     `json:"port"`
	// Protocol is tls or http, which name the destination once more, or tcp,
	// which was not looked at.
	Protocol string `json:"protocol"`
}

// Verdict is the answer to an Ask. The zero value refuses.
type Verdict struct {
	Allow  bool   `json:"allow,omitempty"`
	Reason string `json:"reason,omitempty"` // of a refusal
}
