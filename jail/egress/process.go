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
	"syscall"
	"time"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/match"
	"clawjail/jail/egress/socket"
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
func (s *Server) spawn(bin string, uid, gid uint32) (err error) {
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
		if err != nil && s.requests != nil {
			s.requests.Close()
		}
		if err != nil && s.stream != nil {
			s.stream.Close()
		}
	}()
	for _, ours := range []**socket.Conn{&s.requests, &s.stream} {
		c, f, err := socket.Pair()
		if err != nil {
			return err
		}
		*ours = c
		theirs = append(theirs, f)
	}
	if err := s.requests.Reserve(control.MaxMessage); err != nil {
		return err
	}
	s.cmd = &exec.Cmd{
		Path:       bin,
		Args:       []string{"clawjail-egress"},
		Env:        []string{},
		Dir:        "/",
		ExtraFiles: theirs, // 3 and 4, as the process expects them
		SysProcAttr: &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: []uint32{}},
			Setsid:     true, // signals of a terminal are the supervisor's
		},
	}
	if s.stderr, err = s.cmd.StderrPipe(); err != nil {
		return err
	}
	return s.cmd.Start()
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
		socket.CloseAll(files) // none are expected
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
			close(ready)
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
		socket.CloseAll(files)
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
// should not is not to be trusted with traffic. An end of file, or our own
// Close, is no breach.
func (s *Server) lost(stream string, err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	s.log.Error("egress breaks its protocol", "stream", stream, "error", err)
	_ = s.cmd.Process.Kill() // an error means that it has ended
}

// reap waits for the process. Its stderr ends with it, and Wait would close
// that before it is read.
func (s *Server) reap() {
	s.logLines(s.stderr)
	err := s.cmd.Wait()
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.asks.cancel()
	if err != nil {
		s.log.Error("egress has ended; jails have no network", "error", err)
	}
	close(s.done)
}
