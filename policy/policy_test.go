package policy

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	for v := Deny; v < verdictEnd; v++ {
		if got, err := ParseVerdict(v.String()); err != nil || got != v {
			t.Errorf("verdict %v: %v, %v", v, got, err)
		}
	}
	for r := RespondKill; r < responseEnd; r++ {
		if got, err := ParseResponse(r.String()); err != nil || got != r {
			t.Errorf("response %v: %v, %v", r, got, err)
		}
	}
	for a := AccessNone; a < accessEnd; a++ {
		if got, err := ParseAccess(a.String()); err != nil || got != a {
			t.Errorf("access %v: %v, %v", a, got, err)
		}
	}
	for p := ProtocolNamed; p < protocolEnd; p++ {
		if got, err := ParseProtocol(p.String()); err != nil || got != p {
			t.Errorf("protocol %v: %v, %v", p, got, err)
		}
	}
	for _, s := range []string{"", "Allow", "alow", "verdict(9)"} {
		if v, err := ParseVerdict(s); err == nil || v != Deny {
			t.Errorf("verdict %q: %v, %v", s, v, err)
		}
	}
	if got := Verdict(9).String() + Gate(9).String() + Response(9).String() + Access(9).String() + Protocol(9).String(); got != "verdict(9)gate(9)response(9)access(9)protocol(9)" {
		t.Error(got)
	}
}

func TestHosts(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a.org", "a.org", true}, {"*.a.org", "x.a.org", true}, {"*.a.org", "*.a.org", true},
		{"*.a.org", "*.x.a.org", true}, {"*.x.a.org", "*.a.org", false}, {"*.a.org", "a.org", false},
		{"*.a.org", "xa.org", false}, {"x.a.org", "*.a.org", false}, {"*.a.org", "*.xa.org", false},
	} {
		if got := CoversHost(c.a, c.b); got != c.want {
			t.Errorf("CoversHost(%q, %q) = %v", c.a, c.b, got)
		}
	}
	label := rapid.StringMatching(`[a-z]{1,3}`)
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(label, 1, 4).Draw(t, "labels")
		name := strings.Join(names, ".")
		suffix := strings.Join(rapid.SliceOfN(label, 1, 3).Draw(t, "suffix"), ".")
		want := name != suffix && strings.HasSuffix(name, "."+suffix)
		if got := MatchHost("*."+suffix, name); got != want {
			t.Fatalf("MatchHost(%q, %q) = %v", "*."+suffix, name, got)
		}
	})
}

func TestPrivate(t *testing.T) {
	for _, s := range []string{
		"127.0.0.1", "127.255.0.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
		"169.254.169.254", "100.64.0.1", "100.127.255.255", "198.18.0.1", "224.0.0.1", "255.255.255.255", "192.0.0.170",
		"::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1",
		"::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:a00:1::1", "::10.0.0.1", "2001::1", "64:ff9b:1::1",
	} {
		if !Private(netip.MustParseAddr(s)) {
			t.Errorf("%s is held to be public", s)
		}
	}
	for _, s := range []string{
		"192.0.2.1", "198.51.100.1", "203.0.113.1", "8.8.8.8", "172.32.0.1", "172.15.0.1", "100.128.0.1", "100.63.0.1",
		"2001:db8::1", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "192.169.0.1", "11.0.0.1",
	} {
		if Private(netip.MustParseAddr(s)) {
			t.Errorf("%s is held to be private", s)
		}
	}
	if !Private(netip.Addr{}) {
		t.Error("no address is held to be public")
	}
}

func TestSecrets(t *testing.T) {
	for _, kv := range []string{
		"OPENAI_API_KEY=x", "github_token=x", "AWS_SECRET_ACCESS_KEY=x", "DB_PASSWORD=x", "PGPASSFILE=x", "MY_CREDS=x",
		"SESSION=x", "COOKIE_JAR=x", "SSH_AUTH_SOCK=x", "DB_PWD=x", "GITLAB_PAT=x", "SENTRY_DSN=x", "SLACK_WEBHOOK=x",
		"HTTP_PROXY=http://u:p@proxy:3128", "DATABASE_URL=x", "APIKEY=x",
	} {
		name, value, _ := strings.Cut(kv, "=")
		if !LooksSecret(name, value) {
			t.Errorf("%s passes for harmless", kv)
		}
	}
	for _, kv := range []string{"PWD=/x", "OLDPWD=/x", "GIT_AUTHOR_NAME=x", "EDITOR=vi", "HTTP_PROXY=http://proxy:3128", "X=mailto:a@b:c", "PATH=/x"} {
		name, value, _ := strings.Cut(kv, "=")
		if LooksSecret(name, value) {
			t.Errorf("%s passes for a secret", kv)
		}
	}
}

func TestPasses(t *testing.T) {
	e := Env{Pass: []string{"CI", "NODE_*", "GH_TOKEN"}}
	for name, want := range map[string]bool{
		"CI": true, "CIRCLE": false, "NODE_ENV": true, "NODE_AUTH_TOKEN": false, "GH_TOKEN": true, "HOME": false, "": false,
	} {
		if got := e.Passes(name, "x"); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	all := Env{Pass: []string{"*"}}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Z_]{0,6}(KEY|TOKEN|SECRET|PASS|CRED|COOKIE|SESSION)[A-Z_]{0,6}`).Draw(t, "name")
		if all.Passes(name, "x") {
			t.Fatalf("%s passes by a glob", name)
		}
	})
}

func TestShown(t *testing.T) {
	for _, c := range []struct {
		path string
		a    Access
		ok   bool
	}{
		{"/usr", AccessRead, true}, {"/usr", AccessWrite, false}, {"/usr/local/x", AccessWrite, false},
		{"/", AccessRead, false}, {"/etc", AccessRead, true}, {"/etc/x", AccessWrite, false},
		{"/proc", AccessRead, false}, {"/sys/fs", AccessRead, false}, {"/dev/kvm", AccessRead, false},
		{"/dev/shm", AccessPrivate, true}, {"/dev/shm", AccessWrite, false},
		{"/etc/clawjail", AccessRead, false}, {"/etc/clawjail/policies/x", AccessRead, false}, {"/etc/clawjail", AccessNone, true},
		{"/run/clawjail/control.sock", AccessWrite, false}, {"/var/lib/clawjail", AccessRead, false},
		{"/var/lib/clawjail/skills", AccessRead, false}, {"/var/lib/clawjail/skills/store", AccessRead, false}, {"/var/lib/clawjail/skills/installed/x", AccessRead, false},
		{"/var/lib/clawjail/skills/store/1f/files", AccessRead, true}, {"/var/lib/clawjail/skills/store/1f/files", AccessWrite, false}, {"/var/lib/clawjail/skills/store/1f/files", AccessPrivate, false},
		{"/home", AccessWrite, false}, {"/home/ada", AccessWrite, true}, {"/home/ada", AccessPrivate, true},
		{"/var", AccessWrite, false}, {"/var/lib", AccessWrite, false}, {"/var/lib/x", AccessWrite, true},
		{"/usrx", AccessWrite, true}, {"/srv/x", AccessWrite, true}, {"/run", AccessWrite, false},
	} {
		if err := CheckShown(c.path, c.a); (err == nil) != c.ok {
			t.Errorf("%s %v: %v", c.path, c.a, err)
		}
	}
}

func TestValidate(t *testing.T) {
	if err := sample().Validate(); err != nil {
		t.Fatalf("the sample is not valid: %v", err)
	}
	for what, c := range map[string]struct {
		change func(*Policy)
		want   string
	}{
		"another version":         {func(p *Policy) { p.Version = 2 }, "version 2 is not 1"},
		"no name":                 {func(p *Policy) { p.Name = "" }, `name "" is not 1 to 63 characters long`},
		"a name with a slash":     {func(p *Policy) { p.Name = "a/b" }, `name "a/b" may have a-z`},
		"a relative path":         {func(p *Policy) { p.Files[0].Path = "usr" }, `files[0]: path "usr" is not absolute`},
		"a path with dots":        {func(p *Policy) { p.Files[0].Path = "/usr/../etc" }, `is not clean: it is the same as "/etc"`},
		"a path with a newline":   {func(p *Policy) { p.Files[0].Path = "/usr\n" }, "cannot be printed"},
		"a path that is no text":  {func(p *Policy) { p.Files[0].Path = "/usr\xff" }, "is not UTF-8"},
		"a path twice":            {func(p *Policy) { p.Files[1].Path = "/usr"; p.Files[1].Access = AccessRead; p.Files[1].Write = Deny }, `files[1]: path "/usr" is listed twice`},
		"clawjail's own state":    {func(p *Policy) { p.Files[0].Path = "/run/clawjail" }, "is clawjail's own"},
		"a writable system":       {func(p *Policy) { p.Files[1].Path = "/etc" }, "is part of the system"},
		"read and write":          {func(p *Policy) { p.Files[0].Write = Allow }, "access read and write allow contradict"},
		"write and deny":          {func(p *Policy) { p.Files[1].Write = Deny }, "access write and write deny contradict"},
		"an unknown access":       {func(p *Policy) { p.Files[0].Access = 77 }, "unknown access(77)"},
		"an unknown verdict":      {func(p *Policy) { p.Files[0].Write = 77 }, "unknown verdict(77)"},
		"hidden and executable":   {func(p *Policy) { p.Files[3].Exec = true }, "access none goes with nothing else"},
		"create without write":    {func(p *Policy) { p.Files[0].Create = true }, "create is for access write"},
		"size without private":    {func(p *Policy) { p.Files[0].SizeBytes = 1 << 20 }, "size is for access private"},
		"a tiny size":             {func(p *Policy) { p.Files[6].SizeBytes = 1 }, "size 1 is not between"},
		"too many files":          {func(p *Policy) { p.Files = make([]File, MaxFiles+1) }, "513 entries, at most 512"},
		"an exec rule of nothing": {func(p *Policy) { p.Exec.Rules[0].Run = nil }, "exec.rules[0]: neither run nor sha256"},
		"an unknown exec verdict": {func(p *Policy) { p.Exec.Rules[0].Then = 50 }, "exec.rules[0]: unknown verdict(50)"},
		"an unknown default":      {func(p *Policy) { p.Exec.Default = 50 }, "exec.default: unknown verdict(50)"},
		"a relative program":      {func(p *Policy) { p.Exec.Rules[0].Run[0] = "bin/ls" }, "can never match"},
		"a bad pattern":           {func(p *Policy) { p.Exec.Rules[0].Run[0] = `ls\` }, "backslash"},
		"a long argument":         {func(p *Policy) { p.Exec.Rules[1].Args[0] = strings.Repeat("x", MaxPattern+1) }, "longer than 512 bytes"},
		"a bad hash":              {func(p *Policy) { p.Exec.Rules[4].SHA256 = "abc" }, "is not 64"},
		"an open network":         {func(p *Policy) { p.Network.Default = Allow }, "network.default: allow is neither deny nor ask"},
		"a private ask":           {func(p *Policy) { p.Network.Private = Ask }, "network.private: ask"},
		"a network kill":          {func(p *Policy) { p.Network.Rules[0].Then = Kill }, "network[0]: kill"},
		"a bad host":              {func(p *Policy) { p.Network.Rules[0].Host = "a b" }, `has the character ' '`},
		"an upper-case host":      {func(p *Policy) { p.Network.Rules[0].Host = "A.org" }, `has the character 'A'`},
		"a host of stars":         {func(p *Policy) { p.Network.Rules[0].Host = "a.*.org" }, "has a star"},
		"almost an address":       {func(p *Policy) { p.Network.Rules[0].Host = "10.0.0.256" }, "looks like an address"},
		"an unknown protocol":     {func(p *Policy) { p.Network.Rules[0].Protocol = 9 }, "unknown protocol(9)"},
		"unsorted variables":      {func(p *Policy) { p.Env.Set[0].Name = "Z" }, "names are not sorted"},
		"a variable twice":        {func(p *Policy) { p.Env.Set[0].Name = "B" }, "names are not sorted, or not distinct"},
		"a bad variable":          {func(p *Policy) { p.Env.Pass[0] = "A=B" }, "may have letters"},
		"a value with NUL":        {func(p *Policy) { p.Env.Set[0].Value = "a\x00" }, "without NUL"},
		"no memory":               {func(p *Policy) { p.Limits.MemoryBytes = 0 }, "limits.memory: 0 is not between"},
		"negative pids":           {func(p *Policy) { p.Limits.Pids = -1 }, "limits.pids: -1 is not between"},
		"no time to decide":       {func(p *Policy) { p.Approval.Timeout = 0 }, "approval.timeout: 0 is not between"},
		"an unknown response":     {func(p *Policy) { p.OnViolation = 9 }, "on_violation: unknown response(9)"},
		"half a delete limit":     {func(p *Policy) { p.Delete.Over = Ask }, "has no limit but the rest of one"},
		"a delete limit for ever": {func(p *Policy) { p.Delete = Delete{Limit: 5, Over: Ask} }, "delete.limit: 0 is not between"},
		"deleting that is told":   {func(p *Policy) { p.Delete = Delete{Limit: 5, Per: 1e9, Over: Audit} }, "delete.over: audit is neither"},
		"deleting without end":    {func(p *Policy) { p.Delete = Delete{Limit: 5, Per: 1e9, Over: Allow} }, "delete.over: allow is neither"},
		"a label with an escape":  {func(p *Policy) { p.Files[0].Origin.At = "\x1b[2J" }, "cannot be printed"},
	} {
		p := sample()
		c.change(p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

func TestValidateReportsEverything(t *testing.T) {
	p := sample()
	p.Version, p.Name, p.Limits.Pids = 3, "A", 0
	err := p.Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("%v", err)
	}
}
