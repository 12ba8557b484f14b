package supervisor

import (
	"fmt"
	"log/slog"
	"testing"

	"clawjail/audit"
)

// opsOf gives the operations in a log, oldest first.
func opsOf(t *testing.T, dir string) (ops []string) {
	t.Helper()
	for r, err := range audit.Query(dir, audit.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, r.Subject.Op)
	}
	return ops
}

func TestNotebookWritesInOrder(t *testing.T) {
	dir := t.TempDir()
	log, err := audit.Open(dir, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := &auditor{log: log, slog: slog.New(slog.DiscardHandler), steps: map[step]uint64{}, changed: make(chan struct{}, 1)}
	lost := 0
	n := &notebook{audit: a, lost: func(*jailView) { lost++ }}
	v := newJailView("x")
	op := func(i int) audit.Record {
		return audit.Record{Jail: v.id, Gate: audit.GateExec, Subject: audit.Subject{Op: fmt.Sprint(i)}}
	}
	for i := range maxNoted - 1 {
		n.note(v, op(i))
	}
	if got := opsOf(t, dir); len(got) != 0 {
		t.Fatalf("%d records before they had to be", len(got))
	}
	for i := range maxNoted { // the first of them fills it
		n.note(v, op(maxNoted-1+i))
	}
	n.write()
	n.write() // nothing is there twice
	got := opsOf(t, dir)
	if len(got) != 2*maxNoted-1 || a.records.Load() != uint64(len(got)) {
		t.Fatalf("%d records, %d counted", len(got), a.records.Load())
	}
	for i, o := range got {
		if o != fmt.Sprint(i) {
			t.Fatalf("record %d is %s", i, o)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	n.note(v, op(0))
	n.note(v, op(1))
	n.write()
	if lost != 2 || a.missed != 2 || a.err() == nil {
		t.Errorf("%d lost, %d missed, %v; want 2 of both", lost, a.missed, a.err())
	}
}
