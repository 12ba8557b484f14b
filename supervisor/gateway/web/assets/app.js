// What the console does in the browser besides being read: it renews lists,
// moves the focus, and speaks with passkeys. Every page works without it.
"use strict";

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Times that run down.
setInterval(() => {
  for (const e of all("[data-left]")) {
    const left = Math.max(0, Number(e.dataset.left) - 1);
    e.dataset.left = String(left);
    e.textContent = inWords(left);
    e.closest(".row")?.classList.toggle("urgent", left < 120);
  }
}, 1000);

function inWords(s) {
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)}h ${Math.floor(s / 60) % 60}m`;
  return `${Math.floor(s / 86400)}d ${Math.floor(s / 3600) % 24}h`;
}

// Live views. A document that XMLHttpRequest makes runs no script.
function load(url) {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open("GET", url);
    x.responseType = "document";
    x.onload = () => resolve({ status: x.status, url: x.responseURL, page: x.responseXML });
    x.onerror = reject;
    x.send();
  });
}

const busy = (part) => all("details.menu[open]", part).length > 0 || all("input", part).some((i) => i === document.activeElement);

let loading = false;
let again = false;
async function renew(kind) {
  if (loading) {
    again = true;
    return;
  }
  loading = true;
  try {
    const got = await load(location.href);
    if (new URL(got.url).pathname !== location.pathname) {
      location.reload(); // signed out, say
      return;
    }
    const gone = one("#gone");
    if (gone) {
      if (got.status === 404 || got.status === 410 || got.status === 409) {
        gone.hidden = false;
        for (const b of all(".decide button")) b.disabled = true;
      }
      return;
    }
    if (got.status !== 200 || !got.page) return;
    for (const part of all("[data-renew]")) {
      const fresh = got.page.getElementById(part.id);
      if (!fresh || busy(part) || (kind === "held" && part.dataset.renew !== "held")) continue;
      replace(part, fresh);
    }
    const count = got.page.getElementById("count");
    if (count && one("#count")) one("#count").textContent = count.textContent;
    const held = one("#held") ? all("#held li").length : 0;
    if (one("#held")) document.title = (held ? `(${held}) ` : "") + "Approvals · clawjail";
  } catch {
    one("#state").hidden = false;
  } finally {
    loading = false;
    if (again) {
      again = false;
      renew(kind);
    }
  }
}

// replace keeps the focus and what is unfolded.
function replace(part, fresh) {
  const focused = document.activeElement?.closest("[id]");
  const id = focused && part.contains(focused) ? focused.id : "";
  const open = all("details[open]", part).map((d) => d.closest("[id]")?.id);
  document.adoptNode(fresh);
  for (const d of all("details:not(.menu)", fresh)) if (open.includes(d.closest("[id]")?.id)) d.open = true;
  part.replaceWith(fresh);
  if (id) (document.getElementById(id)?.querySelector("a, button") ?? document.getElementById(id))?.focus({ preventScroll: true });
}

if (document.body.hasAttribute("data-live")) {
  let events;
  const listen = () => {
    events = new EventSource("/events");
    const state = one("#state");
    events.onopen = () => { state.hidden = true; };
    events.onerror = () => { if (events.readyState === EventSource.CLOSED) state.hidden = false; };
    events.addEventListener("held", () => renew("held"));
    events.addEventListener("tick", () => { if (one("[data-renew=tick]") || one("#gone")) renew("tick"); });
  };
  listen();
  addEventListener("pagehide", () => events.close());
}

// Keys.
const rows = () => all(".list a, table a, .jail summary");
addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input:not([type=radio]), select, textarea")) return;
  const list = rows();
  const at = list.indexOf(document.activeElement);
  switch (e.key) {
    case "j": list[Math.min(at + 1, list.length - 1)]?.focus(); break;
    case "k": list[Math.max(at - 1, 0)]?.focus(); break;
    case "a": case "d": case "/": one(`[data-key="${e.key}"]`)?.focus(); break;
    case "u": one(".crumb a")?.click(); return;
    default: return;
  }
  e.preventDefault();
});

one("#reopen")?.click();

// On a phone the sections are wider than the page.
one("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Passkeys.
const from64 = (s) => Uint8Array.from(atob(s.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const to64 = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function post(path, body) {
  const res = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await res.json().catch(() => ({}));
  if (!res.ok) throw new Error(answer.error || `the console answers ${res.status}`);
  return answer;
}

function problem(err) {
  const p = one("#passkey-problem");
  p.textContent = err.name === "NotAllowedError" ? "No passkey was used." : err.message;
  p.hidden = false;
}

function options(begun) {
  const o = begun.options.publicKey;
  o.challenge = from64(o.challenge);
  for (const c of o.allowCredentials ?? []) c.id = from64(c.id);
  return { publicKey: o };
}

function signed(c) {
  const r = c.response;
  return { id: c.id, rawId: to64(c.rawId), type: c.type,
    response: { authenticatorData: to64(r.authenticatorData), clientDataJSON: to64(r.clientDataJSON), signature: to64(r.signature), userHandle: r.userHandle ? to64(r.userHandle) : "" } };
}

// A fresh second factor: without a code, the passkey is asked about exactly what
// the form would do, and what it says goes with the form.
async function stepUp(form, button) {
  const say = one("[data-problem]", form);
  const what = new URLSearchParams(new FormData(form, button));
  what.set("step_begin", "1");
  say.hidden = true;
  try {
    const res = await fetch(button?.hasAttribute("formaction") ? button.formAction : form.action, { method: "POST", body: what });
    const begun = await res.json().catch(() => ({ error: `the console answers ${res.status}` }));
    if (!res.ok) throw new Error([begun.error, begun.hint].filter(Boolean).join(". "));
    const c = await navigator.credentials.get(options(begun));
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "step_passkey";
    field.value = JSON.stringify({ id: begun.id, response: signed(c) });
    form.append(field);
    form.requestSubmit(button);
  } catch (err) {
    say.textContent = err.name === "NotAllowedError" ? "No passkey was used. Enter the code instead." : err.message;
    say.hidden = false;
  }
}

if (window.PublicKeyCredential) {
  addEventListener("submit", (e) => {
    const form = e.target;
    const f = form.elements;
    if (!form.hasAttribute("data-step-up") || e.submitter?.hasAttribute("data-plain") || f.namedItem("step_code").value || f.namedItem("step_passkey")) return;
    if (form.dataset.stepUp === "wide" && f.namedItem("scope").value === "once") return;
    e.preventDefault();
    stepUp(form, e.submitter);
  });
  for (const e of all("[data-passkey], #register")) e.hidden = false;
  one("#passkey")?.addEventListener("click", async (e) => {
    try {
      const begun = await post("/sign-in/passkey/begin", {});
      const c = await navigator.credentials.get(options(begun));
      await post("/sign-in/passkey/finish", { id: begun.id, response: signed(c) });
      location.assign(e.target.dataset.next);
    } catch (err) { problem(err); }
  });
  one("#register")?.addEventListener("submit", async (e) => {
    e.preventDefault();
    try {
      const begun = await post("/account/passkey/begin", {});
      const o = begun.options.publicKey;
      o.challenge = from64(o.challenge);
      o.user.id = from64(o.user.id);
      for (const c of o.excludeCredentials ?? []) c.id = from64(c.id);
      const c = await navigator.credentials.create({ publicKey: o });
      const r = c.response;
      await post("/account/passkey/finish", { id: begun.id, name: e.target.elements.namedItem("name").value, response: { id: c.id, rawId: to64(c.rawId), type: c.type,
        response: { attestationObject: to64(r.attestationObject), clientDataJSON: to64(r.clientDataJSON) } } });
      location.assign("/account?done=added");
    } catch (err) { problem(err); }
  });
}
