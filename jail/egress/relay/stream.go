package relay

import (
	"io"
	"sync"
)

// Stream is the client's stream as a Gate sees it.
type Stream struct {
	relay   *Relay
	pending []byte
	spare   []byte // the array of the last pending bytes, free for the next
}

// Pending are the bytes that were read and not forwarded. They are valid until
// the next call.
func (s *Stream) Pending() []byte { return s.pending }

// Fill reads until at least n bytes are pending, at most max. It returns
// io.EOF when the client ended before, with nothing pending, and
// io.ErrUnexpectedEOF with something.
func (s *Stream) Fill(n int) error {
	raw, err := s.relay.client.SyscallConn()
	if err != nil {
		return err
	}
	for len(s.pending) < n {
		buf, got, err := s.relay.read(s.relay.client, raw, bufferSize)
		if err == io.EOF && len(s.pending) > 0 {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if len(s.pending) == 0 {
			s.spare = append(s.spare[:0], buf[:got]...)
			s.pending = s.spare
		} else {
			s.pending = append(s.pending, buf[:got]...)
		}
		s.relay.buffers.put(buf)
	}
	return nil
}

// Forward sends the first n pending bytes to the server.
func (s *Stream) Forward(n int) error {
	if n == 0 {
		return nil
	}
	if err := s.relay.write(s.relay.server, s.pending[:n], &s.relay.up); err != nil {
		return err
	}
	s.pending = s.pending[n:]
	return nil
}

// All forwards everything pending.
func (s *Stream) All() error {
	err := s.Forward(len(s.pending))
	s.pending, s.spare = nil, nil // a long copy follows
	return err
}

// Pass forwards n bytes, pending ones first.
func (s *Stream) Pass(n int64) error {
	now := min(n, int64(len(s.pending)))
	if err := s.Forward(int(now)); err != nil || n == now {
		return err
	}
	return s.relay.copy(s.relay.server, s.relay.client, &s.relay.up, n-now)
}

// Reply waits until judge is content with the beginning of the server's
// stream, of which it sees at most headSize bytes. ended says that no more
// will come.
func (s *Stream) Reply(judge func(b []byte, ended bool) (done bool)) {
	for {
		b, ended, changed := s.relay.head.get()
		if judge(b, ended) || ended {
			return
		}
		<-changed
	}
}

// headSize is enough for a judgement of a TLS ServerHello's random and of an
// HTTP status line.
const headSize = 64

// head is the beginning of the server's stream.
type head struct {
	mu      *sync.Mutex
	b       []byte
	ended   bool
	changed chan struct{}
}

func newHead() head {
	return head{mu: new(sync.Mutex), changed: make(chan struct{})}
}

func (h *head) get() ([]byte, bool, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b, h.ended, h.changed
}

// add appends up to headSize bytes and reports whether it wants no more.
func (h *head) add(b []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	room := min(headSize-len(h.b), len(b))
	// Readers hold the old slice: never write into its array.
	h.b = append(h.b[:len(h.b):len(h.b)], b[:room]...)
	full := len(h.b) == headSize
	h.wake(full)
	return full
}

func (h *head) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wake(true)
}

func (h *head) wake(ended bool) {
	if h.ended {
		return
	}
	h.ended = ended
	close(h.changed)
	h.changed = make(chan struct{})
}

// copyHead copies until the head is full.
func (r *Relay) copyHead() error {
	raw, err := r.server.SyscallConn()
	if err != nil {
		return err
	}
	for full := false; !full; {
		buf, n, err := r.read(r.server, raw, bufferSize)
		if err != nil {
			return err
		}
		full = r.head.add(buf[:n])
		err = r.write(r.client, buf[:n], &r.down)
		r.buffers.put(buf)
		if err != nil {
			return err
		}
	}
	return nil
}
