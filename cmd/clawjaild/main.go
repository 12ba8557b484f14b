package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/hostns"
	"clawjail/supervisor"
	"clawjail/supervisor/backup/swap"
	"clawjail/supervisor/config"
	"clawjail/supervisor/config/file"
	"clawjail/supervisor/control"
	"clawjail/supervisor/doctor"
)

// version is set by the linker.
var version = "dev"

// options are the command line.
type options struct {
	config  string
	private bool
	readyFD int
	hostNS  string
	version bool
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "doctor" {
		os.Exit(runDoctor(os.Args[2:], os.Stdout))
	}
	var o options
	flags := flag.NewFlagSet("clawjaild", flag.ContinueOnError)
	flags.StringVar(&o.config, "config", "", "configuration file (default: "+config.DefaultPath+" if it exists)")
	flags.BoolVar(&o.private, "private", false, "end some time after the last jail (used by `clawjail run`)")
	flags.IntVar(&o.readyFD, "ready-fd", 0, "write \"ready\" or an error to this descriptor and close it")
	flags.StringVar(&o.hostNS, "host-namespaces", "", "directory of a process in /proc whose mounts and network are the host that jails and their proxy see, for a daemon that has a sandbox of its own (the systemd unit: /proc/1)")
	flags.BoolVar(&o.version, "version", false, "print the version")
	if err := flags.Parse(os.Args[1:]); err != nil {
		os.Exit(2)
	}
	if o.version {
		fmt.Println("clawjaild", version)
		return
	}
	ready := readyFile(o.readyFD)
	if err := run(o, ready); err != nil {
		fmt.Fprintf(os.Stderr, "clawjaild: %v\n", err)
		fmt.Fprintf(ready, "%v\n", err)
		os.Exit(1)
	}
}

// readyFile is where whoever started us waits for a word.
func readyFile(fd int) io.WriteCloser {
	if fd < 3 {
		return nopFile{}
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "ready")
}

type nopFile struct{}

func (nopFile) Write(b []byte) (int, error) { return len(b), nil }
func (nopFile) Close() error                { return nil }

func run(o options, ready io.WriteCloser) error {
	if release := tooOld(); release != "" {
		return fmt.Errorf("kernel %s is too old for jails: boot Linux 6.1 or newer (`clawjail doctor` says more)", release)
	}
	// Modes are meant as they are written: what a jail's user has to reach is
	// made with one that says so, whatever a service manager thinks of umasks.
	unix.Umask(0o022)
	var host *hostns.Host
	if o.hostNS != "" {
		var err error
		if host, err = hostns.Open(o.hostNS); err != nil {
			return err
		}
		defer host.Close()
	}
	// Before anything is read: a restore may have been interrupted, of directories
	// that are not this process's to write.
	err := host.Do(hostns.Mounts, func() error {
		_, err := swap.Finish(swap.Journal(filepath.Dir(o.config)))
		return err
	})
	if err != nil {
		return err
	}
	c, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	log, err := logger(c, o.private)
	if err != nil {
		return err
	}
	// What the start needs is needed to its end: no collection meanwhile.
	debug.SetGCPercent(-1)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	gid, err := groupID(c.Group)
	if err != nil {
		return err
	}
	sockets, err := listen(c, gid, o.private)
	if err != nil {
		return err
	}
	s, err := supervisor.New(supervisor.Options{Config: c, Logger: log, Version: version, Binaries: filepath.Dir(self),
		Private: o.private, Host: supervisor.ProbeHost(), Namespaces: host})
	if err != nil {
		return errors.Join(err, sockets.Close())
	}
	ctx, stop := untilSignal(s, o.private)
	defer stop()
	defer onHangup(func() {
		c, err := loadConfig(o.config)
		_ = s.Reload(c, err) // it says what came of it
	})()
	watchdog := startWatchdog(ctx, log, s.Alive)
	defer watchdog()
	err = s.Serve(ctx, sockets, func() {
		// From here on memory that is free goes back to the system: the
		// supervisor's share per jail is part of what a jail costs. With less
		// than 8 MiB between two collections there is one in the middle of
		// every start, at the cost of a tenth of it.
		debug.SetGCPercent(200)
		_, _ = io.WriteString(ready, "ready\n")
		_ = ready.Close()
		notify("READY=1")
	})
	if err != nil {
		log.Error("the supervisor ends", "error", err)
	}
	return err
}

// untilSignal gives a context that ends with a signal. A service is stopped and
// started again by SIGTERM, and its jails go on; SIGINT ends them, too.
func untilSignal(s *supervisor.Supervisor, private bool) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1) // the first one counts
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	go func() { // ends with the process
		if sig := <-signals; sig == unix.SIGTERM && !private {
			s.Leave()
		}
		cancel()
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}

// onHangup calls fn for SIGHUP, one at a time. The returned function ends that and
// waits.
func onHangup(fn func()) func() {
	signals := make(chan os.Signal, 1) // one more while fn runs
	signal.Notify(signals, unix.SIGHUP)
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-signals:
				fn()
			case <-quit:
				return
			}
		}
	})
	return func() { signal.Stop(signals); close(quit); done.Wait() }
}

// tooOld gives the release of a kernel that nothing here works on, so that one
// sentence is said instead of what happens to fail first.
func tooOld() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	if release := unix.ByteSliceToString(u.Release[:]); doctor.TooOld(release) {
		return release
	}
	return ""
}

// handover bounds the wait for a private supervisor that is about to end.
const handover = 10 * time.Second

// listen takes the sockets. A private supervisor may meet one that is about to
// end: it waits for that one's lock.
func listen(c config.Config, gid int, private bool) (supervisor.Sockets, error) {
	wait := time.Duration(0)
	if private {
		wait = handover
	}
	l, err := control.Listen(c.Socket(), gid, wait)
	if err != nil {
		return supervisor.Sockets{}, err
	}
	stats, err := control.Listen(c.StatsSocket(), int(c.GatewayGID), wait)
	if err != nil {
		return supervisor.Sockets{}, errors.Join(err, l.Close())
	}
	sockets := supervisor.Sockets{Control: l, Stats: stats}
	if c.Console() {
		sockets.SignIn, err = control.Listen(c.SignInSocket(), int(c.AuthGID), wait)
	}
	if err == nil && c.Approvers != "" {
		var approvers int
		if approvers, err = groupID(c.Approvers); err == nil {
			sockets.Approve, err = control.Listen(c.ApproveSocket(), approvers, wait)
		}
	}
	if err != nil {
		return supervisor.Sockets{}, errors.Join(err, sockets.Close())
	}
	return sockets, nil
}

// loadConfig reads the operator's file; clawjail, beside this program, parses
// it without privileges.
func loadConfig(path string) (config.Config, error) {
	// What this process inherited by mistake is not for that child, nor for
	// any later one.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return config.Config{}, os.NewSyscallError("close_range", err)
	}
	self, err := os.Executable()
	if err != nil {
		return config.Config{}, err
	}
	return file.Load(context.Background(), path, filepath.Join(filepath.Dir(self), "clawjail"))
}

func groupID(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("the group of the control socket: %w; create it (groupadd %s) or leave access.group out of the configuration", err, name)
	}
	return strconv.Atoi(g.Gid)
}

// logger writes to stderr, and for a private supervisor to a file, because the
// terminal belongs to the agent.
func logger(c config.Config, private bool) (*slog.Logger, error) {
	var w io.Writer = os.Stderr
	if private {
		if err := os.MkdirAll(c.RunDir, 0o755); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(filepath.Join(c.RunDir, "clawjaild.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		w = f
	}
	return slog.New(slog.NewTextHandler(w, nil)), nil
}
