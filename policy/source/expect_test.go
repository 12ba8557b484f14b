package source

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"clawjail/policy"
	"clawjail/test/golden"
)

func TestExpectations(t *testing.T) {
	got, err := ParseExpectations("x.expect", []byte(`
# what a policy promises
given exec git commit -m "two words", expect allow
  given exec /opt/x 'a, expect b' c\ d "", expect deny
given read ${HOME}/.ssh/id, expect deny
given write "/srv/a b", expect ask
given delete /srv/a, expect kill
given rename /srv/a, expect freeze
given connect A.Example.org.:443, expect allow
given connect a.example.org:443 at 10.0.0.1, expect deny
given connect [2001:db8::1]:80, expect audit
`), vars())
	if err != nil {
		t.Fatal(err)
	}
	exec := func(argv ...string) policy.Request {
		return policy.Request{Gate: policy.GateExec, Path: argv[0], Argv: argv[1:], Op: "exec"}
	}
	want := []Expectation{
		{3, "", exec("/usr/bin/git", "git", "commit", "-m", "two words"), policy.Allow},
		{4, "", exec("/opt/x", "/opt/x", "a, expect b", "c d", ""), policy.Deny},
		{5, "", policy.Request{Gate: policy.GateOpen, Path: "/home/user/.ssh/id", Op: "open"}, policy.Deny},
		{6, "", policy.Request{Gate: policy.GateOpen, Path: "/srv/a b", Write: true, Op: "open"}, policy.Ask},
		{7, "", policy.Request{Gate: policy.GateDelete, Path: "/srv/a", Op: "unlink"}, policy.Kill},
		{8, "", policy.Request{Gate: policy.GateOpen, Path: "/srv/a", Write: true, Op: "rename"}, policy.Freeze},
		{9, "", policy.Request{Gate: policy.GateConnect, Host: "a.example.org", Port: 443, Op: "connect"}, policy.Allow},
		{10, "", policy.Request{Gate: policy.GateConnect, Host: "a.example.org", Addr: netip.MustParseAddr("10.0.0.1"), Port: 443, Op: "connect"}, policy.Deny},
		{11, "", policy.Request{Gate: policy.GateConnect, Addr: netip.MustParseAddr("2001:db8::1"), Port: 80, Op: "connect"}, policy.Audit},
	}
	if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreFields(Expectation{}, "Text")); d != "" {
		t.Error(d)
	}
}

func TestBadExpectations(t *testing.T) {
	_, err := ParseExpectations("x.expect", []byte(`exec ls, expect allow
given exec ls
given exec ls, expect alow
given exce ls, expect allow
given exec, expect allow
given read etc/passwd, expect deny
given read /etc/../etc, expect deny
given write /a /b, expect deny
given connect a.example.org, expect deny
given connect a.example.org:https, expect deny
given connect a.example.org:443 at home, expect deny
given connect 192.0.2.1:443 at 10.0.0.1, expect deny
given exec echo "x, expect deny
given read ${HOEM}/x, expect deny
`), vars())
	golden.Check(t, "testdata/bad-expectations.golden", err.Error()+"\n")
	for text, want := range map[string]string{
		"":       "x.expect:1:1: no expectations; a line is like: given exec ls, expect allow",
		"# \xff": "x.expect:1:3: byte 0xff is not UTF-8; policies are UTF-8",
		strings.Repeat("given exec ls, expect allow\n", MaxExpectations+1): "x.expect:4097:1: more than 4096 expectations",
	} {
		if _, err := ParseExpectations("x.expect", []byte(text), vars()); err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
	}
}

func TestExpectationsBesideAFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.expect"), []byte("given exec ls, expect audit\ngiven exec rm, expect allow\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, where, err := OpenExpectations(filepath.Join(dir, "p.yaml"), "", vars())
	if err != nil || where != filepath.Join(dir, "p.expect") || len(all) != 2 {
		t.Fatal(all, where, err)
	}
	p := &policy.Policy{Exec: policy.Exec{Default: policy.Audit}}
	failed := Check(p, all)
	if len(failed) != 1 || failed[0].Line != 2 || failed[0].Got.Verdict != policy.Audit {
		t.Errorf("%+v", failed)
	}
	if _, _, err := OpenExpectations(filepath.Join(dir, "q.yaml"), "", vars()); err == nil || !strings.HasSuffix(err.Error(), "q.expect: no such file") {
		t.Error(err)
	}
}
