package action

import (
	"bufio"
	"context"
	"errors"
	"net"

	"clawjail/supervisor/action/message"
)

// accept takes connections until the listener is closed.
func (j *jail) accept() {
	for {
		c, err := j.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) || j.ctx.Err() != nil {
			return
		}
		if err != nil {
			j.s.o.Logger.Warn("accept on an action socket", "dir", j.dir, "error", err)
			return // no descriptors are left: the jail goes on without actions
		}
		if !j.admit(c) {
			_ = c.Close()
			continue
		}
		j.s.work.Go(func() {
			defer j.leave(c)
			j.serve(c)
		})
	}
}

func (j *jail) admit(c net.Conn) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.conns) >= MaxConns || j.ctx.Err() != nil {
		return false
	}
	j.conns[c] = struct{}{}
	return true
}

func (j *jail) leave(c net.Conn) {
	_ = c.Close()
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.conns, c)
}

// serve answers the requests of one connection, one after the other.
func (j *jail) serve(c net.Conn) {
	lines := make(chan []byte) // handed over one by one
	ctx, cancel := context.WithCancel(j.ctx)
	defer cancel()
	// The reader goes on while a request waits: that is how a client that went
	// away is noticed, and its request withdrawn.
	j.s.work.Go(func() {
		defer cancel()
		defer close(lines)
		r := bufio.NewReaderSize(c, message.MaxLine)
		for {
			line, err := r.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) {
				line, err = append(line, '.'), nil // too long: refused, and the end
			}
			if err != nil {
				return
			}
			select {
			case lines <- append([]byte(nil), line...):
			case <-ctx.Done():
				return
			}
			if len(line) > message.MaxLine {
				<-ctx.Done()
				return
			}
		}
	})
	for line := range lines {
		if !j.reply(c, j.answer(ctx, line)) || len(line) > message.MaxLine {
			break
		}
	}
	cancel()
	_ = c.Close() // ends the reader
	for range lines {
		continue
	}
}

func (j *jail) reply(c net.Conn, a message.Answer) bool {
	b, err := message.Encode(a)
	if err != nil {
		b = []byte(`{"error":"the answer is too long"}` + "\n")
	}
	_, err = c.Write(b)
	return err == nil
}

// answer answers one request.
func (j *jail) answer(ctx context.Context, line []byte) message.Answer {
	j.mu.Lock()
	who := j.who
	j.mu.Unlock()
	if who == nil {
		return message.Answer{Error: "the jail has not started yet"}
	}
	r, err := message.DecodeRequest(line)
	if err != nil {
		j.s.o.Count("error")
		return message.Answer{Error: err.Error()}
	}
	act := acting{jail: j, who: *who, r: r}
	switch r.Do {
	case message.DoCheck:
		return act.check()
	case message.DoRequest:
		return act.request(ctx)
	default:
		return act.report()
	}
}
