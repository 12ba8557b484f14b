package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// policyRun runs `clawjail policy ARGS` and gives what it printed and its code.
func policyRun(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	e := &env{stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	c := newPolicyCommand(e)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&errs)
	err := c.Execute()
	var exit *exitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		code = exit.code
	default:
		errs.WriteString("clawjail: " + err.Error() + "\n")
		code = 125
	}
	return out.String(), errs.String(), code
}

func writeFile(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPolicyCheck(t *testing.T) {
	t.Chdir(t.TempDir())
	good := writeFile(t, "good.yaml", "version: 1\nname: good\nextends: [agent]\n")
	bad := writeFile(t, "bad.yaml", "version: 1\nname: bad\nextends: [agent]\nexec:\n  rules:\n    - {run: rm, then: alow}\nlimits: {memory: 1GB}\n")
	out, errs, code := policyRun(t, "check", good, "locked")
	if code != 0 || errs != "" || !strings.HasPrefix(out, "good.yaml: ok, policy good sha256:") || strings.Count(out, "\n") != 2 {
		t.Errorf("%d %q %q", code, out, errs)
	}
	out, errs, code = policyRun(t, "check", good, bad, "none.yaml")
	want := `clawjail: policy bad.yaml:6:23: unknown verdict "alow"; did you mean "allow"?
clawjail: policy bad.yaml:7:18: unknown unit "GB" in limits.memory "1GB"; did you mean "1GiB"? the units are B, KiB, MiB, GiB and TiB
clawjail: policy none.yaml: no such file; give the path of a policy file, or one that comes along, by its name: agent, locked, shell, skill, claude-code, codex, openclaw
`
	if code != 1 || errs != want || !strings.HasPrefix(out, "good.yaml: ok") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	out, errs, code = policyRun(t, "check", "-o", "json", bad)
	var got []checked
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 1 || errs != "" || len(got) != 1 || got[0].OK || len(got[0].Problems) != 2 || got[0].Problems[0].Line != 6 {
		t.Errorf("%d %q %q %v", code, out, errs, err)
	}
	if _, errs, code = policyRun(t, "check", "-o", "xml", good); code != 125 || !strings.Contains(errs, `unknown output "xml"`) {
		t.Errorf("%d %q", code, errs)
	}
}

func TestPolicyTest(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "p.yaml"), "version: 1\nname: p\nextends: [agent]\n")
	writeFile(t, filepath.Join(dir, "p.expect"), "given exec ls, expect allow\ngiven connect github.com:443, expect deny\n")
	out, errs, code := policyRun(t, "test", file)
	if code != 1 || out != file+": 1 of 2 expectations met\n" ||
		!strings.HasPrefix(errs, "clawjail: policy "+dir+"/p.expect:2: given connect github.com:443: expected deny, got allow by network.allow[3] (preset agent:") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	for _, name := range []string{"agent", "locked", "shell", "skill", "claude-code", "codex", "openclaw"} {
		if out, errs, code := policyRun(t, "test", name); code != 0 || errs != "" || !strings.Contains(out, " expectations met\n") {
			t.Errorf("%s: %d %q %q", name, code, out, errs)
		}
	}
	other := writeFile(t, filepath.Join(dir, "other"), "given nothing\n")
	if _, errs, code := policyRun(t, "test", file, other); code != 1 || !strings.Contains(errs, "other:1:1: not an expectation") {
		t.Errorf("%d %q", code, errs)
	}
}

func TestPolicyDiff(t *testing.T) {
	dir := t.TempDir()
	a := writeFile(t, filepath.Join(dir, "a.yaml"), "version: 1\nname: p\nextends: [agent]\nlimits: {pids: 64, wall: 1h}\n")
	b := writeFile(t, filepath.Join(dir, "b.yaml"), "# the same\nversion: 1\nname: p\nlimits: {wall: 60m, pids: 64}\n\nextends: [agent]\n")
	c := writeFile(t, filepath.Join(dir, "c.yaml"), "version: 1\nname: p\nextends: [agent]\nlimits: {pids: 65, wall: 1h}\n")
	if out, errs, code := policyRun(t, "diff", a, b); code != 0 || out+errs != "" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if out, errs, code := policyRun(t, "diff", a, c); code != 1 || out != "- limits: pids 64\n+ limits: pids 65\n" || errs != "" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if out, _, code := policyRun(t, "diff", "-o", "json", a, c); code != 1 || out != `[{"added":false,"line":"limits: pids 64"},{"added":true,"line":"limits: pids 65"}]`+"\n" {
		t.Errorf("%d %q", code, out)
	}
	if out, _, code := policyRun(t, "diff", "-o", "json", a, b); code != 0 || out != "[]\n" {
		t.Errorf("%d %q", code, out)
	}
}

func TestPolicyExplain(t *testing.T) {
	dir := t.TempDir()
	out, errs, code := policyRun(t, "explain", "agent", "--workspace", dir, "--user", "64999", "--", "echo", "a b")
	if code != 0 || errs != "" {
		t.Fatalf("%d %q", code, errs)
	}
	for _, want := range []string{
		"policy\n  agent sha256:", "  command echo \"a b\"\n", "  user agent uid 64999", "\nmounts\n", "  bind    /usr ro,exec\n", "\nlandlock\n", "\nlimits\n  memory 4GiB",
		"allow api.openai.com port 443", "\nprobes\n", "\nexec\n", "\nseccomp\n  foreign architecture, x32: kill\n", "execve: notify", "\nnotes\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	out, errs, code = policyRun(t, "explain", "-o", "json", "skill", "--workspace", dir, "--user", "64999")
	var got struct {
		Policy struct{ Name string }
		Digest string
		Plan   struct {
			Jail struct{ Cwd string }
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || got.Policy.Name != "skill" || got.Plan.Jail.Cwd != dir || !strings.HasPrefix(got.Digest, "sha256:") {
		t.Errorf("%d %q %v %+v", code, errs, err, got)
	}
	if _, errs, code := policyRun(t, "explain", "agent", "locked"); code != 125 || !strings.Contains(errs, "explain takes one") {
		t.Errorf("%d %q", code, errs)
	}
	if _, errs, code := policyRun(t, "explain", "agent", "--workspace", "/", "--user", "64999"); code == 0 || !strings.Contains(errs, "is the whole host") {
		t.Errorf("%d %q", code, errs)
	}
	if _, errs, code := policyRun(t, "explain", "./none.yaml", "--workspace", dir, "--user", "64999"); code != 1 || !strings.HasPrefix(errs, "clawjail: policy ./none.yaml: no such file; give the path of a policy file, or one that comes along") {
		t.Errorf("%d %q", code, errs)
	}
}
