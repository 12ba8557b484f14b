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
		p, err := k.launchCommand(c, m.ID, files)
		if err != nil {
			answerOn(c, m.ID, err)
			k.post(func() error {
				k.starting--
				return nil
			})
			return
		}
		p.name = m.Name
		known := make(chan struct{})
		k.post(func() error {
			defer close(known)
			k.starting--
			k.procs[proc] = p
			_ = c.Send(protocol.Message{ID: m.ID, Type: protocol.Started, Proc: proc, PID: p.pid},
				[]string{protocol.FilePTY}, []*os.File{p.pty})
			return nil
		})
		// Whatever the loop does, the process must be reaped here: process 1
		// of the pid namespace does not end before (remove).
		status := p.status()
		select {
		case <-known:
		case <-k.done:
		}
		ended := protocol.Message{Type: protocol.Ended, Proc: proc, Status: status}
		posted := k.post(func() error {
			p.close()
			delete(k.procs, proc)
			k.kept.ended(proc, p.name, *status)
			_ = k.conn.Send(ended, nil, nil) // or it is in the next Hello
			return nil
		})
		if !posted { // the jail's end may have ended it
			_ = c.Send(ended, nil, nil)
		}
	})
	return nil
}

// launchCommand starts a process and lets it run.
func (k *keeper) launchCommand(conn *protocol.Conn, id uint32, files map[string]*os.File) (*process, error) {
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
	err = conn.Send(protocol.Message{ID: id, Type: protocol.Trapped},
		[]string{protocol.FileListener, protocol.FileLedger}, []*os.File{p.listener, p.ledger})
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
