//go:build kernel

package egress_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/egress"
)

// carrier is what a shim would hold of the process.
func (w *world) carrier(t *testing.T) *os.File {
	t.Helper()
	f, err := w.server.Carrier()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// attach goes on with the process as the next supervisor.
func (w *world) attach(t *testing.T, carrier *os.File, bin string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := egress.Attach(ctx, carrier, bin, egressUID, quiet(), w.asker)
	if err != nil {
		return err
	}
	w.server = server
	t.Cleanup(func() { server.Close() })
	return nil
}

func echo(c net.Conn) { _, _ = io.Copy(c, c) }

// says has the other side send a line back.
func says(t *testing.T, c net.Conn, line string) {
	t.Helper()
	if _, err := fmt.Fprintln(c, line); err != nil {
		t.Fatal(err)
	}
	got, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || got != line+"\n" {
		t.Fatalf("%q came back as %q, %v", line, got, err)
	}
}

// What is open goes on while there is no supervisor, what is new is served by the
// same rules, and the next supervisor hears of it.
func TestTheProcessOutlivesItsSupervisor(t *testing.T) {
	w := newWorld(t)
	asked := make(chan egress.Ask, 10)
	answer := make(chan egress.Verdict)
	w.asker = func(ctx context.Context, _ uint64, a egress.Ask) egress.Verdict {
		asked <- a
		select {
		case v := <-answer:
			return v
		case <-ctx.Done():
			return egress.Verdict{}
		}
	}
	w.serve(t, webAddr4+":9000", echo)
	w.serve(t, webAddr4+":9001", echo)
	rules := egress.Rules{Jail: "j", Dests: []egress.Dest{
		{Host: "v4.example.com", Port: 9000, Protocol: "tcp"},
		{Host: "v4.example.com", Port: 9001, Protocol: "tcp", Then: egress.ThenAsk},
	}}
	w.add(t, rules)
	v4, _ := w.addresses(t, "v4.example.com.")
	open := w.dial(t, v4+":9000")
	says(t, open, "before")
	pid := w.server.PID()
	carrier := w.carrier(t)
	last := w.server
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for range last.Events() { // what it has received is its own
		}
	}()
	last.Hush()
	last.Leave()
	<-drained
	if err := last.Add(t.Context(), rules, w.made); !errors.Is(err, egress.ErrEnded) {
		t.Errorf("a server that left adds a jail: %v", err)
	}
	says(t, open, "alone")
	second := w.dial(t, v4+":9000")
	says(t, second, "second")
	second.Close()
	w.dialReset(t, v4+":9002")
	held := w.dial(t, v4+":9001")

	if err := w.attach(t, carrier, binary(t)); err != nil {
		t.Fatal(err)
	}
	if former := w.server.Former(); len(former) != 1 || w.server.PID() != pid {
		t.Fatalf("process %d, was %d, serves %v", w.server.PID(), pid, former)
	}
	between := map[string]egress.Event{} // in whatever order
	for range 2 {
		e := w.conn(t)
		between[e.Verdict] = e
	}
	if between[egress.Allow].BytesUp != 7 || between[egress.Deny].Port != 9002 {
		t.Errorf("what happened between: %+v", between)
	}
	if len(asked) != 0 {
		t.Error("asked about a jail that was not taken up")
	}
	if err := w.server.Add(t.Context(), rules, w.made); err != nil {
		t.Fatal(err)
	}
	if a := <-asked; a.Port != 9001 {
		t.Errorf("asked %+v", a)
	}
	answer <- egress.Verdict{Allow: true}
	says(t, held, "permitted")
	says(t, open, "back")
	if err := w.server.Cut(t.Context(), "j"); err != nil {
		t.Fatal(err)
	}
	readReset(t, open)
}

// A jail that has other rules by now begins anew, and one that is cut off stays so.
func TestTheNextSupervisorChecksTheRules(t *testing.T) {
	w := newWorld(t)
	w.serve(t, webAddr4+":9000", echo)
	rules := egress.Rules{Jail: "j", Dests: []egress.Dest{{Host: "v4.example.com", Port: 9000, Protocol: "tcp"}}}
	w.add(t, rules)
	v4, _ := w.addresses(t, "v4.example.com.")
	open := w.dial(t, v4+":9000")
	says(t, open, "before")
	carrier := w.carrier(t)
	w.server.Leave()
	if err := w.attach(t, carrier, binary(t)); err != nil {
		t.Fatal(err)
	}
	events := w.server.Events()
	go func() {
		for range events { // Add waits for the last event of what was
		}
	}()
	rules.Dests = nil
	if err := w.server.Add(t.Context(), rules, w.made); err != nil {
		t.Fatal(err)
	}
	readReset(t, open)
	w.dialReset(t, v4+":9000")
	if err := w.server.Cut(t.Context(), "j"); err != nil {
		t.Fatal(err)
	}
	w.server.Leave()
	if err := w.attach(t, carrier, binary(t)); err != nil {
		t.Fatal(err)
	}
	if former := w.server.Former(); !former["j"] {
		t.Errorf("it serves %v, and j was cut off", former)
	}
}

// What is not of this build is not gone on with: it ends.
func TestAnotherBuildIsEnded(t *testing.T) {
	w := newWorld(t)
	other := filepath.Join(t.TempDir(), "clawjail-egress")
	b, err := os.ReadFile(binary(t))
	if err == nil {
		err = os.WriteFile(other, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	carrier := w.carrier(t)
	pid := w.server.PID()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	w.server.Leave()
	if err := w.attach(t, carrier, other); err == nil || errors.Is(err, egress.ErrEnded) || !strings.Contains(err.Error(), "another file") {
		t.Errorf("another build: %v", err)
	}
	if err := w.attach(t, carrier, binary(t)); !errors.Is(err, egress.ErrEnded) {
		t.Errorf("one that has ended: %v", err)
	}
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0); n != 1 || err != nil {
		t.Errorf("process %d goes on: %v", pid, err)
	}
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := w.attach(t, null, binary(t)); err == nil {
		t.Error("went on with nothing")
	}
}

// The last one who could bring a supervisor goes, and the process with it.
func TestNobodyHoldsACarrier(t *testing.T) {
	w := newWorld(t)
	carrier := w.carrier(t)
	fd, err := unix.PidfdOpen(w.server.PID(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	w.server.Leave()
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0); n != 0 || err != nil {
		t.Fatalf("it has ended: %v", err)
	}
	carrier.Close()
	const patience = 60_000 // milliseconds
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, patience)
	for errors.Is(err, unix.EINTR) { // signals of Go's own
		n, err = unix.Poll(fds, patience)
	}
	if n != 1 || err != nil {
		t.Errorf("it goes on, without anybody: %v", err)
	}
}
