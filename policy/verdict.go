package policy

import (
	"fmt"
	"slices"
)

// Verdict is what happens to an operation. The zero value is Deny, so that
// whatever is unknown is denied.
type Verdict uint8

// The verdicts.
const (
	// Deny refuses the operation: EPERM or EACCES, NXDOMAIN, RST.
	Deny Verdict = iota
	// Allow does it.
	Allow
	// Audit does it and has a human told afterwards.
	Audit
	// Ask holds it until a human decides.
	Ask
	// Kill kills the process.
	Kill
	// Freeze stops the whole jail and opens an incident.
	Freeze
	verdictEnd
)

var verdictNames = [verdictEnd]string{"deny", "allow", "audit", "ask", "kill", "freeze"}

// String gives the name that policies use.
func (v Verdict) String() string {
	if v >= verdictEnd {
		return fmt.Sprintf("verdict(%d)", uint8(v))
	}
	return verdictNames[v]
}

// Valid reports whether v is one of the constants.
func (v Verdict) Valid() bool { return v < verdictEnd }

// Permits reports whether the operation goes ahead without a human.
func (v Verdict) Permits() bool { return v == Allow || v == Audit }

// ParseVerdict is the inverse of String. It accepts nothing else.
func ParseVerdict(s string) (Verdict, error) {
	for v, name := range verdictNames {
		if s == name {
			return Verdict(v), nil
		}
	}
	return Deny, fmt.Errorf("unknown verdict %q", s)
}

// Verdicts lists the names, in the order in which messages give them.
func Verdicts() []string {
	return []string{"allow", "audit", "ask", "deny", "kill", "freeze"}
}

// Gate is the point at which an operation is judged.
type Gate uint8

// The gates.
const (
	// GateExec judges the start of a program.
	GateExec Gate = iota
	// GateOpen judges opening a file, and every change of one but removal.
	GateOpen
	// GateDelete judges removal of a file or directory.
	GateDelete
	// GateConnect judges a connection, and a datagram to an address.
	GateConnect
	gateEnd
)

var gateNames = [gateEnd]string{"exec", "file", "delete", "connect"}

// String gives the name used in records.
func (g Gate) String() string {
	if g >= gateEnd {
		return fmt.Sprintf("gate(%d)", uint8(g))
	}
	return gateNames[g]
}

// Response is what follows a violation: an operation that the policy refuses
// and that the kernel, or the program, got as far as doing.
type Response uint8

// The responses.
const (
	// RespondKill kills the offending process. It is the default.
	RespondKill Response = iota
	// RespondFreeze freezes the whole jail.
	RespondFreeze
	// RespondDeny records the violation and leaves it at what the kernel refused.
	RespondDeny
	responseEnd
)

var responseNames = [responseEnd]string{"kill", "freeze", "deny"}

// String gives the name that policies use.
func (r Response) String() string {
	if r >= responseEnd {
		return fmt.Sprintf("response(%d)", uint8(r))
	}
	return responseNames[r]
}

// ParseResponse is the inverse of String.
func ParseResponse(s string) (Response, error) {
	for r, name := range responseNames {
		if s == name {
			return Response(r), nil
		}
	}
	return RespondKill, fmt.Errorf("unknown response %q", s)
}

// Responses lists the names.
func Responses() []string { return slices.Clone(responseNames[:]) }

// Access is how much of a listed path the jail gets.
type Access uint8

// The kinds of access. The zero value shows nothing.
const (
	// AccessNone hides the path, even below a path that is shown.
	AccessNone Access = iota
	// AccessRead shows it read-only.
	AccessRead
	// AccessWrite shows it writable.
	AccessWrite
	// AccessPrivate puts an empty writable file system there, gone with the jail.
	AccessPrivate
	accessEnd
)

var accessNames = [accessEnd]string{"none", "read", "write", "private"}

// String gives the name that policies use.
func (a Access) String() string {
	if a >= accessEnd {
		return fmt.Sprintf("access(%d)", uint8(a))
	}
	return accessNames[a]
}

// ParseAccess is the inverse of String.
func ParseAccess(s string) (Access, error) {
	for a, name := range accessNames {
		if s == name {
			return Access(a), nil
		}
	}
	return AccessNone, fmt.Errorf("unknown access %q", s)
}

// Accesses lists the names, in the order in which messages give them.
func Accesses() []string { return []string{"read", "write", "private", "none"} }

// Protocol is what a connection has to look like.
type Protocol uint8

// The protocols.
const (
	// ProtocolNamed is TLS or HTTP whose name is the one that was allowed. It
	// is the default.
	ProtocolNamed Protocol = iota
	// ProtocolTLS is TLS with a matching server name.
	ProtocolTLS
	// ProtocolHTTP is plain HTTP with a matching Host.
	ProtocolHTTP
	// ProtocolTCP is anything; the name is known from the virtual address alone.
	ProtocolTCP
	protocolEnd
)

var protocolNames = [protocolEnd]string{"", "tls", "http", "tcp"}

// String gives the name that policies use; empty for the default.
func (p Protocol) String() string {
	if p >= protocolEnd {
		return fmt.Sprintf("protocol(%d)", uint8(p))
	}
	return protocolNames[p]
}

// ParseProtocol is the inverse of String.
func ParseProtocol(s string) (Protocol, error) {
	for p, name := range protocolNames {
		if s == name {
			return Protocol(p), nil
		}
	}
	return ProtocolNamed, fmt.Errorf("unknown protocol %q", s)
}

// Protocols lists the names that can be written.
func Protocols() []string { return slices.Clone(protocolNames[1:]) }
