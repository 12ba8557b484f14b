package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"clawjail/audit"
	"clawjail/audit/escape"
	"clawjail/bpf"
	"clawjail/bpf/wire"
	"clawjail/jail"
	"clawjail/jail/egress"
	"clawjail/jail/shim"
	"clawjail/policy"
	"clawjail/policy/compiled"
	"clawjail/seccomp"
	"clawjail/supervisor/api"
	"clawjail/supervisor/control"
	"clawjail/supervisor/gate"
	"clawjail/supervisor/gate/behalf"
	"clawjail/supervisor/plan"
)

// startTimeout bounds everything between the request and the agent's first
// instruction; a host that needs longer is broken.
const startTimeout = 60 * time.Second

var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// build is a jail while it is being made, and what has to be undone if that
// does not work out.
type build struct {
	s       *Supervisor
	entry   *entry
	view    *jailView // the entry's; it lets go of it at the end
	plan    plan.Plan
	handle  *shim.Handle
	created *shim.Created
	cgroup  *jail.Cgroup
	probe   *bpf.Jail
	proxied bool
	begun   time.Time
	phases  map[string]float64

	admitted   bool       // the entry is in the table
	adopted    bool       // its probes judge already
	loss       shim.Loss  // belongs to keeping
	survives   bool       // its supervisor
	running    bool       // belongs to keeping: its command was let go, or is about to be
	keeping    sync.Mutex // one message of what is kept after the other
	lastNote   string
	output     *os.File // the read end of a detached jail's output, for its shim
	stopOutput func()   // ends the copying of it; nil without

	mu    sync.Mutex
	gates []*gate.Engine
	roots []*behalf.Root // as in the plan's Asks
}

// create makes a jail and starts its command. On success the terminal's
// master, if there is one, belongs to the caller.
func (s *Supervisor) create(ctx context.Context, r api.RunRequest, peer control.Peer, files []*os.File) (api.Jail, *os.File, *api.Error) {
	waits := ctx // of whoever asks for the jail
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s.warm()
	b := &build{s: s, begun: time.Now(), phases: map[string]float64{}}
	e, pol, apiErr := s.admit(r, peer, len(files))
	if apiErr != nil {
		return api.Jail{}, nil, apiErr
	}
	b.entry, b.view, b.admitted = e, e.view, true
	if !s.opt.Private {
		b.loss, b.survives = lossOf(s.live()), true
	}
	stdio, err := b.stdio(r, files)
	if err != nil {
		return api.Jail{}, nil, s.abandon(b, api.Errorf(http.StatusInternalServerError, "open the jail's log: %v", err))
	}
	defer stdio.Close()
	if apiErr := b.lower(pol, r); apiErr != nil {
		return api.Jail{}, nil, s.abandon(b, apiErr)
	}
	b.plan.Probe.Filters = s.inherited
	if apiErr := b.construct(ctx, stdio); apiErr != nil {
		return api.Jail{}, nil, s.abandon(b, apiErr)
	}
	if apiErr := b.launch(ctx, waits, r); apiErr != nil {
		return api.Jail{}, nil, s.abandon(b, apiErr)
	}
	s.work.Go(func() { s.awaitEnd(b) })
	var j api.Jail
	s.loop.do(func(*table) { j = e.snapshot() })
	return j, b.created.PTY, nil
}

// warm has the kernel get ready for processes that change cgroups; see jail.Warm
// what it saves. Who is about to start a jail calls it early.
func (s *Supervisor) warm() {
	if !s.warming.CompareAndSwap(false, true) {
		return
	}
	s.work.Go(func() {
		defer s.warming.Store(false)
		if err := jail.Warm(); err != nil {
			s.log.Debug("warm up cgroups", "error", err)
		}
	})
}

// admit checks a request and reserves its jail.
func (s *Supervisor) admit(r api.RunRequest, peer control.Peer, files int) (*entry, *policy.Policy, *api.Error) {
	if apiErr := checkRun(r, peer, files); apiErr != nil {
		return nil, nil, apiErr
	}
	pol, err := compiled.Decode(r.Policy)
	if err != nil {
		return nil, nil, api.Errorf(http.StatusBadRequest, "compiled policy: %v", err).
			WithHint("clawjail and clawjaild may be of different versions; compare `clawjail version` with `clawjaild --version`")
	}
	if err := s.audit.err(); err != nil {
		return nil, nil, s.unrecorded("so no jail starts", err)
	}
	if held, blocked := s.incidents.BlocksStart(r.Name, pol.Name, r.UID); blocked {
		return nil, nil, api.Errorf(http.StatusConflict, "no jail starts: %v", held).WithHint("clawjail incident show %s", held.ID)
	}
	id := newID()
	e := &entry{done: make(chan struct{}), procs: map[string]*shim.Proc{}, remove: r.Remove, view: newJailView(id)}
	e.key = r.Key
	e.jail = api.Jail{ID: id, Name: r.Name, State: api.StateCreating, Policy: pol.Name, Digest: compiled.Digest(r.Policy),
		Tier: s.tier, Argv: stringsOf(r.Argv), UID: r.UID, User: r.User, Workspace: r.Workspace, Created: time.Now(),
		Detached: r.Detach, Terminal: r.Terminal, By: peer.UID, Survives: !s.opt.Private}
	var apiErr *api.Error
	s.loop.do(func(t *table) { apiErr = t.reserve(e, func() string { return madeUpName(r.Argv) }) })
	if apiErr != nil {
		return nil, nil, apiErr
	}
	s.idle.hold()
	return e, pol, nil
}

// checkRun validates what a client says, the kernel's word on who it is in hand.
func checkRun(r api.RunRequest, peer control.Peer, files int) *api.Error {
	bad := func(format string, args ...any) *api.Error { return api.Errorf(http.StatusBadRequest, format, args...) }
	size := 0
	for _, list := range [][][]byte{r.Argv, r.Env, r.SetEnv} {
		if len(list) > api.MaxArgs {
			return bad("%d arguments or variables, at most %d", len(list), api.MaxArgs)
		}
		for _, b := range list {
			size += len(b) + 1
			if strings.ContainsRune(string(b), 0) {
				return bad("an argument or variable contains a NUL byte, which no program can be given")
			}
		}
	}
	switch {
	case len(r.Argv) == 0 || len(r.Argv[0]) == 0:
		return bad("no command to run").WithHint("clawjail run -- COMMAND [ARG ...]")
	case size > api.MaxArgBytes:
		return bad("arguments and environment are %d bytes, at most %d", size, api.MaxArgBytes)
	case r.Name != "" && (len(r.Name) > api.MaxName || !nameForm.MatchString(r.Name)):
		return bad("name %q: lower-case letters, digits and inner hyphens, at most %d", r.Name, api.MaxName)
	case r.UID == 0 || r.GID == 0:
		return bad("an agent never runs as root").WithHint("name a user: --user NAME")
	case peer.UID != 0 && (r.UID != peer.UID || r.GID != peer.GID):
		e := bad("user %d may start agents as user %d only, not as %d", peer.UID, peer.UID, r.UID)
		e.Status = http.StatusForbidden
		return e
	case peer.UID != 0 && r.Idmap:
		return bad("only root can show root's workspace to another user")
	case !filepath.IsAbs(r.Workspace), !filepath.IsAbs(r.Home):
		return bad("workspace %q and home %q must be absolute", r.Workspace, r.Home)
	case len(r.Key) > api.MaxKey:
		return bad("a key of %d bytes, at most %d", len(r.Key), api.MaxKey)
	case r.Timeout < 0:
		return bad("timeout %s is negative", r.Timeout)
	case r.Detach && r.Terminal:
		return bad("a detached jail has no terminal")
	case files != 0 && (r.Detach || r.Terminal), files != 0 && files != control.MaxFiles:
		return bad("%d file descriptors came with the request; it takes stdin, stdout and stderr, or none", files)
	}
	return nil
}

// lower turns the policy into the plan of this one jail.
func (b *build) lower(pol *policy.Policy, r api.RunRequest) *api.Error {
	c := b.s.opt.Config
	id := b.entry.jail.ID
	if err := b.s.actions.Open(id); err != nil {
		return api.Errorf(http.StatusInternalServerError, "%v", err)
	}
	p, err := plan.LowerFor(b.entry.jail.By, pol, plan.Run{
		ID: id, Name: b.entry.jail.Name, Hostname: b.entry.jail.Name,
		Argv: stringsOf(r.Argv), Env: stringsOf(r.Env), SetEnv: stringsOf(r.SetEnv),
		Workspace: r.Workspace, Terminal: r.Terminal,
		User:        jail.User{UID: r.UID, GID: r.GID, Name: r.User, Home: r.Home, Idmap: r.Idmap},
		Stat:        plan.Host,
		LandlockABI: b.s.opt.Host.LandlockABI, Gate: true, UserNS: b.s.opt.Host.UserNS, Tier: b.s.tier,
		StageBinary:  filepath.Join(b.s.opt.Binaries, "clawjail-stage"),
		StateDir:     c.JailDir(id),
		CgroupParent: cgroupParent,
		Actions:      b.s.actions.Dir(id),
		ActionClient: b.s.actionClient(),
		Timeout:      r.Timeout,
		Upstream:     b.s.live().Resolvers,
	})
	if err != nil {
		return api.Errorf(http.StatusUnprocessableEntity, "%v", err)
	}
	if f, ok := b.s.filters.Load(p.Gates); ok {
		p.Jail.Filter, _ = f.([]byte)
	}
	b.plan = p
	b.mark("plan")
	return nil
}

// construct has a shim build the jail. Probes and proxy are put on it while its
// first process comes up, which then waits until they see it.
func (b *build) construct(ctx context.Context, stdio *stdio) *api.Error {
	spare, err := b.s.spares.take()
	if err != nil {
		return api.Errorf(http.StatusInternalServerError, "%v", err)
	}
	var refused *api.Error
	b.handle, b.created, err = spare.Start(ctx, b.plan.Jail, stdio.jail, func(at shim.Placed) error {
		refused = b.guard(ctx, at)
		if refused != nil {
			return refused
		}
		return nil
	})
	switch {
	case refused != nil:
		return refused
	case err != nil:
		return startError(err, b.plan)
	}
	b.mark("shim")
	defer b.created.Ledger.Close() // the gate maps it
	if err := b.probe.Watch(); err != nil {
		_ = b.created.Listener.Close()
		return api.Errorf(http.StatusInternalServerError, "attach the probes: %v", err)
	}
	b.mark("probes")
	if err := b.openGate(b.created.Listener, b.created.Ledger); err != nil {
		return api.Errorf(http.StatusInternalServerError, "open the gate: %v", err)
	}
	b.s.filters.Store(b.plan.Gates, b.created.Filter) // one for each set of gates: a dozen at most
	b.mark("gate")
	return nil
}

// guard puts the jail's network under control, and knows its cgroup. It runs
// beside the shim's work, and is over when the start returns.
func (b *build) guard(ctx context.Context, at shim.Placed) *api.Error {
	defer at.Close()
	var err error
	if b.cgroup, err = jail.OpenCgroup(at.CgroupPath); err != nil {
		return api.Errorf(http.StatusInternalServerError, "open the jail's cgroup: %v", err)
	}
	b.probe, err = b.s.probes.Prepare(b.probeConfig(), at.CgroupPath, at.NetNS, at.TCP4, at.TCP6, at.UDP4, at.UDP6)
	if err != nil {
		return api.Errorf(http.StatusInternalServerError, "attach the probes: %v", err)
	}
	err = b.s.egress.Add(ctx, b.plan.Egress, egress.Sockets{TCP4: at.TCP4, TCP6: at.TCP6, UDP4: at.UDP4, UDP6: at.UDP6})
	if err != nil {
		return api.Errorf(http.StatusInternalServerError, "give the jail to the egress proxy: %v", err)
	}
	b.proxied = true
	b.mark("egress")
	return nil
}

// probeConfig is what the probes are to let the jail reach, and to report.
func (b *build) probeConfig() bpf.JailConfig {
	probe := b.plan.Probe
	return bpf.JailConfig{
		Name: probe.Name, AllowUDPDNS: probe.AllowUDPDNS, AllowAddrs: probe.AllowAddrs,
		VirtualV4: probe.VirtualV4, VirtualV6: probe.VirtualV6, Filters: probe.Filters,
		FailedReads: true,
		Urgent:      urgent(b.plan.Policy, b.plan.Gates),
	}
}

// urgent are the events that must be answered at once: programs that the policy
// refuses, where nothing else stands in their way. Behind a gate only what was
// let through runs, and a refusal is urgent by itself.
func urgent(p *policy.Policy, g seccomp.Gates) []wire.Class {
	if p.GatesExec() && !g.Exec {
		return []wire.Class{wire.Exec}
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// abandon undoes a jail whose start did not work and returns the reason.
func (s *Supervisor) abandon(b *build, why *api.Error) *api.Error {
	e := b.entry
	if err := s.audit.jail(e.jail.ID, "refused", "deny", audit.Subject{Message: why.Message}); err != nil {
		s.log.Error("record a refused start", "jail", e.jail.ID, "error", err)
	}
	b.dismantle()
	var forgotten []*entry
	s.loop.do(func(t *table) {
		_ = e.move(api.StateExited)
		e.jail.Exit = &api.Exit{Code: why.ExitCode, Reason: why.Message}
		e.remove = true // it never was: keep the list to what ran
		forgotten = t.retire(e)
	})
	s.forget(forgotten)
	s.idle.release()
	return why
}

// dismantle removes what was built. Killing comes first: probes and proxy must
// not let go of a jail in which something still runs.
func (b *build) dismantle() {
	if b.handle != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = b.handle.Kill(ctx)
		_, _ = b.handle.Wait(ctx)
		_ = b.handle.Close()
	}
	b.unproxy()
	b.unprobe()
	if b.created != nil && b.created.PTY != nil {
		_ = b.created.PTY.Close()
	}
}

// unproxy takes the jail off the egress proxy, which ends and reports its
// connections.
func (b *build) unproxy() {
	if !b.proxied {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.s.egress.Remove(ctx, b.plan.Egress.Jail); err != nil {
		b.s.log.Error("take a jail off the egress proxy", "jail", b.entry.jail.ID, "error", err)
	}
}

// unprobe takes the probes off. It waits for the kernel's grace periods, which
// is why nobody waits for it.
func (b *build) unprobe() {
	b.unact()
	if b.probe != nil {
		if err := b.probe.Close(); err != nil {
			b.s.log.Error("take the probes off a jail", "jail", b.entry.jail.ID, "error", err)
		}
	}
	if b.created != nil {
		b.s.dropScope(b.created.CgroupID)
	}
	if b.cgroup != nil {
		_ = b.cgroup.Close()
	}
	b.closeFiles()
}

// closeFiles lets go of what only a living jail needs.
func (b *build) closeFiles() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.roots {
		_ = r.Close()
	}
	b.roots = nil
	if b.output != nil {
		_ = b.output.Close()
		b.output = nil
	}
}

// startError says in an operator's words why a command did not start.
func startError(err error, p plan.Plan) *api.Error {
	var se *shim.StartError
	if !errors.As(err, &se) {
		return api.Errorf(http.StatusInternalServerError, "%v", err)
	}
	e := api.Errorf(http.StatusUnprocessableEntity, "%s", startMessage(se, p.Jail.Argv[0]))
	if se.ExitCode != 0 {
		e.ExitCode = se.ExitCode
	}
	if e.ExitCode == 127 {
		if hint := missingCommandHint(p.Jail, plan.Host); hint != "" {
			return e.WithHint("%s", hint)
		}
	}
	if e.ExitCode == 125 && lacking(se) {
		return e.WithHint("this kernel may lack what jails are made of: `clawjail doctor` says what, and what mends it")
	}
	return e
}

// startMessage names the command and what is wrong with it.
func startMessage(se *shim.StartError, command string) string {
	name := escape.String(command)
	switch {
	case se.Op == "lookup" && se.ExitCode == 127:
		return name + ": no such command in the jail"
	case se.ExitCode == 126:
		return fmt.Sprintf("%s: may not be executed in the jail: %s", name, se.Msg)
	case se.Op == "exec" && se.ExitCode == 127:
		return fmt.Sprintf("%s: its interpreter is not in the jail: %s", name, se.Msg)
	case se.Op != "":
		return fmt.Sprintf("start %s: %s", name, se.Msg)
	}
	return se.Msg
}

func stringsOf(list [][]byte) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = string(b)
	}
	return out
}
