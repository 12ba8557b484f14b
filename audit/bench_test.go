package audit

import (
	"fmt"
	"testing"
	"time"
)

func BenchmarkQuery(b *testing.B) {
	dir := b.TempDir()
	l, err := Open(dir, Options{Sync: SyncNever})
	if err != nil {
		b.Fatal(err)
	}
	const records = 200_000
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for i := range records {
		r := Record{Time: start.Add(time.Duration(i) * time.Millisecond), Jail: fmt.Sprintf("jail-%d", i%100), Gate: GateExec, Verdict: "allow",
			Subject: Subject{Op: "exec", Path: "/usr/bin/git", Argv: []string{"git", "status"}, Pid: 4711}, Rule: "exec.rules[3]"}
		if _, err := l.Append(r); err != nil {
			b.Fatal(err)
		}
	}
	size := int64(l.Bytes())
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	for _, f := range []struct {
		name   string
		filter Filter
	}{
		{"one jail of a hundred", Filter{Jail: "jail-7"}},
		{"the newest ten", Filter{Limit: 10}},
		{"everything", Filter{}},
	} {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				for _, err := range Query(dir, f.filter) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
