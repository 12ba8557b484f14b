package supervisor

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/jail/shim"
	"clawjail/supervisor/api"
)

// execKey is what a client may call a process. In the shim it stands behind the id.
var execKey = regexp.MustCompile(`^[0-9A-Za-z]{0,` + strconv.Itoa(api.MaxKey) + `}$`)

// rejoinable is a process that exec added under a former supervisor, for a client
// that has not heard of it.
type rejoinable struct {
	id  string
	pty *os.File // nil without a terminal, and when it was taken
}

// processName is what the shim knows an added process by.
func processName(id, key string) string {
	if key == "" {
		return id
	}
	return id + " " + key
}

// adoptProcs goes on with the processes that exec has added, and remembers those
// that have ended.
func (b *build) adoptProcs(o *orphan) error {
	e := b.entry
	gone, back, last := map[string]shim.Exit{}, map[string]*rejoinable{}, 0
	known := func(name string, pty *os.File) string {
		id, key, _ := strings.Cut(name, " ")
		if n, err := strconv.Atoi(strings.TrimPrefix(id, "e")); err == nil {
			last = max(last, n)
		}
		if key != "" {
			back[key] = &rejoinable{id, pty}
		} else if pty != nil {
			_ = pty.Close()
		}
		return id
	}
	for name, exit := range o.Gone {
		gone[known(name, nil)] = exit
	}
	procs := map[string]*shim.Proc{}
	for name, p := range o.Procs {
		listener, ledger, pty := p.Listener, p.Ledger, p.PTY
		p.Listener, p.PTY = nil, nil
		o.Procs[name] = p
		procs[known(name, pty)] = p.Proc
		if err := b.openGate(listener, ledger); err != nil {
			closeTerminals(back)
			return fmt.Errorf("open the gate of an added process: %w", err)
		}
	}
	b.s.loop.do(func(*table) {
		e.gone, e.back, e.nextID = gone, back, max(e.nextID, last)
		for id, p := range procs {
			e.procs[id] = p
		}
	})
	for id := range procs {
		b.s.leaseExec(e, id)
	}
	return nil
}

func closeTerminals(back map[string]*rejoinable) {
	for _, r := range back {
		if r.pty != nil {
			_ = r.pty.Close()
			r.pty = nil
		}
	}
}

// rejoinExec gives a client the process that it asked an earlier supervisor for,
// whose answer it has not heard. Nothing is started.
func (c *call) rejoinExec(e *entry, r api.ExecRequest) (any, *api.Error) {
	var found *rejoinable
	var pty *os.File
	var gone bool
	c.s.loop.do(func(*table) {
		if found = e.back[r.Key]; found == nil {
			return
		}
		_, gone = e.gone[found.id]
		if r.Terminal {
			pty, found.pty = found.pty, nil
		}
	})
	switch {
	case found == nil:
		return nil, api.Errorf(http.StatusNotFound, "the command was not started: its supervisor was lost before that")
	case r.Terminal && pty == nil && !gone:
		return nil, api.Errorf(http.StatusConflict, "the terminal of the command is not here any more")
	}
	c.sendTerminal(pty, r.Rows, r.Cols)
	return api.ExecAnswer{ID: found.id, Survives: c.snapshot(e).Survives, NoTerminal: r.Terminal && pty == nil}, nil
}

// sendTerminal has a terminal's master go with the answer, if there is one.
func (c *call) sendTerminal(pty *os.File, rows, cols uint16) {
	if pty == nil {
		return
	}
	_ = unix.IoctlSetWinsize(int(pty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
	c.conn.SendFiles(pty)
}
