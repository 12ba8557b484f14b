package console

import (
	"io"
	"sync"
)

// Shared is a terminal that a jail and a prompt take turns at. The jail's input
// is read from it and its output written to it. While a prompt is open, what is
// typed goes to the prompt alone, and the jail's output waits: otherwise the
// jail could paint over the question that is being answered.
type Shared struct {
	in  io.Reader
	out io.Writer
	raw bool // the terminal neither echoes nor edits lines

	turn sync.Mutex // held while something writes, or a prompt is open

	mu     sync.Mutex
	asking bool
	keys   chan []byte // for the prompt; capacity typedAhead, more is dropped
	jail   chan []byte // for the jail; unbuffered, so that a jail that does not read holds the terminal up as ever
	rest   []byte      // of the last piece, which the jail did not take whole
	err    error       // why the terminal gives no more
	done   chan struct{}
}

// typedAhead bounds the pieces of input that wait for a prompt.
const typedAhead = 16

// Share begins to read in. raw says that in is a terminal in raw mode, where
// the prompt has to echo. The goroutine that reads is left behind in its read
// when the process ends: nothing can interrupt that.
func Share(in io.Reader, out io.Writer, raw bool) *Shared {
	s := &Shared{in: in, out: out, raw: raw, keys: make(chan []byte, typedAhead), jail: make(chan []byte), done: make(chan struct{})}
	go s.pump()
	return s
}

func (s *Shared) pump() {
	defer close(s.done)
	for {
		b := make([]byte, 4096)
		n, err := s.in.Read(b)
		if n > 0 {
			s.route(b[:n])
		}
		if err != nil {
			s.err = err // read after done is closed
			return
		}
	}
}

func (s *Shared) route(b []byte) {
	s.mu.Lock()
	asking := s.asking
	s.mu.Unlock()
	if !asking {
		s.jail <- b
		return
	}
	select {
	case s.keys <- b:
	default: // nobody types that much at a prompt
	}
}

// Read gives the jail what is typed while no prompt is open.
func (s *Shared) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		select {
		case s.rest = <-s.jail:
		case <-s.done:
			return 0, s.err
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// Write writes the jail's output; it waits while a prompt is open.
func (s *Shared) Write(p []byte) (int, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.out.Write(p)
}

// open gives the terminal to a prompt. What was typed before is not for it.
func (s *Shared) open() {
	s.turn.Lock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking = true
	for len(s.keys) > 0 {
		<-s.keys
	}
}

// close gives it back to the jail.
func (s *Shared) close() {
	s.mu.Lock()
	s.asking = false
	s.mu.Unlock()
	s.turn.Unlock()
}
