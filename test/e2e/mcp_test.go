//go:build e2e

package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/test/e2e/smallnet"
)

// mcpClient is a program around the official client from npm. It starts the
// server as an agent does, and writes what came of each call as a line.
const mcpClient = `import { Client } from "` + smallnet.AgentsDir + `/mcp/node_modules/@modelcontextprotocol/sdk/dist/esm/client/index.js";
import { StdioClientTransport } from "` + smallnet.AgentsDir + `/mcp/node_modules/@modelcontextprotocol/sdk/dist/esm/client/stdio.js";
const client = new Client({ name: "test", version: "1.0.0" });
await client.connect(new StdioClientTransport({ command: "` + act + `", args: ["mcp"] }));
const tell = (name, value) => console.log(JSON.stringify({ name, ...value }));
// A human may take longer than the client's minute.
const call = async (tell_as, name, args) => {
  try {
    const r = await client.callTool({ name, arguments: args }, undefined, { timeout: 30 * 60_000 });
    tell(tell_as, { isError: r.isError === true, text: r.content.map((c) => c.text).join(""), answer: r.structuredContent });
    return r.structuredContent ?? {};
  } catch (e) {
    tell(tell_as, { isError: true, text: String(e.message) });
    return {};
  }
};
tell("server", { text: client.getServerVersion().name + ": " + client.getInstructions() });
tell("tools", { text: (await client.listTools()).tools.map((t) => t.name).sort().join(" ") });
const mail = { type: "send_email", target: "ada@example.org", description: "the report" };
await call("check", "check", mail);
const { token } = await call("approved", "request", mail);
await call("report", "report", { token, outcome: "done" });
await call("again", "report", { token, outcome: "done" });
await call("forged", "report", { token: "forged", outcome: "done" });
await call("rejected", "request", mail);
await call("limit", "request", { type: "note" });
await call("over", "request", { type: "note" });
await call("fraction", "request", { type: "make_payment", amount: 12.5, currency: "USD" });
await call("negative", "request", { type: "make_payment", amount: -1, currency: "USD" });
await call("nan", "request", { type: "make_payment", amount: NaN, currency: "USD" });
await call("overflow", "request", { type: "make_payment", amount: 2 ** 53, currency: "USD" });
await call("long", "request", { type: "send_email", description: "d".repeat(1 << 20) });
await client.close();
`

// told is a line of mcpClient's.
type told struct {
	Name    string
	IsError bool
	Text    string
	Answer  struct{ Verdict, Token string }
}

// TestActionMCPClient: the official client from npm in a jail lists the tools,
// checks, requests what a person approves and what one rejects, and reports.
func TestActionMCPClient(t *testing.T) {
	dir := workspace(t)
	write(t, filepath.Join(dir, "client.mjs"), mcpClient, 0o644)
	policy := policyFile(t, "files: [{path: "+smallnet.AgentsDir+", access: read}]\n"+
		"actions: {types: [{type: note, category: routine}], limits: [{of: note, limit: 1/h, over: deny}]}\n")
	j := detached(t, run{Policy: policy, Workspace: dir, Env: []string{agentPath}, Argv: []string{"node", "client.mjs"}})
	for _, verb := range []string{"approve", "deny"} {
		a := heldFor(t, j.Name, slowAgent)
		if a.Gate != "action" || strings.Join(a.Argv, "|") != "send_email|target=ada@example.org" || a.Claim != "the report" {
			t.Errorf("held: %+v", a.Request)
		}
		if o := clawjail(t, run{}, verb, a.ID); o.Code != 0 {
			t.Fatalf("%v", o)
		}
	}
	end, out := ended(t, j), clawjail(t, run{}, "logs", j.Name)
	if end.Exit == nil || end.Exit.Code != 0 {
		t.Fatalf("%+v: %v", end.Exit, out)
	}
	got := map[string]told{}
	for line := range strings.Lines(out.Stdout) {
		if !strings.HasPrefix(line, "{") {
			continue // the server's stderr, which is looked at below
		}
		var l told
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		got[l.Name] = l
	}
	for name, want := range map[string]struct {
		bad           bool
		verdict, text string
	}{
		"server":   {false, "", "clawjail-act: Before anything that leaves a trace in the world"},
		"tools":    {false, "", "check report request"},
		"check":    {false, "ask", "a human would be asked"},
		"approved": {false, "allow", "good for 300 s"},
		"report":   {false, "allow", "on record"},
		"again":    {true, "", "reported already: done"},
		"forged":   {true, "", "no action of this jail has that token"},
		"rejected": {true, "deny", "denied: rejected"},
		"limit":    {false, "allow", "good for 300 s"},
		"over":     {true, "deny", "over the limit: note 1 per 1h"},
		"fraction": {true, "", "amount"},
		"negative": {true, "", "negative"},
		"nan":      {true, "", "amount"},
		"overflow": {true, "", "more than can be counted"},
		"long":     {true, "", ""}, // and the server ends
	} {
		l, there := got[name]
		if !there || l.IsError != want.bad || l.Answer.Verdict != want.verdict || !strings.Contains(l.Text, want.text) {
			t.Errorf("%s: %v %+v, want %+v", name, there, l, want)
		}
	}
	if !strings.Contains(out.Stdout, "frame exceeded the configured maximum line length") {
		t.Errorf("a message of a megabyte: %v", out)
	}
	if got["approved"].Answer.Token == "" || got["rejected"].Answer.Token != "" {
		t.Errorf("the tokens: %+v, %+v", got["approved"], got["rejected"])
	}
	if n := len(actions(t, j.Name, "request", "allow")); n != 2 {
		t.Errorf("%d requests are on record as let through, want 2", n)
	}
	if n := len(actions(t, j.Name, "report", "allow")); n != 1 {
		t.Errorf("%d reports are on record, want 1", n)
	}
}
