package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"time"

	"clawjail/jail"
	"clawjail/jail/egress"
	"clawjail/policy"
	"clawjail/seccomp"
)

// FileKind is what stands at a host path.
type FileKind uint8

// The kinds of file.
const (
	KindOther FileKind = iota // a device, a socket, a FIFO
	KindDir
	KindFile
)

// FileFact is what the host has at a path. A missing path is fs.ErrNotExist.
type FileFact struct {
	// Kind, UID and Mode are those of what Real names.
	Kind FileKind
	// Real is the path with every symbolic link resolved.
	Real string
	// Link is the text of the link when the path itself is a symbolic link.
	Link string
	UID  uint32
	Mode fs.FileMode
}

// Run is one start: everything of the host and of the caller that a plan
// depends on.
type Run struct {
	ID, Name, Hostname string
	Argv               []string
	Env                []string // of the caller: filtered here
	SetEnv             []string // named on the command line: passed as it is
	Workspace          string   // absolute, without symbolic links
	Cwd                string   // absolute; empty: Workspace
	User               jail.User
	Terminal           bool
	Stat               func(path string) (FileFact, error)
	LandlockABI        int
	Gate               bool // the supervisor answers what a filter traps
	UserNS             bool
	Tier               string // lsm or notify
	StageBinary        string
	StateDir           string
	CgroupParent       string
	Actions            string           // directory with the jail's action socket; empty: none
	ActionClient       string           // clawjail-act on the host; empty: none
	Timeout            time.Duration    // shortens Limits.Wall; 0 leaves it
	Upstream           []netip.AddrPort // resolvers of egress; empty: the host's

	// caller is who asked for the jail, when that is not root: see LowerFor.
	caller uint32
}

// Plan is a policy lowered for one run.
type Plan struct {
	Jail   jail.Spec
	Egress egress.Rules
	Probe  Probe
	// Policy is the one to judge events by: the one given, with the names of
	// programs bound to what they are on this host.
	Policy *policy.Policy `json:"-"`
	// Gates are the kinds of system call that the filter traps.
	Gates seccomp.Gates
	// Asks are the trees that can be written on approval.
	Asks []Ask
	// Tier is Run.Tier.
	Tier string
	// Missing lists paths of the policy that this host does not have.
	Missing []string
	// Notes are what the operator should hear.
	Notes []string
}

// Probe is what the network programs of one jail allow, as bpf.JailConfig has
// it. Spelled out here so that what prints plans does not link the loader of
// BPF programs.
type Probe struct {
	Name                 string
	AllowUDPDNS          []netip.AddrPort
	VirtualV4, VirtualV6 netip.Prefix
	AllowAddrs           []netip.AddrPort
	Filters              int `json:",omitempty"` // of system calls, that the shim has from its parents; not of the policy
}

// memlockBytes is RLIMIT_MEMLOCK in every jail, the kernel's default
// (include/uapi/linux/resource.h:MLOCK_LIMIT, since 5.16).
const memlockBytes = 8 << 20

// Lower makes the plan of one run, or says everything that stands against it.
func Lower(p *policy.Policy, r Run) (Plan, error) {
	if p == nil || r.Stat == nil {
		return Plan{}, errors.New("lower: no policy or no host to lower it for")
	}
	if err := checkWorkspace(r); err != nil {
		return Plan{}, err
	}
	gates := seccomp.Gates{}
	if r.Gate {
		gates = Gates(p)
	}
	l := newLowering(p, r)
	l.files()
	l.actions()
	spec := jail.Spec{
		ID: r.ID, Name: r.Name, Hostname: r.Hostname,
		Argv: r.Argv, Env: l.environment(), Cwd: r.Cwd, User: r.User,
		UserNS: r.UserNS, Terminal: r.Terminal,
		Mounts: l.mounts, Landlock: l.landlock(), LandlockABI: r.LandlockABI,
		Seccomp: seccomp.Gated(gates), Limits: limits(p.Limits, r),
		StageBinary: r.StageBinary, StateDir: r.StateDir, CgroupParent: r.CgroupParent,
		Resolver4: resolver(policy.VirtualV4()), Resolver6: resolver(policy.VirtualV6()),
	}
	if spec.Cwd == "" {
		spec.Cwd = r.Workspace
	}
	if spec.Hostname == "" {
		spec.Hostname = r.Name
	}
	if r.LandlockABI < 1 {
		l.fail("this kernel has no Landlock, which every jail needs: boot with landlock in the lsm= list (clawjail doctor says more)")
	}
	if rule, ok := p.FileRule(spec.Cwd); !ok || rule.Access == policy.AccessNone {
		l.fail("policy %q does not show the working directory %q; add under files: - {path: \"${WORKSPACE}\", access: write}", p.Name, spec.Cwd)
	}
	l.noteRefusals()
	out := Plan{
		Jail:    spec,
		Egress:  l.egress(),
		Probe:   l.probe(),
		Policy:  l.bound(),
		Gates:   gates,
		Asks:    l.asks(),
		Tier:    r.Tier,
		Missing: l.missing,
		Notes:   l.notes,
	}
	if len(l.errs) == 0 { // what is incomplete anyway is not worth more words
		l.errs = append(l.errs, invalid("jail", spec.Validate()), invalid("egress rules", out.Egress.Validate()))
	}
	if err := errors.Join(l.errs...); err != nil {
		return Plan{}, err
	}
	return out, nil
}

// noteRefusals says what refusing a program means while nothing holds it.
func (l *lowering) noteRefusals() {
	refuses := !l.p.Exec.Default.Permits()
	for _, rule := range l.p.Exec.Rules {
		refuses = refuses || !rule.Then.Permits()
	}
	if refuses && !l.r.Gate {
		l.note("a program that exec refuses is seen when it starts, and then on_violation (%s) applies: it may have run for a moment", l.p.OnViolation)
	}
}

func invalid(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("plan of the %s: %w", what, err)
}

// lowering is a plan in the making.
type lowering struct {
	p       *policy.Policy
	r       Run
	rules   []rule // of p.Files, placed on this host
	mounts  []jail.Mount
	missing []string
	notes   []string
	errs    []error
	search  []string        // see searchPath
	loose   map[string]bool // guarded or hidden paths that do not exist: see bound
}

func newLowering(p *policy.Policy, r Run) *lowering {
	r.Stat = remembered(r.Stat)
	return &lowering{p: p, r: r, loose: make(map[string]bool)}
}

// remembered asks about each path once: a plan is made of one view of the
// host, and hundreds of its questions are the same.
func remembered(stat func(string) (FileFact, error)) func(string) (FileFact, error) {
	type answer struct {
		fact FileFact
		err  error
	}
	known := make(map[string]answer)
	return func(path string) (FileFact, error) {
		a, ok := known[path]
		if !ok {
			a.fact, a.err = stat(path)
			known[path] = a
		}
		return a.fact, a.err
	}
}

func (l *lowering) fail(format string, args ...any) {
	l.errs = append(l.errs, fmt.Errorf(format, args...))
}

func (l *lowering) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}

// checkWorkspace refuses what can be no workspace, in words.
func checkWorkspace(r Run) error {
	w := r.Workspace
	if err := policy.CheckPath(w); err != nil {
		return fmt.Errorf("workspace: %w", err)
	}
	if err := policy.CheckWritable(w); err != nil {
		return fmt.Errorf("workspace: %w; make a directory for the agent and name it with --workspace", err)
	}
	fact, err := r.Stat(w)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("workspace %q does not exist; make it: mkdir -p %s", w, shellQuote(w))
	case err != nil:
		return fmt.Errorf("workspace: %w", err)
	case fact.Real != w:
		return fmt.Errorf("workspace %q is a symbolic link, or below one, to %q; name that directory itself", w, fact.Real)
	case fact.Kind != KindDir:
		return fmt.Errorf("workspace %q is not a directory", w)
	}
	return nil
}

func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func limits(l policy.Limits, r Run) jail.Limits {
	out := jail.Limits{
		MemoryBytes: l.MemoryBytes, CPUs: float64(l.MilliCPUs) / 1000, Pids: l.Pids, OpenFiles: l.OpenFiles,
		FileSizeBytes: l.FileSizeBytes, MemlockBytes: memlockBytes, Wall: l.Wall, TmpBytes: l.TmpBytes, ShmBytes: l.ShmBytes,
	}
	if r.UserNS {
		out.Nproc = l.Pids // counted per user namespace; without one it would count the host's processes
	}
	if r.Timeout > 0 && r.Timeout < out.Wall {
		out.Wall = r.Timeout
	}
	return out
}

// bound gives the policy as it is to be judged on this host.
func (l *lowering) bound() *policy.Policy {
	p := *l.p
	p.Files = slices.Clone(p.Files)
	for i, f := range p.Files {
		if l.loose[f.Path] && f.Write == policy.Deny {
			p.Files[i].Write = policy.Audit
			if f.Access == policy.AccessNone {
				p.Files[i].Access = policy.AccessWrite
			}
		}
	}
	// The kernel reports paths without links: what is listed by another name
	// is listed by that one as well, unless another rule does.
	for _, r := range l.rules {
		listed := slices.ContainsFunc(p.Files, func(f policy.File) bool { return f.Path == r.real })
		if r.Path != r.real && !listed {
			f := p.Files[slices.IndexFunc(p.Files, func(f policy.File) bool { return f.Path == r.Path })]
			f.Path = r.real
			p.Files = append(p.Files, f)
		}
	}
	p.Exec.Rules = slices.Clone(p.Exec.Rules)
	for i, rule := range p.Exec.Rules {
		p.Exec.Rules[i].Bound = l.bindings(rule)
	}
	if l.r.ActionClient != "" {
		p.Exec.Rules = append(p.Exec.Rules, clientRule())
	}
	return &p
}
