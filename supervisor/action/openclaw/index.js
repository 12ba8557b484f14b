// A plugin of OpenClaw that says on the jail's action socket what a tool is about
// to do, and blocks the call unless the answer lets it through. What it cannot ask
// about it blocks. It enforces nothing by itself: that is the jail's part.
import net from "node:net";

// What tools do, until the plugin's configuration says otherwise. A tool that is
// in neither is none of this plugin's business: the jail watches it all the same.
const actions = {
  message: "send_email",
  send_email: "send_email",
  sessions_send: "share_data",
  web_search: "search_web",
  web_fetch: "api_call",
  write: "write_file",
  edit: "write_file",
  apply_patch: "write_file",
  read: "read_file",
};

const maxAnswer = 64 * 1024;

// ask sends one request and gives the answer. It waits as long as a human takes.
function ask(path, request, signal) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path);
    let text = "";
    const abort = () => socket.destroy(new Error("the tool call was cancelled"));
    signal?.addEventListener("abort", abort, { once: true });
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(JSON.stringify(request) + "\n"));
    socket.on("data", (data) => {
      text += data;
      if (text.length > maxAnswer) socket.destroy(new Error("the answer is too long"));
      if (text.includes("\n")) socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      signal?.removeEventListener("abort", abort);
      try {
        resolve(JSON.parse(text));
      } catch {
        reject(new Error("clawjail did not answer"));
      }
    });
  });
}

// clip keeps a text within a number of bytes, between two characters.
function clip(text, most) {
  let out = String(text ?? "").replace(/[\u0000-\u001f]/g, " ");
  while (Buffer.byteLength(out) > most) out = out.slice(0, Math.floor(out.length * 0.9));
  return out;
}

export default {
  id: "clawjail-act",
  name: "clawjail actions",
  description: "Asks clawjail before a tool does something in the world.",
  register(api) {
    const config = api.pluginConfig ?? {};
    const path = config.socket ?? "/run/clawjail/action.sock";
    const types = { ...actions, ...(config.tools ?? {}) };
    const tokens = new Map(); // by tool call; those that were let through
    api.on(
      "before_tool_call",
      async (event, ctx) => {
        const type = types[event.toolName];
        if (!type) return;
        const p = event.params ?? {};
        let answer;
        try {
          answer = await ask(path, {
            do: "request",
            type,
            description: clip(JSON.stringify(p), 2048),
            target: clip(p.target ?? p.to ?? p.url ?? p.path ?? p.command ?? "", 256),
          }, ctx?.abortSignal);
        } catch (error) {
          return { block: true, blockReason: `clawjail cannot be asked about ${type}: ${error.message}` };
        }
        if (answer.error || (answer.verdict !== "allow" && answer.verdict !== "audit")) {
          return { block: true, blockReason: `clawjail does not let ${type} through: ${answer.error ?? answer.reason ?? answer.rule}` };
        }
        if (tokens.size >= 256) tokens.delete(tokens.keys().next().value);
        if (event.toolCallId) tokens.set(event.toolCallId, answer.token);
      },
      { priority: 100, timeoutMs: (config.waitMinutes ?? 35) * 60_000 },
    );
    api.on("after_tool_call", async (event) => {
      const token = tokens.get(event.toolCallId);
      if (!token) return;
      tokens.delete(event.toolCallId);
      try {
        await ask(path, { do: "report", token, outcome: event.error ? "failed" : "done" });
      } catch {
        // The report is for the record; the action is done.
      }
    });
  },
};
