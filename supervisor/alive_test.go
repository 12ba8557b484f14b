package supervisor

import (
	"context"
	"errors"
	"testing"
)

func TestAliveMeansThatTheLoopTurns(t *testing.T) {
	s := &Supervisor{loop: newLoop(1)}
	go s.loop.run()
	if err := s.Alive(t.Context()); err != nil {
		t.Errorf("a loop that turns: %v", err)
	}
	stuck, release := make(chan struct{}), make(chan struct{})
	go s.loop.do(func(*table) { close(stuck); <-release })
	<-stuck
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Alive(short); !errors.Is(err, context.Canceled) {
		t.Errorf("a loop that hangs: %v", err)
	}
	close(release)
	if err := s.Alive(t.Context()); err != nil {
		t.Errorf("a loop that turns again: %v", err)
	}
	s.loop.close()
	if err := s.Alive(t.Context()); err == nil {
		t.Error("a loop that ended is alive")
	}
}

// TestAliveWhenTheQueueIsFull: whoever waits for a place in the queue waits for
// the loop as well.
func TestAliveWhenTheQueueIsFull(t *testing.T) {
	s := &Supervisor{loop: newLoop(1)} // and nobody runs it
	for range loopQueue {
		s.loop.queue <- func(*table) {}
	}
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Alive(short); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
