package audit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written makes a log of n records and returns its newest segment.
func written(t *testing.T, dir string, o Options, n int) string {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		mustAppend(t, l, execRecord(fmt.Sprintf("/%d", i+1)))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	names := segmentNames(t, dir)
	return names[len(names)-1]
}

// change rewrites a file.
func change(t *testing.T, name string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, f(b), 0o640); err != nil {
		t.Fatal(err)
	}
}

func TestTornTail(t *testing.T) {
	tests := []struct {
		name string
		tail string // what is behind the third record
	}{
		{"half a record", `{"schema":1,"seq":4,"time":"2026-`},
		{"a whole record without its newline", strings.TrimSuffix(fullLine, "\n")},
		{"zeros", strings.Repeat("\x00", 5000)},
		{"more than one buffer", strings.Repeat("x", 300<<10)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for round := range 2 { // the same place torn twice
				seg := written(t, dir, Options{}, 3)
				change(t, seg, func(b []byte) []byte { return append(b, tt.tail...) })
				l := openLog(t, dir, Options{})
				mustAppend(t, l, execRecord("/after"))
				l.Close()
				rs := checkChain(t, dir)
				gap := rs[len(rs)-2]
				if gap.Gate != GateGap || gap.Subject.Class != ClassTorn || gap.Subject.Lost != 1 || rs[len(rs)-1].Subject.Path != "/after" {
					t.Errorf("round %d: gap %+v", round, gap)
				}
				if b, err := os.ReadFile(filepath.Join(dir, gap.Subject.Path)); err != nil || string(b) != tt.tail {
					t.Errorf("round %d: recovery file holds %d bytes, %v", round, len(b), err)
				}
			}
		})
	}
}

// TestTornAgainAtOnce: what was saved is not overwritten when the writer dies
// at the same place before it got any further.
func TestTornAgainAtOnce(t *testing.T) {
	dir := t.TempDir()
	seg := written(t, dir, Options{}, 1)
	whole, err := os.ReadFile(seg)
	if err != nil {
		t.Fatal(err)
	}
	for _, tail := range []string{"one", "two", "three"} {
		change(t, seg, func([]byte) []byte { return append(bytes.Clone(whole), tail...) })
		openLog(t, dir, Options{}).Close()
	}
	got, err := filepath.Glob(filepath.Join(dir, recoveryDir, "*"))
	if err != nil || len(got) != 3 {
		t.Errorf("recovery files %v, %v", got, err)
	}
}

func TestTornNewSegment(t *testing.T) {
	tests := []struct{ name, content string }{{"empty", ""}, {"half a record", `{"schema":1`}}
	for _, tt := range tests {
		t.Run(tt.name+" behind another", func(t *testing.T) {
			dir := t.TempDir()
			written(t, dir, Options{}, 3)
			if err := os.WriteFile(filepath.Join(dir, segmentAt(4).name), []byte(tt.content), 0o640); err != nil {
				t.Fatal(err)
			}
			l := openLog(t, dir, Options{})
			mustAppend(t, l, execRecord("/after"))
			checkChain(t, dir)
		})
		t.Run(tt.name+" and the only one", func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, segmentAt(1).name), []byte(tt.content), 0o640); err != nil {
				t.Fatal(err)
			}
			l := openLog(t, dir, Options{})
			mustAppend(t, l, execRecord("/after"))
			checkChain(t, dir)
		})
	}
}

// TestCorruptLastLine: evidence stays, and the chain goes over it.
func TestCorruptLastLine(t *testing.T) {
	dir := t.TempDir()
	seg := written(t, dir, Options{}, 5)
	change(t, seg, func(b []byte) []byte { return bytes.Replace(b, []byte(`"path":"/5"`), []byte(`"path":!/5"`), 1) })
	before, err := os.ReadFile(seg)
	if err != nil {
		t.Fatal(err)
	}
	l := openLog(t, dir, Options{})
	if seq, err := l.Append(execRecord("/after")); seq != 7 || err != nil {
		t.Errorf("seq %d, %v; want 7: five, the gap, this", seq, err)
	}
	after, err := os.ReadFile(seg)
	if err != nil || !bytes.HasPrefix(after, before) {
		t.Errorf("the corrupt line was touched (%v)", err)
	}
	var got []string
	for r, err := range Query(dir, Filter{}) {
		if err != nil {
			got = append(got, "corrupt")
		} else {
			got = append(got, r.Gate+r.Subject.Class)
		}
	}
	if want := "exec exec exec exec corrupt gapcorrupt exec"; strings.Join(got, " ") != want {
		t.Errorf("query gives %v, want %s", got, want)
	}
}

func TestForeignFilesStay(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"README", "1.jsonl", "00000000000000000000.jsonl", "0000000000000000000x.jsonl", "99999999999999999999.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("foreign"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	l := openLog(t, dir, Options{})
	mustAppend(t, l, execRecord("/a"))
	n := 0
	for _, err := range Query(dir, Filter{}) {
		if n++; err != nil {
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("%d records", n)
	}
}

// TestWriterGoesOn: whatever stands in the newest segment, a writer can go on
// and what it writes is found.
func TestWriterGoesOn(t *testing.T) {
	huge := strings.Replace(fullLine, `"seq":42`, `"seq":18446744073709551615`, 1)
	for _, content := range []string{"\n", "\n\n\n", "x", fullLine, fullLine + "\n", huge + "\n", fullLine + "\n{", strings.Repeat("y", 2<<20) + "\n"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, segmentAt(1).name), []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		l := openLog(t, dir, Options{})
		mustAppend(t, l, execRecord("/after"))
		var last Record
		for r, err := range Query(dir, Filter{Limit: 1}) {
			if err == nil {
				last = r
			}
		}
		if last.Subject.Path != "/after" || last.Seq == 0 || last.Seq > 100 {
			t.Errorf("%.50q: the newest record is %+v", content, last)
		}
	}
}
