package plan

import (
	"io/fs"
	"net/netip"
	"time"

	"clawjail/bpf"
	"clawjail/jail"
	"clawjail/jail/egress"
	"clawjail/policy"
)

// FileKind is what stands at a host path.
type FileKind uint8

// The kinds of file.
const (
	KindOther FileKind = iota
	KindDir
	KindFile
)

// FileFact is what the host has at a path. A missing path is fs.ErrNotExist.
type FileFact struct {
	Kind FileKind // of what Real names
	// Real is the path with every symbolic link resolved.
	Real string
	// Link is the text of the link when the path itself is a symbolic link.
	Link string
	UID  uint32
	Mode fs.FileMode
}

// Run is one start: everything of the host and of the caller that the plan
// depends on.
type Run struct {
	ID, Name, Hostname string
	Argv               []string
	Env                []string // of the caller: filtered here
	SetEnv             []string // named on the command line: passed as it is
	Workspace          string   // absolute
	Cwd                string   // absolute; empty: Workspace
	User               jail.User
	Terminal           bool
	Stat               func(path string) (FileFact, error)
	LandlockABI        int
	UserNS             bool
	Tier               string // lsm or notify
	StageBinary        string
	StateDir           string
	CgroupParent       string
	Timeout            time.Duration    // shortens Limits.Wall; 0 leaves it
	Upstream           []netip.AddrPort // resolvers of egress; empty: the host's
}

// Plan is a policy lowered for one run.
type Plan struct {
	Jail   jail.Spec
	Egress egress.Rules
	Probe  bpf.JailConfig
	// Policy is the policy to judge events by: the one given, with the names
	// of programs bound to what they are on this host.
	Policy *policy.Policy
	// Notes are what the operator should hear.
	Notes []string
}

// Lower makes the plan of one run.
func Lower(p *policy.Policy, r Run) (Plan, error) { return Plan{}, nil }

// Text is the plan as `clawjail policy explain` prints it.
func (p Plan) Text() string { return "" }

// Host is a Run.Stat that asks the host.
func Host(path string) (FileFact, error) { return FileFact{}, fs.ErrNotExist }
