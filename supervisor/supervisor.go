package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/bpf"
	"clawjail/jail"
	"clawjail/jail/egress"
	"clawjail/jail/hostns"
	"clawjail/supervisor/action"
	"clawjail/supervisor/canary"
	"clawjail/supervisor/config"
	"clawjail/supervisor/control"
	"clawjail/supervisor/incident"
	"clawjail/supervisor/limit"
	"clawjail/supervisor/limit/counter"
	"clawjail/supervisor/notify/herald"
	"clawjail/supervisor/sink"
)

// Options are what main decides.
type Options struct {
	Config   config.Config
	Logger   *slog.Logger
	Version  string
	Binaries string // directory that holds clawjail-shim, -stage and -egress
	Private  bool   // started by `run`: end after Config.Linger without a jail
	Host     Host   // what the kernel can do, as the prober found it
	// Namespaces are where jails and the children with a network begin; nil:
	// where this process is.
	Namespaces *hostns.Host
}

// Host is what was found out by trying, see package supervisor/doctor. A nil
// error and a zero LandlockABI is refused: no jail starts without Landlock.
type Host struct {
	LandlockABI int
	UserNS      bool
}

// Supervisor owns every jail of one control socket.
type Supervisor struct {
	opt        Options
	log        *slog.Logger
	loop       *loop
	audit      *auditor
	probes     *bpf.Probes
	inherited  int // filters of system calls, on this process and so on its shims
	tier       string
	egress     *proxy
	metrics    *metrics
	scope      atomic.Pointer[scope] // who a cgroup id belongs to, for the judge
	spares     *spares
	haste      *jail.Haste // of jails that are being frozen
	warming    atomic.Bool
	filters    sync.Map // compiled filters by seccomp.Gates: the same for every jail
	started    time.Time
	killOne    func(pid int32, cgroup string) error // killInCgroup
	left       []string                             // ids of jails that a former supervisor left behind
	orphans    []*orphan                            // those of them that go on
	lastRecord time.Time                            // of the log, when there are some
	refused    sync.Map                             // ids of those that cannot, and why
	succeeded  string                               // what became of the last supervisor's egress proxy; empty without one
	reloaded   atomic.Pointer[config.Config]        // nil until Reload
	leaving    atomic.Bool                          // jails go on when this supervisor ends

	// base is cancelled when everything has to stop; work waits for it.
	base   context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	idle   *idleTimer

	// approvals is what waits for a human; see approvals.go.
	approvals *approvals
	persons   *persons // who stand behind requests of the console; see person.go
	limits    *limit.Store
	incidents *incident.Store
	actions   *action.Service
	counter   *counter.Client // nil: limits are this host's own
	herald    *herald.Herald  // tells people; see telling.go
	sinks     *sink.Set       // copies the log; see sinks.go
	canaries  *canary.Watch   // nil: none; see triggers.go
	checks    checks          // see checklist.go
}

// New builds everything that jails need before the first of them starts: the
// audit log, the probes, the egress proxy. Whatever is missing is an error; a
// supervisor never comes up with less than it promises.
func New(o Options) (*Supervisor, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("the supervisor needs root: it makes namespaces, cgroups and BPF programs; start it with sudo or as a system service")
	}
	if o.Host.LandlockABI < 1 {
		return nil, errors.New("the kernel has no Landlock (CONFIG_SECURITY_LANDLOCK, and \"landlock\" in the lsm= list); clawjail does not start jails without it")
	}
	for _, dir := range []string{o.Config.RunDir, filepath.Join(o.Config.RunDir, "jails")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(o.Config.StateDir, 0o700); err != nil {
		return nil, err
	}
	haste, err := jail.NewHaste(cgroupParent)
	if err != nil {
		return nil, fmt.Errorf("find the cgroup hierarchies: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Supervisor{opt: o, log: o.Logger, metrics: newMetrics(), started: time.Now(), killOne: killInCgroup,
		base: ctx, cancel: cancel, haste: haste}
	s.scope.Store(&scope{})
	s.spares = &spares{bin: filepath.Join(o.Binaries, "clawjail-shim"), host: o.Namespaces, log: o.Logger}
	s.idle = newIdleTimer(time.Duration(o.Config.Linger), o.Private)
	s.loop = newLoop(o.Config.MaxJails)
	// Before there are any of our own.
	if s.left, err = leftBehind(filepath.Dir(o.Config.JailDir("x"))); err != nil {
		cancel()
		return nil, err
	}
	if s.inherited, err = ownFilters(); err != nil {
		cancel()
		return nil, err
	}
	s.orphans = s.findOrphans(s.left)
	if err := s.open(); err != nil {
		cancel()
		return nil, errors.Join(err, s.leaveOrphans(), s.closeParts())
	}
	return s, nil
}

// open opens the parts; on an error closeParts closes what was opened.
func (s *Supervisor) open() error {
	type started struct {
		server *egress.Server
		err    error
	}
	if err := raiseOpenFiles(); err != nil {
		s.log.Warn("raise the limit of open files", "error", err)
	}
	// The proxy starts while the probes load: both take tens of milliseconds.
	proxy := make(chan started, 1)
	s.work.Go(s.spares.fill)
	go func() {
		server, err := s.openEgress(s.base)
		proxy <- started{server, err}
	}()
	probes, probeErr := s.loadProbes(s.orphans)
	s.probes = probes
	p := <-proxy
	if p.err == nil {
		s.egress = newProxy(p.server, s.log, s.startEgress, s.egressRecord, s.keepEgress)
	}
	if probeErr != nil {
		return fmt.Errorf("this kernel cannot run clawjail's probes: %w; `clawjail doctor` says what to do", probeErr)
	}
	if p.err != nil {
		return fmt.Errorf("start the egress proxy: %w", p.err)
	}
	s.tier = probes.Tier()
	if len(s.orphans) > 0 {
		s.lastRecord = lastRecordOf(s.opt.Config.AuditDir())
	}
	var err error
	if s.audit, err = openAuditor(s.opt.Config, s.tier, s.log, channelAnchor{s}); err != nil {
		return err
	}
	if s.limits, err = limit.Open(filepath.Join(s.opt.Config.StateDir, "limits.db")); err != nil {
		return err
	}
	if s.incidents, err = incident.OpenStore(filepath.Join(s.opt.Config.StateDir, "incidents")); err != nil {
		return err
	}
	for _, id := range s.incidents.Unreadable() {
		s.log.Error("the file of an incident cannot be read: no jail starts until it is restored or moved away", "incident", id)
	}
	s.sinks = s.openSinks()
	s.audit.triggers = s.newTriggers()
	if s.canaries, err = s.openCanaries(); err != nil {
		return err
	}
	if s.herald, err = s.openHerald(); err != nil {
		return err
	}
	if s.persons, err = openPersons(s.opt.Config, s.log); err != nil {
		return err
	}
	if s.approvals, err = s.openApprovals(approvalOptions{Group: s.opt.Config.Approvers, FourEyes: s.opt.Config.FourEyes}); err != nil {
		return err
	}
	return s.openActions()
}

// Leave has the jails go on when the context of Serve ends: the next supervisor
// adopts them. Those that end with their supervisor (private ones) end.
func (s *Supervisor) Leave() { s.leaving.Store(true) }

// Sockets are where a supervisor listens.
type Sockets struct {
	Control *control.Listener // everything, for root and the configured group
	Stats   *control.Listener // counters, for the gateway
	Approve *control.Listener // what is held, for approvers; nil without a group of them
	SignIn  *control.Listener // what the sign-in of the console has recorded; nil without a console
}

// Close closes them.
func (s Sockets) Close() error {
	var errs []error
	for _, l := range []*control.Listener{s.Control, s.Stats, s.Approve, s.SignIn} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// Serve answers the sockets until ctx ends or a private supervisor is
// no longer needed. Then every jail ends that Leave does not keep, and everything
// of theirs is removed. ready is called once requests are answered.
func (s *Supervisor) Serve(ctx context.Context, l Sockets, ready func()) error {
	s.work.Go(s.loop.run)
	s.audit.supervisor("start", fmt.Sprintf("version %s, pid %d, tier %s", s.opt.Version, os.Getpid(), s.tier))
	s.expectOrphans()
	s.work.Go(func() { s.egress.run(s.base) })
	s.work.Go(s.recordEgress)
	s.adoptAll(s.orphans)
	s.work.Go(s.pruneEgress)
	s.work.Go(s.judge)
	s.work.Go(s.watchLoss)
	s.work.Go(s.followAudit)
	s.work.Go(s.sealAudit)
	s.work.Go(func() { s.sweep(s.left); s.sweepActions() })
	s.work.Go(func() { s.approvals.Run(s.base) })
	s.work.Go(func() { s.herald.Run(s.base) })
	s.work.Go(s.takeNotes)
	if s.canaries != nil {
		s.work.Go(func() { s.watchCanaries(s.canaries) })
	}
	s.work.Go(func() { s.sinks.Run(s.base) })
	s.work.Go(func() { s.tellApprovals(s.base) })
	server, stats, approve, signIn := s.server(s.routes()), s.server(s.statsRoutes()), s.server(s.approverRoutes()), s.server(s.signInRoutes())
	server.RegisterOnShutdown(s.approvals.EndWatches)
	failed := make(chan error, 4)
	go func() { failed <- server.Serve(l.Control) }()
	go func() { failed <- stats.Serve(l.Stats) }()
	if l.Approve != nil {
		go func() { failed <- approve.Serve(l.Approve) }()
	}
	if l.SignIn != nil {
		go func() { failed <- signIn.Serve(l.SignIn) }()
	}
	ready()
	var err error
	select {
	case <-ctx.Done():
	case <-s.idle.expired():
	case err = <-failed:
	}
	_ = l.Close()
	_ = errors.Join(stats.Close(), approve.Close(), signIn.Close())
	s.stop(server)
	return err
}

func (s *Supervisor) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ConnContext:       withConn,
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// stop leaves the jails that go on and ends the others, then the workers, then the
// parts they used.
func (s *Supervisor) stop(server *http.Server) {
	left := s.leaveAll(server)
	s.endAll("the supervisor stopped")
	drain, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		_ = server.Close()
	}
	s.loop.waitEmpty(drain)
	s.cancel()
	if err := s.spares.close(); err != nil {
		s.log.Error("end a spare shim", "error", err)
	}
	if left > 0 {
		_ = s.probes.Leave()
		s.egress.Leave()
	} else {
		_ = s.probes.Close()
		_ = s.egress.Close()
	}
	s.loop.close()
	s.work.Wait()
	s.actions.Close()
	s.closeCounter()
	if err := errors.Join(s.approvals.close(), s.limits.Close()); err != nil {
		s.log.Error("close approvals and limits", "error", err)
	}
	message := ""
	if left > 0 {
		message = fmt.Sprintf("%d jails go on without it", left)
	}
	s.audit.supervisor("stop", message)
	if err := s.audit.close(); err != nil {
		s.log.Error("close the audit log", "error", err)
	}
	if err := s.herald.Close(); err != nil { // which got the last checkpoint
		s.log.Error("close the queue of notifications", "error", err)
	}
}

func (s *Supervisor) closeParts() error {
	errs := []error{s.spares.close()}
	if s.probes != nil {
		errs = append(errs, s.probes.Close())
	}
	if s.egress != nil {
		s.egress.Leave() // it ends by itself, unless a jail that was left needs it
	}
	if s.actions != nil {
		s.actions.Close()
	}
	s.closeCounter()
	if s.approvals != nil {
		errs = append(errs, s.approvals.close())
	}
	if s.limits != nil {
		errs = append(errs, s.limits.Close())
	}
	if s.audit != nil {
		errs = append(errs, s.audit.close())
	}
	if s.herald != nil { // the last checkpoint goes through it
		errs = append(errs, s.herald.Close())
	}
	return errors.Join(errs...)
}

// bootID identifies this boot in records.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return string(b[:max(0, len(b)-1)])
}

// bootTime turns a CLOCK_BOOTTIME instant of the kernel into wall time.
func bootTime(ns uint64) time.Time {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return time.Now()
	}
	return time.Now().Add(time.Duration(int64(ns) - ts.Nano()))
}
