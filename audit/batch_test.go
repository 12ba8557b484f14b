package audit

import (
	"fmt"
	"testing"
	"time"
)

func batchOf(n int) []Record {
	out := make([]Record, n)
	for i := range out {
		out[i] = execRecord(fmt.Sprint("/bin/", i))
	}
	return out
}

func mustAppendAll(t *testing.T, l *Log, records []Record) {
	t.Helper()
	if n, err := l.AppendAll(records); err != nil || n != len(records) {
		t.Fatalf("%d of %d records, %v", n, len(records), err)
	}
}

// What is appended together reads as if it had been appended one by one,
// whatever the segments and the flush policy.
func TestAppendAll(t *testing.T) {
	for _, o := range []Options{{}, {MaxBytes: 1}, {MaxBytes: 4096}, {Sync: SyncAlways}, {Sync: SyncNever}} {
		dir := t.TempDir()
		l := openLog(t, dir, o)
		mustAppendAll(t, l, nil)
		mustAppendAll(t, l, batchOf(3))
		mustAppend(t, l, execRecord("/between"))
		mustAppendAll(t, l, batchOf(40))
		rs := checkChain(t, dir)
		if len(rs) != 44 {
			t.Fatalf("%+v: %d records", o, len(rs))
		}
		for i, r := range rs[4:] {
			if r.Subject.Path != fmt.Sprint("/bin/", i) || r.Boot == "" || r.Time.IsZero() {
				t.Errorf("%+v: record %d is %+v", o, i, r)
			}
		}
		if seq, _ := l.Head(); seq != 44 {
			t.Errorf("%+v: head at %d", o, seq)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		l = openLog(t, dir, o)
		mustAppendAll(t, l, batchOf(2))
		checkChain(t, dir)
	}
}

// What is redacted is the log's copy; a note of the log comes before the batch.
func TestAppendAllRedactsAndNotes(t *testing.T) {
	dir := t.TempDir()
	c := &fakeClock{wall: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	l := openLog(t, dir, Options{now: c.now, Redact: func(r *Record) { r.Subject.Path = "hidden" }})
	mustAppendAll(t, l, batchOf(1))
	c.pass(-time.Hour, time.Second)
	records := batchOf(2)
	mustAppendAll(t, l, records)
	if records[1].Subject.Path != "/bin/1" {
		t.Errorf("the caller's record became %q", records[1].Subject.Path)
	}
	rs := checkChain(t, dir)
	if len(rs) != 4 || rs[1].Gate == GateExec || rs[2].Subject.Path != "hidden" || rs[3].Subject.Path != "hidden" {
		t.Errorf("records %+v", rs)
	}
}

func TestAppendAllAfterClose(t *testing.T) {
	l := openLog(t, t.TempDir(), Options{})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := l.AppendAll(batchOf(2)); n != 0 || err == nil {
		t.Errorf("%d records, %v", n, err)
	}
}

func BenchmarkAppendAll(b *testing.B) {
	for _, size := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l, err := Open(b.TempDir(), Options{Sync: SyncNever})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			records := batchOf(size)
			b.ReportAllocs()
			for i := 0; i < b.N; i += size {
				if size == 1 {
					_, err = l.Append(records[0])
				} else {
					_, err = l.AppendAll(records)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
