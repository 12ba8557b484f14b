//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clawjail/supervisor/api"
	"clawjail/test/e2e/smallnet"
)

// appears waits for a file.
func appears(t *testing.T, path string) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(slowAgent); ; <-tick.C {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not appear", path)
		}
	}
}

// TestLimitsAreShared: five agents at once take from one limit, and never one too
// many; what is used is shown while they run.
func TestLimitsAreShared(t *testing.T) {
	dir := workspace(t)
	file := policyFile(t, "actions: {limits: [{of: api_call, limit: 50/h, scope: agent, over: deny}, {of: search_web, limit: 3/h, scope: all, over: deny}]}\n")
	script := `for i in $(seq 20); do clawjail-act request api_call >/dev/null 2>&1 && echo ok; done; touch done.$1; until [ -e go ]; do sleep 0.1; done`
	link := filepath.Join(dir, "limited") // an agent of its own name, so that no other test counts here
	if err := os.Symlink("/bin/bash", link); err != nil {
		t.Fatal(err)
	}
	var jails []api.Jail
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		jails = append(jails, detached(t, run{Policy: file, Workspace: dir, Argv: []string{link, "-c", script, "x", n}}))
	}
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		appears(t, filepath.Join(dir, "done."+n))
	}
	o := clawjail(t, run{}, "limits", "-o", "json")
	var list []api.ActionLimit
	if err := json.Unmarshal([]byte(o.Stdout), &list); err != nil {
		t.Fatalf("%v: %v", err, o)
	}
	found := 0
	for _, l := range list {
		if l.Of == "api_call" && l.Scope == "agent" && l.Subject == "limited" {
			found++
			if l.Used != 50 || l.Left != 0 || l.Max != 50 {
				t.Errorf("%+v", l)
			}
		}
	}
	if found != 1 {
		t.Errorf("the limit is listed %d times: %v", found, o)
	}
	if o := clawjail(t, run{}, "limits"); !strings.Contains(o.Stdout, "50 of 50") || !strings.Contains(o.Stdout, "100.00 USD") {
		t.Errorf("%v", o)
	}
	write(t, filepath.Join(dir, "go"), "", 0o644)
	let := 0
	for _, j := range jails {
		ended(t, j)
		logs := clawjail(t, run{}, "logs", j.Name)
		let += strings.Count(logs.Stdout, "ok\n")
	}
	if let != 50 {
		t.Errorf("%d were let through, not 50", let)
	}
}

// TestConnectionsAreCounted: what a policy lets through unasked is counted by the
// connection itself, and refused beyond the limit.
func TestConnectionsAreCounted(t *testing.T) {
	file := policyFile(t, "network: {allow: [{host: "+smallnet.NameWeb+", port: 80, needs: api_call}]}\nactions: {limits: [{of: api_call, limit: 3/h, over: deny}]}\n")
	o := jail(t, run{Policy: file, Workspace: workspace(t), Argv: []string{"sh", "-c",
		"for i in 1 2 3 4 5; do curl -sS -m 20 -o /dev/null -w '%{http_code} ' http://" + smallnet.NameWeb + "/counted; done 2>/dev/null"}})
	if o.Stdout != "200 200 200 403 403 " {
		t.Errorf("%v", o)
	}
}
