package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/container"
	"clawjail/jail/netns"
	"clawjail/jail/shim/protocol"
)

// keeper is the state of one jail. Only loop and, before it, build touch it.
type keeper struct {
	spec    jail.Spec
	conn    *protocol.Conn // to the supervisor; of one that has gone, closed
	kept    keeping
	timings map[string]time.Duration

	hierarchies jail.Hierarchies

	jails    *os.Root // the directory of the state directory
	claimed  bool     // the state directory is ours
	placed   bool     // there are cgroups of the jail
	compiled bool     // the filter was compiled here
	reaper   *container.Reaper
	making   *async[*netns.Sockets]
	sockets  *netns.Sockets // what making made
	stage    *os.File
	box      *container.Container
	cgroup   *jail.Cgroup
	init     *process

	// procs are the processes of Exec by their number.
	procs    map[uint32]*process
	lastProc uint32
	starting int // requests of Exec that have no process yet
	released bool
	// unrecorded says that nobody has heard how the jail ended: its state
	// directory stays, for the next supervisor.
	unrecorded bool
	wall       bool // the wall clock has run out

	// posts carry work of other goroutines to the loop. An error ends it.
	posts chan func() error
	// done is closed when the loop ends, so that nobody waits to post.
	done chan struct{}
	// workers are the goroutines that post.
	workers sync.WaitGroup
}

// MaxProcs bounds the processes of Exec that run at the same time.
const MaxProcs = 128

// What ends the loop.
var (
	errEnded = errors.New("the jail has ended")
	errBye   = errors.New("the supervisor needs the jail no longer")
)

// post hands work to the loop; false means that there is none any more.
func (k *keeper) post(f func() error) bool {
	select {
	case <-k.done:
		return false
	default:
	}
	select {
	case k.posts <- f:
		return true
	case <-k.done:
		return false
	}
}

// background runs f beside the loop; remove waits for it.
func (k *keeper) background(f func()) {
	k.workers.Add(1)
	go func() {
		defer k.workers.Done()
		f()
	}()
}

// loop serves supervisors until the jail has ended, is removed, and a supervisor
// knows it.
func (k *keeper) loop() error {
	k.done = make(chan struct{})
	var status *protocol.Status
	k.background(func() {
		s := k.init.status()
		k.post(func() error {
			status = s
			return errEnded
		})
	})
	// Not workers: they end with the process.
	k.receive(k.conn)
	terminate := make(chan os.Signal, 1) // one is enough to end
	signal.Notify(terminate, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	go func() {
		sig := <-terminate
		k.post(func() error { return fmt.Errorf("ended by %v", sig) })
	}()
	var err error
	for err == nil {
		err = (<-k.posts)()
	}
	k.kept.stopWaiting()
	if k.kept.loss == nil || !errors.Is(err, errEnded) {
		close(k.done)
		k.rest()
	}
	left := k.end()
	if !errors.Is(err, errEnded) {
		if errors.Is(err, errBye) {
			err = nil // asked for
		}
		return errors.Join(err, left, k.clean(), k.release())
	}
	status.OOMKilled, status.WallClock, status.Lost = k.oomKilled(), k.wall, k.kept.killed
	// Nothing runs any more: that is what the supervisor waits for. What is
	// left to remove concerns nobody else, and what cannot be removed is said
	// by the shim's own end.
	k.kept.status = status
	sent := k.conn.Send(k.exit(), nil, nil)
	if k.kept.loss != nil {
		sent = k.told()
		close(k.done)
	}
	k.unrecorded = sent != nil
	return errors.Join(left, sent, k.clean(), k.release())
}

// rest does what was posted before the loop ended.
func (k *keeper) rest() {
	for {
		select {
		case f := <-k.posts:
			_ = f() // there is nothing left to end
		default:
			return
		}
	}
}

func (k *keeper) exit() protocol.Message {
	return protocol.Message{Type: protocol.Exit, Status: k.kept.status}
}

// receive reads the requests of a supervisor until its connection ends.
func (k *keeper) receive(c *protocol.Conn) {
	go func() {
		for {
			m, files, err := c.Receive()
			if err != nil {
				k.post(func() error { return k.onDisconnect(err) })
				return
			}
			k.post(func() error { return k.request(m, files) })
		}
	}()
}

// onDisconnect decides what becomes of a jail whose supervisor has gone: it
// lives on if that was agreed before its command was let go. A returned error
// ends the loop, and with it the jail.
func (k *keeper) onDisconnect(cause error) error {
	// It may have been killed while the jail was given all of the processor.
	if err := k.hierarchies.Calm(k.spec.CgroupParent, k.spec.ID); err != nil {
		return fmt.Errorf("calm the jail: %w", err)
	}
	if k.kept.loss == nil || !k.released {
		k.unrecorded = true
		return fmt.Errorf("the supervisor has gone: %w", cause)
	}
	return k.await()
}

// request carries out one request. A connection that cannot be written to is no
// error: its reader notices.
func (k *keeper) request(m protocol.Message, files map[string]*os.File) error {
	switch m.Type {
	case protocol.Go:
		return k.goAhead(m.ID)
	case protocol.Exec:
		return k.exec(m, files) // takes over the files
	case protocol.Signal:
		return k.answer(m.ID, k.signal(m.Proc, unix.Signal(m.Signal)))
	case protocol.Resize:
		return k.answer(m.ID, k.resize(m))
	case protocol.Kill:
		return k.answer(m.ID, k.cgroup.Kill())
	case protocol.Keep:
		k.kept.replace(m, files)
		return k.answer(m.ID, nil)
	case protocol.Note:
		k.kept.note = m.Note
		return nil
	case protocol.Bye:
		return errBye
	}
	closeAll(files)
	return k.answer(m.ID, fmt.Errorf("%q is no request", m.Type))
}

func (k *keeper) answer(id uint32, err error) error {
	answerOn(k.conn, id, err)
	return nil
}

// answerOn answers where the request came from: whoever is the supervisor by
// now has numbers of its own.
func answerOn(c *protocol.Conn, id uint32, err error) {
	m := protocol.Message{ID: id, Type: protocol.Done}
	if err != nil {
		m = failure(id, err)
	}
	_ = c.Send(m, nil, nil) // broken: the reader notices
}

// goAhead releases the stage; the answer comes when the command runs.
func (k *keeper) goAhead(id uint32) error {
	if k.released {
		return k.answer(id, errors.New("the command was released before"))
	}
	k.released = true
	if d := k.spec.Limits.Wall; d > 0 {
		time.AfterFunc(d, func() {
			k.post(func() error {
				k.wall = true
				return k.cgroup.Kill()
			})
		})
	}
	c := k.conn
	k.background(func() {
		// Answered from here: a short command may have ended the loop before.
		answerOn(c, id, k.init.release())
	})
	return nil
}

func (k *keeper) find(proc uint32) (*process, error) {
	if proc == 0 {
		return k.init, nil
	}
	p := k.procs[proc]
	if p == nil {
		return nil, fmt.Errorf("process %d has ended", proc)
	}
	return p, nil
}

func (k *keeper) signal(proc uint32, sig unix.Signal) error {
	p, err := k.find(proc)
	if err != nil {
		return err
	}
	if err := p.run.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %d: %w", sig, err)
	}
	return nil
}

func (k *keeper) resize(m protocol.Message) error {
	p, err := k.find(m.Proc)
	if err != nil {
		return err
	}
	if p.pty == nil {
		return errors.New("the process has no terminal")
	}
	size := unix.Winsize{Row: m.Rows, Col: m.Cols}
	return os.NewSyscallError("ioctl(TIOCSWINSZ)", unix.IoctlSetWinsize(int(p.pty.Fd()), unix.TIOCSWINSZ, &size))
}

// removeTimeout bounds the wait for a killed cgroup to be empty. It takes
// milliseconds unless the kernel itself is stuck.
const removeTimeout = 10 * time.Second

// remove ends whatever runs in the jail and removes everything that build
// made, as far as it came. It reports what stays.
func (k *keeper) remove() error { return errors.Join(k.end(), k.clean(), k.release()) }

// end ends whatever runs in the jail. When it returns nothing does.
func (k *keeper) end() error {
	if k.cgroup == nil {
		return nil
	}
	killed := k.cgroup.Kill()
	if k.done == nil && k.init != nil {
		_, _ = k.init.run.Wait() // else a worker does it
	}
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	return errors.Join(killed, k.cgroup.AwaitEmpty(ctx))
}

// clean removes what build made, after end.
func (k *keeper) clean() error {
	var errs []error
	if k.reaper != nil {
		// Returns when the pid namespace is empty: process 1 ends last, and
		// only when our own children in it are reaped.
		k.reaper.Kill()
	}
	k.workers.Wait()
	if k.cgroup != nil {
		errs = append(errs, k.cgroup.Close())
	}
	if k.init != nil {
		k.init.close()
	}
	for _, p := range k.procs {
		p.close()
	}
	closeAll(k.kept.files)
	if k.placed {
		errs = append(errs, k.hierarchies.RemoveCgroups(k.spec.CgroupParent, k.spec.ID))
	}
	if sockets, err := k.making.wait(); err == nil {
		errs = append(errs, sockets.Close())
	}
	if k.stage != nil {
		k.stage.Close()
	}
	return errors.Join(errs...)
}

// oomKilled asks the memory controller, before its directory is gone.
func (k *keeper) oomKilled() bool {
	root, file := k.hierarchies.Unified, "memory.events"
	if k.hierarchies.Memory != "" {
		root, file = k.hierarchies.Memory, "memory.oom_control"
	}
	b, err := os.ReadFile(filepath.Join(root, k.spec.CgroupParent, k.spec.ID, file))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
			return strings.TrimSpace(n) != "0"
		}
	}
	return false
}
