package approval

import (
	"net/netip"
	"time"
)

// The gates of a request.
const (
	GateExec    = "exec"
	GateFile    = "file"
	GateDelete  = "delete"
	GateConnect = "connect"
	GateAction  = "action" // what an agent says that it is about to do
	GateSkill   = "skill"  // not a jail's: whether a skill may be installed
)

// DefaultTimeout applies to a request that brings none.
const DefaultTimeout = 30 * time.Minute

// Request is one operation that waits for a human. Texts are raw; escape them
// before anybody sees them (package approval/show does).
type Request struct {
	// ID names the request to people: 8 characters. The queue gives it.
	ID string

	Jail      string // id of the jail
	JailName  string
	Agent     string // what the jail was started to run, for people
	Policy    string // name of the policy
	StartedBy uint32 // user who started the jail

	Gate string // exec, file, delete, connect, action or skill
	Op   string // execve, open, unlink, rename, connect…

	// Argv is what will be executed. Submit cuts a long one: then Argv is its
	// head, ArgvTail its end, and Argc, ArgvBytes and ArgvSHA256 (every word
	// ended by NUL) say what the whole is. Of an action it is the type and what
	// the agent says that belongs to it.
	Argv       []string
	ArgvTail   []string
	Argc       int
	ArgvBytes  int64
	ArgvSHA256 string

	Path   string // resolved by the kernel
	Path2  string // the other name of a rename or link
	SHA256 string // of the content of Path, where the rule needed it
	Host   string
	Addr   netip.Addr // zero when there is none
	Port   uint16
	Cwd    string

	// Parents is the chain of processes above the one that asks, nearest first.
	Parents    []Process
	ParentsCut int // how many more there are

	Rule       string   // the rule that asked
	Impact     []string // what it touches; filled by Submit
	Reversible Reversible
	Notes      []string // what the approver must know: "the script's content is not bound"
	Claim      string   // what the agent says about it; never believed

	// Key is what a scope wider than once compares; filled by Submit when empty.
	Key string

	// Not part of what the digest covers:

	Digest   string        // sha256 of what is shown, 64 hex digits
	Waiting  int           // how many identical calls wait
	Created  time.Time     // wall clock, for people
	Expires  time.Time     // wall clock, for people; Deadline decides
	Timeout  time.Duration // 0: DefaultTimeout
	Deadline time.Duration // CLOCK_BOOTTIME
	Asked    time.Duration // CLOCK_BOOTTIME of Created
	Boot     string        // boot that Deadline belongs to
}

// Process is one link of the chain of parents.
type Process struct {
	PID     int32 // shown, not part of the digest
	Path    string
	Argv    []string
	ArgvCut bool // Argv is not all of it
}

// Reversible says whether what was done can be undone.
type Reversible string

// The answers.
const (
	ReversibleUnknown Reversible = ""
	ReversibleYes     Reversible = "yes"
	ReversibleNo      Reversible = "no"
)

// View is a request with the times that a clock on the wall cannot give.
type View struct {
	Request
	Waited time.Duration
	Left   time.Duration
	Trail  Trail
}
