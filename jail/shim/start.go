package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/shim/protocol"
	"clawjail/seccomp"
)

// Start runs the shim binary bin and has it build the jail, up to the point
// where the stage waits for Go. The caller keeps io's files and may close
// them when Start returns. When ctx ends before, everything is removed.
func Start(ctx context.Context, bin string, spec jail.Spec, io Stdio) (*Handle, *Created, error) {
	began := time.Now()
	if err := spec.Validate(); err != nil {
		return nil, nil, err
	}
	if _, err := jail.EnsureUnified(); err != nil {
		return nil, nil, fmt.Errorf("find a cgroup v2 mount: %w", err)
	}
	if len(spec.Filter) > 0 {
		spec.Seccomp = seccomp.Rules{} // nobody reads it then
	}
	blob, err := protocol.EncodeSpec(spec)
	if err != nil {
		return nil, nil, err
	}
	defer blob.Close()
	h, err := spawn(bin, spec)
	if err != nil {
		return nil, nil, err
	}
	go func() {
		defer close(h.warm)
		// For speed only: without it the shim waits itself. Writing to the
		// own cgroup may be refused, after what matters has happened.
		_ = jail.Warm()
	}()
	go h.read()
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // cannot fail
	spawned := time.Since(began)
	a, err := h.request(ctx, protocol.Message{Type: protocol.Start, Sent: now.Nano()},
		[]string{protocol.FileSpec, protocol.FileIn, protocol.FileOut, protocol.FileErr},
		[]*os.File{blob, io.In, io.Out, io.Err})
	if err != nil {
		h.Close()
		if errors.Is(err, ErrClosed) {
			<-h.ended
			err = h.err // says why the shim ended
		}
		return nil, nil, err
	}
	c, err := created(a)
	if err != nil {
		closeFiles(a.files)
		h.Close()
		return nil, nil, err
	}
	c.Timings["spawn"], c.Timings["total"] = spawned, time.Since(began)
	return h, c, nil
}

// oneProc keeps the shim and libcontainer's init, to which libcontainer passes
// it on, from starting threads for work that they do not have.
const oneProc = "GOMAXPROCS=1"

// noProbing keeps the Go runtime from looking for processor limits in cgroups,
// at the start and every second.
const noProbing = "GODEBUG=containermaxprocs=0,updatemaxprocs=0"

// spawn starts the shim process in a mount namespace and a session of its own.
func spawn(bin string, spec jail.Spec) (*Handle, error) {
	conn, theirs, err := protocol.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	fd, err := unix.MemfdCreate("shim-stderr", unix.MFD_CLOEXEC)
	if err != nil {
		conn.Close()
		return nil, os.NewSyscallError("memfd_create", err)
	}
	stderr := os.NewFile(uintptr(fd), "shim-stderr")
	cmd := &exec.Cmd{
		Path:       bin,
		Args:       []string{"clawjail-shim"},
		Env:        []string{protocol.ShimEnv + "=1", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", oneProc, noProbing},
		Dir:        "/",
		Stderr:     stderr,
		ExtraFiles: []*os.File{theirs}, // protocol.FD
		SysProcAttr: &syscall.SysProcAttr{
			Setsid: true,
			// Not Unshareflags: that would make every mount private, and the
			// shim wants to see the host's unmounts (keeper.isolate).
			Cloneflags: syscall.CLONE_NEWNS,
		},
	}
	if err := cmd.Start(); err != nil {
		conn.Close()
		stderr.Close()
		return nil, fmt.Errorf("start the shim: %w", err)
	}
	return &Handle{
		conn: conn, cmd: cmd, spec: spec, stderr: stderr,
		waiting: make(map[uint32]chan answer),
		trapped: make(map[uint32]func(*os.File)),
		procs:   make(map[uint32]*Proc),
		early:   make(map[uint32]Exit),
		ended:   make(chan struct{}),
		gone:    make(chan struct{}),
		warm:    make(chan struct{}),
	}, nil
}

// created takes the answer to the start request apart.
func created(a answer) (*Created, error) {
	if a.m.Type != protocol.Created {
		return nil, fmt.Errorf("the shim answered %q to a start", a.m.Type)
	}
	c := &Created{
		InitPID: a.m.PID, CgroupPath: a.m.Cgroup, CgroupID: a.m.CgroupID, Timings: a.m.Timings,
		NetNS: a.files[protocol.FileNetNS],
		TCP4:  a.files[protocol.FileTCP4], TCP6: a.files[protocol.FileTCP6],
		UDP4: a.files[protocol.FileUDP4], UDP6: a.files[protocol.FileUDP6],
		PTY: a.files[protocol.FilePTY], Listener: a.files[protocol.FileListener],
	}
	filter := a.files[protocol.FileFilter]
	if c.NetNS == nil || c.TCP4 == nil || c.UDP4 == nil || c.Listener == nil || filter == nil {
		return nil, errors.New("the shim did not send all files of the jail")
	}
	var err error
	if c.Filter, err = protocol.Unseal(filter); err != nil {
		return nil, fmt.Errorf("read the filter: %w", err)
	}
	filter.Close()
	if c.Timings == nil {
		c.Timings = make(map[string]time.Duration)
	}
	return c, nil
}
