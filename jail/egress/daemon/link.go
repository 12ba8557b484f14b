package daemon

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/socket"
)

// errEnd is a supervisor's word that the process is not needed any more.
var errEnd = errors.New("the supervisor needs the process no longer")

// errGone is the end of a connection: its supervisor has gone, or a later one
// has come.
var errGone = errors.New("the supervisor has gone")

// run serves one supervisor after the other. Between them jails go on by their
// rules, what was asked waits, and events wait in their queue.
func (d *process) run(first *socket.Conn) error {
	for conn := first; conn != nil; conn = <-d.links {
		err := d.serve(conn)
		d.setCurrent(nil)
		_ = conn.Close() // wakes whoever sends
		d.shared.asker.detach()
		switch {
		case errors.Is(err, errEnd):
			return nil
		case !errors.Is(err, errGone):
			return err
		}
	}
	return nil
}

// serve does what one supervisor asks.
func (d *process) serve(conn *socket.Conn) error {
	d.setCurrent(conn)
	send := func(m control.Message) error {
		b, err := control.Encode(m)
		if err != nil {
			return err
		}
		return conn.Send(b)
	}
	served := d.served()
	if err := send(control.Message{Type: control.TypeReady, Version: control.Version, Served: served}); err != nil {
		return errGone
	}
	d.shared.asker.attach(send, slices.Collect(maps.Keys(d.jails)))
	b := make([]byte, control.MaxMessage+1)
	for {
		n, files, err := conn.Receive(b)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			return errGone
		}
		if err != nil {
			return err
		}
		m, err := control.Decode(b[:n])
		if err != nil {
			closeFiles(files)
			return err // the supervisor is not what it should be
		}
		switch m.Type {
		case control.TypeDecide:
			closeFiles(files)
			d.shared.asker.decide(m.ID, *m.Verdict)
			continue
		case control.TypeEnd:
			closeFiles(files)
			return errEnd
		}
		answer := control.Message{Type: control.TypeAnswer, ID: m.ID}
		if err := d.do(m, files); err != nil {
			answer.Error = bounded(err.Error())
		}
		if err := send(answer); err != nil {
			return errGone
		}
	}
}

// served lists the jails for a supervisor that has not added them.
func (d *process) served() []control.Served {
	var out []control.Served
	for _, id := range slices.Sorted(maps.Keys(d.jails)) {
		j := d.jails[id]
		out = append(out, control.Served{Jail: id, Digest: j.digest, Cut: j.line.isCut()})
	}
	return out
}

func (d *process) setCurrent(conn *socket.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current = conn
}

// interrupt ends the connection to whoever is served.
func (d *process) interrupt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.current != nil {
		_ = d.current.Close()
	}
}

// takeLinks waits for supervisors, of which a later one takes the place of the
// one before it: who holds the handover socket was given it by root.
func (d *process) takeLinks(handover *socket.Conn) {
	defer close(d.links)
	for {
		conn, err := takeLink(handover)
		if errors.Is(err, errOther) {
			continue // it notices: its connection is closed
		}
		if err != nil {
			return
		}
		d.interrupt()
		select {
		case d.links <- conn:
		case <-d.done:
			_ = conn.Close()
			return
		}
	}
}

// errOther is a supervisor that this build does not understand.
var errOther = errors.New("a supervisor of another version")

// maxLink bounds a link message.
const maxLink = 4 << 10

func takeLink(handover *socket.Conn) (*socket.Conn, error) {
	b := make([]byte, maxLink+1)
	n, files, err := handover.Receive(b)
	if err != nil {
		return nil, err
	}
	m, err := control.Decode(b[:n])
	if err != nil || m.Type != control.TypeLink || m.Version != control.Version || len(files) != 1 {
		closeFiles(files)
		return nil, fmt.Errorf("%w: %d bytes, version %d, this is %d, %d descriptors", errOther, n, m.Version, control.Version, len(files))
	}
	return socket.Open(files[0])
}
