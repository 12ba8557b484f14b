package daemon

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/relay"
	"clawjail/jail/egress/socket"
)

// Descriptors that the supervisor gives to the process.
const (
	ControlFD = 3
	EventFD   = 4
	// HandoverFD brings the connection to each later supervisor. When its other
	// end is held by nobody any more, there will be none.
	HandoverFD = 5
)

const (
	maxJails    = control.MaxServed
	sniffTime   = 30 * time.Second
	memoryLimit = 256 << 20 // soft: the collector works harder near it
)

// Main is the whole process. It returns the exit code.
func Main() int {
	debug.SetMemoryLimit(memoryLimit)
	if err := harden(); err != nil {
		fmt.Fprintf(os.Stderr, "clawjail-egress: %v\n", err)
		return 1
	}
	if err := run("/etc/resolv.conf"); err != nil {
		fmt.Fprintf(os.Stderr, "clawjail-egress: %v\n", err)
		return 1
	}
	return 0
}

func run(conf string) error {
	requests, err := socket.Open(os.NewFile(ControlFD, "control"))
	if err != nil {
		return err
	}
	defer requests.Close()
	events, err := socket.Open(os.NewFile(EventFD, "events"))
	if err != nil {
		return err
	}
	defer events.Close()
	handover, err := socket.Open(os.NewFile(HandoverFD, "handover"))
	if err != nil {
		return err
	}
	defer handover.Close()
	if err := confine(conf); err != nil {
		return err
	}
	return Serve(requests, events, handover, conf)
}

// Serve does what supervisors ask: the one at requests, and those that come by
// handover after it. It returns when one of them says so, when nobody holds
// handover's other end any more, or when events can no longer be written.
func Serve(requests, events, handover *socket.Conn, conf string) error {
	d := &process{
		links: make(chan *socket.Conn),
		done:  make(chan struct{}),
		jails: make(map[string]*jail),
		shared: &shared{
			ledger:  newLedger(),
			dialer:  newDialer(conf),
			buffers: relay.NewBuffers(),
			sniffIn: sniffTime,
			asker:   newAsker(awayTime),
		},
	}
	var wg sync.WaitGroup
	var writeErr error
	wg.Go(func() {
		writeErr = d.shared.ledger.write(func(b []byte) error { return events.Send(b) })
		// Ends run below: traffic without records must not be.
		handover.Close()
		d.interrupt()
	})
	wg.Go(func() { d.takeLinks(handover) })
	err := d.run(requests)
	close(d.done)
	handover.Close()
	d.shared.asker.detach()
	for _, j := range d.jails {
		j.stop()
	}
	d.shared.ledger.finish()
	// Nobody who does not take the last events can hold this up for long:
	// the supervisor kills what does not end, and its own death closes the
	// socket.
	wg.Wait()
	if writeErr != nil {
		err = writeErr // the other one follows from it
	}
	return err
}

// process is the state of the control loop.
type process struct {
	jails  map[string]*jail
	shared *shared
	links  chan *socket.Conn // closed when no supervisor will come any more
	done   chan struct{}     // closed when run has returned

	mu      sync.Mutex
	current *socket.Conn // to the supervisor that is served
}

func (d *process) do(m control.Message, files []*os.File) error {
	switch m.Type {
	case control.TypeAdd:
		id := m.Rules.Jail
		if d.jails[id] != nil || len(d.jails) >= maxJails {
			closeFiles(files)
			return fmt.Errorf("jail %q is served already, or %d others are", id, maxJails)
		}
		j, err := startJail(d.shared, *m.Rules, m.Sockets, files)
		if err != nil {
			return err
		}
		d.jails[id] = j
		return nil
	case control.TypeRemove:
		closeFiles(files)
		j := d.jails[m.Jail]
		if j == nil {
			return fmt.Errorf("jail %q is not served", m.Jail)
		}
		delete(d.jails, m.Jail)
		j.stop()
		d.shared.asker.forget(m.Jail)
		return nil
	case control.TypeTake:
		closeFiles(files)
		if d.jails[m.Jail] == nil {
			return fmt.Errorf("jail %q is not served", m.Jail)
		}
		d.shared.asker.take(m.Jail)
		return nil
	case control.TypeCut, control.TypeJoin:
		closeFiles(files)
		j := d.jails[m.Jail]
		if j == nil {
			return fmt.Errorf("jail %q is not served", m.Jail)
		}
		j.line.set(m.Type == control.TypeJoin)
		return nil
	}
	closeFiles(files)
	return fmt.Errorf("message %q is not a request", m.Type)
}
