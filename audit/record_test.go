package audit

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// full has every field set.
func full() Record {
	return Record{
		Schema: Schema, Seq: 42, Time: time.Date(2026, 11, 23, 6, 38, 51, 123, time.UTC),
		Boot: "b", Jail: "j", ExecID: "e", Parent: "p", Gate: GateExec,
		Subject: Subject{
			Op: "open", Name: "n", Path: "/p", Path2: "/q", PathExact: new(true), Argv: []string{"a", "", "c d"},
			Argc: 9, ArgvSHA256: "ab", Truncated: true, SHA256: "cd", Dev: 1 << 63, Ino: 2, Pid: 3, PPid: 4, UID: new(uint32(0)),
			Host: "h", Addr: "::1", Port: 443, Proto: "tcp", BytesUp: 5, BytesDown: 6, DurationMS: 0.25,
			ExitCode: new(0), Signal: "SIGKILL", Errno: 1, Lost: 7, Class: "c", Message: "m",
		},
		Verdict: "deny", Rule: "exec.rules[3]", Tier: "notify",
		Decision: &Decision{ID: "d", By: "root", HeldMS: 1500, Digest: "sha256:00", Reason: "rejected"},
		Prev:     Genesis,
	}
}

const fullLine = `{"schema":1,"seq":42,"time":"2026-11-23T06:38:51.000000123Z","boot":"b","jail":"j","exec_id":"e","parent":"p","gate":"exec",` +
	`"subject":{"op":"open","name":"n","path":"/p","path2":"/q","path_exact":true,"argv":["a","","c d"],"argc":9,"argv_sha256":"ab","truncated":true,"sha256":"cd",` +
	`"dev":9223372036854775808,"ino":2,"pid":3,"ppid":4,"uid":0,"host":"h","addr":"::1","port":443,"proto":"tcp","bytes_up":5,"bytes_down":6,"duration_ms":0.25,` +
	`"exit_code":0,"signal":"SIGKILL","errno":1,"lost":7,"class":"c","message":"m"},"verdict":"deny","rule":"exec.rules[3]","tier":"notify",` +
	`"decision":{"id":"d","by":"root","held_ms":1500,"digest":"sha256:00","reason":"rejected"},"prev":"` + Genesis + `"}`

func TestLine(t *testing.T) {
	r := full()
	if got := string(r.AppendJSON(nil)); got != fullLine {
		t.Errorf("line\n%s\nwant\n%s", got, fullLine)
	}
	back, err := Decode([]byte(fullLine))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, back); d != "" {
		t.Errorf("decoded record differs: %s", d)
	}
}

// TestLineIsWhatTheTagsSay holds the encoder by hand to the struct: a field
// added to one and not to the other shows here.
func TestLineIsWhatTheTagsSay(t *testing.T) {
	type plain Record // without MarshalJSON
	for _, r := range []Record{full(), {Gate: GateGap}} {
		std, err := json.Marshal(plain(r))
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal(std, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(r.AppendJSON(nil), &got); err != nil {
			t.Fatal(err)
		}
		// The one difference that is meant: all times are equally long.
		want.(map[string]any)["time"] = got.(map[string]any)["time"]
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("line differs from the tags: %s", d)
		}
	}
}

func TestText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "abc", `"abc"`},
		{"quotes and backslashes", `a"b\c`, `"a\"b\\c"`},
		{"lines", "a\nb\rc\td", `"a\nb\rc\td"`},
		{"control characters", "\x00\x1b\x7f\u0085", `"\u0000\u001b\u007f\u0085"`},
		{"bidirectional and invisible", "\u202e\u200b\ufeff", `"\u202e\u200b\ufeff"`},
		{"invisible beyond the basic plane", "\U000e0041", `"\udb40\udc41"`},
		{"other scripts stay", "日本 é", `"日本 é"`},
		{"invalid bytes", "a\xff\x80b", `"a\udcff\udc80b"`},
		{"half a character", "\xc3", `"\udcc3"`},
		{"an encoded surrogate", "\xed\xb3\xbf", `"\udced\udcb3\udcbf"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := appendString(nil, tt.in)
			if string(got) != tt.want {
				t.Errorf("appendString(%q) = %s, want %s", tt.in, got, tt.want)
			}
			p := parser{b: got}
			if back := p.str(); back != tt.in || p.err != nil {
				t.Errorf("%s came back as %q, %v", got, back, p.err)
			}
		})
	}
}

func TestTime(t *testing.T) {
	tests := []struct {
		in   time.Time
		want string
	}{
		{time.Time{}, `"0001-01-01T00:00:00.000000000Z"`},
		{time.Date(2026, 2, 28, 23, 59, 59, 999999999, time.FixedZone("", 3600)), `"2026-02-28T22:59:59.999999999Z"`},
		{time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), `"0000-01-01T00:00:00.000000000Z"`},
		{time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), `"9999-12-31T23:59:59.999999999Z"`},
	}
	for _, tt := range tests {
		if got := string(appendTime(nil, tt.in)); got != tt.want {
			t.Errorf("appendTime(%v) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"nothing", fullLine, ``, "expected {"},
		{"a cut line", `:"` + Genesis + `"}`, ``, "expected member prev"},
		{"text behind", `0"}`, `0"} `, "text after the record"},
		{"a newer schema", `"schema":1`, `"schema":2`, "newer schema"},
		{"a blank", `"seq":42`, `"seq": 42`, "bad integer"},
		{"an unknown member", `"jail":"j"`, `"jall":"j"`, "expected member gate"},
		{"members in another order", `"jail":"j","exec_id":"e"`, `"exec_id":"e","jail":"j"`, "expected member gate"},
		{"a member twice", `"jail":"j"`, `"jail":"j","jail":"j"`, "expected member gate"},
		{"an empty member", `"jail":"j"`, `"jail":""`, "not in canonical form"},
		{"a leading zero", `"seq":42`, `"seq":042`, "not in canonical form"},
		{"a port that is none", `"port":443`, `"port":65536`, "bad integer"},
		{"a day that is none", `2026-11-23`, `2026-11-31`, "not in canonical form"},
		{"an escape that was not needed", `"path":"/p"`, `"path":"\u002fp"`, "not in canonical form"},
		{"bytes that are a character", `"path":"/p"`, `"path":"\udcc3\udca9"`, "not in canonical form"},
		{"half a pair", `"path":"/p"`, `"path":"\ud83d"`, "surrogate"},
		{"a pair of halves", `"path":"/p"`, `"path":"\udc00"`, "surrogate"},
		{"a raw control byte", `"path":"/p"`, "\"path\":\"\x01\"", "not in canonical form"},
		{"raw invalid UTF-8", `"path":"/p"`, "\"path\":\"\xff\"", "invalid UTF-8"},
		{"raw invalid UTF-8 behind an escape", `"path":"/p"`, "\"path\":\"\\n\xff\"", "invalid UTF-8"},
		{"capital hex digits", `"path":"/p"`, `"path":"\u001B"`, "not in canonical form"},
		{"a float of another spelling", `"duration_ms":0.25`, `"duration_ms":0.250`, "not in canonical form"},
		{"an exponent", `"duration_ms":0.25`, `"duration_ms":25e-2`, "expected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			line := strings.Replace(fullLine, tt.old, tt.new, 1)
			_, err := Decode([]byte(line))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Decode(make([]byte, MaxLineBytes+1)); err == nil {
		t.Error("a line over the bound is accepted")
	}
}

// TestBound: the worst record that a caller can give fits a line.
func TestBound(t *testing.T) {
	bad := strings.Repeat("\xff", 3*MaxTextBytes)
	r := Record{
		Boot: bad, Jail: bad, ExecID: bad, Parent: bad, Gate: bad, Verdict: bad, Rule: bad, Tier: bad, Prev: Genesis,
		Subject: Subject{Op: bad, Name: bad, Path: bad, Path2: bad, ArgvSHA256: bad, SHA256: bad, Host: bad, Addr: bad, Proto: bad,
			Signal: bad, Class: bad, Message: bad, DurationMS: math.NaN(), Argv: []string{"a", strings.Repeat("\xff", 2<<20)}},
		Decision: &Decision{ID: bad, By: bad, Digest: bad, Reason: bad, HeldMS: math.Inf(1)},
	}
	r.Schema, r.Seq, r.Time = Schema, math.MaxUint64, time.Now().UTC()
	bound(&r)
	line := r.AppendJSON(nil)
	if len(line) > MaxLineBytes {
		t.Errorf("line of %d bytes", len(line))
	}
	if _, err := Decode(line); err != nil {
		t.Error(err)
	}
	s := r.Subject
	if !s.Truncated || s.Argc != 2 || len(s.Argv[0])+len(s.Argv[1]) != MaxArgvBytes || len(s.ArgvSHA256) != 64 {
		t.Errorf("truncated %v, argc %d, argv of %d and %d bytes, digest %q", s.Truncated, s.Argc, len(s.Argv[0]), len(s.Argv[1]), s.ArgvSHA256)
	}

	many := Record{Subject: Subject{Argv: make([]string, 5000)}}
	bound(&many)
	if len(many.Subject.Argv) != MaxArgs || many.Subject.Argc != 5000 {
		t.Errorf("%d arguments of %d", len(many.Subject.Argv), many.Subject.Argc)
	}

	same := full()
	bound(&same)
	if d := cmp.Diff(full(), same); d != "" {
		t.Errorf("a record within the bounds was changed: %s", d)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(fullLine))
	f.Add([]byte(strings.Replace(fullLine, `/p`, `\udcff\udb40\udc41\n\u202e`, 1)))
	f.Add([]byte(`{"schema":1,"seq":1,"time":"0001-01-01T00:00:00.000000000Z","boot":"","gate":"","subject":{},"prev":""}`))
	f.Add([]byte(`{"schema":9}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		sh, shaped := shapeOf(line)
		r, err := Decode(line)
		if err != nil {
			return
		}
		if got := r.AppendJSON(nil); string(got) != string(line) {
			t.Errorf("%s came back as %s", line, got)
		}
		if shaped && (sh.seq != r.Seq || string(sh.prev) != r.Prev || string(sh.time) != string(appendTime(nil, r.Time))) {
			t.Errorf("shape %d %s %s of %s", sh.seq, sh.time, sh.prev, line)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add("plain", "x")
	f.Add("\x00\xff\u202e", "日本")
	f.Fuzz(func(t *testing.T, path, arg string) {
		r := Record{Schema: Schema, Gate: GateExec, Subject: Subject{Path: path, Argv: []string{arg}}, Prev: Genesis}
		line := r.AppendJSON(nil)
		back, err := Decode(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if back.Subject.Path != path || back.Subject.Argv[0] != arg {
			t.Errorf("%q %q came back as %q %q", path, arg, back.Subject.Path, back.Subject.Argv[0])
		}
		if !json.Valid(line) {
			t.Errorf("%s is not JSON", line)
		}
		for _, c := range line {
			if c < ' ' || c == 0x7f {
				t.Errorf("line holds byte %#x", c)
			}
		}
	})
}
