package tracee

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Task is a thread that waits in a system call.
type Task struct {
	TID, TGID int32  // in the reader's pid namespace
	NSTGID    int32  // process id in the thread's own, innermost namespace
	PPID      int32  // parent, in the reader's pid namespace; 0 outside of it
	UID, GID  uint32 // file system ids: what the kernel uses for files
	Umask     uint32

	mem  *memory
	root *os.File // O_PATH
	cwd  *os.File // O_PATH
}

// Open pins the thread's root and working directory.
func Open(tid int32) (*Task, error) {
	t := &Task{TID: tid}
	if err := t.status(); err != nil {
		return nil, fmt.Errorf("thread %d: %w", tid, err)
	}
	dir := t.proc("")
	var err error
	if t.root, err = openPath(dir + "root"); err == nil {
		t.cwd, err = openPath(dir + "cwd")
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close lets go of the thread.
func (t *Task) Close() error {
	var errs []error
	for _, f := range []*os.File{t.root, t.cwd} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// CwdFile is the task's working directory (O_PATH). It stays the task's.
func (t *Task) CwdFile() *os.File { return t.cwd }

// Root is the task's root directory (O_PATH). It stays the task's.
func (t *Task) Root() *os.File { return t.root }

// proc is a path below the thread's directory in our /proc.
func (t *Task) proc(name string) string {
	return "/proc/" + strconv.Itoa(int(t.TID)) + "/" + name
}

// openPath opens what a path leads to, magic links included, without the right
// to do anything with it.
func openPath(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// status reads the thread's ids. fs/proc/array.c:proc_pid_status.
func (t *Task) status() error {
	b, err := os.ReadFile(t.proc("status"))
	if err != nil {
		return err
	}
	seen := 0
	for _, line := range strings.Split(string(b), "\n") {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		var err error
		switch key {
		case "Umask":
			err = number(fields[0], 8, &t.Umask)
		case "Tgid":
			err = number(fields[0], 10, &t.TGID)
		case "PPid":
			err = number(fields[0], 10, &t.PPID)
		case "Uid": // real, effective, saved, file system
			err = number(fields[len(fields)-1], 10, &t.UID)
		case "Gid":
			err = number(fields[len(fields)-1], 10, &t.GID)
		case "NStgid": // outermost first, as far as we can see
			err = number(fields[len(fields)-1], 10, &t.NSTGID)
		default:
			continue
		}
		if err != nil {
			return fmt.Errorf("status: %s: %w", key, err)
		}
		seen++
	}
	if seen != 6 {
		return fmt.Errorf("status: %d of 6 fields", seen)
	}
	return nil
}

func number[T int32 | uint32](s string, base int, out *T) error {
	n, err := strconv.ParseUint(s, base, 32)
	*out = T(n)
	return err
}

// Cwd is the thread's working directory as its kernel names it inside, and
// what it is.
func (t *Task) Cwd() (string, Identity, error) {
	path, err := os.Readlink(fdPath(t.cwd))
	if err != nil {
		return "", Identity{}, err
	}
	id, err := Identify(t.cwd)
	return path, id, err
}

// fdPath names a file of ours in /proc.
func fdPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// Process is one ancestor, as it is shown to a human: hints, not facts.
type Process struct {
	PID  int32
	Path string   // the program's path inside the jail
	Argv []string // what it says its arguments are; cut at maxShownArgs bytes
}

// Limits of Parents.
const (
	maxParents   = 16
	maxShownArgs = 4 << 10
)

// Parents lists the thread's process and its ancestors inside the jail, the
// process itself first.
func (t *Task) Parents() []Process {
	var out []Process
	pid := t.TGID
	for range maxParents {
		p, parent, inside := process(pid)
		if !inside {
			break
		}
		out = append(out, p)
		pid = parent
	}
	return out
}

// process describes one process and says whether it is in a pid namespace
// below ours.
func process(pid int32) (p Process, parent int32, inside bool) {
	dir := "/proc/" + strconv.Itoa(int(pid))
	b, err := os.ReadFile(dir + "/status")
	if err != nil {
		return Process{}, 0, false
	}
	for _, line := range strings.Split(string(b), "\n") {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		switch {
		case key == "PPid" && len(fields) == 1:
			_ = number(fields[0], 10, &parent)
		case key == "NStgid":
			inside = len(fields) > 1
		}
	}
	p.PID = pid
	p.Path, _ = os.Readlink(filepath.Join(dir, "exe"))
	if f, err := os.Open(dir + "/cmdline"); err == nil {
		buf := make([]byte, maxShownArgs)
		n, _ := f.Read(buf)
		_ = f.Close()
		if text := strings.TrimSuffix(string(buf[:n]), "\x00"); text != "" {
			p.Argv = strings.Split(text, "\x00")
		}
	}
	return p, parent, inside
}
