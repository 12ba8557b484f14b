package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func openLog(t *testing.T, dir string, o Options) *Log {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustAppend(t *testing.T, l *Log, rs ...Record) {
	t.Helper()
	for _, r := range rs {
		if _, err := l.Append(r); err != nil {
			t.Fatal(err)
		}
	}
}

func execRecord(path string) Record {
	return Record{Jail: "a", Gate: GateExec, Verdict: "allow", Subject: Subject{Op: "exec", Path: path}}
}

func segmentNames(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// checkChain reads the files as an outsider would and returns the records.
func checkChain(t *testing.T, dir string) []Record {
	t.Helper()
	prev, seq := Genesis, uint64(0)
	var all []Record
	for _, name := range segmentNames(t, dir) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 0 && b[len(b)-1] != '\n' {
			t.Errorf("%s does not end with a line", name)
		}
		in := bufio.NewScanner(bytes.NewReader(b))
		in.Buffer(nil, MaxLineBytes+1)
		for first := true; in.Scan(); first = false {
			r, err := Decode(in.Bytes())
			if err != nil {
				t.Fatalf("%s: %v: %s", name, err, in.Bytes())
			}
			if seq++; r.Seq != seq || r.Prev != prev {
				t.Fatalf("record %d follows %d with prev %s, want %s", r.Seq, seq-1, r.Prev, prev)
			}
			if first && filepath.Base(name) != segmentAt(seq).name {
				t.Errorf("segment %s begins with record %d", name, seq)
			}
			h := hashLine(in.Bytes())
			prev = string(h[:])
			all = append(all, r)
		}
	}
	return all
}

func TestAppend(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := openLog(t, dir, Options{Boot: "boot", Tier: "notify"})
	before := time.Now()
	mustAppend(t, l, execRecord("/a"))
	at := time.Date(2001, 1, 1, 0, 0, 0, 5, time.UTC)
	seq, err := l.Append(Record{Seq: 77, Prev: "x", Schema: 9, Time: at, Boot: "other", Tier: "lsm", Gate: GateFile})
	if err != nil || seq != 2 {
		t.Errorf("seq %d, %v", seq, err)
	}
	rs := checkChain(t, dir)
	if r := rs[0]; r.Boot != "boot" || r.Tier != "notify" || r.Time.Before(before.Truncate(0)) || r.Time.After(time.Now()) || r.Jail != "a" {
		t.Errorf("first record %+v", r)
	}
	if r := rs[1]; r.Boot != "other" || r.Tier != "lsm" || !r.Time.Equal(at) {
		t.Errorf("second record %+v", r)
	}
	if seq, hash := l.Head(); seq != 2 || len(hash) != 64 || l.Bytes() == 0 {
		t.Errorf("head %d %s, %d bytes", seq, hash, l.Bytes())
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Append(execRecord("/b")); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed log: %v", err)
	}
	if err := l.Sync(); !errors.Is(err, ErrClosed) {
		t.Errorf("sync of a closed log: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestPermissions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := openLog(t, dir, Options{})
	mustAppend(t, l, execRecord("/a"))
	for name, want := range map[string]os.FileMode{dir: 0o750, segmentNames(t, dir)[0]: 0o640} {
		if fi, err := os.Stat(name); err != nil || fi.Mode().Perm()&^want != 0 {
			t.Errorf("%s has mode %v, want at most %v (%v)", name, fi.Mode(), want, err)
		}
	}
	open := t.TempDir()
	if err := os.Chmod(open, 0o770); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(open, Options{}); err == nil || !strings.Contains(err.Error(), "can be written by others") {
		t.Errorf("a directory that the group can write to: %v", err)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{MaxBytes: -1}, {Interval: -1}, {Sync: SyncNever + 1}} {
		if l, err := Open(t.TempDir(), o); err == nil {
			l.Close()
			t.Errorf("options %+v are accepted", o)
		}
	}
}

func TestRotate(t *testing.T) {
	for _, s := range []Sync{SyncInterval, SyncAlways, SyncNever} {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			dir := t.TempDir()
			l := openLog(t, dir, Options{MaxBytes: 4096, Sync: s})
			for i := range 100 {
				mustAppend(t, l, execRecord(fmt.Sprintf("/bin/%d", i)))
			}
			if n := len(segmentNames(t, dir)); n < 5 {
				t.Errorf("%d segments", n)
			}
			for _, name := range segmentNames(t, dir) {
				if fi, err := os.Stat(name); err != nil || fi.Size() > 4096 {
					t.Errorf("%s has %d bytes, %v", name, fi.Size(), err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = openLog(t, dir, Options{MaxBytes: 4096, Sync: s})
			mustAppend(t, l, execRecord("/bin/last"))
			if rs := checkChain(t, dir); len(rs) != 101 {
				t.Errorf("%d records", len(rs))
			}
		})
	}
}

// TestOneRecordPerSegment: a record that is larger than a segment still gets in.
func TestOneRecordPerSegment(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{MaxBytes: 1})
	mustAppend(t, l, execRecord("/a"), execRecord("/b"), execRecord("/c"))
	checkChain(t, dir)
	if n := len(segmentNames(t, dir)); n != 3 {
		t.Errorf("%d segments", n)
	}
}

func TestConcurrentAppend(t *testing.T) {
	for _, s := range []Sync{SyncInterval, SyncAlways} {
		dir := t.TempDir()
		l := openLog(t, dir, Options{MaxBytes: 16 << 10, Sync: s, Interval: time.Microsecond})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for i := range 50 {
					if _, err := l.Append(execRecord(fmt.Sprint(i))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if err := l.Sync(); err != nil {
			t.Error(err)
		}
		if rs := checkChain(t, dir); len(rs) != 400 {
			t.Errorf("%d records", len(rs))
		}
	}
}

func TestSecondWriter(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{})
	_, err := Open(dir, Options{})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second writer: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	openLog(t, dir, Options{})
}

// fakeClock is a wall clock and a monotonic one that a test moves.
type fakeClock struct {
	wall time.Time
	mono time.Duration
}

func (c *fakeClock) now() (time.Time, time.Duration) { return c.wall, c.mono }

func (c *fakeClock) pass(wall, mono time.Duration) { c.wall, c.mono = c.wall.Add(wall), c.mono+mono }

func TestClockSet(t *testing.T) {
	dir := t.TempDir()
	c := &fakeClock{wall: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	l := openLog(t, dir, Options{now: c.now})
	mustAppend(t, l, execRecord("/1"))
	c.pass(time.Minute, time.Minute)
	mustAppend(t, l, execRecord("/2"))
	c.pass(-2*time.Hour, time.Second)
	back := c.wall
	mustAppend(t, l, execRecord("/3"))
	c.pass(3*time.Hour, time.Second)
	mustAppend(t, l, execRecord("/4"))
	c.pass(900*time.Millisecond, time.Second) // less than is worth a note
	mustAppend(t, l, execRecord("/5"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c.pass(-time.Hour, 0) // while nobody was looking
	openLog(t, dir, Options{now: c.now})

	var got []string
	for _, r := range checkChain(t, dir) {
		got = append(got, r.Gate+" "+r.Subject.Path+r.Subject.Message)
		if r.Subject.Path == "/3" && !r.Time.Equal(back) {
			t.Errorf("time of the record is %v, want the clock's %v", r.Time, back)
		}
	}
	want := []string{
		"exec /1", "exec /2",
		"supervisor the clock was set back by 2h0m1s", "exec /3",
		"supervisor the clock went forward by 2h59m59s: set, or the machine slept", "exec /4", "exec /5",
		"supervisor the clock is behind the last record by 1h0m0s",
	}
	if !slices.Equal(got, want) {
		t.Errorf("records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func BenchmarkAppend(b *testing.B) {
	r := Record{
		Jail: "claude-7f3a", ExecID: "3f2c:4711:987654321:2", Parent: "3f2c:4710:987654000:1", Gate: GateExec,
		Subject: Subject{Op: "exec", Path: "/usr/bin/git", PathExact: new(true), Argv: []string{"git", "commit", "-m", "a message that is not short"}, Dev: 265289728, Ino: 1234567, Pid: 4711},
		Verdict: "allow", Rule: "exec.rules[3]", Tier: "notify", Time: time.Now(),
	}
	for _, s := range []struct {
		name string
		sync Sync
	}{{"interval", SyncInterval}, {"never", SyncNever}} {
		b.Run(s.name, func(b *testing.B) {
			l, err := Open(b.TempDir(), Options{Sync: s.sync})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Append(r); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(l.Bytes()) / int64(b.N))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
	b.Run("interval, all refused", func(b *testing.B) {
		l, err := Open(b.TempDir(), Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		q := r
		q.Verdict = "deny"
		for b.Loop() {
			if _, err := l.Append(q); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("always", func(b *testing.B) {
		l, err := Open(b.TempDir(), Options{Sync: SyncAlways})
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := l.Append(r); err != nil {
					b.Error(err)
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("encode", func(b *testing.B) {
		var buf []byte
		for b.Loop() {
			buf = r.AppendJSON(buf[:0])
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("decode", func(b *testing.B) {
		q := r
		q.Schema, q.Time, q.Prev = Schema, q.Time.UTC(), Genesis
		line := q.AppendJSON(nil)
		for b.Loop() {
			if _, err := Decode(line); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(line)))
	})
}
