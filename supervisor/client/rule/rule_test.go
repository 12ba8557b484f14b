package rule

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/policy/source/edit"
	"clawjail/supervisor/approval"
	"clawjail/test/golden"
)

func anything([]byte) error { return nil }

func push() approval.Request {
	return approval.Request{Gate: approval.GateExec, Path: "/usr/bin/git", Argv: []string{"git", "push", "origin", "v*"}}
}

func connect() approval.Request {
	return approval.Request{Gate: approval.GateConnect, Host: "Api.Example.com.", Port: 443}
}

func open() approval.Request {
	return approval.Request{Gate: approval.GateFile, Op: "open", Path: "/w/a ${HOME}"}
}

const block = `# ours
version: 1
name: x
exec:
  default: audit
  rules:
    # pushes are asked about
    - {run: git, args: [push, ...], then: ask}
network:
  ask:
    - "api.example.com:443"
  allow:
    - "a.example:443" # why
`

func TestEdit(t *testing.T) {
	tests := []struct {
		name, text string
		r          approval.Request
	}{
		{"before the rule that asked and its comment", block, push()},
		{"from one list into another", block, connect()},
		{"a section that is not there", block, open()},
		{"a list in brackets", "version: 1\nexec: {default: audit, rules: [{run: ls, then: allow}]}\n", push()},
		{"an empty list", "version: 1\nexec: {rules: []}\n", push()},
		{"a section without the list", "version: 1\nexec:\n    default: audit\n", push()},
		{"a section in braces without the list", "version: 1\nexec: {default: audit}\n", push()},
		{"lists in brackets", `network: {ask: ["b.example:443", "api.example.com:443"], allow: ["a.example:443"]}` + "\n", connect()},
		{"the first of a list in brackets", `network: {ask: ["api.example.com:443", "b.example:443"]}` + "\n", connect()},
		{"from a list that is named for its category", `network: {critical: ["b.example:443", "api.example.com:443"], allow: ["a.example:443"]}` + "\n", connect()},
		{"no new line at the end", "version: 1", push()},
		{"other letters before", "version: 1\nname: \"日本\"\nexec: {rules: [ {run: \"ä\", then: ask} ]}\n", push()},
		{"an indented list", "exec:\n  rules:\n  - run: ls\n    then: allow\n", push()},
	}
	var all strings.Builder
	for _, tt := range tests {
		p, err := ruleOf(tt.r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.into(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		all.WriteString("== " + tt.name + "\n" + edit.Diff("policy.yaml", tt.text, got))
	}
	file := filepath.Join("testdata", "edits.txt")
	golden.Check(t, file, all.String())
}

func TestRules(t *testing.T) {
	hostile := push()
	hostile.Argv = []string{"git", "a\"b\\c", "*", "...", "${HOME}", "\x1b[2J\u202e", "日"}
	long, bytes, two, limit, alone := push(), push(), open(), open(), push()
	long.ArgvSHA256 = "x"
	bytes.Argv = []string{"git", "\xff"}
	two.Path2 = "/w/b"
	limit.Gate = approval.GateDelete
	alone.Argv, alone.SHA256 = []string{"git"}, strings.Repeat("9f", 32)
	addr := approval.Request{Gate: approval.GateConnect, Addr: netip.MustParseAddr("2001:db8::1"), Port: 80}
	tests := []struct {
		name string
		r    approval.Request
		want string // empty: no rule
	}{
		{"arguments are literal", push(), `{run: "/usr/bin/git", args: ["push", "origin", "v\\*"], then: allow}`},
		{"hostile arguments are too", hostile, `{run: "/usr/bin/git", args: ["a\"b\\\\c", "\\*", "\\...", "$${HOME}", "\x1b[2J\u202e", "\u65e5"], then: allow}`},
		{"no arguments are none", alone, `{run: "/usr/bin/git", args: [], sha256: "` + strings.Repeat("9f", 32) + `", then: allow}`},
		{"a file", open(), `{path: "/w/a $${HOME}", access: write, optional: true}`},
		{"a host", connect(), `"api.example.com:443"`},
		{"an address", addr, `"[2001:db8::1]:80"`},
		{"a long command line", long, ""},
		{"bytes that are no text", bytes, ""},
		{"a rename", two, ""},
		{"a limit", limit, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ruleOf(tt.r)
			if tt.want == "" {
				if !errors.Is(err, ErrNoRule) {
					t.Errorf("got %q, %v", p.item, err)
				}
				return
			}
			if err != nil || p.item != tt.want {
				t.Errorf("got  %s, %v\nwant %s", p.item, err, tt.want)
			}
		})
	}
}

func file(t *testing.T, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(block), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestApply(t *testing.T) {
	path := file(t, 0o640)
	link := filepath.Join(t.TempDir(), "link.yaml")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	c, err := Prepare(link, push(), anything)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != block {
		t.Error("changed before Apply")
	}
	if err := c.Apply(); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(path)
	st, _ := os.Stat(path)
	if !strings.Contains(string(b), `"/usr/bin/git"`) || st.Mode().Perm() != 0o640 || !strings.Contains(c.Diff, "+    - {run: \"/usr/bin/git\"") {
		t.Errorf("%v\n%s\n%s", st.Mode(), b, c.Diff)
	}
	if l, _ := os.Readlink(link); l != path {
		t.Error("the link was replaced")
	}
	onlyFile(t, path)
}

func onlyFile(t *testing.T, path string) {
	t.Helper()
	if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
		t.Errorf("left over: %v", list)
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Run("a file that is changed meanwhile", func(t *testing.T) {
		path := file(t, 0o644)
		c, err := Prepare(path, push(), anything)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(block+"# mine\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := c.Apply(); !errors.Is(err, ErrChanged) {
			t.Errorf("got %v", err)
		}
		c.Discard()
		onlyFile(t, path)
	})
	t.Run("a read-only file", func(t *testing.T) {
		if _, err := Prepare(file(t, 0o444), push(), anything); err == nil {
			t.Error("it was changed")
		}
	})
	t.Run("a file that is missing", func(t *testing.T) {
		if _, err := Prepare("/nowhere/x.yaml", push(), anything); err == nil {
			t.Error("it was made")
		}
	})
	t.Run("a directory", func(t *testing.T) {
		if _, err := Prepare(t.TempDir(), push(), anything); err == nil {
			t.Error("it was changed")
		}
	})
	t.Run("what is no policy", func(t *testing.T) {
		path := file(t, 0o644)
		no := errors.New("line 3: no")
		if _, err := Prepare(path, push(), func([]byte) error { return no }); !errors.Is(err, no) {
			t.Errorf("got %v", err)
		}
		onlyFile(t, path)
	})
}
