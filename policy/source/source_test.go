package source

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"clawjail/policy"
	"clawjail/policy/compiled"
	"clawjail/test/golden"
)

func mustParse(t *testing.T, text string, f Features) *policy.Policy {
	t.Helper()
	p, err := Parse("dir/p.yaml", []byte(text), vars(), f)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// everything uses every key of the language.
const everything = `# a comment
version: 1
name: everything
extends: [locked]
files:
  - {path: "${WORKSPACE}", access: write, exec: true}
  - path: ${HOME}/docs
    access: read
    write: ask
    exec: false
  - {path: "/srv/$${x}", access: write, create: true, write: audit}
  - {path: "/srv/${USER}", access: write, optional: true}
  - {path: "${TMPDIR}", access: private, size: 64MiB}
  - {path: /etc/ssl/certs, access: none}
delete: {limit: 50/h, over: ask}
exec:
  default: deny
  rules:
    - {run: git, args: [push, ...], then: ask}
    - {run: [ls, "/opt/**", "${WORKSPACE}/bin/*"], then: allow}
    - {run: curl, then: sensitive}
    - {sha256: 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08, then: freeze}
    - {run: head, args: [-1, true, "a b"], then: kill}
network:
  default: ask
  private: allow
  allow:
    - "*.Example.ORG:443"
    - "a.example.org:any"
    - {host: 192.0.2.7, port: 5432}
    - {host: b.example.org, port: 80, protocol: http}
    - "[2001:db8::1]:22"
  ask: ["*.b.example.org:443"]
  deny: ["*.example.net:443", "secret.example.org:443"]
  audit: ["c.example.org:443"]
  critical: ["d.example.org:443"]
limits: {memory: 1536MiB, cpus: 0.5, pids: 99, open_files: 64, file_size: 10 KiB, wall: 1h30m, tmp: 1GiB, shm: 4KiB}
env:
  pass: [CI, "NODE_*"]
  set: {Z: "1", A: "${HOME}/x"}
approval: {timeout: 90s}
on_violation: freeze
on_refusal: explain
`

func TestEverything(t *testing.T) {
	p := mustParse(t, everything, Features{Gate: true})
	golden.Check(t, "testdata/everything.golden", strings.Join(p.Lines(), "\n")+"\n")
	if got := p.Exec.Rules[0].Origin.String(); got != "exec.rules[0] (p.yaml:19)" {
		t.Error(got)
	}
	if got := p.Network.Origin.String() + p.Network.PrivateOrigin.String() + p.Exec.Origin.String() + p.Delete.Origin.String(); got !=
		"network.default (p.yaml:25)network.private (p.yaml:26)exec.default (p.yaml:17)delete (p.yaml:15)" {
		t.Error(got)
	}
	if p.Limits.Wall != 90*time.Minute || p.Limits.FileSizeBytes != 10<<10 || p.Limits.MilliCPUs != 500 {
		t.Errorf("%+v", p.Limits)
	}
	b, err := compiled.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := compiled.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p.Lines(), back.Lines()); d != "" {
		t.Error(d)
	}
}

func TestOwnComesBeforeBase(t *testing.T) {
	p := mustParse(t, `
version: 1
name: own
extends: [shell, agent]
files:
  - {path: "${WORKSPACE}/.git/config", access: write}
exec:
  rules:
    - {run: sudo, then: allow}
network:
  allow: ["a.example.org:443"]
  deny: ["github.com:443"]
limits: {pids: 5}
env:
  set: {A: "1"}
`, Features{})
	if f, _ := p.FileRule("/home/user/project/.git/config"); f.Access != policy.AccessWrite || f.Origin.At != "p.yaml:6" {
		t.Errorf("an own path does not replace the base's: %+v", f)
	}
	if d := p.Evaluate(policy.Request{Gate: policy.GateExec, Path: "/usr/bin/sudo"}); d.Rule != "exec.rules[0] (p.yaml:9)" {
		t.Errorf("an own rule does not come first: %v", d)
	}
	if d := p.Evaluate(policy.Request{Gate: policy.GateExec, Path: "/usr/bin/su"}); !strings.HasPrefix(d.Rule, "exec.rules[2] (preset locked:") {
		t.Errorf("a base's rule is lost: %v", d)
	}
	if d := p.Evaluate(policy.Request{Gate: policy.GateExec, Path: "/usr/bin/make"}); d.Verdict != policy.Deny {
		t.Errorf("the first base does not come before the second: %v", d)
	}
	for host, want := range map[string]policy.Verdict{"a.example.org": policy.Allow, "github.com": policy.Deny, "api.openai.com": policy.Allow} {
		if d := p.Evaluate(policy.Request{Gate: policy.GateConnect, Host: host, Port: 443}); d.Verdict != want {
			t.Errorf("%s: %v", host, d)
		}
	}
	if p.Limits.Pids != 5 || p.Limits.MemoryBytes != 1<<30 || p.Limits.ShmBytes != 64<<20 {
		t.Errorf("limits: %+v", p.Limits)
	}
	if n := len(p.Env.Pass); n < 6 {
		t.Errorf("env.pass: %v", p.Env.Pass)
	}
}

func TestSpecificHostsComeFirst(t *testing.T) {
	p := mustParse(t, `
version: 1
name: hosts
extends: [locked]
network:
  allow: ["*.example.org:443", "*.b.example.org:any", "x.b.example.org:443", "x.b.example.org:any"]
  ask: ["*.b.example.org:443", "ask.example.org:443"]
`, Features{Gate: true})
	var got []string
	for _, r := range p.Network.Rules {
		got = append(got, r.Origin.Rule)
	}
	want := []string{"network.allow[2]", "network.allow[3]", "network.ask[1]", "network.ask[0]", "network.allow[1]", "network.allow[0]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestHomeAsWorkspace(t *testing.T) {
	v := vars()
	v.Workspace = v.Home
	p, err := Preset("agent", v, Features{})
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := p.FileRule("/home/user/x"); f.Access != policy.AccessWrite {
		t.Errorf("%+v", f)
	}
}

func TestVariables(t *testing.T) {
	for what, v := range map[string]Vars{
		"a slash behind":   {Workspace: "/w/", Home: "/h/", User: "u", TmpDir: "/var/tmp/"},
		"a star in a name": {Workspace: "/w*", Home: "/h", User: "u"},
	} {
		p, err := Parse("p.yaml", []byte(`
version: 1
name: vars
files:
  - {path: "${HOME}/x", access: read}
  - {path: "${TMPDIR}/y", access: private}
exec: {default: audit, rules: [{run: "${WORKSPACE}/*", then: allow}]}
`), v, Features{})
		if what == "a star in a name" {
			// The path is not shown, so the rule for it can never match; what
			// matters here is that the star of the value is none of the pattern's.
			p, err = Parse("p.yaml", []byte("version: 1\nname: vars\nexec: {default: audit, rules: [{run: \"${WORKSPACE}/*\", then: allow}]}\n"), v, Features{})
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		rule := p.Exec.Rules[0]
		switch what {
		case "a star in a name":
			if rule.Matches("/wild/x", nil, "") || !rule.Matches("/w*/x", nil, "") {
				t.Errorf("%s: %q", what, rule.Run)
			}
		default:
			if p.Files[0].Path != "/h/x" || p.Files[1].Path != "/var/tmp/y" || rule.Run[0] != "/w/*" {
				t.Errorf("%s: %+v", what, p)
			}
		}
	}
	_, err := Parse("p.yaml", []byte("version: 1\nname: x\nextends: [locked]\n"), Vars{}, Features{})
	if err == nil || !strings.Contains(err.Error(), "${HOME} in files[") {
		t.Errorf("a missing value: %v", err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	if p, err := Load(write("good.yaml", everything), vars(), Features{Gate: true}); err != nil || p.Exec.Rules[0].Origin.At != "good.yaml:19" {
		t.Errorf("%v %v", p, err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	big := write("big.yaml", "")
	if err := os.Truncate(big, 100<<20); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "none.yaml"): ": no such file",
		dir:                             ": is a directory, not a file; name a file in it",
		fifo:                            ": is not a regular file",
		"/dev/null":                     ": is not a regular file",
		big:                             ": file has 104857600 bytes, at most 1048576 are read",
		filepath.Join(big, "x"):         ": cannot be opened: not a directory",
		write("bad.yaml", "version: 1"): ":1:1: name is missing; add a line like: name: my-agent\n" + dir + "/bad.yaml:1:1: exec has no default; add exec: {default: audit}, or extend a preset",
	} {
		_, err := Load(file, vars(), Features{})
		var problems Problems
		if !errors.As(err, &problems) || err.Error() != file+want {
			t.Errorf("%s: %q", file, err)
		}
	}
}

// asNobody runs f with another user's rights to files, on a thread of its own.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if _, _, errno := unix.RawSyscall(unix.SYS_SETFSUID, 65534, 0, 0); errno != 0 {
			t.Error(errno)
		}
		f()
	}()
	<-done
}

func TestUnreadable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(file, []byte("version: 1"), 0); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		_, err := Load(file, vars(), Features{})
		if err == nil || err.Error() != file+": cannot be read: permission denied; it is read as the user who runs clawjail" {
			t.Errorf("%v", err)
		}
	})
}

func TestManyProblemsAreCut(t *testing.T) {
	text := "version: 1\nname: many\nextends: [agent]\nfiles:\n" + strings.Repeat("  - {path: x, access: read}\n", 200)
	_, err := Parse("p.yaml", []byte(text), vars(), Features{})
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != MaxProblems+1 || problems[MaxProblems].Msg != "more problems follow" {
		t.Errorf("%d problems", len(problems))
	}
}

func TestLongListsAreCut(t *testing.T) {
	for what, c := range map[string]struct{ text, want string }{
		"files": {"files:\n" + strings.Repeat("  - {path: /opt, access: read}\n", policy.MaxFiles+1), "files has 513 entries, at most 512"},
		"rules": {"exec:\n  rules:\n" + strings.Repeat("    - {run: x, then: deny}\n", policy.MaxRules+1), "exec.rules has 1025 entries, at most 1024"},
		"args":  {"exec:\n  rules:\n    - {run: x, then: deny, args: [" + strings.Repeat("a,", policy.MaxArgs+1) + "]}\n", "args has 65 entries, at most 64"},
		"names": {"exec:\n  rules:\n" + strings.Repeat("    - {then: deny, run: ["+manyNames(200)+"]}\n", 21), "exec.rules has more than 4096 names"},
		"text":  {"env: {set: {A: \"" + strings.Repeat("x", policy.MaxVarValue+1) + "\"}}\n", "value is longer than 32768 bytes"},
	} {
		_, err := Parse("p.yaml", []byte("version: 1\nname: x\nextends: [agent]\n"+c.text), vars(), Features{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// manyNames lists n names, none of which is another's.
func manyNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "p" + strconv.Itoa(i)
	}
	return strings.Join(names, ",")
}

// The largest policies are read in bounded time: no check is worse than the
// square of the number of names that is allowed.
func TestLargePolicies(t *testing.T) {
	for what, text := range map[string]string{
		"brackets": strings.Repeat("[", MaxBytes),
		"braces":   strings.Repeat("{a: ", MaxBytes/4),
		"dashes":   strings.Repeat("- ", MaxBytes/2),
		"keys":     strings.Repeat("abcdefg: 1\n", MaxBytes/12),
		"anchors":  "a: &a [x]\nb: [" + strings.Repeat("*a,", MaxBytes/4) + "]\n",
		"one line": "version: " + strings.Repeat("1", MaxBytes-20),
	} {
		if p, err := Parse("p.yaml", []byte(text), vars(), Features{}); err == nil {
			t.Errorf("%s: %v", what, p)
		}
	}
}

func TestBadPlaces(t *testing.T) {
	for _, c := range []struct {
		v    Vars
		want string
	}{
		{Vars{Workspace: "/", Home: "/home/user", User: "user"}, `path "/" is the whole host: list what the agent needs; the workspace is "/": name another with --workspace`},
		{Vars{Workspace: "/etc/x", Home: "/home/user", User: "user"}, `"/etc/x" is part of the system and cannot be writable in a jail; the workspace is "/etc/x"`},
		{Vars{Workspace: "/w", Home: "/", User: "user"}, `path "/" is the whole host: list what the agent needs; the home is "/": name another user with --user`},
	} {
		_, err := Preset("agent", c.v, Features{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "\n") > 1 {
			t.Errorf("%+v: %v", c.v, err)
		}
	}
}

func TestDeletionLimits(t *testing.T) {
	for limit, want := range map[string]string{
		"{limit: 50/h, over: ask}":    "",
		"{limit: 1/s}":                "",
		"{over: ask}":                 "delete has no limit; add a limit, as in 50/h",
		"{limit: 50}":                 "delete.limit is a number per unit of time, not \"50\"; write it as in 50/h",
		"{limit: 50/hour}":            "delete.limit is a number per unit of time",
		"{limit: -5/h}":               "delete.limit is a number per unit of time",
		"{limit: 0/h}":                "delete.limit is between 1 and",
		"{limit: 50/h, over: audit}":  "verdict \"audit\" has no meaning for delete.over",
		"{limit: 50/h, over: allow}":  "verdict \"allow\" has no meaning for delete.over",
		"{limit: [50/h]}":             "delete.limit is one value, not a list",
		"{limit: 9999999999999999/h}": "delete.limit is a number per unit of time",
	} {
		_, err := Parse("p.yaml", []byte("version: 1\nname: x\nextends: [agent]\ndelete: "+limit+"\n"), vars(), Features{Gate: true})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", limit, err)
		}
	}
}

func TestChoose(t *testing.T) {
	operator := map[string]bool{"/etc/clawjail/policies/openclaw.yaml": true}
	exists := func(p string) bool {
		if !strings.HasPrefix(p, PolicyDir+"/") || strings.Contains(p, "..") {
			t.Errorf("%q is looked for", p)
		}
		return operator[p]
	}
	for command, want := range map[string]string{
		"openclaw":                 "/etc/clawjail/policies/openclaw.yaml",
		"/opt/openclaw/openclaw":   "/etc/clawjail/policies/openclaw.yaml",
		"./openclaw":               "/etc/clawjail/policies/openclaw.yaml",
		"claude":                   "agent",
		"":                         "agent",
		"/":                        "agent",
		"..":                       "agent",
		"x/..":                     "agent",
		"../../workspace/openclaw": "/etc/clawjail/policies/openclaw.yaml",
	} {
		file, preset := Choose(command, exists)
		if file+preset != want || (file == "") == (preset == "") {
			t.Errorf("%q: %q %q, want %q", command, file, preset, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(everything))
	for _, name := range append(Presets(), Examples()...) {
		text, _, err := Text(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, gate := range []bool{false, true} {
			p, err := Parse("fuzz.yaml", b, vars(), Features{Gate: gate})
			if err != nil {
				var problems Problems
				if p != nil || !errors.As(err, &problems) || len(problems) == 0 || len(problems) > 2*MaxProblems {
					t.Fatalf("%v %v", p, err)
				}
				continue
			}
			out, err := compiled.Encode(p)
			if err != nil {
				t.Fatalf("accepted and not compiled: %v", err)
			}
			if _, err := compiled.Decode(out); err != nil {
				t.Fatalf("compiled and not decoded: %v", err)
			}
			if !gate && strings.Contains(string(out), `"ask"`) {
				t.Fatal("asks without a gate")
			}
		}
	})
}
