package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var day = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// sample writes a small log over several segments: one record an hour.
func sample(t *testing.T, o Options) string {
	t.Helper()
	dir := t.TempDir()
	l := openLog(t, dir, o)
	gates := []string{GateExec, GateFile, GateEgress}
	verdicts := []string{"allow", "deny", "audit", "kill"}
	for i := range 24 {
		mustAppend(t, l, Record{Time: day.Add(time.Duration(i) * time.Hour), Jail: []string{"a", "b"}[i%2], Gate: gates[i%3], Verdict: verdicts[i%4],
			Subject: Subject{Path: fmt.Sprint(i), Message: `,"jail":"b",`}})
	}
	l.Close()
	return dir
}

// collect gives the subjects' paths, and errors as text.
func collect(t *testing.T, dir string, f Filter) []string {
	t.Helper()
	var got []string
	for r, err := range Query(dir, f) {
		if err != nil {
			got = append(got, "! "+err.Error())
			continue
		}
		got = append(got, r.Subject.Path)
	}
	return got
}

func TestQuery(t *testing.T) {
	dir := sample(t, Options{MaxBytes: 1500})
	if n := len(segmentNames(t, dir)); n < 4 {
		t.Fatalf("%d segments", n)
	}
	tests := []struct {
		name string
		f    Filter
		want string
	}{
		{"everything", Filter{}, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23"},
		{"one jail", Filter{Jail: "b"}, "1 3 5 7 9 11 13 15 17 19 21 23"},
		{"no such jail", Filter{Jail: "c"}, ""},
		{"part of a name is no name", Filter{Gate: "exe"}, ""},
		{"one gate", Filter{Gate: GateFile}, "1 4 7 10 13 16 19 22"},
		{"two verdicts", Filter{Verdict: "deny,kill"}, "1 3 5 7 9 11 13 15 17 19 21 23"},
		{"jail and gate and verdict", Filter{Jail: "b", Gate: "file,egress", Verdict: "deny"}, "1 5 13 17"},
		{"since", Filter{Since: day.Add(21 * time.Hour)}, "21 22 23"},
		{"until", Filter{Until: day.Add(2 * time.Hour)}, "0 1"},
		{"between, in another zone", Filter{Since: day.Add(5 * time.Hour).In(time.FixedZone("", 7200)), Until: day.Add(7 * time.Hour)}, "5 6"},
		{"the newest", Filter{Limit: 3}, "21 22 23"},
		{"the newest of a jail", Filter{Limit: 4, Jail: "a"}, "16 18 20 22"},
		{"more than there are", Filter{Limit: 400, Gate: GateExec}, "0 3 6 9 12 15 18 21"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(collect(t, dir, tt.f), " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	for range Query(dir, Filter{}) {
		break // a consumer that has enough
	}
}

func TestQueryWithoutLog(t *testing.T) {
	for _, err := range Query(filepath.Join(t.TempDir(), "none"), Filter{}) {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	}
	if got := collect(t, t.TempDir(), Filter{Limit: 5}); len(got) != 0 {
		t.Errorf("an empty directory gives %v", got)
	}
}

// TestQueryDamaged: whatever is done to a log, its reader says so and goes on.
func TestQueryDamaged(t *testing.T) {
	line := func(b []byte, n int) (before, line, after []byte) {
		lines := bytes.SplitAfter(b, []byte("\n"))
		return bytes.Join(lines[:n-1], nil), lines[n-1], bytes.Join(lines[n:], nil)
	}
	tests := []struct {
		name string
		do   func(b []byte) []byte
		want string // errors, in order, joined by |
		left int    // records that are still given
	}{
		{"an edited value", func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"verdict":"deny"`), []byte(`"verdict":"skip"`), 1)
		},
			"line 3: record 3 does not follow the line before it", 24},
		{"garbage for a line", func(b []byte) []byte { x, _, y := line(b, 4); return slices.Concat(x, []byte("garbage\n"), y) },
			"line 4: offset 0: expected {|line 5: record 5 does not follow", 23},
		{"a removed line", func(b []byte) []byte { x, _, y := line(b, 4); return slices.Concat(x, y) },
			"line 4: records 4 to 4 are missing", 23},
		{"an inserted line", func(b []byte) []byte { x, l, y := line(b, 4); return slices.Concat(x, l, l, y) },
			"line 5: record 4 stands where 5 belongs", 25},
		{"lines that changed places", func(b []byte) []byte {
			x, l4, _ := line(b, 4)
			_, l5, y := line(b, 5)
			return slices.Concat(x, l5, l4, y)
		},
			"line 4: records 4 to 4 are missing|line 5: record 4 stands where 6 belongs|line 6: records 5 to 5 are missing", 24},
		{"a line over the bound", func(b []byte) []byte {
			x, _, y := line(b, 4)
			return slices.Concat(x, bytes.Repeat([]byte("x"), 3<<20), []byte("\n"), y)
		},
			"line 4: line over the bound", 23},
		{"a torn tail", func(b []byte) []byte { return append(b, `{"schema":1`...) },
			"line 25: line without an end", 24},
		{"a torn tail over the bound", func(b []byte) []byte { return append(b, bytes.Repeat([]byte("x"), 3<<20)...) },
			"line 25: line without an end", 24},
		{"zeros in the middle", func(b []byte) []byte {
			x, l, y := line(b, 9)
			return slices.Concat(x, make([]byte, len(l)-1), []byte("\n"), y)
		},
			"line 9: offset 0: expected {|line 10: record 10 does not follow", 23},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := sample(t, Options{})
			seg := segmentNames(t, dir)[0]
			change(t, seg, tt.do)
			records := 0
			var errs []string
			for _, err := range Query(dir, Filter{}) {
				var bad *CorruptError
				switch {
				case err == nil:
					records++
				case errors.As(err, &bad):
					if bad.Segment != filepath.Base(seg) {
						t.Errorf("segment %s", bad.Segment)
					}
					errs = append(errs, fmt.Sprintf("line %d: %v", bad.Line, bad.Err))
				default:
					t.Error(err)
				}
			}
			want := strings.Split(tt.want, "|")
			if len(errs) != len(want) {
				t.Fatalf("errors %q, want %q", errs, want)
			}
			for i := range want {
				if !strings.HasPrefix(errs[i], want[i]) {
					t.Errorf("error %q, want %q", errs[i], want[i])
				}
			}
			if records != tt.left {
				t.Errorf("%d records, want %d", records, tt.left)
			}
			// The same is said to somebody who asks for something else.
			n := 0
			for _, err := range Query(dir, Filter{Jail: "none"}) {
				if err != nil {
					n++
				}
			}
			if n != len(want) {
				t.Errorf("%d errors with a filter that matches nothing, want %d", n, len(want))
			}
		})
	}
}

func TestQueryMissingSegment(t *testing.T) {
	dir := sample(t, Options{MaxBytes: 1500})
	if err := os.Remove(segmentNames(t, dir)[1]); err != nil {
		t.Fatal(err)
	}
	got := collect(t, dir, Filter{})
	i := slices.IndexFunc(got, func(s string) bool { return strings.HasPrefix(s, "! ") })
	if i < 0 || !strings.Contains(got[i], "are missing") {
		t.Errorf("got %v", got)
	}
}

// TestFollow: what is old, what comes, over rotations, a dead writer's torn
// line and a new writer.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{MaxBytes: 1000})
	for i := range 5 {
		mustAppend(t, l, execRecord(fmt.Sprint(i)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	for r, err := range Follow(ctx, dir, Filter{Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Subject.Path)
		switch n := len(got); {
		case n == 1: // one of the two old ones
		case n < 12:
			mustAppend(t, l, execRecord(fmt.Sprint(n+3)))
		case n == 12: // the writer dies while it writes
			l.Close()
			names := segmentNames(t, dir)
			change(t, names[len(names)-1], func(b []byte) []byte { return append(b, `{"schema":1,"seq":99`...) })
			l = openLog(t, dir, Options{MaxBytes: 1000})
		case n == 13:
			if r.Gate != GateGap {
				t.Errorf("after a torn line comes %+v", r)
			}
			mustAppend(t, l, execRecord("end"))
		default:
			cancel()
		}
	}
	want := "3 4 5 6 7 8 9 10 11 12 13 14"
	if s := strings.Join(got[:12], " "); s != want || got[13] != "end" {
		t.Errorf("got %v, want %s … end", got, want)
	}
}

func TestFollowFromTheEnd(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l := openLog(t, dir, Options{})
	mustAppend(t, l, execRecord("old"))
	// Follow gives its first chance to write when it waits; a filter that
	// matches one record of two shows that it was there.
	seen := make(chan string, 8) // more than are sent
	go func() {
		defer close(seen)
		for r, err := range Follow(ctx, dir, Filter{Limit: -1, Jail: "b"}) {
			if err != nil {
				t.Error(err)
				return
			}
			seen <- r.Subject.Path
		}
	}()
	for got := ""; got == ""; { // until it is watching
		mustAppend(t, l, Record{Jail: "a", Gate: GateExec}, Record{Jail: "b", Gate: GateExec, Subject: Subject{Path: "new"}})
		select {
		case got = <-seen:
			if got != "new" {
				t.Errorf("got %q", got)
			}
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	for range seen {
	}
}

func TestFollowBeforeTheFirstRecord(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l := openLog(t, dir, Options{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		mustAppend(t, l, execRecord("first"))
	}()
	for r, err := range Follow(ctx, dir, Filter{}) {
		if err != nil || r.Subject.Path != "first" {
			t.Errorf("%+v, %v", r, err)
		}
		cancel()
	}
	<-done
}

// FuzzLines compares the reader with the plain definition of a line.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbb\n\nccc"), 2)
	f.Add([]byte("aaaa\naaaaaaaaaaaaaaaaaaaaaaaaa\n"), 4)
	f.Fuzz(func(t *testing.T, b []byte, maxLine int) {
		maxLine = 1 + maxLine&63
		lr := newLineReader(bytes.NewReader(b), maxLine)
		rest := b
		for {
			line, err := lr.next()
			i := bytes.IndexByte(rest, '\n')
			switch {
			case i < 0 && len(rest) == 0:
				if err != io.EOF {
					t.Fatalf("%q at the end, %v", line, err)
				}
				return
			case i < 0:
				if !errors.Is(err, errPartial) || lr.off != int64(len(b)-len(rest)) {
					t.Fatalf("%q, %v at %d with %q left", line, err, lr.off, rest)
				}
				return
			case i > maxLine:
				if !errors.Is(err, errLong) {
					t.Fatalf("%q, %v for a line of %d bytes", line, err, i)
				}
			case err != nil || !bytes.Equal(line, rest[:i]):
				t.Fatalf("%q, %v; want %q", line, err, rest[:i])
			}
			rest = rest[i+1:]
		}
	})
}

// TestQueryBesideWriter: a reader never takes a line that is being written for
// damage.
func TestQueryBesideWriter(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir, Options{Sync: SyncNever})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 5000 {
			if _, err := l.Append(execRecord(strings.Repeat("x", 1500))); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		for _, err := range Query(dir, Filter{Limit: 3}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
