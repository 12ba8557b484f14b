package egress

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"clawjail/jail/egress/control"
)

// listening is a Server without a process: what it would send waits in its
// queue.
func listening(t *testing.T, ask Asker) *Server {
	t.Helper()
	s := &Server{log: slog.New(slog.DiscardHandler), known: map[string]chan struct{}{}, asks: newAsks(ask), done: make(chan struct{})}
	if err := s.know("j"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.asks.close)
	return s
}

func asking(id uint64, jail, name string) control.Message {
	return control.Message{Type: control.TypeAsk, ID: id, Ask: &Ask{Jail: jail, Name: name, Port: 443, Protocol: "tls"}}
}

// See package daemon for the rest of the table.
func TestBoundsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{fmt.Sprintf("askers that run             %d:", maxAsking), fmt.Sprintf("verdicts waiting to be sent %d:", maxVerdicts)} {
		if !strings.Contains(string(text), line) {
			t.Errorf("doc lacks %q", line)
		}
	}
}

func TestVerdictsAreSent(t *testing.T) {
	s := listening(t, func(_ context.Context, id uint64, a Ask) Verdict {
		return Verdict{Allow: id == 1, Reason: a.Name + "\x1b[31m"}
	})
	for id := uint64(1); id <= 2; id++ {
		if err := s.asked(asking(id, "j", "a.example.com")); err != nil {
			t.Fatal(err)
		}
		m := <-s.asks.verdicts
		if m.ID != id || m.Verdict.Allow != (id == 1) {
			t.Errorf("%+v", m)
		}
		if _, err := control.Encode(m); err != nil || strings.ContainsRune(m.Verdict.Reason, '\x1b') {
			t.Errorf("%q, %v", m.Verdict.Reason, err)
		}
	}
	if err := s.asked(asking(3, "other", "a.example.com")); err != nil {
		t.Fatal(err)
	}
	if m := <-s.asks.verdicts; m.Verdict.Allow {
		t.Error("a jail that is not served was let through")
	}
	s.asks.asker = nil
	if err := s.asked(asking(4, "j", "a.example.com")); err != nil {
		t.Fatal(err)
	}
	if m := <-s.asks.verdicts; m.Verdict.Allow {
		t.Error("let through, and nobody was asked")
	}
}

// A withdrawn ask ends what waits for its decision, and so does the end of its
// jail and of the process; none of them is answered.
func TestAsksEnd(t *testing.T) {
	for name, end := range map[string]func(*Server){
		"withdrawn":        func(s *Server) { s.asks.end(1) },
		"the jail is gone": func(s *Server) { s.forget("j") },
		"it is over":       func(s *Server) { s.asks.cancel(); s.asks.end(1) },
	} {
		t.Run(name, func(t *testing.T) {
			begun, ended := make(chan struct{}), make(chan struct{})
			s := listening(t, func(ctx context.Context, _ uint64, _ Ask) Verdict {
				close(begun)
				<-ctx.Done()
				close(ended)
				return Verdict{Allow: true}
			})
			if err := s.asked(asking(1, "j", "a.example.com")); err != nil {
				t.Fatal(err)
			}
			<-begun
			end(s)
			<-ended
			s.asks.work.Wait()
			if len(s.asks.verdicts) != 0 || len(s.asks.open) != 0 || len(s.asks.jails) != 0 || len(s.asks.places) != 0 {
				t.Errorf("left: %d verdicts, %v, %v, %d places", len(s.asks.verdicts), s.asks.open, s.asks.jails, len(s.asks.places))
			}
		})
	}
}

func TestBreachesOfTheAskProtocol(t *testing.T) {
	wait := func(ctx context.Context, _ uint64, _ Ask) Verdict { <-ctx.Done(); return Verdict{} }
	for want, breach := range map[string]func(*Server) error{
		"canonical": func(s *Server) error { return s.asked(asking(1, "j", "A.example.com")) },
		"twice": func(s *Server) error {
			_ = s.asked(asking(1, "j", "a.example.com"))
			return s.asked(asking(1, "j", "a.example.com"))
		},
		"64 connections of a jail": func(s *Server) (err error) {
			for id := uint64(1); id <= control.MaxHeldJail+1 && err == nil; id++ {
				err = s.asked(asking(id, "j", "a.example.com"))
			}
			return err
		},
		"1024 in all": func(s *Server) (err error) {
			for id := uint64(1); id <= control.MaxHeld+1 && err == nil; id++ {
				jail := fmt.Sprint(id / 10)
				_ = s.know(jail) // an error means that it is known
				err = s.asked(asking(id, jail, "a.example.com"))
			}
			return err
		},
		"not taken": func(s *Server) (err error) {
			for id := uint64(1); id <= maxVerdicts+1 && err == nil; id++ {
				err = s.asked(asking(id, "unknown", "a.example.com"))
			}
			return err
		},
	} {
		s := listening(t, wait)
		if err := breach(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// One that asks and withdraws faster than Askers return is refused, unheard.
func TestAskersAreBounded(t *testing.T) {
	hang := make(chan struct{})
	s := listening(t, func(context.Context, uint64, Ask) Verdict { <-hang; return Verdict{Allow: true} })
	defer close(hang)
	for id := uint64(1); id <= maxAsking; id++ {
		if err := s.asked(asking(id, "j", "a.example.com")); err != nil {
			t.Fatal(err)
		}
		s.asks.end(id)
	}
	if err := s.asked(asking(maxAsking+1, "j", "a.example.com")); err != nil {
		t.Fatal(err)
	}
	if m := <-s.asks.verdicts; m.ID != maxAsking+1 || m.Verdict.Allow {
		t.Errorf("%+v", m)
	}
}
