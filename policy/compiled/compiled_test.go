package compiled

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"clawjail/policy"
	"clawjail/test/golden"
)

// genPolicy draws policies that are valid.
func genPolicy() *rapid.Generator[*policy.Policy] {
	return rapid.Custom(func(t *rapid.T) *policy.Policy {
		origin := func(name string) policy.Origin {
			return policy.Origin{Rule: name, At: rapid.SampledFrom([]string{"", "p.yaml:3", "preset agent:9"}).Draw(t, "at")}
		}
		p := &policy.Policy{
			Version:     policy.Version,
			Name:        rapid.StringMatching(`[a-z0-9]{1,10}`).Draw(t, "name"),
			Files:       []policy.File{},
			Limits:      policy.DefaultLimits(),
			Approval:    policy.Approval{Timeout: time.Duration(rapid.Int64Range(1e9, 1e15).Draw(t, "timeout"))},
			OnViolation: rapid.SampledFrom([]policy.Response{policy.RespondKill, policy.RespondFreeze, policy.RespondDeny}).Draw(t, "response"),
			Env:         policy.Env{Pass: rapid.SliceOfN(rapid.StringMatching(`[A-Z_]{1,8}\*?`), 0, 4).Draw(t, "pass"), Set: []policy.Var{}},
		}
		for i, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z<>&\x{e9}]{1,6}`), 0, 5, rapid.ID).Draw(t, "paths") {
			f := policy.File{Path: "/srv/" + name, Origin: origin("files")}
			switch i % 4 {
			case 0:
				f.Access, f.Exec = policy.AccessRead, rapid.Bool().Draw(t, "exec")
				f.Write = rapid.SampledFrom([]policy.Verdict{policy.Deny, policy.Ask, policy.Kill}).Draw(t, "write")
			case 1:
				f.Access, f.Write = policy.AccessWrite, rapid.SampledFrom([]policy.Verdict{policy.Allow, policy.Audit}).Draw(t, "write")
				f.Create = rapid.Bool().Draw(t, "create")
			case 2:
				f.Access, f.Write, f.SizeBytes = policy.AccessPrivate, policy.Allow, 1<<20
			}
			p.Files = append(p.Files, f)
		}
		p.Exec = policy.Exec{Default: policy.Verdict(rapid.Uint8Range(0, 5).Draw(t, "default")), Rules: []policy.ExecRule{}, Origin: origin("exec.default")}
		for range rapid.IntRange(0, 4).Draw(t, "rules") {
			r := policy.ExecRule{Run: rapid.SliceOfN(rapid.StringMatching(`[a-z*.]{1,6}`), 1, 3).Draw(t, "run"),
				Then: policy.Verdict(rapid.Uint8Range(0, 5).Draw(t, "then")), Origin: origin("exec.rules[0]")}
			if rapid.Bool().Draw(t, "args?") {
				r.Args = rapid.SliceOfN(rapid.StringMatching(`[a-z-]{0,4}|\.\.\.`), 0, 3).Draw(t, "args")
			}
			p.Exec.Rules = append(p.Exec.Rules, r)
		}
		p.Network = policy.Network{Default: policy.Deny, Private: rapid.SampledFrom([]policy.Verdict{policy.Deny, policy.Allow}).Draw(t, "private"), Rules: []policy.NetRule{}}
		for range rapid.IntRange(0, 4).Draw(t, "hosts") {
			p.Network.Rules = append(p.Network.Rules, policy.NetRule{
				Host: rapid.StringMatching(`(\*\.)?[a-z]{1,5}\.[a-z]{2,3}`).Draw(t, "host"), Port: rapid.Uint16().Draw(t, "port"),
				Protocol: policy.Protocol(rapid.Uint8Range(0, 3).Draw(t, "protocol")),
				Then:     rapid.SampledFrom([]policy.Verdict{policy.Allow, policy.Ask, policy.Deny}).Draw(t, "verdict"), Origin: origin("network.allow[0]"),
			})
		}
		if rapid.Bool().Draw(t, "delete?") {
			p.Delete = policy.Delete{Limit: 50, Per: time.Hour, Over: policy.Ask, Origin: origin("delete")}
		}
		for _, name := range []string{"A", "B", "C"} {
			if rapid.Bool().Draw(t, name) {
				p.Env.Set = append(p.Env.Set, policy.Var{Name: name, Value: rapid.StringMatching(`[ -~\n\x{2028}]{0,8}`).Draw(t, "value")})
			}
		}
		return p
	})
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genPolicy().Draw(t, "policy")
		b, err := Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if d := cmp.Diff(p, back); d != "" {
			t.Fatal(d)
		}
		again, err := Encode(back)
		if err != nil || !bytes.Equal(b, again) {
			t.Fatalf("%s\n%s\n%v", b, again, err)
		}
		if Digest(b) != Digest(again) || !strings.HasPrefix(Digest(b), "sha256:") || len(Digest(b)) != 71 {
			t.Fatal(Digest(b))
		}
	})
}

// Whatever byte of an encoded policy is changed, what is decoded encodes to
// those very bytes, or nothing is decoded.
func TestOneByteSequencePerPolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := Encode(genPolicy().Draw(t, "policy"))
		if err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		b[i] = rapid.Byte().Draw(t, "byte")
		p, err := Decode(b)
		if err != nil {
			return
		}
		if again, err := Encode(p); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%s\n%s\n%v", b, again, err)
		}
	})
}

// small is the least policy, encoded.
func small(t testing.TB) string {
	t.Helper()
	b, err := Encode(&policy.Policy{Version: policy.Version, Name: "small", Limits: policy.DefaultLimits(), Approval: policy.DefaultApproval()})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDecodeIsStrict(t *testing.T) {
	ok := small(t)
	if _, err := Decode([]byte(ok)); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		in, want string
	}{
		"nothing":               {"", "EOF"},
		"half of it":            {ok[:len(ok)/2], "unexpected EOF"},
		"white space":           {strings.Replace(ok, ":", ": ", 1), "canonical"},
		"a line break behind":   {ok + "\n", "canonical"},
		"something behind":      {ok + "{}", "canonical"},
		"another key":           {strings.Replace(ok, `"name"`, `"x":1,"name"`, 1), "unknown field"},
		"a key twice":           {strings.Replace(ok, `"name":"small"`, `"name":"evil","name":"small"`, 1), "canonical"},
		"another case":          {strings.Replace(ok, `"name"`, `"Name"`, 1), "canonical"},
		"keys exchanged":        {strings.Replace(ok, `"format":1,"version":1`, `"version":1,"format":1`, 1), "canonical"},
		"a missing key":         {strings.Replace(ok, `"files":[],`, ``, 1), "canonical"},
		"null for a list":       {strings.Replace(ok, `"files":[]`, `"files":null`, 1), "canonical"},
		"a float":               {strings.Replace(ok, `"pids":1024`, `"pids":1024.0`, 1), "1024.0"},
		"an exponent":           {strings.Replace(ok, `"pids":1024`, `"pids":1e3`, 1), "1e3"},
		"an escape for nothing": {strings.Replace(ok, `"small"`, `"sma\u006cl"`, 1), "canonical"},
		"no UTF-8":              {strings.Replace(ok, `"small"`, "\"sm\xffll\"", 1), "may have a-z"},
		"another format":        {strings.Replace(ok, `"format":1`, `"format":2`, 1), "format 2, this clawjail speaks 1"},
		"another version":       {strings.Replace(ok, `"version":1`, `"version":2`, 1), "version 2 is not 1"},
		"an unknown verdict":    {strings.Replace(ok, `"default":"deny","rules":[],"origin"`, `"default":"permit","rules":[],"origin"`, 1), `exec.default: unknown verdict "permit"`},
		"an open network":       {strings.Replace(ok, `"network":{"default":"deny"`, `"network":{"default":"allow"`, 1), "neither deny nor ask"},
		"no limit":              {strings.Replace(ok, `"pids":1024`, `"pids":0`, 1), "limits.pids: 0"},
		"a deletion limit of 0": {strings.Replace(ok, `"exec":`, `"delete":{"limit":0,"per_ns":1,"over":"deny","origin":{"rule":""}},"exec":`, 1), "limit 0 is no limit"},
		"an array":              {"[]", "cannot unmarshal array"},
		"too much":              {strings.Repeat(" ", MaxBytes) + ok, "at most 1048576"},
		"deep nesting":          {strings.Repeat("[", 100000), "exceeded max depth"},
	} {
		if c.in == ok {
			t.Errorf("%s: the test changes nothing", what)
		}
		p, err := Decode([]byte(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) || p != nil {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	if _, err := Decode([]byte(ok + " ")); !errors.Is(err, ErrNotCanonical) {
		t.Errorf("%v", err)
	}
}

func TestEncodeRefusesWhatIsNotValid(t *testing.T) {
	if _, err := Encode(nil); err == nil {
		t.Error("nil is encoded")
	}
	if b, err := Encode(&policy.Policy{Name: "x"}); err == nil || !strings.Contains(err.Error(), `encode policy "x": version 0`) {
		t.Errorf("%s %v", b, err)
	}
}

// The form of a policy, and with it its digest, must not change by accident.
func TestGolden(t *testing.T) {
	p := &policy.Policy{
		Version: policy.Version, Name: "golden", Limits: policy.DefaultLimits(), Approval: policy.DefaultApproval(),
		OnViolation: policy.RespondFreeze,
		Files: []policy.File{
			{Path: "/usr", Access: policy.AccessRead, Exec: true, Origin: policy.Origin{Rule: "files[0]", At: "golden.yaml:3"}},
			{Path: "/srv/w", Access: policy.AccessWrite, Write: policy.Allow, Create: true, Origin: policy.Origin{Rule: "files[1]", At: "golden.yaml:4"}},
			{Path: "/home/a", Access: policy.AccessPrivate, Write: policy.Audit, SizeBytes: 1 << 20, Origin: policy.Origin{Rule: "files[2]"}},
		},
		Delete: policy.Delete{Limit: 50, Per: time.Hour, Over: policy.Ask, Origin: policy.Origin{Rule: "delete"}},
		Exec: policy.Exec{Default: policy.Audit, Rules: []policy.ExecRule{
			{Run: []string{"git"}, Args: []string{"push", "..."}, Then: policy.Ask, Bound: []policy.Binding{{Name: "git", Path: "/x"}}},
			{SHA256: strings.Repeat("0", 64), Then: policy.Kill},
		}},
		Network: policy.Network{Rules: []policy.NetRule{{Host: "*.example.org", Port: 443, Protocol: policy.ProtocolTLS, Then: policy.Allow}}},
		Env:     policy.Env{Pass: []string{"CI"}, Set: []policy.Var{{Name: "A", Value: "<&>\u2028"}}},
	}
	b, err := Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, b, "", "  "); err != nil {
		t.Fatal(err)
	}
	got := pretty.String() + "\n" + Digest(b) + "\n"
	file := filepath.Join("testdata", "golden.txt")
	golden.Check(t, file, got)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(small(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			if p != nil {
				t.Fatal("an error and a policy")
			}
			return
		}
		again, err := Encode(p)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q\n%q\n%v", b, again, err)
		}
		if p.Evaluate(policy.Request{Gate: policy.GateOpen, Path: "/etc/shadow", Write: true}).Verdict.Permits() && len(p.Files) == 0 {
			t.Fatal("a policy that lists nothing permits something")
		}
	})
}
