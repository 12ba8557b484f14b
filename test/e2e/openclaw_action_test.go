//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

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
