package keeper

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"clawjail/jail/shim/protocol"
)

// exec starts a further process. The work is done beside the loop, because it
// takes milliseconds and a stage may hang.
func (k *keeper) exec(m protocol.Message, files map[string]*os.File) error {
	if !k.released {
		closeAll(files)
		return k.answer(m.ID, errors.New("the jail's command was not released"))
	}
	if len(k.procs)+k.starting >= MaxProcs {
		closeAll(files)
		return k.answer(m.ID, fmt.Errorf("%d processes were started in the jail and run, no more at a time", MaxProcs))
	}
	k.lastProc++
	k.starting++
	proc, c := k.lastProc, k.conn
	k.background(func() {
		defer closeAll(files)
		p, err := k.prepareCommand(files)
		if err != nil {
			answerOn(c, m.ID, err)
			k.post(func() error {
				k.starting--
				return nil
			})
			return
		}
		p.name = m.Name
		if k.admit(c, m.ID, proc, p) {
			k.run(c, m.ID, proc, p)
		}
	})
	return nil
}

// admit has the loop know a process before it runs anything: a supervisor that is
// lost from here on leaves it to the next one, with the listener of its first call.
// False means that it was not started, and has ended.
func (k *keeper) admit(c *protocol.Conn, id, proc uint32, p *process) bool {
	admitted := make(chan bool, 1)
	posted := k.post(func() error {
		k.starting--
		if k.conn != c {
			// Who is the supervisor now has been told what there is.
			answerOn(c, id, errors.New("the supervisor that asked for the process has gone"))
			admitted <- false
			return nil
		}
		k.procs[proc] = p
		// What the filter traps begins with the execution of the command itself,
		// so the supervisor needs the listener first.
		_ = c.Send(protocol.Message{ID: id, Type: protocol.Trapped, Proc: proc, PID: p.pid},
			[]string{protocol.FileListener, protocol.FileLedger}, []*os.File{p.listener, p.ledger})
		admitted <- true
		return nil
	})
	ok, decided := false, false
	if posted {
		select {
		case ok = <-admitted:
			decided = true
		case <-k.done: // the jail has ended; whoever has the descriptors closes them
		}
	}
	if ok {
		return true
	}
	_ = p.run.Signal(unix.SIGKILL)
	_, _ = p.run.Wait()
	if decided {
		p.close()
	}
	return false
}

// run lets a process go and waits for its end. It is told to whoever is the
// supervisor then: one that was not asked for it knows it as running.
func (k *keeper) run(c *protocol.Conn, id, proc uint32, p *process) {
	err := p.release()
	var said *stageError
	if err != nil && !errors.As(err, &said) {
		_ = p.run.Signal(unix.SIGKILL) // or the stage ends, with what it said as its status
	}
	if err == nil {
		k.post(func() error {
			if k.conn == c {
				_ = c.Send(protocol.Message{ID: id, Type: protocol.Started, Proc: proc, PID: p.pid},
					[]string{protocol.FilePTY}, []*os.File{p.pty})
			}
			return nil
		})
	}
	// Whatever the loop does, the process must be reaped here: process 1
	// of the pid namespace does not end before (remove).
	status := p.status()
	ended := protocol.Message{Type: protocol.Ended, Proc: proc, Status: status}
	posted := k.post(func() error {
		p.close()
		delete(k.procs, proc)
		k.kept.ended(proc, p.name, *status)
		if err != nil && k.conn == c {
			answerOn(c, id, err)
			return nil
		}
		_ = k.conn.Send(ended, nil, nil) // or it is in the next Hello
		return nil
	})
	switch {
	case posted:
	case err != nil:
		answerOn(c, id, err)
	default: // the jail's end may have ended it
		_ = c.Send(ended, nil, nil)
	}
}

// prepareCommand starts a process as far as its stage.
func (k *keeper) prepareCommand(files map[string]*os.File) (*process, error) {
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
	return k.launch(c, files, false)
}
