package relay

import (
	"errors"
	"fmt"
	"io"

	"clawjail/jail/egress/sniff"
)

// HelloGate returns the gate of a TLS stream whose first hello (size bytes of
// the pending ones) was found good. A server may ask for a second hello
// (HelloRetryRequest), which must name the same host: what comes after the
// first one is held until the server has answered.
func HelloGate(size int, check func(sniff.Hello) error) Gate {
	return func(s *Stream) error {
		if err := s.Forward(size); err != nil {
			return err
		}
		retry := false
		s.Reply(func(b []byte, ended bool) bool {
			yes, err := sniff.Retry(b)
			retry = yes
			return err == nil
		})
		if !retry {
			return nil
		}
		return secondHello(s, check)
	}
}

func secondHello(s *Stream, check func(sniff.Hello) error) error {
	for {
		n, err := sniff.Skip(s.Pending())
		if err == nil && n == 0 {
			break
		}
		if err == nil {
			err = s.Pass(int64(n))
		} else {
			err = fill(s, err)
		}
		if err != nil {
			return err
		}
	}
	for {
		h, err := sniff.ParseHello(s.Pending())
		if err == nil {
			if err := check(h); err != nil {
				return fmt.Errorf("second ClientHello: %w", err)
			}
			return s.Forward(h.Size)
		}
		if err := fill(s, err); err != nil {
			return err
		}
	}
}

// fill reads what a *sniff.Short asks for, and returns any other error.
func fill(s *Stream, err error) error {
	var short *sniff.Short
	if !errors.As(err, &short) {
		return err
	}
	return s.Fill(short.Need)
}

// RequestGate returns the gate of an HTTP/1 stream: every request on it must
// pass check. It ends, and lets the rest flow, only when the server switches
// protocols at the client's wish.
func RequestGate(check func(sniff.Request) error) Gate {
	return func(s *Stream) error {
		for i := 1; ; i++ {
			switched, err := request(s, check, i == 1)
			if err != nil && i > 1 && !errors.Is(err, io.EOF) {
				return fmt.Errorf("request %d: %w", i, err)
			}
			if err != nil || switched {
				return err
			}
		}
	}
}

// request passes one request with its body.
func request(s *Stream, check func(sniff.Request) error, first bool) (switched bool, err error) {
	r, err := readHead(s)
	if err != nil {
		return false, err
	}
	if err := check(r); err != nil {
		return false, err
	}
	if r.Upgrade && !first {
		// Which response answers it cannot be told without following them
		// all. Clients upgrade fresh connections.
		return false, fmt.Errorf("%w: upgrade on a used connection", sniff.ErrMalformed)
	}
	if err := s.Forward(r.Size); err != nil {
		return false, err
	}
	switch {
	case r.Upgrade:
		s.Reply(func(b []byte, ended bool) bool {
			yes, err := sniff.Switched(b)
			switched = yes
			return err == nil
		})
		return switched, nil
	case r.Chunked:
		return false, passChunks(s)
	default:
		return false, s.Pass(r.Body)
	}
}

func readHead(s *Stream) (sniff.Request, error) {
	scanned := 0
	for {
		if len(s.Pending()) > 0 {
			r, err := sniff.ParseRequest(s.Pending(), scanned)
			var short *sniff.Short
			if !errors.As(err, &short) {
				return r, err
			}
			scanned = len(s.Pending())
		}
		if err := s.Fill(scanned + 1); err != nil {
			return sniff.Request{}, err
		}
	}
}

func passChunks(s *Stream) error {
	var c sniff.Chunks
	for {
		n, done, err := c.Feed(s.Pending())
		if err != nil {
			return err
		}
		if err := s.Forward(n); err != nil || done {
			return err
		}
		if err := s.Fill(1); err != nil {
			return err
		}
	}
}
