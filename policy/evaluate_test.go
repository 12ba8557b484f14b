package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func origin(rule string, line int) Origin {
	return Origin{Rule: rule, At: fmt.Sprintf("p.yaml:%d", line)}
}

// sample is a policy with one of everything.
func sample() *Policy {
	return &Policy{
		Version: Version,
		Name:    "sample",
		Files: []File{
			{Path: "/usr", Access: AccessRead, Exec: true, Origin: origin("files[0]", 2)},
			{Path: "/ws", Access: AccessWrite, Write: Allow, Exec: true, Origin: origin("files[1]", 3)},
			{Path: "/ws/.git/hooks", Access: AccessRead, Origin: origin("files[2]", 4)},
			{Path: "/ws/secret", Access: AccessNone, Origin: origin("files[3]", 5)},
			{Path: "/docs", Access: AccessRead, Write: Ask, Origin: origin("files[4]", 6)},
			{Path: "/log", Access: AccessWrite, Write: Audit, Origin: origin("files[5]", 7)},
			{Path: "/home/ada", Access: AccessPrivate, Write: Allow, Origin: origin("files[6]", 8)},
			{Path: "/tmp/keep", Access: AccessRead, Origin: origin("files[7]", 9)},
		},
		Exec: Exec{
			Default: Audit,
			Rules: []ExecRule{
				{Run: []string{"ls", "cat"}, Then: Allow, Origin: origin("exec.rules[0]", 10)},
				{Run: []string{"git"}, Args: []string{"push", "..."}, Then: Ask, Origin: origin("exec.rules[1]", 11)},
				{Run: []string{"git"}, Then: Allow, Origin: origin("exec.rules[2]", 12)},
				{Run: []string{"su", "mkfs.*"}, Then: Deny, Origin: origin("exec.rules[3]", 13)},
				{SHA256: strings.Repeat("a", 64), Then: Allow, Origin: origin("exec.rules[4]", 14)},
				{Run: []string{"tool"}, SHA256: strings.Repeat("b", 64), Then: Allow, Origin: origin("exec.rules[5]", 15)},
			},
			Origin: origin("exec.default", 9),
		},
		Network: Network{
			Default: Deny,
			Rules: []NetRule{
				{Host: "bad.example.org", Port: 443, Then: Deny, Origin: origin("network.deny[0]", 20)},
				{Host: "*.example.org", Port: 443, Then: Allow, Origin: origin("network.allow[0]", 21)},
				{Host: "api.example.com", Then: Allow, Origin: origin("network.allow[1]", 22)},
				{Host: "192.0.2.7", Port: 5432, Then: Allow, Protocol: ProtocolTCP, Origin: origin("network.allow[2]", 23)},
			},
		},
		Limits:   DefaultLimits(),
		Env:      Env{Pass: []string{"CI", "NODE_*", "GH_TOKEN"}, Set: []Var{{"A", "1"}, {"B", "2"}}},
		Approval: DefaultApproval(),
	}
}

func TestEvaluate(t *testing.T) {
	p := sample()
	exec := func(path string, argv ...string) Request {
		return Request{Gate: GateExec, Path: path, Argv: argv, Op: "exec"}
	}
	read := func(path string) Request { return Request{Gate: GateOpen, Path: path, Op: "open"} }
	write := func(path string) Request { return Request{Gate: GateOpen, Path: path, Write: true, Op: "open"} }
	del := func(path string) Request { return Request{Gate: GateDelete, Path: path, Op: "unlink"} }
	rename := func(path string) Request { return Request{Gate: GateOpen, Path: path, Write: true, Op: "rename"} }
	name := func(host string, port uint16) Request { return Request{Gate: GateConnect, Host: host, Port: port} }
	addr := func(a string, port uint16) Request {
		return Request{Gate: GateConnect, Addr: netip.MustParseAddr(a), Port: port}
	}
	at := func(host, a string) Request {
		return Request{Gate: GateConnect, Host: host, Addr: netip.MustParseAddr(a), Port: 443}
	}
	for _, c := range []struct {
		what string
		r    Request
		want Verdict
		rule string
	}{
		{"a listed name", exec("/usr/bin/ls", "ls", "-l"), Allow, "exec.rules[0] (p.yaml:10)"},
		{"a name inside a longer one", exec("/usr/bin/lsof", "lsof"), Audit, "exec.default (p.yaml:9)"},
		{"arguments that match", exec("/usr/bin/git", "git", "push", "x"), Ask, "exec.rules[1] (p.yaml:11)"},
		{"arguments that do not", exec("/usr/bin/git", "git", "pull"), Allow, "exec.rules[2] (p.yaml:12)"},
		{"argv[0] names another program", exec("/usr/bin/su", "ls"), Deny, "exec.rules[3] (p.yaml:13)"},
		{"a glob", exec("/usr/sbin/mkfs.ext4", "mkfs.ext4"), Deny, "exec.rules[3] (p.yaml:13)"},
		{"no argv at all", exec("/usr/bin/git"), Allow, "exec.rules[2] (p.yaml:12)"},
		{"content", Request{Gate: GateExec, Path: "/ws/x", SHA256: strings.Repeat("a", 64)}, Allow, "exec.rules[4] (p.yaml:14)"},
		{"name and content", Request{Gate: GateExec, Path: "/ws/tool", SHA256: strings.Repeat("b", 64)}, Allow, "exec.rules[5] (p.yaml:15)"},
		{"name without content", exec("/ws/tool", "tool"), Audit, "exec.default (p.yaml:9)"},
		{"content without name", Request{Gate: GateExec, Path: "/ws/x", SHA256: strings.Repeat("b", 64)}, Audit, "exec.default (p.yaml:9)"},
		{"an unknown program", exec(""), Deny, "exec.unknown-path"},

		{"reading a listed tree", read("/usr/lib/libc.so.6"), Allow, "files[0] (p.yaml:2)"},
		{"writing to it", write("/usr/lib/libc.so.6"), Deny, "files[0] (p.yaml:2)"},
		{"a sibling whose name begins alike", read("/usrx"), Deny, "files.default"},
		{"the tree itself", write("/ws"), Allow, "files[1] (p.yaml:3)"},
		{"below a longer rule", write("/ws/.git/hooks/pre-commit"), Deny, "files[2] (p.yaml:4)"},
		{"beside a longer rule", write("/ws/.git/hooksx"), Allow, "files[1] (p.yaml:3)"},
		{"reading below the longer rule", read("/ws/.git/hooks/pre-commit"), Allow, "files[2] (p.yaml:4)"},
		{"what is hidden", read("/ws/secret/key"), Deny, "files[3] (p.yaml:5)"},
		{"a write that asks", write("/docs/a"), Ask, "files[4] (p.yaml:6)"},
		{"a write that is told", write("/log/a"), Audit, "files[5] (p.yaml:7)"},
		{"a private home", write("/home/ada/.bashrc"), Allow, "files[6] (p.yaml:8)"},
		{"deleting", del("/ws/a"), Allow, "files[1] (p.yaml:3)"},
		{"deleting what is read-only", del("/usr/a"), Deny, "files[0] (p.yaml:2)"},
		{"renaming a parent of what is guarded", rename("/ws/.git"), Deny, "files[2] (p.yaml:4)"},
		{"renaming beside it", rename("/ws/src"), Allow, "files[1] (p.yaml:3)"},
		{"an operation nobody knows is a change", Request{Gate: GateOpen, Path: "/usr/a", Op: "chattr"}, Deny, "files[0] (p.yaml:2)"},
		{"what is not listed", read("/etc/shadow"), Deny, "files.default"},
		{"a relative path", write("ws/a"), Deny, "files.default"},
		{"no path", write(""), Deny, "files.default"},
		{"the jail's own devices", write("/dev/null"), Allow, "files.builtin"},
		{"the jail's own /tmp", write("/tmp/a"), Allow, "files.builtin"},
		{"a rule below the jail's own /tmp", write("/tmp/keep/a"), Deny, "files[7] (p.yaml:9)"},

		{"a name below a wildcard", name("a.b.example.org", 443), Allow, "network.allow[0] (p.yaml:21)"},
		{"upper case and a final dot", name("A.Example.ORG.", 443), Allow, "network.allow[0] (p.yaml:21)"},
		{"the wildcard's own name", name("example.org", 443), Deny, "network.default"},
		{"a name that ends alike", name("evilexample.org", 443), Deny, "network.default"},
		{"a more specific refusal", name("bad.example.org", 443), Deny, "network.deny[0] (p.yaml:20)"},
		{"another port", name("a.example.org", 80), Deny, "network.default"},
		{"any port", name("api.example.com", 8443), Allow, "network.allow[1] (p.yaml:22)"},
		{"a private answer", at("api.example.com", "10.1.2.3"), Deny, "network.private"},
		{"a loopback answer", at("api.example.com", "127.0.0.1"), Deny, "network.private"},
		{"a mapped private answer", at("api.example.com", "::ffff:169.254.169.254"), Deny, "network.private"},
		{"a public answer", at("api.example.com", "192.0.2.1"), Allow, "network.allow[1] (p.yaml:22)"},
		{"a listed address", addr("192.0.2.7", 5432), Allow, "network.allow[2] (p.yaml:23)"},
		{"the same, mapped", addr("::ffff:192.0.2.7", 5432), Allow, "network.allow[2] (p.yaml:23)"},
		{"the same as a host", name("192.0.2.7", 5432), Allow, "network.allow[2] (p.yaml:23)"},
		{"an unlisted address", addr("192.0.2.8", 5432), Deny, "network.default"},
		{"the metadata service", addr("169.254.169.254", 80), Deny, "network.private"},
		{"the jail's loopback", addr("127.0.0.1", 3000), Allow, "network.loopback"},
		{"the jail's IPv6 loopback", addr("::1", 3000), Allow, "network.loopback"},
		{"a virtual address", addr("198.18.3.4", 443), Allow, "network.egress"},
		{"no destination", Request{Gate: GateConnect}, Deny, "policy.unknown"},

		{"an unknown gate", Request{Gate: 99, Path: "/ws"}, Deny, "policy.unknown"},
	} {
		if got := p.Evaluate(c.r); got != (Decision{c.want, c.rule}) {
			t.Errorf("%s: %v by %q, want %v by %q", c.what, got.Verdict, got.Rule, c.want, c.rule)
		}
	}
}

func TestNoPolicyDenies(t *testing.T) {
	var p *Policy
	for _, p := range []*Policy{p, {}} {
		for g := GateExec; g < gateEnd; g++ {
			r := Request{Gate: g, Path: "/ws/a", Host: "example.org", Port: 443, Write: true}
			if got := p.Evaluate(r); got.Verdict != Deny {
				t.Errorf("%v: %v", g, got)
			}
		}
	}
}

func TestPrivateNetworkCanBeAllowed(t *testing.T) {
	p := sample()
	p.Network.Private = Allow
	p.Network.Rules = append(p.Network.Rules, NetRule{Host: "10.0.0.5", Port: 22, Then: Allow, Origin: origin("network.allow[3]", 24)})
	r := Request{Gate: GateConnect, Addr: netip.MustParseAddr("10.0.0.5"), Port: 22}
	if got := p.Evaluate(r); got.Verdict != Allow {
		t.Errorf("%v", got)
	}
	r.Port = 23
	if got := p.Evaluate(r); got.Verdict != Deny {
		t.Errorf("another port: %v", got)
	}
}

func TestBindings(t *testing.T) {
	rule := func(name, path string, then Verdict) *Policy {
		return &Policy{Exec: Exec{Default: Audit, Rules: []ExecRule{{
			Run: []string{name}, Then: then, Bound: []Binding{{Name: name, Path: path}},
		}}}}
	}
	for _, c := range []struct {
		what string
		p    *Policy
		path string
		argv string
		want Verdict
	}{
		{"a refusal holds under any name", rule("python3", "/usr/bin/python3.11", Deny), "/usr/bin/python3.11", "innocent", Deny},
		{"a permission holds under the name", rule("python3", "/usr/bin/python3.11", Allow), "/usr/bin/python3.11", "python3 x.py", Allow},
		{"and not under another", rule("python3", "/usr/bin/python3.11", Allow), "/usr/bin/python3.11", "pydoc", Audit},
		{"an applet is refused by its name", rule("su", "/usr/bin/busybox", Deny), "/usr/bin/busybox", "su -", Deny},
		{"and through the box", rule("su", "/usr/bin/busybox", Deny), "/usr/bin/busybox", "busybox su -", Deny},
		{"the other applets are not", rule("su", "/usr/bin/busybox", Deny), "/usr/bin/busybox", "ls", Audit},
		{"an applet is permitted by its name", rule("ls", "/usr/bin/busybox", Allow), "/usr/bin/busybox", "ls", Allow},
		{"the other applets are not", rule("ls", "/usr/bin/busybox", Allow), "/usr/bin/busybox", "rm -r x", Audit},
		{"another program is none of its business", rule("su", "/usr/bin/busybox", Deny), "/usr/bin/cat", "su", Audit},
	} {
		r := Request{Gate: GateExec, Path: c.path, Argv: strings.Fields(c.argv)}
		if got := c.p.Evaluate(r); got.Verdict != c.want {
			t.Errorf("%s: %v", c.what, got.Verdict)
		}
	}
}

func genPath() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"ws", ".git", "hooks", "usr", "secret", "a", "home", "ada", "tmp", "keep", "etc"}), 1, 5).Draw(t, "parts")
		return "/" + strings.Join(parts, "/")
	})
}

// The longest listed path decides, whatever the order of the list.
func TestFilesHaveNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := sample(), sample()
		q.Files = rapid.Permutation(p.Files).Draw(t, "files")
		r := Request{Gate: GateOpen, Path: genPath().Draw(t, "path"), Write: rapid.Bool().Draw(t, "write"), Op: rapid.SampledFrom([]string{"open", "rename"}).Draw(t, "op")}
		got, want := q.Evaluate(r), p.Evaluate(r)
		if got.Verdict != want.Verdict {
			t.Fatalf("%v: %v, and in another order %v", r, got, want)
		}
		if got.Rule == ruleFilesDefault && got.Verdict != Deny {
			t.Fatalf("%v: %v", r, got)
		}
	})
}

// An added rule behind the others never changes what they decided.
func TestFirstRuleWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := sample(), sample()
		q.Exec.Rules = append(q.Exec.Rules, ExecRule{Run: []string{"*"}, Then: Kill, Origin: origin("exec.rules[9]", 99)})
		r := Request{Gate: GateExec, Path: "/usr/bin/" + rapid.SampledFrom([]string{"ls", "git", "su", "x"}).Draw(t, "program"),
			Argv: rapid.SliceOfN(rapid.SampledFrom([]string{"git", "push", "x"}), 0, 4).Draw(t, "argv")}
		got, want := q.Evaluate(r), p.Evaluate(r)
		if want.Rule == p.Exec.Origin.String() {
			want = Decision{Kill, "exec.rules[9] (p.yaml:99)"}
		}
		if got != want {
			t.Fatalf("%v: %v, want %v", r, got, want)
		}
	})
}

func TestEvaluateIsTotal(t *testing.T) {
	p := sample()
	rapid.Check(t, func(t *rapid.T) {
		r := Request{
			Gate: Gate(rapid.Byte().Draw(t, "gate")), Path: rapid.String().Draw(t, "path"),
			Argv:   rapid.SliceOf(rapid.String()).Draw(t, "argv"),
			SHA256: rapid.String().Draw(t, "sha"), Host: rapid.String().Draw(t, "host"),
			Port: rapid.Uint16().Draw(t, "port"), Op: rapid.String().Draw(t, "op"),
		}
		if d := p.Evaluate(r); !d.Verdict.Valid() || d.Rule == "" {
			t.Fatalf("%v", d)
		}
	})
}

func TestANamePermitsNothingWhereTheJailCanWrite(t *testing.T) {
	p := &Policy{
		Files: []File{
			{Path: "/usr", Access: AccessRead},
			{Path: "/work", Access: AccessWrite, Write: Allow, Exec: true},
			{Path: "/home/agent", Access: AccessPrivate, Write: Allow},
			{Path: "/work/vendor", Access: AccessRead},
		},
		Exec: Exec{Default: Deny, Rules: []ExecRule{
			{Run: []string{"sudo"}, Then: Deny},
			{Run: []string{"/work/tool"}, Then: Allow},
			{Run: []string{"git", "sudo"}, Then: Allow},
			{Run: []string{"make"}, Then: Ask},
			{Run: []string{"pinned"}, SHA256: strings.Repeat("a", 64), Then: Allow},
		}},
	}
	tests := []struct {
		name, path, sum string
		want            Verdict
	}{
		{"the system's program", "/usr/bin/git", "", Allow},
		{"a file of that name in the workspace", "/work/git", "", Deny},
		{"a file of that name in the private home", "/home/agent/bin/git", "", Deny},
		{"a file of that name in /tmp", "/tmp/git", "", Deny},
		{"a program of the workspace by its path", "/work/tool", "", Allow},
		{"one by its content", "/work/pinned", strings.Repeat("a", 64), Allow},
		{"a tree of the workspace that it cannot write", "/work/vendor/git", "", Allow},
		{"a refusal by name holds everywhere", "/work/sudo", "", Deny},
		{"a question by name is asked everywhere", "/work/make", "", Ask},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := p.Evaluate(Request{Gate: GateExec, Path: tt.path, Argv: []string{"x"}, SHA256: tt.sum})
			if d.Verdict != tt.want {
				t.Errorf("%s (%s), want %s", d.Verdict, d.Rule, tt.want)
			}
		})
	}
}

// Memory and removed files have the name that whoever made them chose: no name
// and no path permits them, a hash or the default does.
func TestNamelessPrograms(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	p := &Policy{
		Files: []File{{Path: "/usr", Access: AccessRead, Exec: true, Write: Deny}},
		Exec: Exec{Default: Deny, Rules: []ExecRule{
			{Run: []string{"evil*"}, Then: Kill},
			{Run: []string{"python3*", "/usr/**", "/**"}, Then: Allow},
			{SHA256: sum, Then: Audit},
		}},
	}
	for path, want := range map[string]Verdict{
		"/usr/bin/python3.11":                     Allow,
		"/memfd:/python3.11 (deleted)":            Deny,
		"/memfd:python3 (deleted)":                Deny,
		"/usr/bin/python3.11 (deleted)":           Deny,
		"/memfd:/evil (deleted)":                  Kill,
		"/usr/bin/evil (deleted)":                 Kill,
		"/memfd:a/usr/bin/python3 (deleted)":      Deny,
		"/memfd:/usr/bin/python3":                 Deny,
		"/usr/lib/python3 (deleted)/python3 real": Allow,
	} {
		if d := p.Evaluate(Request{Gate: GateExec, Path: path}); d.Verdict != want {
			t.Errorf("%s: %v, want %s", path, d, want)
		}
	}
	if d := p.Evaluate(Request{Gate: GateExec, Path: "/memfd:x (deleted)", SHA256: sum}); d.Verdict != Audit {
		t.Errorf("by its content: %v", d)
	}
}
