//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"clawjail/audit"
	"clawjail/test/e2e/smallnet"
)

const act = "/run/clawjail/clawjail-act"

// actions are the records of a jail about actions.
func actions(t *testing.T, jail, op, verdict string) (found []audit.Record) {
	t.Helper()
	for _, r := range records(t, jail) {
		if r.Gate == audit.GateAction && r.Subject.Op == op && r.Verdict == verdict {
			found = append(found, r)
		}
	}
	return found
}

// paid are the payments that arrived at the internet.
func paid(t *testing.T) (hits []smallnet.Event) {
	t.Helper()
	for _, e := range reached(t, smallnet.NameWeb) {
		if strings.Contains(e.Detail, "/pay-") {
			hits = append(hits, e)
		}
	}
	return hits
}

// TestActionOwnsADestination: no connection without an approved action, one with
// it, and none after; the approver sees what the agent says as such.
func TestActionOwnsADestination(t *testing.T) {
	before := len(paid(t))
	dir := workspace(t)
	network := "network: {allow: [{host: " + smallnet.NameWeb + ", port: 80, needs: make_payment}]}\n"
	script := `get() { curl -sS -m 20 -o /dev/null -w '%{http_code}' http://` + smallnet.NameWeb + `/pay-$1; }
get skips > skips 2> skips.err
token=$(clawjail-act request make_payment --amount 1250 --currency USD --target shop --description "approved by root") || exit 3
get first > first 2>&1
get second > second 2>&1
clawjail-act report $token done > report 2>&1
echo $? >> report
clawjail-act report $token done > again 2>&1
true`
	j := detached(t, run{Policy: policyFile(t, network), Workspace: dir, Argv: []string{"bash", "-c", script}})
	a := heldFor(t, j.Name, slowAgent)
	if got := strings.Join(a.Argv, "|"); a.Gate != "action" || got != "make_payment|cost=12.50 USD|target=shop" || a.Claim != "approved by root" {
		t.Errorf("held: %+v", a.Request)
	}
	page := clawjail(t, run{}, "pending", a.ID)
	claim := strings.Index(page.Stdout, "the agent claims, and nobody checked:")
	if !strings.Contains(page.Stdout, "make_payment 'cost=12.50 USD' target=shop") || claim < 0 || strings.Index(page.Stdout, "approved by root") < claim {
		t.Errorf("%v", page)
	}
	if n := len(paid(t)); n != before {
		t.Errorf("%d payments before it was approved", n-before)
	}
	if o := clawjail(t, run{}, "approve", a.ID); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	if end := ended(t, j); end.Exit == nil || end.Exit.Code != 0 {
		t.Fatalf("%+v", end.Exit)
	}
	for name, want := range map[string]string{"skips": "403", "first": "200", "second": "403", "report": "on record\n0\n", "again": "reported already: done"} {
		if got := read(t, filepath.Join(dir, name)); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := paid(t); len(got) != before+1 {
		t.Errorf("%d payments arrived, not 1: %+v", len(got)-before, got)
	}
	if got := actions(t, j.Name, "request", "allow"); len(got) != 1 || got[0].Decision == nil || got[0].Decision.ID != a.ID {
		t.Errorf("the request's record: %+v", got)
	}
	if got := actions(t, j.Name, "connect", "deny"); len(got) != 2 || !strings.Contains(got[0].Subject.Message, "it needs an approved make_payment; ask for one") {
		t.Errorf("the refusals' records: %+v", got)
	}
	if got := actions(t, j.Name, "connect", "allow"); len(got) != 1 {
		t.Errorf("the connection's record: %+v", got)
	}
	if got := actions(t, j.Name, "report", "allow"); len(got) != 1 {
		t.Errorf("the report's record: %+v", got)
	}
}

// TestActionsOfAnAgent: what the verdicts are by default, on the real socket.
func TestActionsOfAnAgent(t *testing.T) {
	o := jail(t, run{Policy: policyFile(t, "approval: {timeout: 1s}\nactions: {limits: [{of: api_call, limit: 2/h, over: deny}]}\n"), Workspace: workspace(t), Argv: []string{"bash", "-c", `
` + act + ` check read_file; ` + act + ` check send_email; echo $?
` + act + ` request write_file >/dev/null 2>&1; echo $?
` + act + ` request send_email >/dev/null; echo $?
for i in 1 2 3; do ` + act + ` request api_call >/dev/null 2>&1; echo $?; done
` + act + ` request make_payment --amount 5 2>&1; echo $?
python3 -c '
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("/run/clawjail/action.sock")
try: s.sendall(b"x" * (1 << 20) + b"\n")
except OSError: pass
print(s.recv(4096).decode().strip())'`}})
	want := []string{"allow: actions.types, routine", "ask: a human would be asked: actions.types, critical", "1", "0", "1", "0", "0", "1",
		"clawjail-act: amount and currency go together", "2"}
	lines := strings.Split(strings.TrimSpace(o.Stdout), "\n")
	if len(lines) != len(want)+1 || strings.Join(lines[:len(want)], "\n") != strings.Join(want, "\n") || !strings.Contains(lines[len(want)], "at most 16384") {
		t.Errorf("%v", o)
	}
	if !strings.Contains(o.Stderr, "deny: denied: timed out") {
		t.Errorf("%v", o)
	}
	// Nobody sees another jail's socket, and nothing there can be changed.
	o = jail(t, run{Workspace: workspace(t), Argv: []string{"sh", "-c", "ls -A /run/clawjail; rm /run/clawjail/action.sock; touch /run/clawjail/x; ls -A /run"}})
	if o.Stdout != "action.sock\nclawjail-act\nclawjail\n" || strings.Count(o.Stderr, "Read-only")+strings.Count(o.Stderr, "denied") < 2 {
		t.Errorf("%v", o)
	}
}

// TestMailPorts: mail is an action wherever a policy lets it through.
func TestMailPorts(t *testing.T) {
	network := "network: {allow: [\"" + smallnet.NameWeb + ":80\", {host: " + smallnet.NameWeb + ", port: any, protocol: tcp}]}\n"
	o := jail(t, run{Policy: policyFile(t, network), Workspace: workspace(t), Argv: []string{"sh", "-c",
		"curl -sS -m 20 -o /dev/null -w '%{http_code}\n' http://" + smallnet.NameWeb + "/web; curl -sS -m 10 smtp://" + smallnet.NameWeb + ":25 2>&1; echo"}})
	if !strings.HasPrefix(o.Stdout, "200\n") {
		t.Errorf("%v", o)
	}
	if got := actions(t, o.Name, "connect", "deny"); len(got) == 0 || got[0].Subject.Name != "send_email" {
		t.Errorf("%+v", got)
	}
}

// TestActionMCP: an agent that speaks MCP, over the pipes of the server that it
// starts.
func TestActionMCP(t *testing.T) {
	o := jail(t, run{Workspace: workspace(t), Argv: []string{"python3", "-c", `
import json, subprocess
p = subprocess.Popen(["` + act + `", "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
def call(n, method, params):
    p.stdin.write(json.dumps({"jsonrpc": "2.0", "id": n, "method": method, "params": params}) + "\n"); p.stdin.flush()
    return json.loads(p.stdout.readline())
call(1, "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}})
p.stdin.write(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}) + "\n"); p.stdin.flush()
print(sorted(t["name"] for t in call(2, "tools/list", {})["result"]["tools"]))
a = {"type": "make_payment", "amount": 100, "currency": "USD"}
print(call(3, "tools/call", {"name": "check", "arguments": a})["result"]["structuredContent"]["verdict"])
r = call(4, "tools/call", {"name": "request", "arguments": {"type": "read_file"}})["result"]["structuredContent"]
print(r["verdict"], call(5, "tools/call", {"name": "report", "arguments": {"token": r["token"], "outcome": "done"}})["result"]["structuredContent"]["reason"])
p.stdin.close(); print(p.wait())`}})
	if want := "['check', 'report', 'request']\nask\nallow on record\n0\n"; o.Stdout != want {
		t.Errorf("%v", o)
	}
}
