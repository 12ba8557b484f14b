package daemon

import (
	"errors"
	"fmt"
	"io"
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
)

const (
	maxJails    = 1024
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
	if err := confine(conf); err != nil {
		return err
	}
	return Serve(requests, events, conf)
}

// Serve does what the supervisor asks until its end of the socket is closed or
// events can no longer be written.
func Serve(requests, events *socket.Conn, conf string) error {
	d := &process{
		requests: requests,
		jails:    make(map[string]*jail),
		shared: &shared{
			ledger:  newLedger(),
			dialer:  newDialer(conf),
			buffers: relay.NewBuffers(),
			sniffIn: sniffTime,
		},
	}
	d.shared.asker = newAsker(d.send)
	var wg sync.WaitGroup
	var writeErr error
	wg.Go(func() {
		writeErr = d.shared.ledger.write(func(b []byte) error { return events.Send(b) })
		requests.Close() // ends the loop below: traffic without records must not be
	})
	err := d.loop()
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
	requests *socket.Conn
	jails    map[string]*jail
	shared   *shared
}

func (d *process) loop() error {
	if err := d.send(control.Message{Type: control.TypeReady}); err != nil {
		return err
	}
	b := make([]byte, control.MaxMessage+1)
	for {
		n, files, err := d.requests.Receive(b)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		m, err := control.Decode(b[:n])
		if err != nil {
			closeFiles(files)
			return err // the supervisor is not what it should be
		}
		if m.Type == control.TypeDecide {
			closeFiles(files)
			d.shared.asker.decide(m.ID, *m.Verdict)
			continue
		}
		answer := control.Message{Type: control.TypeAnswer, ID: m.ID}
		if err := d.do(m, files); err != nil {
			answer.Error = bounded(err.Error())
		}
		if err := d.send(answer); err != nil {
			return err
		}
	}
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

func (d *process) send(m control.Message) error {
	b, err := control.Encode(m)
	if err != nil {
		return err
	}
	return d.requests.Send(b)
}
