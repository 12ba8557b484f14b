package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/supervisor/doctor"
)

// limit is a controller and the file by which it is told to work.
type limit struct{ controller, v1, v2, value string }

func limits() []limit {
	return []limit{
		{"memory", "memory.limit_in_bytes", "memory.max", "67108864"},
		{"cpu", "cpu.cfs_quota_us", "cpu.max", "100000"},
		{"pids", "pids.max", "pids.max", "64"},
	}
}

// cgroups makes a cgroup of its own in every hierarchy and sets each limit.
func cgroups() (doctor.Cgroup, error) {
	h, err := jail.FindHierarchies()
	if err != nil {
		return doctor.Cgroup{}, err
	}
	works := map[string]bool{}
	for _, mount := range h.V1 {
		if err := tryLimits(mount, works, func(l limit) string { return l.v1 }); err != nil {
			return doctor.Cgroup{}, err
		}
	}
	if h.Unified != "" {
		undo, err := delegate(h.Unified)
		if err != nil {
			return doctor.Cgroup{}, err
		}
		err = tryLimits(h.Unified, works, func(l limit) string { return l.v2 })
		if err := errors.Join(err, undo()); err != nil {
			return doctor.Cgroup{}, err
		}
	}
	out := doctor.Cgroup{Mode: "v1"}
	switch {
	case h.Unified == "" && len(h.V1) == 0:
		return out, errors.New("no cgroup file system is mounted")
	case len(h.V1) == 0:
		out.Mode = "v2"
	case h.Unified != "":
		out.Mode = "hybrid"
	}
	for _, l := range limits() {
		if !works[l.controller] {
			out.Missing = append(out.Missing, l.controller)
		}
	}
	return out, nil
}

// ownName is what this process calls its cgroups.
func ownName() string { return "clawjail-doctor-" + strconv.Itoa(os.Getpid()) }

// tryLimits notes which limits a new cgroup below mount takes.
func tryLimits(mount string, works map[string]bool, file func(limit) string) error {
	dir := filepath.Join(mount, ownName())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for _, l := range limits() {
		// O_WRONLY without O_CREATE: a file that is not there is no controller.
		f, err := os.OpenFile(filepath.Join(dir, file(l)), os.O_WRONLY, 0)
		if err != nil {
			continue
		}
		_, err = f.WriteString(l.value)
		if err := errors.Join(err, f.Close()); err == nil {
			works[l.controller] = true
		}
	}
	return os.Remove(dir)
}

// delegate has the controllers that exist work in children of the v2 root, as
// libcontainer will, and undoes what it changed.
func delegate(mount string) (undo func() error, err error) {
	have, err := os.ReadFile(filepath.Join(mount, "cgroup.controllers"))
	if err != nil {
		return nil, err
	}
	control := filepath.Join(mount, "cgroup.subtree_control")
	on, err := os.ReadFile(control)
	if err != nil {
		return nil, err
	}
	var changed []string
	for _, l := range limits() {
		if !slices.Contains(strings.Fields(string(have)), l.controller) || slices.Contains(strings.Fields(string(on)), l.controller) {
			continue
		}
		if os.WriteFile(control, []byte("+"+l.controller), 0) == nil {
			changed = append(changed, "-"+l.controller)
		}
	}
	return func() error {
		var errs []error
		for _, c := range changed {
			// Busy: a jail that started meanwhile uses it.
			if err := os.WriteFile(control, []byte(c), 0); !errors.Is(err, unix.EBUSY) {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}, nil
}

// freezeHere runs in a mount namespace of its own, where a v2 hierarchy can be
// mounted on a host that has none.
func freezeHere(self func(string) []string) (f doctor.Freeze, err error) {
	mount, err := unified()
	if err != nil {
		return f, err
	}
	dir := filepath.Join(mount, ownName())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, os.Remove(dir)) }()
	cg, err := jail.OpenCgroup(dir)
	if err != nil {
		return f, err
	}
	defer cg.Close()
	argv := self("wait")
	cmd := exec.Command(argv[0], argv[1:]...)
	fd, err := os.Open(dir)
	if err != nil {
		return f, err
	}
	defer fd.Close()
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(fd.Fd()), Pdeathsig: unix.SIGKILL}
	if _, err := cmd.StdinPipe(); err != nil { // it waits for its end
		return f, err
	}
	ready, err := cmd.StdoutPipe()
	if err != nil {
		return f, err
	}
	if err := cmd.Start(); err != nil {
		return f, fmt.Errorf("start a process in a cgroup: %w", err)
	}
	// Its first word; a process that is still being loaded stops later. That
	// it has none shows below.
	_, _ = ready.Read(make([]byte, 1))
	ctx, cancel := context.WithTimeout(context.Background(), childTime/3)
	defer cancel()
	start := time.Now()
	err = cg.Freeze(ctx)
	f.Took = time.Since(start)
	if err == nil {
		err = cg.Thaw()
	}
	killed := cg.Kill()
	if killed != nil { // before 5.14, or the directory is gone
		_ = cmd.Process.Kill()
	}
	_ = cmd.Wait() // "killed" is what was asked for
	if err = errors.Join(err, killed); err != nil {
		return f, err
	}
	return f, cg.AwaitEmpty(ctx)
}

// unified gives the v2 mount, or makes one that ends with this process.
func unified() (string, error) {
	h, err := jail.FindHierarchies()
	if err != nil || h.Unified != "" {
		return h.Unified, err
	}
	const at = "/tmp" // any directory; nobody else sees this mount
	if err := unix.Mount("clawjail", at, "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return "", fmt.Errorf("mount cgroup v2: %w", err)
	}
	return at, nil
}
