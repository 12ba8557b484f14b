package keeper

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/container"
	"clawjail/jail/root"
	"clawjail/jail/shim/protocol"
	"clawjail/seccomp/compiler"
)

// workDirs are directories that the tree may be built in: in the shim's own
// mount namespace, so what the host has there is only hidden from the shim.
// The user namespace's root must be able to reach it, hence no directory of
// ours, which might lie below one that is not for everybody.
var workDirs = [...]string{"/mnt", "/media", "/srv", "/opt", "/tmp"}

// async is a value that is being made.
type async[T any] struct {
	done chan struct{}
	v    T
	err  error
	took time.Duration
}

func start[T any](f func() (T, error)) *async[T] {
	a := &async[T]{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		began := monotonic()
		a.v, a.err = f()
		a.took = monotonic() - began
	}()
	return a
}

func (a *async[T]) wait() (T, error) {
	<-a.done
	return a.v, a.err
}

// build makes the jail, up to the point where the stage waits. On error what
// was made is in k, for remove.
func (k *keeper) build(id uint32, files map[string]*os.File) error {
	began := monotonic()
	if err := k.claim(); err != nil {
		return err
	}
	began = k.mark("claim", began)
	if err := k.place(id); err != nil {
		return err
	}
	k.mark("place", began)
	var err error
	// Before the tree hides anything.
	if k.stage, err = os.OpenFile(k.spec.StageBinary, unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	filter := start(k.filter)
	defer func() { // whatever fails first, it has ended
		<-filter.done
		k.timings["filter"] = filter.took
	}()
	tree, err := k.tree()
	if err != nil {
		return err
	}
	defer tree.Close()
	began = monotonic()
	if err := k.reaper.Enter(tree.Path); err != nil {
		return err
	}
	if err := tree.MaskProc(); err != nil {
		return fmt.Errorf("mask /proc: %w", err)
	}
	if err := tree.Seal(); err != nil {
		return err
	}
	began = k.mark("proc", began)
	if k.spec.Filter, err = filter.wait(); err != nil {
		return err
	}
	k.mark("wait", began)
	if err := k.contain(tree); err != nil {
		return err
	}
	began = monotonic()
	k.init, err = k.launch(k.command(), files, true)
	k.mark("stage", began)
	return err
}

// claim makes the state directory, which says that the id is taken. It is
// reached by descriptor from here on: the tree may come to hide its path.
func (k *keeper) claim() error {
	parent, name := filepath.Split(k.spec.StateDir)
	if err := os.MkdirAll(parent, 0o711); err != nil {
		return err
	}
	dir, err := os.OpenRoot(parent)
	if err != nil {
		return err
	}
	k.jails = dir
	if err := dir.Mkdir(name, 0o700); err != nil {
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("jail %q exists: %w", k.spec.ID, err)
		}
		return err
	}
	k.claimed = true
	return dir.WriteFile(filepath.Join(name, protocol.PIDFile), []byte(strconv.Itoa(os.Getpid())), 0o600)
}

// release undoes claim.
func (k *keeper) release() error {
	if k.jails == nil {
		return nil
	}
	defer k.jails.Close()
	if !k.claimed || k.unrecorded {
		return nil // the next supervisor finds it, and records that the jail has ended
	}
	name := filepath.Base(k.spec.StateDir)
	_ = k.jails.Remove(filepath.Join(name, protocol.Socket)) // mostly not there
	return errors.Join(k.jails.Remove(filepath.Join(name, protocol.PIDFile)), k.jails.Remove(name))
}

// filter compiles the rules, unless the supervisor has done so before.
func (k *keeper) filter() ([]byte, error) {
	if len(k.spec.Filter) > 0 {
		return k.spec.Filter, nil
	}
	k.compiled = true
	b, err := compiler.Compile(k.spec.Seccomp)
	if err != nil {
		return nil, fmt.Errorf("compile the system call filter: %w", err)
	}
	if len(b) == 0 {
		return nil, errors.New("compile the system call filter: it is empty")
	}
	return b, nil
}

func (k *keeper) tree() (*root.Tree, error) {
	opts := root.Options{}
	for _, dir := range workDirs {
		if st, err := os.Stat(dir); err == nil && st.IsDir() && st.Mode().Perm()&0o005 == 0o005 {
			opts.Work = dir
			break
		}
	}
	if opts.Work == "" {
		return nil, fmt.Errorf("none of the directories %q is there and open to everybody", workDirs)
	}
	var err error
	began := monotonic()
	if k.spec.UserNS {
		opts.RootID = container.RootID
		if opts.ShowRoot, err = mapping(container.RootID, container.RootID); err != nil {
			return nil, err
		}
		defer opts.ShowRoot.Close()
	}
	if k.spec.User.Idmap {
		if opts.MapUser, err = mapping(k.spec.User.UID, k.spec.User.GID); err != nil {
			return nil, err
		}
		defer opts.MapUser.Close()
	}
	began = k.mark("maps", began)
	tree, err := root.Build(k.spec, opts)
	k.mark("tree", began)
	return tree, err
}

func mapping(uid, gid uint32) (*os.File, error) {
	f, err := container.UserNS(root.Map(uid), root.Map(gid))
	if err != nil {
		return nil, fmt.Errorf("make a user namespace for mounts: %w", err)
	}
	return f, nil
}

// contain creates the container; nothing runs in it yet.
func (k *keeper) contain(tree *root.Tree) error {
	cfg := container.Config{
		ID:       k.spec.ID,
		Hostname: k.spec.Hostname,
		Rootfs:   tree.Path,
		StateDir: tree.Work,
		Cgroup:   filepath.Join("/", k.spec.CgroupParent, k.spec.ID),
		NetNS:    fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), k.sockets.NS.Fd()),
		PidNS:    k.reaper.NS(),
		User:     k.spec.User,
		UserNS:   k.spec.UserNS,
		Limits:   k.spec.Limits,
	}
	began := monotonic()
	box, err := container.Create(cfg)
	k.box = box
	k.mark("create", began)
	return err
}

// place makes the jail's cgroup v2 directory and tells the supervisor of it and
// of the network namespace: probes and proxy are put on both while the rest is
// built. libcontainer finds the directory, empty, and uses it.
func (k *keeper) place(id uint32) error {
	if k.hierarchies.Unified == "" {
		return errors.New("no cgroup v2 mount")
	}
	release, err := k.hierarchies.HoldParents(k.spec.CgroupParent)
	if err != nil {
		return err
	}
	dir := filepath.Join(k.hierarchies.Unified, k.spec.CgroupParent, k.spec.ID)
	err = os.Mkdir(dir, 0o755)
	release() // from here on the parents are in use, in every hierarchy
	if err != nil {
		return err
	}
	k.placed = true
	if k.cgroup, err = jail.OpenCgroup(dir); err != nil {
		return err
	}
	if k.sockets, err = k.making.wait(); err != nil {
		return fmt.Errorf("make the network namespace: %w", err)
	}
	k.timings["netns"] = k.making.took
	if err := k.sockets.Address(k.spec.Resolver4, k.spec.Resolver6); err != nil {
		return fmt.Errorf("make the network namespace: %w", err)
	}
	s := k.sockets
	return k.conn.Send(protocol.Message{ID: id, Type: protocol.Placed, Cgroup: dir, CgroupID: k.cgroup.ID()},
		[]string{protocol.FileNetNS, protocol.FileTCP4, protocol.FileTCP6, protocol.FileUDP4, protocol.FileUDP6},
		[]*os.File{s.NS, s.TCP4, s.TCP6, s.UDP4, s.UDP6})
}

// joinUnified puts the first process into the jail's cgroup v2 directory.
// libcontainer has done so unless the host's only cgroup v2 mount is our own.
func (k *keeper) joinUnified(pid int) error {
	dir := k.cgroup.Path()
	if k.hierarchies.Unified == jail.PrivateUnified {
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), fmt.Append(nil, pid), 0); err != nil {
			return fmt.Errorf("join cgroup %q: %w", dir, err)
		}
	}
	pids, err := k.cgroup.Procs()
	if err != nil {
		return err
	}
	// The probes and the kill go by this cgroup: not being in it is fatal.
	if len(pids) != 1 || pids[0] != pid {
		return fmt.Errorf("cgroup %q holds processes %v, not the jail's %d", dir, pids, pid)
	}
	return nil
}

// announce answers the start request.
func (k *keeper) announce(id uint32) error {
	var filter *os.File
	if k.compiled { // or the supervisor has it
		var err error
		if filter, err = protocol.Seal(protocol.FileFilter, k.spec.Filter); err != nil {
			return err
		}
		defer filter.Close()
	}
	return k.conn.Send(protocol.Message{ID: id, Type: protocol.Created, PID: k.init.pid, Timings: k.timings},
		[]string{protocol.FilePTY, protocol.FileFilter, protocol.FileListener, protocol.FileLedger},
		[]*os.File{k.init.pty, filter, k.init.listener, k.init.ledger})
}
