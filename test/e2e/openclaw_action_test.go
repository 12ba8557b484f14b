//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clawjail/test/e2e/mockmodel"
	"clawjail/test/e2e/smallnet"
)

// slowAgent is how long an agent may take on a busy machine.
const slowAgent = 4 * time.Minute

// pluginHost stands for OpenClaw's runner: it loads the plugin, and calls its
// hooks as docs/plugins/hooks/tool-policy.md of OpenClaw says.
const pluginHost = `import plugin from "./clawjail-act/index.js";
const hooks = {};
plugin.register({ pluginConfig: { tools: { exec: "send_email" } }, on: (name, handler, options) => { hooks[name] = { handler, options }; } });
const call = (toolName, params, toolCallId) => hooks.before_tool_call.handler({ toolName, params, toolCallId }, {});
console.log(hooks.before_tool_call.options.timeoutMs >= 30 * 60_000);
console.log(JSON.stringify(await call("calculator", {}, "c0")) ?? "none");
console.log(JSON.stringify(await call("read", { path: "/etc/hosts" }, "c1")) ?? "none");
const answer = await call("exec", { command: "sendmail ada@example.org" }, "c2");
console.log(JSON.stringify(answer) ?? "none");
if (!answer) await hooks.after_tool_call.handler({ toolName: "exec", toolCallId: "c2" });
const deaf = {};
plugin.register({ pluginConfig: { socket: "/nowhere" }, on: (name, handler) => { deaf[name] = handler; } });
console.log((await deaf.before_tool_call({ toolName: "message", params: {} }, {})).block);
`

// TestOpenClawPlugin: the plugin asks before send_email and blocks the call with
// the reason, or lets it run and reports.
func TestOpenClawPlugin(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{"deny", `{"block":true,"blockReason":"clawjail does not let send_email through: denied: rejected"}`},
		{"approve", "none"},
	} {
		t.Run(c.answer, func(t *testing.T) {
			dir := workspace(t)
			for _, n := range []string{"index.js", "package.json", "openclaw.plugin.json"} {
				write(t, filepath.Join(dir, "clawjail-act", n), read(t, filepath.Join("../../supervisor/action/openclaw", n)), 0o644)
			}
			write(t, filepath.Join(dir, "host.mjs"), pluginHost, 0o644)
			policy := policyFile(t, "files: [{path: "+smallnet.AgentsDir+", access: read}]\n")
			j := detached(t, run{Policy: policy, Workspace: dir, Env: []string{agentPath}, Argv: []string{"node", "host.mjs"}})
			a := heldFor(t, j.Name, slowAgent)
			if a.Gate != "action" || strings.Join(a.Argv, "|") != "send_email|target=sendmail ada@example.org" || !strings.Contains(a.Claim, `{"command":"sendmail ada@example.org"}`) {
				t.Errorf("held: %+v", a.Request)
			}
			if o := clawjail(t, run{}, c.answer, a.ID); o.Code != 0 {
				t.Fatalf("%v", o)
			}
			ended(t, j)
			out := clawjail(t, run{}, "logs", j.Name)
			if want := "true\nnone\nnone\n" + c.want + "\ntrue\n"; out.Stdout != want {
				t.Errorf("want %q: %v", want, out)
			}
			if n := len(actions(t, j.Name, "report", "allow")); (n == 1) != (c.answer == "approve") {
				t.Errorf("%d reports are on record", n)
			}
		})
	}
}

// TestOpenClawAsksBeforeItActs: the real agent, whose plugin asks before
// send_email: denied, the tool does not run and the model hears why; approved, it
// does. `openclaw agent exec` runs no plugin's hooks; `agent --local` does.
func TestOpenClawAsksBeforeItActs(t *testing.T) {
	dir := workspace(t)
	r := openclaw(t, dir, script(t, mockmodel.Script{{Shell: "echo one > one.txt"}, {Shell: "echo two > two.txt"}, {Text: "DONE. {ALL}"}}))
	to := filepath.Join(dir, "clawjail-act")
	for _, n := range []string{"index.js", "package.json", "openclaw.plugin.json"} {
		write(t, filepath.Join(to, n), read(t, filepath.Join("../../supervisor/action/openclaw", n)), 0o644)
	}
	file := filepath.Join(dir, "openclaw.json")
	var config map[string]any
	if err := json.Unmarshal([]byte(read(t, file)), &config); err != nil {
		t.Fatal(err)
	}
	config["plugins"] = map[string]any{"allow": []string{"clawjail-act"}, "load": map[string]any{"paths": []string{to}},
		"entries": map[string]any{"clawjail-act": map[string]any{"enabled": true, "config": map[string]any{"tools": map[string]string{"exec": "send_email"}}}}}
	b, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, string(b), 0o600)
	r.Policy, r.Env = example(t, "openclaw"), append(r.Env, "OPENCLAW_CONFIG_PATH="+file)
	r.Argv = []string{"openclaw", "agent", "--local", "--message", "make two notes", "--session-id", "notes", "--json"}
	j := detached(t, r)
	for _, step := range []struct{ answer, file string }{{"deny", "one.txt"}, {"approve", "two.txt"}} {
		a := heldFor(t, j.Name, slowAgent)
		if a.Gate != "action" || len(a.Argv) == 0 || a.Argv[0] != "send_email" || !strings.Contains(a.Claim, step.file) {
			t.Errorf("held: %+v", a.Request)
		}
		if o := clawjail(t, run{}, step.answer, a.ID); o.Code != 0 {
			t.Fatalf("%v", o)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), slowAgent)
	defer cancel()
	if _, err := supervised().Wait(ctx, j.ID, false); err != nil {
		t.Fatal(err)
	}
	out := clawjail(t, run{}, "logs", j.Name)
	if len(actions(t, j.Name, "request", "deny")) != 1 || len(actions(t, j.Name, "request", "allow")) != 1 ||
		!strings.Contains(out.Stdout, "clawjail does not let send_email through") {
		t.Errorf("%v", out)
	}
}
