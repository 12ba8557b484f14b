package action

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/policy"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/limit"
)

// BenchmarkCheck asks through a jail's socket, with a real log and real limits:
// the figures are a median under 200 µs and 5,000 a second.
func BenchmarkCheck(b *testing.B) {
	store, err := limit.Open(filepath.Join(b.TempDir(), "limits.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	log, err := audit.Open(filepath.Join(b.TempDir(), "audit"), audit.Options{MaxBytes: 64 << 20, Boot: "b", Tier: "lsm"})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	s := New(Options{Dir: filepath.Join(b.TempDir(), "a"), Limits: store, Logger: slog.New(slog.DiscardHandler), Count: func(string) {},
		Ask:    func(context.Context, approval.Request) (approval.Decision, error) { return approval.Decision{}, nil },
		Record: func(r audit.Record) error { _, err := log.Append(r); return err }, Told: func(Jail, audit.Record) {}})
	defer s.Close()
	if err := s.Open("j"); err != nil {
		b.Fatal(err)
	}
	s.Start(Jail{ID: "j", Name: "j", Agent: "agent", Policy: &policy.Policy{Name: "p"}})
	c, err := net.Dial("unix", filepath.Join(s.Dir("j"), SocketName))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	line := []byte(`{"do":"check","type":"make_payment","amount":1250,"currency":"USD","target":"shop","description":"a subscription for a month"}` + "\n")
	took := make([]time.Duration, 0, 1<<16)
	for b.Loop() {
		begun := time.Now()
		if _, err := c.Write(line); err != nil {
			b.Fatal(err)
		}
		if _, err := r.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-µs")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "checks/s")
}
