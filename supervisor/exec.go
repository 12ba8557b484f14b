package supervisor

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/jail/shim"
	"clawjail/supervisor/api"
)

// handle gives the shim of a running jail.
func (c *call) handle(e *entry) (*shim.Handle, *api.Error) {
	var h *shim.Handle
	var apiErr *api.Error
	c.s.loop.do(func(*table) {
		if h = e.handle; h == nil {
			apiErr = api.Errorf(http.StatusConflict, "jail %s is %s", e.jail.Name, e.jail.State)
		}
	})
	return h, apiErr
}

// exec starts another process in a jail, behind the same filter and rules.
func (c *call) exec() (any, *api.Error) {
	var r api.ExecRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	files := c.conn.TakeFiles()
	defer closeAll(files)
	e, apiErr := c.jail()
	if apiErr != nil {
		return nil, apiErr
	}
	if !execKey.MatchString(r.Key) {
		return nil, api.Errorf(http.StatusBadRequest, "a key is up to %d letters and digits", api.MaxKey)
	}
	if r.Rejoin {
		return c.rejoinExec(e, r)
	}
	if apiErr := c.s.notHeld(e); apiErr != nil {
		return nil, apiErr
	}
	if len(r.Argv) == 0 || len(r.Argv) > api.MaxArgs {
		return nil, api.Errorf(http.StatusBadRequest, "no command to run")
	}
	stdio := shim.Stdio{}
	if !r.Terminal {
		if len(files) != 3 {
			return nil, api.Errorf(http.StatusBadRequest, "%d file descriptors came with the request, not 3", len(files))
		}
		stdio = shim.Stdio{In: files[0], Out: files[1], Err: files[2]}
	}
	handle, apiErr := c.handle(e)
	if apiErr != nil {
		return nil, apiErr
	}
	id, spec, apiErr := c.reserveExec(e)
	if apiErr != nil {
		return nil, apiErr
	}
	spec.Name = processName(id, r.Key)
	spec.Argv, spec.Env, spec.Terminal = stringsOf(r.Argv), mergeEnv(spec.Env, stringsOf(r.SetEnv)), r.Terminal
	uid := c.peer.UID
	if err := c.s.audit.jail(e.jail.ID, "exec", "allow", audit.Subject{Argv: stringsOf(r.Argv), UID: &uid}); err != nil {
		c.s.loop.do(func(*table) { delete(e.procs, id) })
		return nil, c.s.unrecorded("so nothing starts", err)
	}
	c.s.noteOf(e) // before: the next supervisor gives nobody the same id
	proc, err := c.start(e, handle, spec, stdio)
	if err != nil {
		c.s.loop.do(func(*table) { delete(e.procs, id) })
		return nil, execError(err, r.Argv[0])
	}
	c.s.loop.do(func(*table) { e.procs[id] = proc })
	c.sendTerminal(proc.PTY, r.Rows, r.Cols)
	return api.ExecAnswer{ID: id, Survives: c.snapshot(e).Survives}, nil
}

// start has the shim start a process. When the client goes away it is killed, also
// while it waits for an approval; when this supervisor goes it is left to the next one.
func (c *call) start(e *entry, h *shim.Handle, spec shim.ExecSpec, stdio shim.Stdio) (*shim.Proc, error) {
	survives := c.snapshot(e).Survives
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.r.Context()))
	defer cancel()
	stop := context.AfterFunc(c.r.Context(), func() {
		if !survives || !c.s.leaving.Load() {
			cancel()
		}
	})
	defer stop()
	return h.Exec(ctx, spec, stdio)
}

// reserveExec takes one of the jail's places for added processes, and gives
// what such a process has of the jail.
func (c *call) reserveExec(e *entry) (string, shim.ExecSpec, *api.Error) {
	var id string
	var spec shim.ExecSpec
	var apiErr *api.Error
	c.s.loop.do(func(*table) {
		if e.jail.State != api.StateRunning {
			apiErr = api.Errorf(http.StatusConflict, "jail %s is %s; nothing can be started in it", e.jail.Name, e.jail.State)
			return
		}
		if len(e.procs) >= maxProcs {
			apiErr = api.Errorf(http.StatusTooManyRequests, "%d added processes run in jail %s already, which is the limit", len(e.procs), e.jail.Name)
			return
		}
		e.nextID++
		id = "e" + strconv.Itoa(e.nextID)
		e.procs[id] = nil
		spec = shim.ExecSpec{Env: e.env, Cwd: e.cwd, OnListener: e.trap}
	})
	return id, spec, apiErr
}

// mergeEnv puts the variables of over into base, each name once.
func mergeEnv(base, over []string) []string {
	out := slices.Clone(base)
	for _, kv := range over {
		name, _, _ := strings.Cut(kv, "=")
		i := slices.IndexFunc(out, func(old string) bool { return strings.HasPrefix(old, name+"=") })
		if i < 0 {
			out = append(out, kv)
			continue
		}
		out[i] = kv
	}
	return out
}

func execError(err error, command []byte) *api.Error {
	var se *shim.StartError
	if !errors.As(err, &se) {
		return api.Errorf(http.StatusInternalServerError, "%v", err)
	}
	e := api.Errorf(http.StatusUnprocessableEntity, "%s", startMessage(se, string(command)))
	if se.ExitCode != 0 {
		e.ExitCode = se.ExitCode
	}
	return e
}

// proc finds an added process.
func (c *call) proc() (*entry, *shim.Proc, *api.Error) {
	e, apiErr := c.jail()
	if apiErr != nil {
		return nil, nil, apiErr
	}
	var p *shim.Proc
	id := c.r.PathValue("exec")
	c.s.loop.do(func(*table) { p = e.procs[id] })
	if p == nil {
		return nil, nil, api.Errorf(http.StatusNotFound, "no process %q was added to jail %s", id, e.jail.Name)
	}
	return e, p, nil
}

// execWait answers when the process has ended, and kills it when the caller
// goes away first.
func (c *call) execWait() (any, *api.Error) {
	id := c.r.PathValue("exec")
	if exit, ok := c.ended(id); ok {
		return api.Exit{Code: exit.Code, Signal: exit.Signal}, nil
	}
	e, p, apiErr := c.proc()
	if apiErr != nil {
		return nil, apiErr
	}
	c.s.waitFor(e, id, 1)
	exit, err := p.Wait(c.r.Context())
	c.s.waitFor(e, id, -1)
	if err != nil && c.r.Context().Err() != nil {
		if c.s.leaving.Load() {
			return nil, api.Errorf(http.StatusServiceUnavailable, "the supervisor stops; the process goes on")
		}
		_ = p.Signal(context.Background(), unix.SIGKILL)
		_, _ = p.Wait(context.Background())
	}
	c.s.loop.do(func(*table) { delete(e.procs, id) })
	if err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "wait for %s in jail %s: %v", id, e.jail.Name, err)
	}
	return api.Exit{Code: exit.Code, Signal: exit.Signal}, nil
}

// ended finds a process that was added and ended while there was no supervisor.
func (c *call) ended(id string) (exit shim.Exit, ok bool) {
	e, apiErr := c.jail()
	if apiErr == nil {
		c.s.loop.do(func(*table) { exit, ok = e.gone[id] })
	}
	return exit, ok
}

func (s *Supervisor) waitFor(e *entry, id string, n int) {
	s.loop.do(func(*table) {
		if e.waits == nil {
			e.waits = map[string]int{}
		}
		if e.waits[id] += n; e.waits[id] == 0 {
			delete(e.waits, id)
		}
	})
}

// leaseExec ends an added process that a former supervisor started, unless its
// client comes back for it.
func (s *Supervisor) leaseExec(e *entry, id string) {
	timer := time.NewTimer(leaseGrace)
	s.work.Go(func() {
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.base.Done():
			return
		}
		var p *shim.Proc
		s.loop.do(func(*table) {
			if e.waits[id] == 0 {
				p = e.procs[id]
				delete(e.procs, id)
			}
			closeTerminals(e.back)
		})
		if p != nil {
			_ = p.Signal(s.base, unix.SIGKILL) // or it has ended
		}
	})
}

func (c *call) execSignal() (any, *api.Error) {
	var r api.SignalRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	_, p, apiErr := c.proc()
	if apiErr != nil {
		return nil, apiErr
	}
	if r.Signal < 1 || r.Signal > 64 {
		return nil, api.Errorf(http.StatusBadRequest, "signal %d is not between 1 and 64", r.Signal)
	}
	if err := p.Signal(c.r.Context(), unix.Signal(r.Signal)); err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "signal: %v", err)
	}
	return struct{}{}, nil
}
