package egress

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/match"
)

// Asker decides about a connection that is held. It is called by one goroutine
// for each, and may take hours. ctx ends when the connection or its jail is
// gone. The id is the one that the connection's event has as Event.Ask.
type Asker func(ctx context.Context, id uint64, a Ask) Verdict

// Bounds of what a process that breaks its own bounds can make us do.
const (
	// maxAsking is how many Askers run: those of withdrawn asks take a moment
	// to return. Beyond it asks are refused unheard.
	maxAsking = 2 * control.MaxHeld
	// maxVerdicts is how many wait to be sent.
	maxVerdicts = 2 * maxAsking
)

// asks are the connections that are held, as the supervisor knows them.
type asks struct {
	asker    Asker
	ctx      context.Context
	cancel   context.CancelFunc
	places   chan struct{} // running Askers
	verdicts chan control.Message
	work     sync.WaitGroup
	hushed   atomic.Bool // verdicts are not sent any more

	mu    sync.Mutex
	open  map[uint64]openAsk
	jails map[string]int
}

type openAsk struct {
	jail   string
	cancel context.CancelFunc
}

func newAsks(asker Asker) *asks {
	a := &asks{
		asker:    asker,
		places:   make(chan struct{}, maxAsking),
		verdicts: make(chan control.Message, maxVerdicts),
		open:     make(map[uint64]openAsk),
		jails:    make(map[string]int),
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a
}

// asked takes an ask from the process. An error is a breach of the protocol.
func (s *Server) asked(m control.Message) error {
	q, a := *m.Ask, s.asks
	if q.Name != "" {
		if name, err := match.Name(q.Name); err != nil || name != q.Name {
			return errors.New("an ask about a name that is not canonical")
		}
	}
	if a.asker == nil || !s.knows(q.Jail) {
		return a.answer(m.ID, Verdict{Reason: "nobody can be asked"})
	}
	ctx, cancel := context.WithCancel(a.ctx)
	if err := a.begin(m.ID, q.Jail, cancel); err != nil {
		cancel()
		return err
	}
	select {
	case a.places <- struct{}{}:
	default:
		a.end(m.ID)
		return a.answer(m.ID, Verdict{Reason: "too many connections wait for a decision"})
	}
	a.work.Go(func() {
		defer func() { <-a.places }()
		v := a.asker(ctx, m.ID, q)
		if !a.end(m.ID) || a.ctx.Err() != nil {
			return // withdrawn or over: nobody waits
		}
		if err := a.answer(m.ID, v); err != nil {
			s.lost("verdicts", err)
		}
	})
	return nil
}

// begin holds the process to the bounds that it promised.
func (a *asks) begin(id uint64, jail string, cancel context.CancelFunc) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.open[id].cancel != nil:
		return fmt.Errorf("ask %d came twice", id)
	case len(a.open) >= control.MaxHeld, a.jails[jail] >= control.MaxHeldJail:
		return fmt.Errorf("%d connections of a jail held, %d in all", a.jails[jail], len(a.open))
	}
	a.open[id] = openAsk{jail, cancel}
	a.jails[jail]++
	return nil
}

// end closes an ask; false is one that is closed already.
func (a *asks) end(id uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, ok := a.open[id]
	if !ok {
		return false
	}
	o.cancel()
	delete(a.open, id)
	if a.jails[o.jail]--; a.jails[o.jail] == 0 {
		delete(a.jails, o.jail)
	}
	return true
}

// forget closes the asks of a jail that is gone. The process has withdrawn
// them, or breaks its protocol.
func (a *asks) forget(jail string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, o := range a.open {
		if o.jail == jail {
			o.cancel()
			delete(a.open, id)
		}
	}
	delete(a.jails, jail)
}

// answer queues a verdict. The reader of the process's messages calls it and
// must not wait for the process, which may be waiting for that reader.
func (a *asks) answer(id uint64, v Verdict) error {
	if a.hushed.Load() {
		return nil
	}
	v.Reason = bounded([]byte(v.Reason))
	select {
	case a.verdicts <- control.Message{Type: control.TypeDecide, ID: id, Verdict: &v}:
		return nil
	default:
		return errors.New("verdicts are not taken")
	}
}

// sendVerdicts passes verdicts on until the process has ended.
func (s *Server) sendVerdicts() {
	for {
		select {
		case m := <-s.asks.verdicts:
			if err := s.send(m); err != nil {
				return // the process has ended, or Close was called
			}
		case <-s.done:
			return
		}
	}
}

// close ends every Asker and waits for them.
func (a *asks) close() {
	a.cancel()
	a.work.Wait()
}
