//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/client"
	"clawjail/test/e2e/mockmodel"
	"clawjail/test/e2e/smallnet"
)

// answering decides everything that is held while fn runs, and gives what it
// decided about.
func answering(t *testing.T, decide func(client.Approval) (approve bool, reason string), fn func()) []client.Approval {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	var asked []client.Approval
	answer := func(a client.Approval) {
		ok, reason := decide(a)
		_, d, err := supervised().Decide(ctx, a.ID, api.DecideRequest{Approve: ok, Digest: a.Digest, Reason: reason})
		if err != nil && strings.Contains(err.Error(), "the process that asked is gone") {
			return // an agent that ends its helpers does not wait for us
		}
		if err != nil || d.Allowed != ok {
			t.Errorf("decide about %s %s %q: %v, %v", a.Gate, a.Path, a.Argv, d, err)
		}
		asked = append(asked, a)
	}
	work.Go(func() {
		for ctx.Err() == nil { // the supervisor may not run yet
			_ = supervised().WatchApprovals(ctx, func(ev client.ApprovalEvent) error {
				switch ev.Kind {
				case approval.Resync:
					for _, a := range ev.List {
						answer(a)
					}
				case approval.Added:
					answer(ev.Approval)
				}
				return nil
			})
		}
	})
	fn()
	cancel()
	work.Wait()
	return asked
}

// askingPolicy is an example policy that asks for pushes, for writes below
// docs, for new destinations and for more than three deletions.
func askingPolicy(t *testing.T, name string) string {
	t.Helper()
	text := read(t, example(t, name))
	insert := func(after, line string) {
		if !strings.Contains(text, "\n"+after) {
			t.Fatalf("the example %s has no %q", name, after)
		}
		text = strings.Replace(text, "\n"+after, "\n"+after+line, 1)
	}
	ask := `  ask: ["` + smallnet.NameWeb + `:80", "` + smallnet.NameEvil + `:80"]` + "\n"
	if name != "codex" { // which needs the settings that are there
		// What an agent removes of its own is not worth a question: it goes with
		// the jail.
		state := "${HOME}/.clawjail-" + strings.TrimSuffix(name, "-code") + "\", access: "
		text = strings.Replace(text, state+"write, create: true", state+"private", 1)
		if !strings.Contains(text, state+"private") {
			t.Fatalf("the example %s has no %q", name, state)
		}
	}
	insert("files:\n", `  - {path: "${WORKSPACE}/docs", access: read, write: critical}`+"\n")
	insert("exec:\n  rules:\n", "    - {run: git, args: [push, ...], then: critical}\n")
	if strings.Contains(text, "\nnetwork:\n") {
		insert("network:\n", ask)
	} else {
		text += "network:\n" + ask
	}
	text += "delete: {limit: 3/h, over: ask}\non_refusal: explain\napproval: {timeout: 2m}\n"
	path := filepath.Join(t.TempDir(), name+".yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// project makes a workspace with a repository, a place to push it to, documents
// and five files to delete.
func project(t *testing.T) string {
	t.Helper()
	dir := workspace(t)
	script := `set -e
cd "$1"
git init -q -b main . && git config user.email nobody@example.com && git config user.name nobody
echo remote.git/ > .gitignore && echo text > text && git add . && git commit -q -m first
git init -q --bare -b main remote.git && git remote add origin "$1/remote.git"
mkdir docs gone && for i in 1 2 3 4 5; do echo $i > gone/$i; done`
	c := exec.CommandContext(t.Context(), "sh", "-c", script, "sh", dir)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: smallnet.UserID, Gid: smallnet.UserID}}
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1"}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

// pushes and so on are what the model has the agent do, each with the exit code
// that the shell gave behind it.
func askingScript() mockmodel.Script {
	var s mockmodel.Script
	for _, command := range []string{
		"git push origin HEAD:refs/heads/refused", "git push origin HEAD:refs/heads/approved",
		"echo approved > docs/approved.md", "echo refused > docs/refused.md",
		"curl -sS -m 60 http://" + smallnet.NameWeb + "/approved", "curl -sS -m 60 http://" + smallnet.NameEvil + "/refused",
		"for i in 1 2 3 4 5; do rm gone/$i; done; ls gone",
	} {
		s = append(s, mockmodel.Step{Shell: command + "; echo \"[$?]\""})
	}
	return append(s, mockmodel.Step{Text: "SCENARIO-END"})
}

// byScript approves what the script says, and the agent's own housekeeping.
func byScript(dir string) func(client.Approval) (bool, string) {
	return func(a client.Approval) (bool, string) {
		what := strings.Join(append([]string{a.Path, a.Host}, a.Argv...), " ")
		refused := strings.Contains(what, "refused") || a.Host == smallnet.NameEvil || a.Path == filepath.Join(dir, "gone", "4")
		return !refused, "so says the script"
	}
}

// TestAgentGoesOnAfterAnAnswer has each real agent do what a policy asks about.
// Some of it is approved and some denied, and after each the agent goes on to
// the end of its scenario; a denial tells it why.
func TestAgentGoesOnAfterAnAnswer(t *testing.T) {
	for name, a := range agents() {
		t.Run(name, func(t *testing.T) {
			dir := project(t)
			key := script(t, askingScript())
			r := a.prompt(t, dir, key)
			r.Policy = askingPolicy(t, a.policy)
			r.Timeout = 6 * time.Minute // a turn of many steps, on a machine that does other things
			web, evil := len(reached(t, smallnet.NameWeb)), len(reached(t, smallnet.NameEvil))
			var o outcome
			asked := answering(t, byScript(dir), func() { o = jail(t, r) })
			if !strings.Contains(o.Stdout, "SCENARIO-END") {
				t.Fatalf("the scenario did not come to its end: %v", o)
			}
			t.Logf("%d questions", len(asked))
			for _, what := range []string{"exec", "file", "connect", "delete"} {
				if !askedAt(asked, what) {
					t.Errorf("nobody was asked at the gate %s: %+v", what, asked)
				}
			}
			checkProject(t, dir)
			if n := len(reached(t, smallnet.NameWeb)); n == web {
				t.Error("the approved connection did not reach the internet")
			}
			if hits := reached(t, smallnet.NameEvil)[evil:]; len(hits) > 0 {
				t.Errorf("this reached the internet: %v", hits)
			}
			checkLearned(t, key)
			checkAnswers(t, records(t, o.Name))
		})
	}
}

func askedAt(asked []client.Approval, gate string) bool {
	for _, a := range asked {
		if a.Gate == gate {
			return true
		}
	}
	return false
}

// checkProject looks at what came of it in the workspace.
func checkProject(t *testing.T, dir string) {
	t.Helper()
	refs, err := filepath.Glob(dir + "/remote.git/refs/heads/*")
	if err != nil || len(refs) != 1 || filepath.Base(refs[0]) != "approved" {
		t.Errorf("the other repository has %v, %v", refs, err)
	}
	docs, err := filepath.Glob(dir + "/docs/*")
	if err != nil || len(docs) != 1 || read(t, dir+"/docs/approved.md") != "approved\n" {
		t.Errorf("docs has %v, %v", docs, err)
	}
	if uid := ownerOf(t, dir+"/docs/approved.md"); uid != smallnet.UserID {
		t.Errorf("the approved document belongs to %d", uid)
	}
	gone, err := filepath.Glob(dir + "/gone/*")
	if err != nil || len(gone) != 1 || filepath.Base(gone[0]) != "4" {
		t.Errorf("of the files to delete these are left: %v, %v", gone, err)
	}
}

// checkLearned looks at what the agent told its model after each step.
func checkLearned(t *testing.T, key string) {
	t.Helper()
	log, err := world.ModelLog(key)
	if err != nil || len(log) == 0 {
		t.Fatalf("the model's log: %v", err)
	}
	all := ""
	for _, e := range log {
		if text := strings.Join(e.Results, "\n"); len(text) > len(all) {
			all = text
		}
	}
	for _, want := range []string{
		"clawjail: refused: git push origin HEAD:refs/heads/refused: by exec.rules[0], critical", "denied: rejected by root (so says the script)",
		"/docs/refused.md: by files[0], critical", "clawjail: refused: unlink", "gone/4: by delete",
		"Operation not permitted", "GET /approved",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the agent did not learn %q: %s", want, tail(all))
		}
	}
	if strings.Count(all, "clawjail: refused:") < 3 {
		t.Errorf("too few explanations: %s", tail(all))
	}
}

// checkAnswers looks at the log: who decided what.
func checkAnswers(t *testing.T, list []audit.Record) {
	t.Helper()
	decided := func(gate, verdict, part string) {
		t.Helper()
		want(t, list, verdict+" at "+gate+" of "+part, func(r audit.Record) bool {
			s := r.Subject
			return r.Gate == gate && r.Verdict == verdict && r.Decision != nil && strings.HasPrefix(r.Decision.By, "root") && r.Decision.Digest != "" &&
				strings.Contains(strings.Join(append([]string{s.Path, s.Host}, s.Argv...), " "), part)
		})
	}
	decided(audit.GateExec, "deny", "heads/refused")
	decided(audit.GateExec, "allow", "heads/approved")
	decided(audit.GateFile, "deny", "docs/refused.md")
	decided(audit.GateFile, "allow", "docs/approved.md")
	decided(audit.GateConnect, "deny", smallnet.NameEvil)
	decided(audit.GateConnect, "allow", smallnet.NameWeb)
	decided(audit.GateDelete, "deny", "gone/4")
}
