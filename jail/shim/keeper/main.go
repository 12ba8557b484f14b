package keeper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/container"
	"clawjail/jail/netns"
	"clawjail/jail/shim/protocol"
)

// MemoryLimit is when the shim's garbage collector starts to work.
const MemoryLimit = 24 << 20

// inbox is how many messages may wait for the loop. The supervisor sends the
// next request mostly after the answer; when the queue is full the reader
// waits, and with it the supervisor.
const inbox = 16

// Main is the whole of cmd/clawjail-shim. The result is the exit status, 0
// when a jail was served to its end or to the end of the connection.
func Main() int {
	container.Init() // does not return in libcontainer's half of the process
	runtime.LockOSThread()
	started := monotonic()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(MemoryLimit)
	// libcontainer logs through the global logger, and mostly what the
	// returned error says as well.
	logrus.SetLevel(logrus.ErrorLevel)

	conn, err := protocol.NewConn(os.NewFile(protocol.FD, "supervisor"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "clawjail-shim: is started by clawjaild, not by hand:", err)
		return 2
	}
	defer conn.Close()
	if err := isolate(); err != nil {
		fmt.Fprintln(os.Stderr, "clawjail-shim:", err)
		return 1
	}
	if err := serve(conn, started); err != nil {
		fmt.Fprintln(os.Stderr, "clawjail-shim:", err)
		return 1
	}
	return 0
}

// isolate keeps what the shim mounts from the host. The host's later changes,
// unmounts above all, still arrive: a private copy of every mount would keep
// each removed disk busy.
func isolate() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("make the mount namespace a slave: %w", err)
	}
	unix.Umask(0)
	return hideHierarchies()
}

// hidden are cgroup v1 hierarchies that a jail needs nothing of: it has no
// limits there, freezing and killing go by the unified hierarchy.
var hidden = [...]string{"cpuset", "cpuacct", "blkio", "freezer", "net_cls", "net_prio", "net_cls,net_prio",
	"perf_event", "hugetlb", "rdma", "misc", "systemd"}

// hideHierarchies unmounts them in this mount namespace. libcontainer would
// make a cgroup in each, move the process there and set nothing: 0.3 ms each,
// and as much again to remove them.
func hideHierarchies() error {
	const base = "/sys/fs/cgroup/"
	for _, name := range hidden {
		var st unix.Stat_t
		var fs unix.Statfs_t
		// A link is one name of a hierarchy with several controllers:
		// cpuacct is mostly a link to cpu,cpuacct, which is needed.
		if unix.Lstat(base+name, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR ||
			unix.Statfs(base+name, &fs) != nil || fs.Type != unix.CGROUP_SUPER_MAGIC {
			continue
		}
		if err := unix.Unmount(base+name, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			return fmt.Errorf("hide the cgroup hierarchy %q: %w", name, err)
		}
	}
	return nil
}

// serve reads the start message and runs the jail to its end.
func serve(conn *protocol.Conn, started time.Duration) error {
	making := start(netns.Make)
	// Before there is a spec: process 1 is a copy of this one.
	began := monotonic()
	reaper, err := container.StartReaper()
	if err != nil {
		return err
	}
	// A shim that was started ahead has time to get ready.
	hierarchies, err := jail.FindHierarchies()
	if err != nil {
		reaper.Kill()
		return err
	}
	if !conn.Waiting() {
		prime()
	}
	ready := monotonic()
	m, files, err := conn.Receive()
	if err != nil {
		reaper.Kill()
		if errors.Is(err, io.EOF) {
			return nil
		}
		return fmt.Errorf("read the start message: %w", err)
	}
	defer closeAll(files)
	if m.Type != protocol.Start {
		reaper.Kill()
		return fmt.Errorf("first message is %q, not %q", m.Type, protocol.Start)
	}
	received := monotonic()
	k := &keeper{
		conn:        conn,
		making:      making,
		reaper:      reaper,
		hierarchies: hierarchies,
		timings: map[string]time.Duration{
			// Negative if the shim was there before.
			"shim":   max(0, started-time.Duration(m.Sent)),
			"reaper": ready - began, "received": received - max(ready, time.Duration(m.Sent)),
		},
		procs: make(map[uint32]*process),
		posts: make(chan func() error, inbox),
	}
	spec, err := readSpec(files)
	if err == nil {
		k.spec = spec
		k.mark("spec", received)
		err = k.build(m.ID, files)
	}
	if err != nil {
		left, sent := errors.Join(k.end(), k.clean()), conn.Send(failure(m.ID, err), nil, nil)
		k.unrecorded = sent != nil
		return errors.Join(left, sent, k.release())
	}
	if err := k.announce(m.ID); err != nil {
		k.unrecorded = true
		return errors.Join(err, k.remove())
	}
	return k.loop()
}

// prime does what costs much the first time and nothing later: it is for a shim
// that waits. Nothing that is made here stays.
func prime() {
	container.Prime()
	protocol.Prime()
}

func readSpec(files map[string]*os.File) (jail.Spec, error) {
	f := files[protocol.FileSpec]
	if f == nil {
		return jail.Spec{}, errors.New("start message without a spec")
	}
	data, err := protocol.Unseal(f)
	if err != nil {
		return jail.Spec{}, fmt.Errorf("read the spec: %w", err)
	}
	return protocol.DecodeSpec(data)
}

// monotonic is a time that other processes of the host can compare with.
func monotonic() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail
	return time.Duration(t.Nano())
}

// mark records how long a phase took and returns the time at its end.
func (k *keeper) mark(phase string, since time.Duration) time.Duration {
	now := monotonic()
	k.timings[phase] = now - since
	return now
}

func closeAll(files map[string]*os.File) {
	for _, f := range files {
		f.Close()
	}
}
