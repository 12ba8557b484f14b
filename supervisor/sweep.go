package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/jail"
	"clawjail/jail/shim/protocol"
)

// cgroupParent is the cgroup that every jail's is made in.
const cgroupParent = "clawjail"

// idForm is what newID makes.
var idForm = regexp.MustCompile(`^[a-z2-7]{13}$`)

// leftBehind lists the jails that a former supervisor of the same directory
// left there. Whoever holds the control socket's lock is the only one, so none
// of them has an owner.
func leftBehind(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range list {
		if e.IsDir() && idForm.MatchString(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

// sweepGrace is how long a shim that outlived its supervisor may take to end
// its jail, which it does by itself, before it is killed.
const sweepGrace = 10 * time.Second

// sweep removes what is left of jails whose supervisor and shim were killed.
func (s *Supervisor) sweep(ids []string) {
	for _, id := range ids {
		adopted := false
		s.loop.do(func(t *table) { adopted = t.live[id] != nil || t.find(id) != nil })
		if adopted {
			continue
		}
		if err := s.sweepJail(id, cgroupParent); err != nil {
			s.log.Error("remove what is left of a jail", "jail", id, "error", err)
		}
	}
	if err := trimLogs(filepath.Dir(s.opt.Config.LogPath("x")), maxEnded); err != nil {
		s.log.Error("remove old output of jails", "error", err)
	}
}

func (s *Supervisor) sweepJail(id, parent string) error {
	dir := s.opt.Config.JailDir(id)
	message, grace := "its supervisor and its shim were killed; what was left was removed at the next start", sweepGrace
	if why, refused := s.refused.Load(id); refused {
		message, grace = fmt.Sprintf("it could not be adopted, and was ended: %v", why), 0
	}
	if err := endShim(s.base, filepath.Join(dir, protocol.PIDFile), grace); err != nil {
		return err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if grace == 0 {
			return s.audit.jail(id, "stop", "", audit.Subject{Message: message})
		}
		return nil // its shim did all of this
	}
	if err := emptyCgroup(s.base, parent, id); err != nil {
		return err
	}
	if err := errors.Join(jail.RemoveCgroups(parent, id), os.RemoveAll(dir)); err != nil {
		return err
	}
	s.log.Warn("removed what was left of a jail", "jail", id, "reason", message)
	return s.audit.jail(id, "stop", "", audit.Subject{Message: message})
}

// endShim waits for the process that the file names, if it is a shim still, and
// kills it after the grace.
func endShim(ctx context.Context, file string, grace time.Duration) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil // there never was one, or it removed the file
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 1 {
		return fmt.Errorf("%s holds %q, which is no process", file, b)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil // gone
	}
	defer unix.Close(fd)
	// The number may have been given to another process; the descriptor is of
	// the one that is looked at here.
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || filepath.Base(strings.TrimSuffix(exe, " (deleted)")) != "clawjail-shim" {
		return nil
	}
	for deadline := time.Now().Add(grace); time.Now().Before(deadline); {
		if err := ctx.Err(); err != nil {
			return err
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 100); n == 1 && err == nil {
			return nil
		}
	}
	return os.NewSyscallError("pidfd_send_signal", unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0))
}

// emptyCgroup kills what runs in a jail's cgroup.
func emptyCgroup(ctx context.Context, parent, id string) error {
	h, err := jail.FindHierarchies()
	if err != nil {
		return err
	}
	c, err := jail.OpenCgroup(filepath.Join(h.Unified, parent, id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, sweepGrace)
	defer cancel()
	return errors.Join(c.Kill(), c.AwaitEmpty(ctx))
}

// trimLogs keeps the output of as many jails, the newest.
func trimLogs(dir string, keep int) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	type kept struct {
		path string
		at   time.Time
	}
	var logs []kept
	for _, e := range list {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && strings.HasSuffix(e.Name(), ".log") {
			logs = append(logs, kept{filepath.Join(dir, e.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(logs, func(a, b kept) int { return b.at.Compare(a.at) })
	var errs []error
	for _, l := range logs[min(keep, len(logs)):] {
		errs = append(errs, removeLog(l.path))
	}
	return errors.Join(errs...)
}

// removeLog removes a jail's kept output.
func removeLog(path string) error {
	var errs []error
	for _, p := range []string{path, path + ".1"} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// forget removes the kept output of jails that nobody can ask about any more.
func (s *Supervisor) forget(list []*entry) {
	for _, e := range list {
		if !e.jail.Detached {
			continue
		}
		if err := removeLog(s.opt.Config.LogPath(e.jail.ID)); err != nil {
			s.log.Error("remove the output of a forgotten jail", "jail", e.jail.ID, "error", err)
		}
	}
}
