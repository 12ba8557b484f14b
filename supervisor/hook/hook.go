package hook

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit/escape"
	"clawjail/jail"
	"clawjail/jail/hostns"
	"clawjail/supervisor/child"
	"clawjail/supervisor/config/file"
)

// The bounds of a command.
const (
	MaxOutput = 16 << 10 // bytes of its output that are kept: the first ones
	MaxInput  = 64 << 10
	emptyTime = 5 * time.Second // for a killed command to be gone
)

// DefaultUser is who commands run as.
const DefaultUser = "nobody"

// cgroupParent is where the cgroups of commands are, apart from those of jails.
const cgroupParent = "clawjail-hooks"

// Command is what to run.
type Command struct {
	Argv    []string      // the first is the absolute path of a program of root's
	User    string        // a name; empty: DefaultUser
	Timeout time.Duration // positive
	Input   []byte        // what it reads on its standard input
	Env     []string      // besides PATH and LANG; nothing of a jail's
	Host    *hostns.Host  // whose mounts and network it has; nil: the caller's
}

// Result is what came of it.
type Result struct {
	Exit      int           `json:"exit"` // as a shell has it; -1: it did not start
	Output    string        `json:"output,omitempty"`
	Truncated bool          `json:"truncated,omitempty"` // there was more output
	TimedOut  bool          `json:"timed_out,omitempty"`
	Took      time.Duration `json:"took_ns"`
	Error     string        `json:"error,omitempty"` // why it did not work; empty: it did
}

// OK says that it did what it is for.
func (r Result) OK() bool { return r.Error == "" }

// Run runs a command and returns when it and all that it started are gone.
func Run(ctx context.Context, c Command) Result {
	begun := time.Now()
	r, err := run(ctx, c)
	r.Took = time.Since(begun)
	switch {
	case err != nil:
		r.Error = escape.Clip(err.Error(), 500)
	case r.TimedOut:
		r.Error = fmt.Sprintf("killed after %s", c.Timeout)
	case r.Exit != 0:
		r.Error = fmt.Sprintf("exit code %d", r.Exit)
	}
	return r
}

func run(ctx context.Context, c Command) (Result, error) {
	r := Result{Exit: -1}
	if len(c.Argv) == 0 || !filepath.IsAbs(c.Argv[0]) || c.Timeout <= 0 || len(c.Input) > MaxInput {
		return r, errors.New("no command, or without an absolute path, a time or a bounded input")
	}
	attr, err := attributes(c.User)
	if err != nil {
		return r, err
	}
	program, err := os.Open(c.Argv[0])
	if err != nil {
		return r, err
	}
	defer program.Close()
	if err := file.Trusted(program, c.Argv[0]); err != nil {
		return r, err
	}
	group, err := makeGroup()
	if err != nil {
		return r, err
	}
	defer group.remove()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	out := &kept{}
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}, c.Env...)
	cmd.Dir = "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(c.Input), out, out
	attr.UseCgroupFD, attr.CgroupFD = true, group.fd()
	cmd.SysProcAttr = attr
	cmd.Cancel = group.Kill
	cmd.WaitDelay = emptyTime
	if err := start(cmd, c.Host, attr.Credential != nil); err != nil {
		return r, fmt.Errorf("start %s: %w", c.Argv[0], err)
	}
	// What the command left in the background may hold its output open.
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	err = group.whenFirstEnds(ended, cmd.Process.Pid)
	r.TimedOut = errors.Is(ctx.Err(), context.DeadlineExceeded)
	r.Exit = exitCode(cmd.ProcessState)
	r.Output, r.Truncated = lines(out.b), out.more
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) && !r.TimedOut {
		return r, err
	}
	return r, nil
}

// attributes are those of the process: who it is.
func attributes(name string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setsid: true}
	if name == "" {
		name = DefaultUser
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if uid != 0 {
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}}
	}
	return attr, nil
}

// start starts a child; one without rights can gain none either.
func start(cmd *exec.Cmd, host *hostns.Host, confined bool) error {
	if !confined {
		return host.Start(cmd, hostns.Mounts|hostns.Network)
	}
	return host.Do(hostns.Mounts|hostns.Network, func() error { return child.StartHere(cmd) })
}

// exitCode gives the code as a shell has it.
func exitCode(s *os.ProcessState) int {
	if s == nil {
		return -1
	}
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return s.ExitCode()
}

// group is a cgroup of one command.
type group struct {
	*jail.Cgroup
	dir *os.File
}

func makeGroup() (*group, error) {
	mount, err := jail.EnsureUnified()
	if err != nil {
		return nil, err
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	path := filepath.Join(mount, cgroupParent, hex.EncodeToString(id[:]))
	for err = unix.ENOENT; errors.Is(err, unix.ENOENT); { // another command may remove the parent in between
		err = os.MkdirAll(path, 0o755)
	}
	if err != nil {
		return nil, err
	}
	g := &group{}
	if g.Cgroup, err = jail.OpenCgroup(path); err == nil {
		g.dir, err = os.Open(path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return g, nil
}

func (g *group) fd() int { return int(g.dir.Fd()) }

// whenFirstEnds waits for the command, and kills what it left as soon as its
// first process has ended.
func (g *group) whenFirstEnds(ended <-chan error, pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == nil {
		defer unix.Close(fd)
		for {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			if !errors.Is(err, unix.EINTR) {
				break
			}
		}
	} // else it has been waited for already
	_ = g.Kill()
	return <-ended
}

// remove kills what is left, waits for that to be gone and removes the cgroup.
func (g *group) remove() {
	_ = g.Kill()
	ctx, cancel := context.WithTimeout(context.Background(), emptyTime)
	defer cancel()
	_ = g.AwaitEmpty(ctx)
	path := g.Path()
	_, _ = g.Close(), g.dir.Close()
	_ = os.Remove(path)
	_ = os.Remove(filepath.Dir(path)) // of the last one
}

// kept keeps the first bytes that are written to it.
type kept struct {
	b    []byte
	more bool
}

func (k *kept) Write(p []byte) (int, error) {
	room := MaxOutput - len(k.b)
	if len(p) > room {
		k.more = true
	}
	k.b = append(k.b, p[:min(len(p), room)]...)
	return len(p), nil
}

// lines escapes every line of a text.
func lines(b []byte) string {
	text := strings.TrimRight(string(b), "\n")
	if text == "" {
		return ""
	}
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, escape.String(line))
	}
	return strings.Join(out, "\n")
}
