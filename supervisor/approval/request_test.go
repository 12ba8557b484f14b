package approval

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"clawjail/audit/escape"
)

// full is a request with every field set.
func full() Request {
	return Request{
		ID: "7k2pm0ab", Jail: "01h", JailName: "nightly", Agent: "openclaw", Policy: "openclaw", StartedBy: 1000,
		Gate: GateExec, Op: "execve", Argv: []string{"git", "push", "--force", "a\x1b[31mb\u202e\xff"}, Path: "/usr/bin/git", Path2: "/x",
		SHA256: strings.Repeat("9f", 32), Host: "example.com", Addr: netip.MustParseAddr("2001:db8::1"), Port: 443, Cwd: "/home/u/project",
		Parents:    []Process{{PID: 41, Path: "/usr/bin/bash", Argv: []string{"bash", "-c", "make release"}}, {PID: 7, Path: "/usr/bin/node", ArgvCut: true}},
		ParentsCut: 2, Rule: "exec.rules[3] (openclaw.yaml:14)", Impact: []string{"outside: x"}, Reversible: ReversibleNo,
		Notes: []string{"the script's content is not bound"}, Claim: "I only tidy up", Key: "k",
		Waiting: 2, Created: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Expires: time.Date(2026, 3, 4, 5, 36, 7, 0, time.UTC),
		Timeout: 30 * time.Minute, Deadline: 5 * time.Hour, Asked: 4 * time.Hour, Boot: "boot-1",
	}
}

func sample() Request {
	r, err := Prepare(full())
	if err != nil {
		panic(err)
	}
	return r
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	b, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	var any map[string]any
	if err := json.Unmarshal(b, &any); err != nil {
		t.Fatal(err)
	}
	for _, r := range string(b) {
		if escape.Hidden(r) {
			t.Errorf("the encoding holds %U", r)
		}
	}
}

// unbound are the fields that the digest leaves out, as doc.go says.
var unbound = []string{"ID", "Digest", "Waiting", "Created", "Expires", "Timeout", "Deadline", "Asked", "Boot"}

// TestDigestCoversEveryField changes one field after the other.
func TestDigestCoversEveryField(t *testing.T) {
	base := Digest(full())
	typ := reflect.TypeFor[Request]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		r := full()
		v := reflect.ValueOf(&r).Elem().Field(i)
		switch x := v.Addr().Interface().(type) {
		case *string:
			*x += "x"
		case *Reversible:
			*x = ReversibleYes
		case *[]string:
			*x = append(*x, "")
		case *[]Process:
			*x = append(*x, Process{})
		case *int:
			*x++
		case *int64:
			*x++
		case *uint16:
			*x++
		case *uint32:
			*x++
		case *netip.Addr:
			*x = x.Next()
		case *time.Time:
			*x = x.Add(1)
		case *time.Duration:
			*x++
		default:
			t.Fatalf("%s has a type that the test does not know", f.Name)
		}
		if changed := Digest(r) != base; changed == slices.Contains(unbound, f.Name) {
			t.Errorf("%s: digest changed: %v", f.Name, changed)
		}
	}
}

func TestDigestTellsApart(t *testing.T) {
	tests := []struct {
		name string
		a, b Request
	}{
		{"one word or two", Request{Argv: []string{"a b"}}, Request{Argv: []string{"a", "b"}}},
		{"a word more", Request{Argv: []string{"a"}}, Request{Argv: []string{"a", ""}}},
		{"neighbouring fields", Request{Path: "ab"}, Request{Path: "a", Path2: "b"}},
		{"which list", Request{Impact: []string{"x"}}, Request{Notes: []string{"x"}}},
		{"a parent's word", Request{Parents: []Process{{Path: "a", Argv: []string{"b"}}}}, Request{Parents: []Process{{Path: "a"}, {Path: "b"}}}},
		{"bytes that look alike", Request{Path: "a\xff"}, Request{Path: "a\ufffd"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if Digest(tt.a) == Digest(tt.b) {
				t.Error("the same digest")
			}
		})
	}
	a, b := full(), full()
	b.Parents = slices.Clone(b.Parents)
	b.Parents[0].PID = 99
	if Digest(a) != Digest(b) {
		t.Error("a process id is part of the digest")
	}
}

func TestATwoMegabyteCommandLine(t *testing.T) {
	one := push("j1", strings.Repeat("\x1b[2J", 1<<19))
	two := push("j1", strings.Repeat("\x1b[2J", 1<<18)+"!"+strings.Repeat("\x1b[2J", 1<<18)[1:])
	a, err := Prepare(one)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := Prepare(two)
	if a.ArgvBytes != b.ArgvBytes || a.Digest == b.Digest || a.Key == b.Key {
		t.Error("a difference in the part that is not shown goes unseen")
	}
	enc, err := Encode(a)
	if err != nil || len(enc) > MaxRequest {
		t.Fatalf("%d bytes, %v", len(enc), err)
	}
	if a.Argc != 3 || a.ArgvBytes != 2<<20+10 || len(a.Argv) != 3 || len(a.ArgvTail) != 1 || len(a.ArgvTail[0]) != MaxArgvTail {
		t.Errorf("argc %d, %d bytes, head of %d, tail of %d", a.Argc, a.ArgvBytes, len(a.Argv), len(a.ArgvTail))
	}
	if again, _ := Prepare(a); again.Digest != a.Digest {
		t.Error("preparing twice changes the digest")
	}
	many, err := Prepare(push("j1", make([]string, 1<<20)...))
	if err != nil || len(many.Argv) != MaxArgvWord || len(many.ArgvTail) != MaxArgvWord {
		t.Errorf("%d and %d words, %v", len(many.Argv), len(many.ArgvTail), err)
	}
}

// TestTheLargestRequestFits: everything at its bound, and each byte of the kind
// that grows most.
func TestTheLargestRequestFits(t *testing.T) {
	worst := func(n int) string { return strings.Repeat("\x01", n) }
	r := Request{Jail: worst(MaxName), JailName: worst(MaxName), Agent: worst(MaxName), Policy: worst(MaxName), Op: worst(MaxName),
		Gate: GateExec, Path: worst(MaxPath), Path2: worst(MaxPath), Cwd: worst(MaxPath), Host: worst(MaxName), SHA256: worst(MaxName),
		Rule: worst(MaxName), Boot: worst(MaxName), Claim: worst(1 << 20), Argv: []string{worst(2 << 20)}}
	for range MaxLines {
		r.Notes = append(r.Notes, worst(MaxLine))
	}
	for range 100 {
		r.Parents = append(r.Parents, Process{Path: worst(MaxPath), Argv: []string{worst(1 << 16)}})
	}
	r, err := Prepare(r)
	if err != nil {
		t.Fatal(err)
	}
	r.ID = "00000000"
	b, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(b); err != nil {
		t.Errorf("%d bytes: %v", len(b), err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"nothing", nil, "EOF"},
		{"no object", []byte("[]"), "cannot unmarshal"},
		{"text after the end", append(slices.Clone(good), "{}"...), "after its end"},
		{"an unknown member", bytes.Replace(good, []byte(`{"id"`), []byte(`{"x":1,"id"`), 1), "unknown field"},
		{"another path", bytes.Replace(good, []byte("/usr/bin/git"), []byte("/usr/bin/gut"), 1), "digest"},
		{"a bad escape", bytes.Replace(good, []byte("/usr/bin/git"), []byte(`/usr\\q`), 1), "escape"},
		{"a bad id", bytes.Replace(good, []byte(`"7k2pm0ab"`), []byte(`"../../etc"`), 1), "no id"},
		{"a bad address", bytes.Replace(good, []byte("2001:db8::1"), []byte("2001:db8::g"), 1), "ParseAddr"},
		{"a negative count", bytes.Replace(good, []byte(`"waiting":2`), []byte(`"waiting":-2`), 1), "negative"},
		{"too much", bytes.Repeat([]byte(" "), MaxRequest+1), "at most"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Decode(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	good, _ := Encode(sample())
	f.Add(good)
	small, _ := Prepare(Request{Jail: "j", Gate: GateConnect, Addr: netip.MustParseAddr("192.0.2.1"), Port: 25})
	small.ID = "00000000"
	b, _ := Encode(small)
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := Decode(in)
		if err != nil {
			return
		}
		out, err := Encode(r)
		if err != nil {
			t.Fatalf("decoded, but does not encode: %v", err)
		}
		again, err := Decode(out)
		if err != nil {
			t.Fatalf("encoded, but does not decode: %v", err)
		}
		if again.Digest != r.Digest || Digest(again) != r.Digest {
			t.Error("the digest changed on the way")
		}
	})
}

// TestBounds: the table in doc.go names constants that exist, and their values
// are the ones that the words there were written for.
func TestBounds(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Limits.Jail", "Limits.Total", "MaxRequest", "MaxGrants", "MaxAllGrants", "MaxDecided", "MaxEnded", "MaxWatchers", "watchBuffer", "MaxSeen", "MaxSent", "MaxStepped", "MaxConsents"} {
		if !strings.Contains(string(doc), name) {
			t.Errorf("doc.go does not name %s", name)
		}
	}
	if l := DefaultLimits(); l.Jail*2 > l.Total {
		t.Error("two jails can fill the queue")
	}
}
