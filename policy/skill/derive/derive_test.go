package derive

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clawjail/policy"
	"clawjail/policy/skill"
	"clawjail/policy/source"
	"clawjail/test/golden"
)

const dir = "/var/lib/clawjail/skills/store/0123/files"

func vars() source.Vars {
	return source.Vars{Workspace: "/home/user/project", Home: "/home/user", User: "user", TmpDir: "/tmp"}
}

func options(grants ...string) Options {
	o := Options{Dir: dir, Vars: vars(), MaxKinds: 6, Lookup: func(name string) (Program, error) {
		switch name {
		case "missing":
			return Program{}, ErrNoProgram
		case "localtool":
			return Program{"/opt/local/bin/localtool", strings.Repeat("b", 64)}, nil
		case "python3", "python":
			return Program{"/usr/bin/python3.11", strings.Repeat("a", 64)}, nil
		}
		return Program{"/usr/bin/" + name, strings.Repeat("c", 64)}, nil
	}}
	for _, g := range grants {
		v, err := ParseGrant(g)
		if err != nil {
			panic(err)
		}
		o.Grants = append(o.Grants, v)
	}
	return o
}

func declared(kind, value, file string, line int) skill.Capability {
	return skill.Capability{Kind: kind, Value: value, Place: skill.Place{File: file, Line: line}, Declared: true, Because: []skill.Place{{File: "SKILL.md", Line: 4}}}
}

func report(caps ...skill.Capability) skill.Report {
	return skill.Report{Schema: skill.Schema, Name: "Weather_2.x", RuleSet: "test-1", Verdict: skill.Approved, Capabilities: caps}
}

// whole is a skill with every kind of permission.
func whole() skill.Report {
	undeclared := declared(skill.CapNet, "evil.example.net:443", "scripts/get.py", 40)
	undeclared.Declared = false
	return report(
		declared(skill.CapNet, "api.weather.example.org", "scripts/get.py", 12),
		declared(skill.CapNet, "api.weather.example.org:443", "scripts/more.py", 3),
		undeclared,
		declared(skill.CapListen, "127.0.0.1:8080", "scripts/get.py", 15),
		declared(skill.CapExec, "python3", "SKILL.md", 20),
		declared(skill.CapExec, "python", "SKILL.md", 21),
		declared(skill.CapExec, "localtool", "SKILL.md", 22),
		declared(skill.CapExec, "missing", "SKILL.md", 23),
		declared(skill.CapExec, "mkdir", "scripts/a.sh", 1),
		declared(skill.CapExec, "scripts/get.py", "SKILL.md", 24),
		declared(skill.CapRead, "~/weather/*.json", "scripts/get.py", 30),
		declared(skill.CapRead, "data.csv", "scripts/get.py", 31),
		declared(skill.CapRead, "~/.aws/credentials", "scripts/get.py", 32),
		declared(skill.CapWrite, "out/result.json", "scripts/get.py", 33),
		declared(skill.CapWrite, "~/weather/cache.db", "scripts/get.py", 34),
		declared(skill.CapEnv, "WEATHER_API_KEY", "scripts/get.py", 10),
	)
}

func TestGolden(t *testing.T) {
	p, err := Derive(whole(), options("net=extra.example.org:8443", "env=EXTRA"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "whole.yaml")
	golden.Check(t, file, p.Text)
	if want := []string{"net", "listen", "exec", "read", "write", "env"}; !slices.Equal(p.Kinds, want) {
		t.Errorf("kinds %q", p.Kinds)
	}
	var denied []string
	for _, d := range p.Denied {
		denied = append(denied, d.String()+": "+d.Why)
	}
	for _, want := range []string{"evil.example.net:443: the skill does it and does not declare it", "missing: this host has no such program", "~/.aws/credentials: it holds credentials"} {
		if !strings.Contains(strings.Join(denied, "\n"), want) {
			t.Errorf("no denial with %q in %q", want, denied)
		}
	}
	if p.Digest.String() == "" || strings.Contains(p.Text, "evil") {
		t.Error(p.Text)
	}
}

// What the text says is what is enforced.
func TestWhatItMeans(t *testing.T) {
	p, err := Derive(whole(), options())
	if err != nil {
		t.Fatal(err)
	}
	pol, err := source.Parse("p.yaml", []byte(p.Text), vars(), source.Features{Gate: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		r    policy.Request
		ok   bool
	}{
		{"its host", policy.Request{Gate: policy.GateConnect, Host: "api.weather.example.org", Port: 443}, true},
		{"its host at another port", policy.Request{Gate: policy.GateConnect, Host: "api.weather.example.org", Port: 80}, false},
		{"another host", policy.Request{Gate: policy.GateConnect, Host: "evil.example.net", Port: 443}, false},
		{"python as it is", policy.Request{Gate: policy.GateExec, Path: "/usr/bin/python3.11", SHA256: strings.Repeat("a", 64)}, true},
		{"python changed", policy.Request{Gate: policy.GateExec, Path: "/usr/bin/python3.11", SHA256: strings.Repeat("e", 64)}, false},
		{"another program", policy.Request{Gate: policy.GateExec, Path: "/usr/bin/curl", SHA256: strings.Repeat("c", 64)}, false},
		{"its own script", policy.Request{Gate: policy.GateExec, Path: dir + "/scripts/get.py"}, true},
		{"cp", policy.Request{Gate: policy.GateExec, Path: "/usr/bin/cp"}, true},
		{"writing to itself", policy.Request{Gate: policy.GateOpen, Path: dir + "/SKILL.md", Write: true}, false},
		{"reading itself", policy.Request{Gate: policy.GateOpen, Path: dir + "/SKILL.md"}, true},
		{"writing to the workspace", policy.Request{Gate: policy.GateOpen, Path: "/home/user/project/out/x", Write: true}, true},
		{"reading the workspace's .git", policy.Request{Gate: policy.GateOpen, Path: "/home/user/project/.git/config"}, false},
		{"writing to what it declares", policy.Request{Gate: policy.GateOpen, Path: "/home/user/weather/cache.db", Write: true}, true},
		{"reading credentials", policy.Request{Gate: policy.GateOpen, Path: "/home/user/.aws/credentials", Write: true, Op: "rename"}, true}, // in a home that is its own, and empty
	} {
		if d := pol.Evaluate(c.r); d.Verdict.Permits() != c.ok {
			t.Errorf("%s: %v by %s", c.name, d.Verdict, d.Rule)
		}
	}
	if !pol.Env.Passes("WEATHER_API_KEY", "x") || pol.Env.Passes("OTHER_API_KEY", "x") {
		t.Error("variables")
	}
}

func TestWhatIsNotGranted(t *testing.T) {
	for _, c := range []struct{ kind, value, why string }{
		{skill.CapNet, "*.example.org:443", "wildcard"}, {skill.CapNet, "10.0.0.1:80", "private address"}, {skill.CapNet, "169.254.169.254", "private address"},
		{skill.CapNet, "192.0.2.1:80", ""}, {skill.CapNet, "8.8.8.8:53", "not a name"}, {skill.CapNet, "intranet:443", "full name"}, {skill.CapNet, "a.org:0", "port"}, {skill.CapNet, "a.org:443\nallow: [x]", ""},
		{skill.CapNet, "a\".org", ""}, {skill.CapExec, "sudo", "privileges"}, {skill.CapExec, "/usr/bin/docker", "privileges"}, {skill.CapExec, "mkfs.ext4", "privileges"},
		{skill.CapExec, "a b", "plain name"}, {skill.CapExec, "x\nthen: allow", "plain name"}, {skill.CapRead, "~", "whole home"}, {skill.CapRead, "~/*", "whole home"}, {skill.CapRead, "~/.ssh/id_rsa", "credentials"},
		{skill.CapRead, "~/.config/../.ssh", "credentials"}, {skill.CapRead, "${HOME}/.ssh", "credentials"}, {skill.CapRead, "/", ""}, {skill.CapRead, "/etc/clawjail", "clawjail's own"}, {skill.CapWrite, "/etc/passwd", ""},
		{skill.CapWrite, "/usr/bin/x", ""}, {skill.CapRead, "$XDG_DATA_HOME/x", "variable"}, {skill.CapWrite, "../up", "out of the workspace"}, {skill.CapWrite, "~/.openclaw/openclaw.json", "agent's own"},
		{skill.CapRead, "/srv/a\"b", "character"}, {skill.CapEnv, "PATH", "sets this variable"}, {skill.CapEnv, "LD_PRELOAD", "sets this variable"}, {skill.CapEnv, "A=B", ""}, {skill.CapEnv, "X*", ""}, {"ptrace", "1", "no kind"},
	} {
		p, err := Derive(report(declared(c.kind, c.value, "a", 1)), options())
		if err != nil {
			t.Errorf("%s %q: %v", c.kind, c.value, err)
			continue
		}
		if len(p.Lines) != 0 || len(p.Denied) != 1 || !strings.Contains(p.Denied[0].Why, c.why) {
			t.Errorf("%s %q: granted %v, denied %v; want a denial with %q", c.kind, c.value, p.Lines, p.Denied, c.why)
		}
	}
	for _, c := range []struct{ kind, value string }{{skill.CapNet, "127.0.0.1:80"}, {skill.CapNet, "localhost:3000"}, {skill.CapRead, "/tmp/x"}, {skill.CapWrite, "/tmp/x"}, {skill.CapRead, "/usr/share/dict"},
		{skill.CapExec, "cd"}, {skill.CapExec, "./run.sh"}, {skill.CapRead, "notes.md"}} {
		p, err := Derive(report(declared(c.kind, c.value, "a", 1)), options())
		if err != nil || len(p.Lines) != 0 || len(p.Denied) != 0 {
			t.Errorf("%s %q needs no grant: %v, %v, %v", c.kind, c.value, err, p.Lines, p.Denied)
		}
	}
}

func TestSignersKindsAndTooMany(t *testing.T) {
	o := options()
	o.Kinds = []string{"exec"}
	p, err := Derive(whole(), o)
	if err != nil || !slices.Equal(p.Kinds, []string{"exec"}) {
		t.Errorf("kinds %q, %v", p.Kinds, err)
	}
	o = options()
	o.MaxKinds = 5
	var many *TooManyError
	if p, err := Derive(whole(), o); !errors.As(err, &many) || p.Text == "" || !strings.Contains(err.Error(), "6 kinds") {
		t.Errorf("%v", err)
	}
}

func TestGrants(t *testing.T) {
	for _, bad := range []string{"net", "net=", "ptrace=1", "=x", "listen=80"} {
		if _, err := ParseGrant(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
	p, err := Derive(report(), options("read=~/.ssh/known_hosts", "net=8.8.8.8:53", "write=/srv/data", "exec=curl"))
	if err != nil || len(p.Lines) != 4 || len(p.Denied) != 0 {
		t.Fatalf("%v: %+v, denied %+v", err, p.Lines, p.Denied)
	}
	for _, l := range p.Lines {
		if l.Because != "granted by the operator" {
			t.Errorf("%+v", l)
		}
	}
}

func TestDiff(t *testing.T) {
	added, removed := Diff([]string{"net=a:1", "env=X"}, []string{"net=a:1", "exec=y"})
	if !slices.Equal(added, []string{"exec=y"}) || !slices.Equal(removed, []string{"env=X"}) {
		t.Errorf("%q, %q", added, removed)
	}
}

// FuzzDerive: whatever a report says, the text is a policy that grants what is
// listed and nothing else.
func FuzzDerive(f *testing.F) {
	for _, k := range kinds() {
		f.Add(k, "value", "file")
	}
	f.Add("net", "a.org:443", "x\n  allow: [\"b.org:443\"]")
	f.Add("read", "${HOME}/${HOME}", "é")
	f.Add("write", "~/a/*/${b}", "\xff")
	f.Fuzz(func(t *testing.T, kind, value, file string) {
		p, err := Derive(report(declared(kind, value, file, 7)), options())
		if err != nil {
			t.Fatalf("%v\n%s", err, p.Text)
		}
		pol, err := source.Parse("p.yaml", []byte(p.Text), vars(), source.Features{Gate: true})
		if err != nil {
			t.Fatal(err)
		}
		hosts := 0
		for _, l := range p.Lines {
			if l.Kind == skill.CapNet {
				hosts++
			}
		}
		if len(pol.Network.Rules) != hosts || len(p.Lines)+len(p.Denied) > 1 {
			t.Errorf("%d hosts listed, %d allowed\n%s", hosts, len(pol.Network.Rules), p.Text)
		}
	})
}
