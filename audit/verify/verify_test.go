package verify

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/audit/seal"
)

// site is a log with its keys.
type site struct {
	dir, keys string
	key       seal.Public
}

// write makes a log of records in small segments, signed every each records and
// at the end but the last tail.
func write(t testing.TB, records, each, tail int) site {
	t.Helper()
	s := site{dir: filepath.Join(t.TempDir(), "audit"), keys: filepath.Join(t.TempDir(), "keys")}
	l, err := audit.Open(s.dir, audit.Options{MaxBytes: 4000, Sync: audit.SyncNever, Boot: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.Open(s.dir, s.keys, seal.Options{Boot: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	s.key = sealer.Key()
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for i := range records {
		if _, err := l.Append(audit.Record{Time: at.Add(time.Duration(i) * time.Second), Jail: "j1", Gate: audit.GateExec, Verdict: "allow",
			Subject: audit.Subject{Op: "exec", Path: fmt.Sprintf("/usr/bin/p%03d", i+1), Argv: []string{"p", "arg"}}}); err != nil {
			t.Fatal(err)
		}
		if n := i + 1; n%each == 0 && n <= records-tail {
			if err := sealer.Seal(l); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sealer.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s site) segments(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, "*.jsonl*"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(n string) bool { return filepath.Base(n) == seal.FileName })
}

// change rewrites the lines of one file.
func change(t *testing.T, path string, f func(lines [][]byte) [][]byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := f(bytes.SplitAfter(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")))
	out := bytes.Join(lines, nil)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	if err := os.WriteFile(path, out, 0o640); err != nil {
		t.Fatal(err)
	}
}

// rewrite makes a log anew from records whose text f changes, whole in itself.
func rewrite(t *testing.T, s site, f func(string) string) {
	t.Helper()
	prev := audit.Genesis
	for _, name := range s.segments(t) {
		change(t, name, func(lines [][]byte) [][]byte {
			for i, l := range lines {
				r, err := audit.Decode(bytes.TrimSuffix(l, []byte("\n")))
				if err != nil {
					t.Fatal(err)
				}
				r.Subject.Path, r.Prev = f(r.Subject.Path), prev
				line := r.AppendJSON(nil)
				prev = hashHex(line)
				lines[i] = append(line, '\n')
			}
			return lines
		})
	}
}

func TestLogTellsHowItWasAltered(t *testing.T) {
	const records = 60
	tests := []struct {
		name  string
		alter func(t *testing.T, s site)
		want  []string // beginnings of the problems, all of them
	}{
		{"untouched", func(*testing.T, site) {}, nil},
		{"compressed", func(t *testing.T, s site) {
			if _, err := audit.Pack(context.Background(), s.dir, 0); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"one letter of a record", func(t *testing.T, s site) {
			change(t, s.segments(t)[1], func(l [][]byte) [][]byte {
				l[2] = bytes.Replace(l[2], []byte("/usr/bin"), []byte("/opt/bin"), 1)
				return l
			})
		}, []string{"edited: 00000000000000000016.jsonl:4:"}},
		{"the last record of a segment", func(t *testing.T, s site) {
			change(t, s.segments(t)[0], func(l [][]byte) [][]byte {
				l[len(l)-1] = bytes.Replace(l[len(l)-1], []byte("allow"), []byte("audit"), 1)
				return l
			})
		}, []string{"edited: 00000000000000000016.jsonl:1:"}},
		{"a record taken out", func(t *testing.T, s site) {
			change(t, s.segments(t)[1], func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) })
		}, []string{"deleted: 00000000000000000016.jsonl:3: record 18 is missing"}},
		{"a segment taken out", func(t *testing.T, s site) {
			if err := os.Remove(s.segments(t)[1]); err != nil {
				t.Fatal(err)
			}
		}, []string{"deleted: 00000000000000000031.jsonl:1: records 16 to 30 are missing"}},
		{"the first segment taken out", func(t *testing.T, s site) {
			if err := os.Remove(s.segments(t)[0]); err != nil {
				t.Fatal(err)
			}
		}, []string{"deleted: 00000000000000000016.jsonl:1: records 1 to 15 are missing, and no retirement"}},
		{"a record put in", func(t *testing.T, s site) {
			change(t, s.segments(t)[1], func(l [][]byte) [][]byte {
				return slices.Insert(l, 2, bytes.Replace(l[2], []byte("/usr/bin"), []byte("/opt/bin"), 1))
			})
		}, []string{"inserted: 00000000000000000016.jsonl:4: its number is there twice"}},
		{"two records exchanged", func(t *testing.T, s site) {
			change(t, s.segments(t)[1], func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l })
		}, []string{"reordered: 00000000000000000016.jsonl:4:"}},
		{"two segments exchanged", func(t *testing.T, s site) {
			n := s.segments(t)
			for _, m := range [][2]string{{n[0], n[0] + ".x"}, {n[1], n[0]}, {n[0] + ".x", n[1]}} {
				if err := os.Rename(m[0], m[1]); err != nil {
					t.Fatal(err)
				}
			}
		}, []string{"swapped: 00000000000000000001.jsonl:1: begins with record 16", "swapped: 00000000000000000016.jsonl:1: begins with record 1;"}},
		{"the end cut off behind the last checkpoint", func(t *testing.T, s site) {
			change(t, last(s.segments(t)), func(l [][]byte) [][]byte { return l[:len(l)-2] })
		}, nil}, // nothing was signed there: Unsigned says so
		{"the end cut off before a checkpoint", func(t *testing.T, s site) {
			change(t, last(s.segments(t)), func(l [][]byte) [][]byte { return l[:2] })
		}, []string{"truncated: 00000000000000000046.jsonl:2: the log ends with record 47; 56 was signed at"}},
		{"everything written anew", func(t *testing.T, s site) {
			rewrite(t, s, func(p string) string { return strings.Replace(p, "p012", "p999", 1) })
		}, []string{"rewritten: 00000000000000000001.jsonl:14: record 14 is not what was signed"}},
		{"a line that is no record", func(t *testing.T, s site) {
			change(t, s.segments(t)[1], func(l [][]byte) [][]byte { l[2] = []byte("{}\n"); return l })
		}, []string{"unreadable: 00000000000000000016.jsonl:3:", "edited: 00000000000000000016.jsonl:4:"}},
		{"a compressed segment damaged", func(t *testing.T, s site) {
			if _, err := audit.Pack(context.Background(), s.dir, 2); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(s.segments(t)[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.segments(t)[0], b[:len(b)/2], 0o640); err != nil {
				t.Fatal(err)
			}
		}, []string{"unreadable: 00000000000000000001.jsonl.zst:", "deleted: 00000000000000000016.jsonl:1: records 1 to 15 are missing"}},
		{"the checkpoints removed", func(t *testing.T, s site) {
			if err := os.Remove(filepath.Join(s.dir, seal.FileName)); err != nil {
				t.Fatal(err)
			}
		}, []string{"unsigned: there is no checkpoint"}},
		{"a checkpoint edited", func(t *testing.T, s site) {
			change(t, filepath.Join(s.dir, seal.FileName), func(l [][]byte) [][]byte {
				l[1] = bytes.Replace(l[1], []byte(`"seq":28`), []byte(`"seq":27`), 1)
				return l
			})
		}, []string{"checkpoint: checkpoints.jsonl:2: the signature does not fit", "checkpoint: checkpoints.jsonl:3: does not follow"}},
		{"a checkpoint taken out", func(t *testing.T, s site) {
			change(t, filepath.Join(s.dir, seal.FileName), func(l [][]byte) [][]byte { return slices.Delete(l, 1, 2) })
		}, []string{"checkpoint: checkpoints.jsonl:2: checkpoint 3 stands where 2 belongs"}},
		{"another key", func(t *testing.T, s site) {
			other := write(t, records, 14, 4)
			if err := os.RemoveAll(s.dir); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(s.dir, os.DirFS(other.dir)); err != nil {
				t.Fatal(err)
			}
		}, []string{"key: checkpoints.jsonl:1: signed by key", "key: checkpoints.jsonl:2:", "key: checkpoints.jsonl:3:", "key: checkpoints.jsonl:4:"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := write(t, records, 14, 4)
			tt.alter(t, s)
			r, err := Log(context.Background(), s.dir, Options{Keys: []seal.Public{s.key}})
			if err != nil {
				t.Fatal(err)
			}
			if r.OK != (len(tt.want) == 0) {
				t.Errorf("ok is %v", r.OK)
			}
			for i, p := range r.Problems {
				if i >= len(tt.want) || !strings.HasPrefix(p.String(), tt.want[i]) {
					t.Errorf("problem %d: %s", i+1, p)
				}
			}
			if len(r.Problems) < len(tt.want) {
				t.Errorf("%d problems, want %q", len(r.Problems), tt.want)
			}
		})
	}
}

func last(s []string) string { return s[len(s)-1] }

func hashHex(line []byte) string {
	f := factsOf(append(line, '\n'), nil)
	return string(f[0].hash[:])
}

func TestLogKnowsWhatIsNotSigned(t *testing.T) {
	s := write(t, 60, 14, 4)
	r, err := Log(context.Background(), s.dir, Options{Keys: []seal.Public{s.key}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Records != 60 || r.First != 1 || r.Last != 60 || r.Signed != 56 || r.Unsigned != 4 || r.Checkpoints != 4 || r.Key != s.key.ID() {
		t.Errorf("%+v", r)
	}
}

func TestAnchorsKeepCheckpoints(t *testing.T) {
	s := write(t, 60, 14, 4)
	path := filepath.Join(s.dir, seal.FileName)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var kept [][]byte
	forms := []string{"Nov 23 00:00:00 host clawjail[1]: audit checkpoint %s", "%s", `{"id":"a","text":%q,"host":"h"}`, `{"type":"clawjail.checkpoint.signed","data":{"title":"t","text":%q}}`}
	for line := range bytes.Lines(b) { // one of each
		kept = append(kept, fmt.Appendf(nil, forms[len(kept)%len(forms)], bytes.TrimSuffix(line, []byte("\n"))))
	}
	kept = append(kept, []byte(`{"text":"{\"schema\":1"}`), []byte(`{"schema\":`), []byte(`{\"schema\":`))
	o := Options{Keys: []seal.Public{s.key}, Anchors: kept}
	if r, err := Log(context.Background(), s.dir, o); err != nil || !r.OK || r.Anchors != 4 {
		t.Fatalf("whole: %+v, %v", r, err)
	}
	// The end is cut off together with the checkpoints that cover it.
	change(t, path, func(l [][]byte) [][]byte { return l[:3] })
	change(t, last(s.segments(t)), func(l [][]byte) [][]byte { return l[:2] })
	r, err := Log(context.Background(), s.dir, Options{Keys: o.Keys})
	if err != nil || !r.OK {
		t.Fatalf("without its anchor the cut cannot be seen, or this test shows nothing: %+v, %v", r, err)
	}
	r, err = Log(context.Background(), s.dir, o)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []Kind
	for _, p := range r.Problems {
		kinds = append(kinds, p.Kind)
	}
	if !slices.Equal(kinds, []Kind{Anchor, Truncated}) {
		t.Errorf("problems %v", r.Problems)
	}
}

func TestRetiredRecordsAreProven(t *testing.T) {
	s := write(t, 60, 14, 4)
	b, ok, err := audit.Expired(s.dir, time.Date(2026, 11, 23, 0, 0, 35, 0, time.UTC))
	if err != nil || !ok || b.Through != 30 {
		t.Fatalf("boundary %+v, %v, %v", b, ok, err)
	}
	sealer, err := seal.Open(s.dir, s.keys, seal.Options{Boot: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	if err := sealer.Retire(b.Through, b.Head, "older than 90 days"); err != nil {
		t.Fatal(err)
	}
	if err := sealer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := audit.Remove(s.dir, b); err != nil {
		t.Fatal(err)
	}
	o := Options{Keys: []seal.Public{s.key}}
	r, err := Log(context.Background(), s.dir, o)
	if err != nil || !r.OK || r.Retired != 30 || r.First != 31 || r.Records != 30 {
		t.Fatalf("%+v, %v", r, err)
	}
	// More is removed than was signed.
	if err := os.Remove(s.segments(t)[0]); err != nil {
		t.Fatal(err)
	}
	r, err = Log(context.Background(), s.dir, o)
	if err != nil || r.OK || len(r.Problems) != 1 || r.Problems[0].Kind != Deleted {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestKeyIsHandedOver(t *testing.T) {
	s := write(t, 60, 14, 4)
	sealer, err := seal.Open(s.dir, s.keys, seal.Options{Boot: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	next, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if err := sealer.HandOver(next); err != nil {
		t.Fatal(err)
	}
	if err := sealer.SealAt(58, recordHash(t, s, 58)); err != nil {
		t.Fatal(err)
	}
	if err := sealer.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Log(context.Background(), s.dir, Options{Keys: []seal.Public{s.key}})
	if err != nil || !r.OK || r.Signed != 58 || r.Key != next.Public().ID() {
		t.Fatalf("%+v, %v", r, err)
	}
	// The old key in the directory is not the one that signs now.
	if _, err := seal.Open(s.dir, s.keys, seal.Options{}); err == nil || !strings.Contains(err.Error(), next.Public().ID()) {
		t.Errorf("opened with the old key: %v", err)
	}
}

func recordHash(t *testing.T, s site, seq uint64) string {
	t.Helper()
	for _, n := range s.segments(t) {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range factsOf(b, nil) {
			if f.seq == seq {
				return string(f.hash[:])
			}
		}
	}
	t.Fatalf("no record %d", seq)
	return ""
}

func BenchmarkLog(b *testing.B) {
	dir := b.TempDir()
	l, err := audit.Open(dir, audit.Options{Sync: audit.SyncNever, Boot: "boot"})
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for i := range 400_000 {
		if _, err := l.Append(audit.Record{Time: at, Jail: fmt.Sprintf("jail-%d", i%100), Gate: audit.GateExec, Verdict: "allow",
			Subject: audit.Subject{Op: "exec", Path: "/usr/bin/git", Argv: []string{"git", "status"}, Pid: 4711}, Rule: "exec.rules[3]"}); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(l.Bytes()))
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := Log(context.Background(), dir, Options{})
		if err != nil || r.Records != 400_000 || len(r.Problems) != 1 {
			b.Fatalf("%+v, %v", r, err)
		}
	}
}
