//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"clawjail/audit"
	"clawjail/test/e2e/mockmodel"
	"clawjail/test/e2e/smallnet"
)

// place copies a file of testdata into the workspace.
func place(t testing.TB, dir, name string) {
	t.Helper()
	write(t, filepath.Join(dir, name), read(t, filepath.Join("testdata", name)), 0o644)
}

func TestPythonAgent(t *testing.T) {
	dir := workspace(t)
	place(t, dir, "agent.py")
	key := script(t, mockmodel.DefaultScript())
	o := jail(t, run{Workspace: dir, Argv: []string{"/usr/bin/python3", "agent.py"},
		Env: []string{"OPENAI_API_KEY=sk-" + key, "SSL_CERT_FILE=" + authorities}})
	if o.Code != 0 || !strings.Contains(o.Stdout, "DONE. note.txt written") {
		t.Fatalf("%v", o)
	}
	if read(t, dir+"/note.txt") != "hi\n" || read(t, dir+"/python.txt") != "written by python\n" {
		t.Errorf("the files are not there: %v", o)
	}
}

func TestNodeScript(t *testing.T) {
	dir := workspace(t)
	place(t, dir, "agent.mjs")
	o := jail(t, run{Policy: example(t, "openclaw"), Workspace: dir, Argv: []string{nodeBin + "/node", "agent.mjs"},
		Env: []string{"OPENAI_API_KEY=sk-node", "NODE_EXTRA_CA_CERTS=" + authorities}})
	if o.Code != 0 || read(t, dir+"/node.txt") != "mock-1\n" {
		t.Fatalf("%v", o)
	}
	if !strings.Contains(o.Stdout, "evil: ENOTFOUND") {
		t.Errorf("the refused name is not ENOTFOUND: %v", o)
	}
}

func TestGitClone(t *testing.T) {
	dir := workspace(t)
	policy, err := filepath.Abs("testdata/git.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o := jail(t, run{Policy: policy, Workspace: dir, Argv: []string{"git", "clone", "-q", "https://" + smallnet.NameGit + "/demo.git"}})
	if o.Code != 0 || read(t, dir+"/demo/README.md") != "# demo\n" {
		t.Fatalf("%v", o)
	}
	want(t, records(t, o.Name), "the connection", func(r audit.Record) bool {
		return r.Gate == audit.GateEgress && r.Subject.Host == smallnet.NameGit && r.Subject.Port == 443 && r.Subject.BytesDown > 0
	})
	o = jail(t, run{Workspace: dir, Argv: []string{"git", "clone", "-q", "https://" + smallnet.NameGit + "/demo.git", "again"}})
	if o.Code != 128 {
		t.Errorf("without the rule it should fail as git does: %v", o)
	}
}

// TestPrivateAnswersAreRefused: a name that is allowed but leads to private
// addresses is no way in.
func TestPrivateAnswersAreRefused(t *testing.T) {
	dir := workspace(t)
	policy := filepath.Join(t.TempDir(), "rebind.yaml")
	write(t, policy, `version: 1
name: rebind
extends: [agent]
network:
  allow: ["rebind.example.net:80", "rebind.example.net:443", "mixed.example.net:443", "*.wild.example.com:443"]
`, 0o644)
	sh := func(command string) outcome {
		return jail(t, run{Policy: policy, Workspace: dir, Argv: []string{"sh", "-c", command}})
	}
	o := sh("curl -sS -m 10 http://" + smallnet.NameRebind + "/")
	if o.Code == 0 {
		t.Errorf("a private address was reached: %v", o)
	}
	want(t, records(t, o.Name), "the refused connection", func(r audit.Record) bool {
		return r.Gate == audit.GateEgress && r.Verdict == "deny" && r.Subject.Host == smallnet.NameRebind
	})
	if o := sh("curl -sS -m 10 https://a.wild.example.com/ && curl -sS -m 10 https://b.a.wild.example.com/"); o.Code != 0 {
		t.Errorf("a wildcard matches one or more labels: %v", o)
	}
	if o := sh("curl -sS -m 10 https://wild.example.com/"); o.Code == 0 {
		t.Errorf("a wildcard matched the bare name: %v", o)
	}
}
