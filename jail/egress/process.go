package egress

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/match"
	"clawjail/jail/egress/socket"
	"clawjail/jail/hostns"
	"clawjail/jail/rights"
)

const (
	closeTime = 5 * time.Second // for the process to end by itself
	maxLine   = 4 << 10         // of what it writes to stderr
	maxLines  = 1000            // of those that are logged
)

// Validate reports every problem of rules. Add calls it; a planner may call it
// earlier.
func Validate(r Rules) error {
	_, err := match.Compile(r.Dests)
	return errors.Join(r.Validate(), err)
}

// spawn starts the process with one end of each socket pair.
func (s *Server) spawn(host *hostns.Host, bin string, uid, gid uint32) (err error) {
	var given []*os.File
	defer func() {
		for _, f := range given {
			f.Close()
		}
		if err != nil {
			s.closeSockets()
		}
	}()
	for _, ours := range []**socket.Conn{&s.requests, &s.stream, &s.handover} {
		c, f, err := socket.Pair()
		if err != nil {
			return err
		}
		*ours = c
		given = append(given, f)
	}
	if err := s.requests.Reserve(control.MaxMessage); err != nil {
		return err
	}
	var stderr *os.File
	if s.stderr, stderr, err = os.Pipe(); err != nil {
		return err
	}
	given = append(given, stderr)
	cmd := &exec.Cmd{
		Path:       bin,
		Args:       []string{"clawjail-egress"},
		Env:        []string{},
		Dir:        "/",
		Stderr:     stderr,
		ExtraFiles: given[:3], // 3 to 5, as the process expects them
		SysProcAttr: &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: []uint32{}},
			Setsid:     true, // signals of a terminal are the supervisor's
		},
	}
	if err := host.Start(cmd, hostns.Network); err != nil {
		return err
	}
	if s.proc, err = ours(cmd); err == nil {
		err = s.fillCarrier()
	}
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	return err
}

// fillCarrier makes what the next supervisor gets.
func (s *Server) fillCarrier() error {
	files := map[string]*os.File{carriedProcess: s.proc.fd, carriedStderr: s.stderr}
	for name, c := range map[string]*socket.Conn{carriedHandover: s.handover, carriedEvents: s.stream} {
		f, err := c.File()
		if err != nil {
			return err
		}
		defer f.Close()
		files[name] = f
	}
	var err error
	s.carrier, err = load(files)
	return err
}

// closeSockets closes what there is of the ways to the process.
func (s *Server) closeSockets() {
	for _, c := range []*socket.Conn{s.requests, s.stream, s.handover} {
		if c != nil {
			c.Close()
		}
	}
	for _, f := range []*os.File{s.stderr, s.carrier} {
		if f != nil {
			f.Close()
		}
	}
}

// find takes over the process that a carrier leads to. Without an error it is of
// this build, alive, and has a new connection.
func (s *Server) find(carrier *os.File, bin string, uid uint32) error {
	files, err := unload(carrier)
	if err != nil {
		return err
	}
	defer func() {
		for _, f := range files {
			if f != s.stderr && (s.proc == nil || f != s.proc.fd) {
				f.Close()
			}
		}
	}()
	if s.proc, err = theirs(files[carriedProcess]); err != nil {
		return err
	}
	s.stderr = files[carriedStderr]
	if err := s.proc.same(bin, uid); err != nil {
		return err
	}
	for name, c := range map[string]**socket.Conn{carriedHandover: &s.handover, carriedEvents: &s.stream} {
		f := files[name]
		delete(files, name) // Open closes it
		if *c, err = socket.Open(f); err != nil {
			return err
		}
	}
	if err := s.fillCarrier(); err != nil {
		return err
	}
	return s.link()
}

// link gives the process a connection to this supervisor.
func (s *Server) link() error {
	var given *os.File
	var err error
	if s.requests, given, err = socket.Pair(); err != nil {
		return err
	}
	defer given.Close()
	if err := s.requests.Reserve(control.MaxMessage); err != nil {
		return err
	}
	b, err := control.Encode(control.Message{Type: control.TypeLink, Version: control.Version})
	if err != nil {
		return err
	}
	if err := s.handover.SendUntil(time.Now().Add(closeTime)); err != nil {
		return err
	}
	return s.handover.Send(b, given)
}

// logLines logs what the process writes to stderr: a reason to end, or a Go
// crash. It is bounded, because the process is not believed.
func (s *Server) logLines(r io.Reader) {
	lines := bufio.NewReaderSize(r, maxLine)
	for i := 0; ; i++ {
		line, _, err := lines.ReadLine()
		if err != nil {
			return
		}
		if i < maxLines {
			s.log.Warn("egress writes", "line", bounded(line))
		}
		if i == 0 {
			s.mu.Lock()
			s.said = bounded(line)
			s.mu.Unlock()
		}
	}
}

// bounded escapes a line and keeps enough of it to be understood.
func bounded(line []byte) string {
	const enough = 400
	return strings.Trim(fmt.Sprintf("%+q", line[:min(len(line), enough)]), `"`)
}

// readAnswers hands answers to the requests that wait for them.
func (s *Server) readAnswers(ready chan<- struct{}) {
	b := make([]byte, control.MaxMessage+1)
	for first := true; ; first = false {
		n, files, err := s.requests.Receive(b)
		if err != nil {
			s.lost("answers", err)
			return
		}
		rights.Close(files) // none are expected
		m, err := control.Decode(b[:n])
		if err == nil && (m.Type == control.TypeReady) != first {
			err = errors.New("message out of turn")
		}
		if err != nil {
			s.lost("answers", err)
			return
		}
		switch {
		case first:
			if err = s.begun(m); err == nil {
				close(ready)
			}
		case m.Type == control.TypeAsk:
			err = s.asked(m)
		case m.Type == control.TypeWithdraw:
			s.asks.end(m.ID)
		case m.Type == control.TypeAnswer:
			s.answer(m)
		default:
			err = fmt.Errorf("message %q is not from that side", m.Type)
		}
		if err != nil {
			s.lost("answers", err)
			return
		}
	}
}

// begun takes note of what the process says first.
func (s *Server) begun(m control.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Version != control.Version {
		s.said = fmt.Sprintf("it speaks version %d, this is %d", m.Version, control.Version)
		return errors.New(s.said)
	}
	for _, j := range m.Served {
		s.former[j.Jail] = j
		s.known[j.Jail] = make(chan struct{})
	}
	return nil
}

func (s *Server) answer(m control.Message) {
	s.mu.Lock()
	answer := s.waiting[m.ID]
	delete(s.waiting, m.ID)
	s.mu.Unlock()
	if answer == nil {
		return // the caller has left
	}
	if m.Error != "" {
		answer <- errors.New(m.Error)
		return
	}
	answer <- nil
}

// readEvents checks events and passes them on.
func (s *Server) readEvents() {
	defer close(s.events)
	defer close(s.drained)
	b := make([]byte, control.MaxEvent+1)
	for {
		n, files, err := s.stream.Receive(b)
		if err != nil {
			s.lost("events", err)
			return
		}
		rights.Close(files)
		e, err := control.DecodeEnvelope(b[:n])
		switch {
		case err != nil:
		case e.Event == nil:
			s.forget(e.Ended)
			continue
		case !s.knows(e.Event.Jail):
			err = fmt.Errorf("event of the unknown jail %q", e.Event.Jail)
		}
		if err != nil {
			s.lost("events", err)
			return
		}
		select {
		case s.events <- *e.Event:
		case <-s.closing:
			return
		}
	}
}

// lost ends the process when a stream of it breaks: one that sends what it
// should not is not to be trusted with traffic. An end of file mostly means that
// it has ended; our own Close or Leave is no breach.
func (s *Server) lost(stream string, err error) {
	s.mu.Lock()
	over := s.over
	s.mu.Unlock()
	if over || errors.Is(err, net.ErrClosed) {
		return
	}
	if !errors.Is(err, io.EOF) {
		s.log.Error("egress breaks its protocol", "stream", stream, "error", err)
	}
	s.proc.kill()
}

// reap waits for the process, or until Leave.
func (s *Server) reap() {
	var logs sync.WaitGroup
	logs.Go(func() { s.logLines(s.stderr) })
	ended := s.proc.await()
	if !ended {
		s.stderr.Close()
	}
	logs.Wait() // its stderr ends with it
	var err error
	switch cmd := s.proc.cmd; {
	case cmd != nil && ended:
		err = cmd.Wait()
	case cmd != nil:
		_ = cmd.Process.Release()
	}
	s.mu.Lock()
	s.ended = true
	over := s.over
	s.mu.Unlock()
	s.asks.cancel()
	if ended && !over {
		s.log.Error("egress has ended; jails have no network", "error", err)
	}
	close(s.done)
}
