package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"clawjail/jail"
	"clawjail/jail/egress"
	"clawjail/policy"
	"clawjail/policy/source"
	"clawjail/test/golden"
)

func ada() jail.User { return jail.User{UID: 1000, GID: 1000, Name: "ada", Home: "/home/ada"} }

func run(h host) Run {
	return Run{
		ID: "j1", Name: "test", Argv: []string{"bash", "-c", "echo 'hi'\n"}, Workspace: "/home/ada/project", User: ada(),
		Env:  []string{"PATH=/home/ada/.local/bin:/usr/bin:relative:/secret/bin", "TERM=xterm", "LANG=de_DE.UTF-8", "OPENAI_API_KEY=sk", "CI=1"},
		Stat: h.stat, LandlockABI: 7, UserNS: true, Tier: "notify",
		StageBinary: "/usr/lib/clawjail/clawjail-stage", StateDir: "/run/clawjail/jails/j1", CgroupParent: "clawjail",
	}
}

func vars() source.Vars {
	return source.Vars{Workspace: "/home/ada/project", Home: "/home/ada", User: "ada"}
}

func parse(t *testing.T, body string) *policy.Policy {
	t.Helper()
	p, err := source.Parse("p.yaml", []byte("version: 1\nname: test\n"+body), vars(), source.Features{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func lower(t *testing.T, p *policy.Policy, r Run) Plan {
	t.Helper()
	out, err := Lower(p, r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mountsOf gives the lines of a plan's mounts.
func mountsOf(p Plan) []string { return mountLines(p.Jail.Mounts) }

// The plans of presets and examples change only together with their golden
// files. The filter has golden files of its own, in package seccomp.
func TestGolden(t *testing.T) {
	for _, name := range append(source.Presets(), source.Examples()...) {
		p, err := source.Preset(name, vars(), source.Features{})
		if err != nil {
			t.Fatal(err)
		}
		text := lower(t, p, run(debian())).Text()
		before, rest, found := strings.Cut(text, "\nseccomp\n")
		_, notes, hasNotes := strings.Cut(rest, "\nnotes\n")
		if !found || !hasNotes || !strings.Contains(rest, "execve: allow") {
			t.Fatalf("%s: no filter or no notes in\n%s", name, text)
		}
		got := before + "\nnotes\n" + notes
		file := "testdata/" + name + ".golden"
		golden.Check(t, file, got)
	}
}

func TestWorkspace(t *testing.T) {
	p, err := source.Preset("agent", vars(), source.Features{})
	if err != nil {
		t.Fatal(err)
	}
	h := debian().with(host{"/home/ada/out": symlink("/etc"), "/home/ada/in": symlink("project"), "/home/ada/file": file(1000), "/home/ada/it's": symlink("x")})
	for workspace, want := range map[string]string{
		"":                         "workspace: path is empty",
		"relative":                 `workspace: path "relative" is not absolute`,
		"/home/ada/project/":       "is not clean",
		"/":                        `workspace: "/" is the whole host; make a directory for the agent`,
		"/etc":                     `"/etc" is part of the system`,
		"/etc/ssl":                 `"/etc/ssl" is part of the system`,
		"/usr/local/src":           "is part of the system",
		"/home":                    `"/home" holds more than one tree`,
		"/proc/1":                  "is the kernel's",
		"/run/clawjail":            "holds clawjail's own state",
		"/var/lib":                 "holds clawjail's own state",
		"/home/ada/none":           `workspace "/home/ada/none" does not exist; make it: mkdir -p /home/ada/none`,
		"/home/ada/it is missing":  `mkdir -p '/home/ada/it is missing'`,
		"/home/ada/file":           `workspace "/home/ada/file" is not a directory`,
		"/home/ada/out":            `workspace "/home/ada/out" is a symbolic link, or below one, to "/etc"`,
		"/home/ada/in":             `to "/home/ada/project"; name that directory itself`,
		"/home/ada/file/x":         "not a directory",
		"/home/ada/project\x1b[2J": "cannot be printed",
		"/home/ada/project\xff":    "is not UTF-8",
		strings.Repeat("/x", 4096): "longer than 4096 bytes",
	} {
		r := run(h)
		r.Workspace = workspace
		if _, err := Lower(p, r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", workspace, err, want)
		}
	}
}

func TestRefusedRuns(t *testing.T) {
	good := parse(t, base)
	for what, c := range map[string]struct {
		change func(*Run)
		want   string
	}{
		"no Landlock":                  {func(r *Run) { r.LandlockABI = 0 }, "this kernel has no Landlock"},
		"root":                         {func(r *Run) { r.User.UID = 0 }, "a jail never runs as root"},
		"no command":                   {func(r *Run) { r.Argv = nil }, "argv: no command"},
		"a NUL in argv":                {func(r *Run) { r.Argv = []string{"a\x00"} }, "argv[0]: has a NUL"},
		"a directory that is not seen": {func(r *Run) { r.Cwd = "/srv" }, `policy "test" does not show the working directory "/srv"`},
		"a variable without a name":    {func(r *Run) { r.SetEnv = []string{"=x"} }, `"=x" is not NAME=VALUE`},
		"an id with a slash":           {func(r *Run) { r.ID = "../x" }, "id"},
		"a bad resolver":               {func(r *Run) { r.Upstream = []netip.AddrPort{{}} }, "plan of the egress rules"},
	} {
		r := run(debian())
		c.change(&r)
		if _, err := Lower(good, r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Lower(nil, run(debian())); err == nil {
		t.Error("no policy is lowered")
	}
	hidden := parse(t, "exec: {default: audit}\nfiles:\n  - {path: /usr, access: read}\n")
	if _, err := Lower(hidden, run(debian())); err == nil || !strings.Contains(err.Error(), `add under files: - {path: "${WORKSPACE}", access: write}`) {
		t.Error(err)
	}
}

func TestEnvironment(t *testing.T) {
	p := parse(t, base+"  - {path: /opt, access: read}\nenv:\n  pass: [OPENAI_API_KEY, \"NODE_*\"]\n  set: {A: \"1\", EDITOR: vi}\n")
	r := run(debian())
	r.Terminal = true
	r.Env = []string{
		"PATH=/opt/agent/bin:/home/ada/project/bin:/usr/bin::rel:/opt/../etc:/home/ada/bin", "PATH=/second",
		"OPENAI_API_KEY=sk", "NODE_ENV=test", "NODE_AUTH_TOKEN=secret", "AWS_SECRET_ACCESS_KEY=x", "EDITOR=emacs",
		"LANG=de_DE.UTF-8", "LC_ALL=C", "LC_TIME=../../x", "TZ=:/etc/localtime", "TERM=\x1b[2J", "HOME=/root", "USER=root", "LD_PRELOAD=/x", "novalue", "=x",
		"BASH_FUNC_x%%=() { :; }",
	}
	r.SetEnv = []string{"B=2=2", "A=3", "LATIN=\xff"}
	got := lower(t, p, r).Jail.Env
	want := []string{
		"A=3", "B=2=2", "EDITOR=vi", "HOME=/home/ada", "LANG=de_DE.UTF-8", "LATIN=\xff", "LC_ALL=C", "LOGNAME=ada", "NODE_ENV=test", "OPENAI_API_KEY=sk",
		"PATH=/opt/agent/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/home/ada/project/bin",
		"PWD=/home/ada/project", "SHELL=/bin/sh", "TERM=xterm-256color", "TMPDIR=/tmp", "TZ=:/etc/localtime", "USER=ada",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	bare := lower(t, parse(t, base), Run{ID: "j", Name: "j", Argv: []string{"x"}, Workspace: "/home/ada/project", Cwd: "/home/ada/project/.git", User: ada(),
		Stat: debian().stat, LandlockABI: 1, StageBinary: "/s", StateDir: "/d", CgroupParent: "c"}).Jail
	want = []string{"HOME=/home/ada", "LANG=C.UTF-8", "LOGNAME=ada", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"PWD=/home/ada/project/.git", "SHELL=/bin/sh", "TMPDIR=/tmp", "USER=ada"}
	if d := cmp.Diff(want, bare.Env); d != "" {
		t.Error(d)
	}
}

// Nothing that looks like a secret gets in unless it is named.
func TestNoSecretsGetIn(t *testing.T) {
	p := parse(t, base+"env: {pass: [\"*\"]}\n")
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Za-z_]{0,4}(KEY|token|SECRET|PASS|CRED|COOKIE|SESSION)[A-Za-z_]{0,4}`).Draw(t, "name")
		r := run(debian())
		r.Env = append(r.Env, name+"=hunter2")
		out, err := Lower(p, r)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(out.Jail.Env, func(kv string) bool { return strings.Contains(kv, "hunter2") }) {
			t.Fatal(out.Jail.Env)
		}
	})
}

func TestLimits(t *testing.T) {
	p := parse(t, base+"limits: {memory: 64MiB, cpus: 1.5, pids: 9, open_files: 64, file_size: 1MiB, wall: 1h, tmp: 1MiB, shm: 2MiB}\n")
	r := run(debian())
	want := jail.Limits{MemoryBytes: 64 << 20, CPUs: 1.5, Pids: 9, Nproc: 9, OpenFiles: 64, FileSizeBytes: 1 << 20, MemlockBytes: 8 << 20,
		Wall: time.Hour, TmpBytes: 1 << 20, ShmBytes: 2 << 20}
	if d := cmp.Diff(want, lower(t, p, r).Jail.Limits); d != "" {
		t.Error(d)
	}
	r.UserNS, r.Timeout = false, time.Minute
	want.Nproc, want.Wall = 0, time.Minute
	if d := cmp.Diff(want, lower(t, p, r).Jail.Limits); d != "" {
		t.Error(d)
	}
	r.Timeout = 2 * time.Hour // may shorten and not lengthen
	if got := lower(t, p, r).Jail.Limits.Wall; got != time.Hour {
		t.Error(got)
	}
}

func TestNetwork(t *testing.T) {
	p := parse(t, `exec: {default: audit}
files:
  - {path: "${WORKSPACE}", access: write}
network:
  private: allow
  allow: ["*.example.org:443", "a.example.org:any", {host: 10.0.0.5, port: any}, "192.0.2.7:22", {host: b.example.com, port: 80, protocol: http}, "gone.example.net:443"]
  deny: ["gone.example.net:any"]
`)
	p.Network.Rules = append([]policy.NetRule{{Host: "gone.example.net", Then: policy.Deny}}, p.Network.Rules...)
	out := lower(t, p, run(debian()))
	var got []string
	for _, d := range out.Egress.Dests {
		got = append(got, d.Host+" "+d.Protocol+" "+d.Rule)
	}
	want := []string{
		"10.0.0.5 tcp network.allow[2] (p.yaml:8)", "192.0.2.7 tcp network.allow[3] (p.yaml:8)", "b.example.com http network.allow[4] (p.yaml:8)",
		"a.example.org  network.allow[1] (p.yaml:8)", "*.example.org  network.allow[0] (p.yaml:8)",
	}
	for range policy.MailPorts() { // of any port, these are send_email's
		want = append(want, "10.0.0.5 tcp network.allow[2] (p.yaml:8), needs send_email", "a.example.org  network.allow[1] (p.yaml:8), needs send_email")
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !out.Egress.AllowPrivate || out.Egress.Jail != "j1" {
		t.Errorf("%+v", out.Egress)
	}
	addrs := make([]string, 0, 2)
	for _, a := range out.Probe.AllowAddrs {
		addrs = append(addrs, a.String())
	}
	slices.Sort(addrs)
	if d := cmp.Diff([]string{"10.0.0.5:0", "192.0.2.7:22"}, addrs); d != "" {
		t.Error(d)
	}
	if got := out.Jail.Resolver4.String() + " " + out.Jail.Resolver6.String(); got != "198.18.0.1 fd63:6c61:776a::1" {
		t.Error(got)
	}
	p.Network.Rules = append([]policy.NetRule{{Host: "x.example.org", Port: 443, Then: policy.Deny}}, p.Network.Rules...)
	out, err := Lower(p, run(debian()))
	if err != nil {
		t.Fatal(err)
	}
	if d := out.Egress.Dests[0]; d.Host != "x.example.org" || d.Then != egress.ThenDeny {
		t.Errorf("the first is %+v", d) // cut out of the wildcard behind it
	}
}

// What asks keeps its place among what allows and refuses, and refusals are
// listed where they take something away.
func TestNetworkAsks(t *testing.T) {
	const rules = `exec: {default: audit}
files:
  - {path: "${WORKSPACE}", access: write}
network:
  default: %s
  allow: ["*.example.org:443", "192.0.2.7:22"]
  ask: ["new.example.org:443", "*.example.net:443", "192.0.2.8:22"]
  deny: ["evil.example.com:any", "192.0.2.9:22"]
`
	const asks = "*.example.net ask\n192.0.2.8 ask\nnew.example.org ask\n"
	for _, c := range []struct{ def, want, rule string }{
		{"deny", asks + "*.example.org \n192.0.2.7 \n", ""},
		{"ask", asks + "*.example.org \n192.0.2.7 \nevil.example.com deny\n", "network.default (p.yaml:7)"},
	} {
		p, err := source.Parse("p.yaml", []byte(fmt.Sprintf("version: 1\nname: p\n"+rules, c.def)), vars(), source.Features{Gate: true})
		if err != nil {
			t.Fatal(err)
		}
		out := lower(t, p, run(debian()))
		var got []string
		before := map[string]int{}
		for i, d := range out.Egress.Dests {
			got = append(got, d.Host+" "+d.Then+"\n")
			before[d.Host] = i
		}
		slices.Sort(got)
		want := strings.SplitAfter(c.want, "\n")
		want = want[:len(want)-1]
		slices.Sort(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", c.def, d)
		}
		if before["new.example.org"] > before["*.example.org"] {
			t.Error("the wildcard comes before what is cut out of it")
		}
		if out.Egress.AskDefault != (c.def == "ask") || out.Egress.AskRule != c.rule {
			t.Errorf("%s: default %v, %q", c.def, out.Egress.AskDefault, out.Egress.AskRule)
		}
		var addrs []string
		for _, a := range out.Probe.AllowAddrs {
			addrs = append(addrs, a.String())
		}
		slices.Sort(addrs)
		if d := cmp.Diff([]string{"192.0.2.7:22", "192.0.2.8:22"}, addrs); d != "" {
			t.Error(d)
		}
		text := out.Text()
		for _, line := range []string{"ask for new.example.org port 443, tls or http with that name: network.ask[0] (p.yaml:9)", "allow *.example.org port 443"} {
			if !strings.Contains(text, line) {
				t.Errorf("explain lacks %q", line)
			}
		}
		if strings.Contains(text, "ask for any other public name") != (c.def == "ask") || strings.Contains(text, "deny evil.example.com any port") != (c.def == "ask") {
			t.Errorf("explain says\n%s", text)
		}
	}
}

func TestTooManyAddresses(t *testing.T) {
	p := parse(t, base)
	for i := range maxAddrs + 1 {
		a := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
		p.Network.Rules = append(p.Network.Rules, policy.NetRule{Host: a.String(), Port: 443, Then: policy.Allow})
	}
	if _, err := Lower(p, run(debian())); err == nil || !strings.Contains(err.Error(), "255 single addresses, at most 254") {
		t.Error(err)
	}
}

func TestPolicyIsBoundToTheHost(t *testing.T) {
	p := parse(t, `exec:
  default: audit
  rules:
    - {run: [python3, git, awk, "mkfs.*", missing, /usr/bin/sh], then: deny}
files:
  - {path: /usr, access: read}
  - {path: "${WORKSPACE}", access: write, exec: true}
  - {path: "${WORKSPACE}/.envrc", access: read}
  - {path: "${WORKSPACE}/.killrc", access: read, write: kill}
  - {path: "${WORKSPACE}/.env", access: none}
  - {path: "${WORKSPACE}/.git/hooks", access: read}
`)
	out := lower(t, p, run(debian()))
	want := []policy.Binding{{Name: "python3", Path: "/usr/bin/python3.11"}, {Name: "awk", Path: "/usr/bin/mawk"}}
	if d := cmp.Diff(want, out.Policy.Exec.Rules[0].Bound); d != "" {
		t.Error(d)
	}
	for path, verdict := range map[string]policy.Verdict{
		"/home/ada/project/.envrc":      policy.Audit, // missing: it could only be killed afterwards
		"/home/ada/project/.killrc":     policy.Kill,  // what the policy says itself stays
		"/home/ada/project/.env":        policy.Audit, // missing: nothing to hide
		"/home/ada/project/.git/hooks/": policy.Deny,
	} {
		got := out.Policy.Evaluate(policy.Request{Gate: policy.GateOpen, Path: path, Write: true, Op: "open"})
		if got.Verdict != verdict {
			t.Errorf("%s: %v", path, got)
		}
	}
	if p.Exec.Rules[0].Bound != nil || p.Files[2].Write != policy.Deny {
		t.Error("the policy that was given is changed")
	}
}

// The kernel reports paths without links, so that is how they are judged.
func TestPolicyIsJudgedByRealPaths(t *testing.T) {
	h := debian().with(host{"/data/docs": dir(1000), "/srv/docs": symlink("/data/docs"), "/srv/again": symlink("data")})
	p := parse(t, base+"  - {path: /srv/docs, access: write}\n  - {path: /srv/again, access: read, exec: false}\n  - {path: /srv/data, access: read, exec: false}\n")
	out := lower(t, p, run(h))
	for path, want := range map[string]policy.Verdict{
		"/srv/docs/x": policy.Allow, "/data/docs/x": policy.Allow, "/data/x": policy.Deny, "/srv/data/x": policy.Deny,
	} {
		if got := out.Policy.Evaluate(policy.Request{Gate: policy.GateOpen, Path: path, Write: true, Op: "open"}); got.Verdict != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if n := len(out.Policy.Files); n != len(p.Files)+1 {
		t.Errorf("%d rules of %d", n, len(p.Files))
	}
}

func TestLandlock(t *testing.T) {
	p := parse(t, base+"  - {path: /usr, access: read}\n  - {path: /etc/gitconfig, access: read, exec: false}\n  - {path: /srv/f, access: write}\n  - {path: \"${HOME}\", access: private}\n")
	out := lower(t, p, run(debian().with(host{"/srv/f": file(1000)})))
	want := []jail.PathRule{
		{Path: "/", Dir: true}, {Path: "/dev", Write: true, Dir: true},
		{Path: "/home/ada", Write: true, Dir: true}, {Path: "/home/ada/project", Write: true, Exec: true, Dir: true},
		{Path: "/srv/f", Write: true}, {Path: "/usr", Exec: true, Dir: true}, {Path: "/tmp", Write: true, Dir: true},
	}
	if d := cmp.Diff(want, out.Jail.Landlock); d != "" {
		t.Error(d)
	}
}
