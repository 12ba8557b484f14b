package stage

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// failure is a step that went wrong, and the status that the stage ends with.
type failure struct {
	op, path string
	err      error
	exit     int
}

func failed(op, path string, err error) *failure { return &failure{op, path, err, ExitFailed} }

// Main is the stage. It returns, with the exit status, only when the agent was
// not executed.
func Main() int {
	// Landlock, no_new_privs, the filter and execve all belong to one thread.
	runtime.LockOSThread()
	f := run()
	if err := report(f); err != nil {
		// Nobody listens; the exit status still tells.
		fmt.Fprintf(os.Stderr, "clawjail: stage: %s %q: %v (and the shim is gone: %v)\n", f.op, f.path, f.err, err)
	}
	return f.exit
}

// run does the steps of the package comment in their order.
func run() *failure {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return failed("privileges", "dumpable", err)
	}
	if err := checkControl(); err != nil {
		return failed("control", "", err)
	}
	c, err := readConfig()
	if err != nil {
		return failed("config", "", err)
	}
	if err := unix.CloseRange(3, ^uint(0)>>32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return failed("privileges", "descriptors", err)
	}
	if err := checkIdentity(); err != nil {
		return failed("privileges", "identity", err)
	}
	if err := unix.Chdir(c.Cwd); err != nil {
		return failed("chdir", c.Cwd, err)
	}
	if err := noNewPrivileges(); err != nil {
		return failed("privileges", "no_new_privs", err)
	}
	if path, err := restrictFiles(c.Landlock, c.LandlockABI); err != nil {
		return failed("landlock", path, err)
	}
	file, err := lookup(c.Argv[0], c.Env)
	if err != nil {
		return &failure{"lookup", file, err, exitOf(err)}
	}
	return enter(c, file)
}

// enter loads the filter, waits for the shim and executes.
func enter(c Config, file string) *failure {
	listener, err := loadFilter(c.Filter)
	if err != nil {
		return failed("seccomp", "", err)
	}
	if err := send([]byte(readyMessage), unix.UnixRights(listener)); err != nil {
		return failed("control", "", err)
	}
	// The agent must not answer its own notifications. The descriptor is
	// close-on-exec, too.
	if err := unix.Close(listener); err != nil {
		return failed("control", "", err)
	}
	if err := awaitGo(); err != nil {
		return failed("control", "", err)
	}
	if err := forgetIgnored(); err != nil {
		return failed("rt_sigaction", "", err)
	}
	// syscall.Exec gives back the soft limit of open files that the Go
	// runtime has raised.
	err = syscall.Exec(file, c.Argv, c.Env)
	f := &failure{"exec", file, err, ExitNotExecutable}
	if errors.Is(err, unix.E2BIG) || errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EAGAIN) {
		f.exit = ExitFailed
	}
	return f
}

func exitOf(err error) int {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return ExitNotFound
	}
	return ExitNotExecutable
}

// readConfig reads the sealed memfd. It may have been written by nobody but
// the shim; the seals say that nobody writes it now.
func readConfig() (Config, error) {
	have, err := unix.FcntlInt(ConfigFD, unix.F_GET_SEALS, 0)
	if err != nil {
		return Config{}, os.NewSyscallError("seals", err)
	}
	if have&seals != seals {
		return Config{}, fmt.Errorf("seals %#x, want %#x", have, seals)
	}
	var st unix.Stat_t
	if err := unix.Fstat(ConfigFD, &st); err != nil {
		return Config{}, os.NewSyscallError("fstat", err)
	}
	if st.Size <= 0 || st.Size > MaxConfigBytes {
		return Config{}, fmt.Errorf("%d bytes, at most %d", st.Size, MaxConfigBytes)
	}
	b := make([]byte, st.Size)
	for n := 0; n < len(b); {
		m, err := unix.Pread(ConfigFD, b[n:], int64(n))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return Config{}, os.NewSyscallError("pread", err)
		case m == 0:
			return Config{}, errors.New("shorter than its size")
		default:
			n += m
		}
	}
	return DecodeConfig(b)
}

// checkIdentity refuses to run as root or with a capability: such a jail is not
// finished.
func checkIdentity() error {
	if unix.Getuid() == 0 || unix.Geteuid() == 0 {
		return errors.New("the jail's user is root")
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	for _, s := range sets {
		if s.Effective|s.Permitted|s.Inheritable != 0 {
			return fmt.Errorf("capabilities are left: effective %#x, permitted %#x, inheritable %#x", s.Effective, s.Permitted, s.Inheritable)
		}
	}
	return nil
}

func noNewPrivileges() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err == nil && set != 1 {
		err = errors.New("not set")
	}
	return err
}
