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
	conn    *protocol.Conn
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
	wall     bool // the wall clock has run out

	// posts carry work of other goroutines to the loop. An error ends it.
	posts chan func() error
	// done is closed when the loop ends, so that nobody waits to post.
	done chan struct{}
	// workers are the goroutines that post.
	workers sync.WaitGroup
}

// MaxProcs bounds the processes of Exec that run at the same time.
const MaxProcs = 128

// errEnded ends the loop: the jail's command has ended.
var errEnded = errors.New("the jail has ended")

// post hands work to the loop.
func (k *keeper) post(f func() error) {
	select {
	case k.posts <- f:
	case <-k.done:
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

// loop serves the supervisor until the jail has ended and is removed.
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
	go k.receive()
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
	close(k.done)
	left := k.end()
	if !errors.Is(err, errEnded) {
		return errors.Join(err, left, k.clean())
	}
	status.OOMKilled, status.WallClock = k.oomKilled(), k.wall
	// Nothing runs any more: that is what the supervisor waits for. What is
	// left to remove concerns nobody else, and what cannot be removed is said
	// by the shim's own end.
	sent := k.conn.Send(protocol.Message{Type: protocol.Exit, Status: status}, nil, nil)
	return errors.Join(left, sent, k.clean())
}

// receive reads requests until the connection ends.
func (k *keeper) receive() {
	for {
		m, files, err := k.conn.Receive()
		if err != nil {
			k.post(func() error { return k.onDisconnect(err) })
			return
		}
		k.post(func() error { return k.request(m, files) })
	}
}

// onDisconnect decides what becomes of a jail whose supervisor has gone: it is
// killed. A returned error ends the loop, and with it the jail.
func (k *keeper) onDisconnect(cause error) error {
	return fmt.Errorf("the supervisor has gone: %w", cause)
}

// request carries out one request. Only a connection that cannot be written to
// is an error here, and ends the loop.
func (k *keeper) request(m protocol.Message, files map[string]*os.File) error {
	switch m.Type {
	case protocol.Go:
		return k.goAhead(m.ID)
	case protocol.Exec:
		return k.exec(m.ID, files) // takes over the files
	case protocol.Signal:
		return k.answer(m.ID, k.signal(m.Proc, unix.Signal(m.Signal)))
	case protocol.Resize:
		return k.answer(m.ID, k.resize(m))
	case protocol.Kill:
		return k.answer(m.ID, k.cgroup.Kill())
	}
	closeAll(files)
	return k.answer(m.ID, fmt.Errorf("%q is no request", m.Type))
}

func (k *keeper) answer(id uint32, err error) error {
	m := protocol.Message{ID: id, Type: protocol.Done}
	if err != nil {
		m = failure(id, err)
	}
	return k.conn.Send(m, nil, nil)
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
	k.background(func() {
		// Answered from here: a short command may have ended the loop before.
		// A broken connection is noticed by receive.
		_ = k.answer(id, k.init.release())
	})
	return nil
}

// exec starts a further process. The work is done beside the loop, because it
// takes milliseconds and a stage may hang.
func (k *keeper) exec(id uint32, files map[string]*os.File) error {
	if !k.released {
		closeAll(files)
		return k.answer(id, errors.New("the jail's command was not released"))
	}
	if len(k.procs)+k.starting >= MaxProcs {
		closeAll(files)
		return k.answer(id, fmt.Errorf("%d processes were started in the jail and run, no more at a time", MaxProcs))
	}
	k.lastProc++
	k.starting++
	proc := k.lastProc
	k.background(func() {
		defer closeAll(files)
		p, err := k.launchCommand(id, files)
		if err != nil {
			_ = k.answer(id, err)
			k.post(func() error {
				k.starting--
				return nil
			})
			return
		}
		known := make(chan struct{})
		k.post(func() error {
			defer close(known)
			k.starting--
			k.procs[proc] = p
			m := protocol.Message{ID: id, Type: protocol.Started, Proc: proc, PID: p.pid}
			return k.conn.Send(m, []string{protocol.FilePTY}, []*os.File{p.pty})
		})
		// Whatever the loop does, the process must be reaped here: process 1
		// of the pid namespace does not end before (remove).
		status := p.status()
		select {
		case <-known:
		case <-k.done:
		}
		// Sent from here, not from the loop: the jail's end may have ended
		// the process, and then the loop no longer listens.
		_ = k.conn.Send(protocol.Message{Type: protocol.Ended, Proc: proc, Status: status}, nil, nil)
		k.post(func() error {
			p.close()
			delete(k.procs, proc)
			return nil
		})
	})
	return nil
}

// launchCommand starts a process and lets it run.
func (k *keeper) launchCommand(id uint32, files map[string]*os.File) (*process, error) {
	f := files[protocol.FileSpec]
	if f == nil {
		return nil, errors.New("exec without a spec")
	}
	data, err := protocol.Unseal(f)
	if err != nil {
		return nil, err
	}
	c, err := protocol.DecodeCommand(data)
	if err != nil {
		return nil, err
	}
	check := k.spec
	check.Argv, check.Env, check.Cwd = c.Argv, c.Env, c.Cwd
	if err := check.Validate(); err != nil {
		return nil, err
	}
	p, err := k.launch(c, files, false)
	if err != nil {
		return nil, err
	}
	// What the filter traps begins with the execution of the command itself,
	// so the supervisor needs the listener first.
	m := protocol.Message{ID: id, Type: protocol.Trapped}
	err = k.conn.Send(m, []string{protocol.FileListener}, []*os.File{p.listener})
	if err == nil {
		err = p.release()
	}
	if err != nil {
		_ = p.run.Signal(unix.SIGKILL)
		_, _ = p.run.Wait()
		p.close()
		return nil, err
	}
	return p, nil
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
func (k *keeper) remove() error { return errors.Join(k.end(), k.clean()) }

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
	if k.placed {
		errs = append(errs, k.hierarchies.RemoveCgroups(k.spec.CgroupParent, k.spec.ID))
	}
	if sockets, err := k.making.wait(); err == nil {
		errs = append(errs, sockets.Close())
	}
	if k.stage != nil {
		k.stage.Close()
	}
	return errors.Join(append(errs, k.release())...)
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
