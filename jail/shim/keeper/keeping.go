package keeper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"clawjail/jail/shim/protocol"
)

// keeping is what a jail needs in order to outlive its supervisor.
type keeping struct {
	loss  *protocol.Loss      // nil: the jail ends with its supervisor
	files map[string]*os.File // what the supervisor gave to be kept
	note  string
	gone  []protocol.Gone // the last that ended, for whoever waits for them

	since  time.Time // the supervisor was lost; zero while there is one
	frozen bool      // by us, for that
	killed bool      // by us, for that
	wait   *net.UnixListener
	timer  *time.Timer
	status *protocol.Status // how the jail's command ended, once it did
}

// replace takes over what a Keep brought.
func (s *keeping) replace(m protocol.Message, files map[string]*os.File) {
	closeAll(s.files)
	s.files, s.loss = files, m.Loss
	if m.Note != "" {
		s.note = m.Note
	}
}

func (s *keeping) ended(proc uint32, name string, status protocol.Status) {
	if len(s.gone) == protocol.MaxGone {
		s.gone = slices.Delete(s.gone, 0, 1)
	}
	s.gone = append(s.gone, protocol.Gone{Proc: proc, Name: name, Status: status})
}

// stopWaiting ends what await began to do to the jail. The listener stays: how
// the jail ended is for the next supervisor.
func (s *keeping) stopWaiting() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// await has the jail go on without a supervisor, and listens for the next one.
// What the kernel holds it in stays: filter, mounts, Landlock and network
// namespace are the jail's own, and programs, links and maps are open here.
func (k *keeper) await() error {
	_ = k.conn.Close()
	s := &k.kept
	if s.since.IsZero() {
		s.since = time.Now()
	}
	name := filepath.Base(k.spec.StateDir)
	if err := k.jails.Remove(filepath.Join(name, protocol.Socket)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("wait for a supervisor: %w", err)
	}
	dir, err := k.jails.Open(name)
	if err != nil {
		return fmt.Errorf("wait for a supervisor: %w", err)
	}
	defer dir.Close()
	if s.wait, err = protocol.Listen(dir); err != nil {
		return fmt.Errorf("wait for a supervisor: %w", err)
	}
	listener := s.wait
	go func() { // ends with the listener, which adopt and the process's end close
		conn, err := protocol.Accept(listener)
		if err == nil {
			k.post(func() error { return k.adopt(conn) })
		}
	}()
	if s.status == nil && s.loss.Then != protocol.LossHold {
		s.timer = time.AfterFunc(time.Until(s.since.Add(s.loss.After)), func() { k.post(k.overdue) })
	}
	return nil
}

// overdue answers a supervisor that does not come back.
func (k *keeper) overdue() error {
	s := &k.kept
	if s.wait == nil || s.status != nil {
		return nil // it came at the last moment, or the jail ended
	}
	if s.loss.Then == protocol.LossKill {
		s.killed = true
		return k.cgroup.Kill()
	}
	if frozen, err := k.cgroup.Frozen(); err == nil && frozen {
		return nil // by a person; not ours to undo
	}
	s.frozen = true
	// Tasks whose calls are held stand in the kernel and never count as frozen.
	ctx, cancel := context.WithTimeout(context.Background(), freezeGrace)
	defer cancel()
	if err := k.cgroup.Freeze(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(fmt.Errorf("freeze the jail, whose supervisor has gone: %w", err), k.cgroup.Kill())
	}
	return nil
}

const freezeGrace = 300 * time.Millisecond

// adopt gives a new supervisor what the last one had. If that fails the next
// one may try.
func (k *keeper) adopt(conn *protocol.Conn) error {
	s := &k.kept
	s.stopWaiting()
	_ = s.wait.Close()
	s.wait = nil
	_ = k.jails.Remove(filepath.Join(filepath.Base(k.spec.StateDir), protocol.Socket))
	k.conn = conn
	if err := k.introduce(conn); err != nil {
		return k.await()
	}
	s.since, s.frozen = time.Time{}, false
	k.receive(conn)
	return nil
}

// introduce sends everything that a supervisor begins with.
func (k *keeper) introduce(conn *protocol.Conn) error {
	s := &k.kept
	m := protocol.Message{
		Type: protocol.Hello, PID: k.init.pid, Cgroup: k.cgroup.Path(), CgroupID: k.cgroup.ID(), Note: s.note,
		// By the clock of now: one that was set meanwhile must not make a gap that
		// ends before it begins.
		Lost: time.Now().Add(-time.Since(s.since)).UnixNano(), Frozen: s.frozen, Gone: s.gone, Loss: s.loss,
	}
	names := []string{protocol.FileNetNS, protocol.FileTCP4, protocol.FileTCP6, protocol.FileUDP4, protocol.FileUDP6,
		protocol.FileListener, protocol.FileLedger, protocol.FilePTY}
	files := []*os.File{k.sockets.NS, k.sockets.TCP4, k.sockets.TCP6, k.sockets.UDP4, k.sockets.UDP6,
		k.init.listener, k.init.ledger, k.init.pty}
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		names, files = append(names, protocol.KeptPrefix+strings.TrimPrefix(name, protocol.KeptPrefix)), append(files, s.files[name])
	}
	if err := conn.Send(m, names, files); err != nil {
		return err
	}
	for proc, p := range k.procs {
		m := protocol.Message{Type: protocol.Running, Proc: proc, PID: p.pid, Name: p.name}
		err := conn.Send(m, []string{protocol.FileListener, protocol.FileLedger, protocol.FilePTY}, []*os.File{p.listener, p.ledger, p.pty})
		if err != nil {
			return err
		}
	}
	if err := conn.Send(protocol.Message{Type: protocol.Adopted}, nil, nil); err != nil {
		return err
	}
	if s.status == nil {
		return nil
	}
	return conn.Send(k.exit(), nil, nil)
}

// told waits until a supervisor has taken note of the jail's end.
func (k *keeper) told() error {
	for {
		if err := (<-k.posts)(); err != nil {
			if errors.Is(err, errBye) {
				return nil
			}
			return err
		}
	}
}
