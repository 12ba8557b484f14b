package policy

import (
	"net/netip"
	"time"
)

// Version is the version of the policy language.
const Version = 1

// Policy is what a jail may do, with everything resolved: bases are merged in,
// variables replaced, defaults filled. Make one with package source or
// package compiled.
type Policy struct {
	// Version is always Version.
	Version int
	// Name is a DNS label: it shows in listings and records.
	Name string

	Files   []File
	Delete  Delete
	Exec    Exec
	Network Network
	Limits  Limits
	Env     Env
	Actions Actions

	// Approval bounds the wait for a human.
	Approval Approval
	// OnViolation is what follows an operation that is refused and was seen
	// to happen all the same.
	OnViolation Response
	// ExplainRefusals has the gate tell a program that it refuses something to,
	// on the program's stderr, by which rule.
	ExplainRefusals bool
}

// Origin says where a rule was written.
type Origin struct {
	// Rule is the place within its document: "exec.rules[3]".
	Rule string
	// At is file and line, "openclaw.yaml:14" or "preset agent:9"; may be empty.
	At string
	// Category is the word that stands there for the rule's verdict.
	Category Category
}

// String gives all of it, as records and messages show it:
// "exec.rules[3], critical (openclaw.yaml:14)".
func (o Origin) String() string {
	s := o.Rule
	if o.Category != NoCategory {
		s += ", " + o.Category.String()
	}
	if o.At == "" {
		return s
	}
	return s + " (" + o.At + ")"
}

// File lists one path and everything below it, unless a longer path is listed.
type File struct {
	// Path is absolute and clean.
	Path   string
	Access Access
	// Write is the verdict on writing. With AccessRead it is not a permission
	// but says what an attempt is worth: Deny, Ask, Kill or Freeze. With
	// AccessWrite and AccessPrivate it is Allow or Audit.
	Write Verdict
	// Exec lets programs below Path be executed.
	Exec bool
	// Create makes a missing directory (AccessWrite only), mode 0700, owned by
	// the user the jail runs as.
	Create bool
	// Optional leaves a missing AccessWrite path out instead of refusing to start.
	Optional bool
	// SizeBytes bounds an AccessPrivate file system. 0 leaves it to Limits.TmpBytes.
	SizeBytes int64
	Origin    Origin
}

// Delete bounds how much may be removed. Limit 0 means no bound.
type Delete struct {
	// Limit is how many removals are done per Per before Over applies.
	Limit  int64
	Per    time.Duration
	Over   Verdict
	Origin Origin
}

// Exec judges programs.
type Exec struct {
	Default Verdict
	Rules   []ExecRule
	// Origin is where Default was written.
	Origin Origin
}

// ExecRule matches a program by name or path, by arguments, by content; what
// is given must all match.
type ExecRule struct {
	// Run lists names and paths, with globs. A pattern without a slash is
	// compared with the last element of the path that the kernel executes, one
	// with a slash with all of it. In a tree that the jail can write, a name
	// permits nothing: only a path or a hash does. Empty only if SHA256 is given.
	Run []string
	// Args is compared with argv[1:], one pattern an argument; "..." stands for
	// any number of arguments. nil matches any.
	Args []string
	// SHA256 is the content of the program, 64 lower-case hex digits.
	SHA256 string
	Then   Verdict
	// Bound lists programs that a name in Run is a symbolic link to on this
	// host (python3 is python3.11 to the kernel). Filled by supervisor/plan,
	// never compiled or written.
	Bound  []Binding
	Origin Origin
}

// Binding says that Name was found on the jail's PATH and is Path to the kernel.
type Binding struct{ Name, Path string }

// Network judges connections. Everything goes through the egress proxy.
type Network struct {
	// Default is Deny, or Ask once there is a gate.
	Default Verdict
	// Rules in the order of evaluation.
	Rules []NetRule
	// Private is the verdict on loopback, private, link-local and other
	// addresses that are not the internet: Deny or Allow.
	Private Verdict
	// Origin is where Default was written, PrivateOrigin where Private was.
	Origin        Origin
	PrivateOrigin Origin
}

// NetRule matches a destination.
type NetRule struct {
	// Host is a lower-case name, "*." and a name for everything below that
	// name, or an IP address.
	Host string
	// Port 0 is any port.
	Port     uint16
	Protocol Protocol
	Then     Verdict
	// Needs is the type of action that owns the destination, NeedsNone for none,
	// empty for what is built in. Only where Then permits.
	Needs  string
	Origin Origin
}

// Addr gives the address when Host is one.
func (r NetRule) Addr() (netip.Addr, bool) {
	a, err := netip.ParseAddr(r.Host)
	return a, err == nil
}

// Limits bound what the jail uses. All are positive in a valid Policy.
type Limits struct {
	MemoryBytes   int64
	MilliCPUs     int64 // thousandths of a processor's time
	Pids          int64 // processes and threads
	OpenFiles     int64 // per process
	FileSizeBytes int64
	Wall          time.Duration
	TmpBytes      int64 // /tmp and every private directory without a size of its own
	ShmBytes      int64 // /dev/shm
}

// DefaultLimits apply where neither a policy nor its bases say.
func DefaultLimits() Limits {
	return Limits{
		MemoryBytes:   4 << 30,
		MilliCPUs:     2000,
		Pids:          1024,
		OpenFiles:     4096,
		FileSizeBytes: 4 << 30,
		Wall:          8 * time.Hour,
		TmpBytes:      1 << 30,
		ShmBytes:      256 << 20,
	}
}

// Env says which variables of the caller's environment reach the jail.
type Env struct {
	// Pass lists names and globs. A glob never passes what looks like a secret.
	Pass []string
	// Set is sorted by name.
	Set []Var
}

// Var is one environment variable.
type Var struct{ Name, Value string }

// Approval bounds a human's time to decide.
type Approval struct {
	Timeout time.Duration
}

// DefaultApproval applies where neither a policy nor its bases say.
func DefaultApproval() Approval { return Approval{Timeout: 30 * time.Minute} }

// Request is one operation, in facts that the kernel gave.
type Request struct {
	Gate Gate
	// Path is absolute and resolved: the program (GateExec) or the file.
	Path string
	Argv []string
	// SHA256 of the program in lower-case hex; empty if not known, and then no
	// rule with a hash matches.
	SHA256 string
	// Host is the name that was asked for, lower case, without final dot;
	// empty if there was none.
	Host string
	Addr netip.Addr
	Port uint16
	// Write says that the open is for writing or creates or truncates.
	Write bool
	// Op is the operation: open, unlink, rmdir, rename, truncate…
	Op string
}

// Decision is what Evaluate says.
type Decision struct {
	Verdict Verdict
	// Rule is "exec.rules[3] (openclaw.yaml:14)" or "exec.default".
	Rule string
}
