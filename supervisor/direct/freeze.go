package direct

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// Parent is the cgroup that every jail's is made in.
const Parent = "clawjail"

// standTime is how long a jail may take to stand still.
const standTime = 3 * time.Second

// Jail is a jail's cgroup as it was found.
type Jail struct {
	ID   string
	Name string // as the jail's own host name has it; "" when nothing runs in it
	Path string
}

// idForm is how the supervisor names jails.
func idForm() *regexp.Regexp { return regexp.MustCompile(`^[a-z2-7]{13}$`) }

// Jails lists the jails of a host, by their cgroups below parent.
func Jails(parent string) ([]Jail, error) {
	h, err := jail.FindHierarchies()
	if err != nil {
		return nil, err
	}
	if h.Unified == "" {
		return nil, errors.New("this host has no cgroup v2, and so no jails")
	}
	dir := filepath.Join(h.Unified, parent)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Jail
	form := idForm()
	for _, e := range entries {
		if e.IsDir() && form.MatchString(e.Name()) {
			j := Jail{ID: e.Name(), Path: filepath.Join(dir, e.Name())}
			j.Name = nameOf(j.Path)
			out = append(out, j)
		}
	}
	return out, nil
}

// nameOf is the host name that the processes of a jail see.
func nameOf(path string) string {
	c, err := jail.OpenCgroup(path)
	if err != nil {
		return ""
	}
	defer c.Close()
	pids, err := c.Procs()
	if err != nil {
		return ""
	}
	for _, pid := range pids {
		if name, err := hostname(pid); err == nil {
			return name
		}
	}
	return ""
}

// hostname looks into the UTS namespace of a process. The thread that goes there
// ends with its goroutine.
func hostname(pid int) (string, error) {
	type answer struct {
		name string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/uts", pid))
		if err != nil {
			got <- answer{err: err}
			return
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWUTS); err != nil {
			got <- answer{err: err}
			return
		}
		var u unix.Utsname
		err = unix.Uname(&u)
		got <- answer{unix.ByteSliceToString(u.Nodename[:]), err}
	}()
	a := <-got
	return a.name, a.err
}

// Freeze stops a jail where it stands. stands is false when it was ordered to
// and some of it has not yet: a process that waits for the supervisor's answer
// stands when it gets one.
func Freeze(ctx context.Context, j Jail) (stands bool, err error) {
	if !idForm().MatchString(filepath.Base(j.Path)) || filepath.Base(j.Path) != j.ID {
		return false, fmt.Errorf("%q is no jail's cgroup", j.Path)
	}
	c, err := jail.OpenCgroup(j.Path)
	if err != nil {
		return false, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, standTime)
	defer cancel()
	err = c.Freeze(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return false, nil
	}
	return err == nil, err
}
