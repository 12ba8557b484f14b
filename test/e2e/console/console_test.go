//go:build e2e

package console

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"clawjail/supervisor/approval"
	"clawjail/supervisor/config"
	"clawjail/supervisor/incident"
)

// pages are all that somebody who is signed in can open.
func pages(id string) []string {
	return []string{"/approvals", "/approvals/" + id, "/jails", "/incidents", "/incidents/20261123-1f4c", "/audit", "/limits", "/skills", "/health", "/checklist", "/account", "/users", "/users/vera"}
}

// TestApprove: what is held appears by itself, all of it is shown, and the
// button decides exactly that.
func TestApprove(t *testing.T) {
	w := newWorld(t, 1000)
	w.day()
	ctx := browser(t, w)
	w.enter(t, ctx, "bob")
	run(t, ctx, visible(".empty"))
	decided := w.hold(push(1))
	second := w.hold(push(2))
	run(t, ctx, visible("#held a.row"))
	look(t, ctx, "approvals", 1280, 800, false)
	look(t, ctx, "approvals-dark", 1280, 800, true)
	look(t, ctx, "approvals-phone", 390, 844, false)
	run(t, ctx, chromedp.EmulateViewport(1280, 800), click("#held a.row"), visible("form.decide"))
	page := get(t, ctx, chromedp.Text(chromedp.CSS("main")))
	for _, want := range []string{"git push origin feature/", "build-0", "cannot be undone", "exec.rules[1]", "bash -c 'git push origin feature'", "/home/ana/work/site", "pid 4242", "Publishes the fix"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q:\n%s", want, page)
		}
	}
	if strings.Index(page, "Publishes") < strings.Index(page, "THE AGENT CLAIMS") || strings.Index(page, "Publishes") < strings.Index(page, "Digest") {
		t.Error("the claim is not last")
	}
	look(t, ctx, "approval", 1280, 900, false)
	look(t, ctx, "approval-dark", 1280, 900, true)
	look(t, ctx, "approval-phone", 390, 844, false)
	run(t, ctx, chromedp.EmulateViewport(1280, 800), fill("input[name=reason]", "looked at it"), click(`button[value=approve]`), visible(".note.ok"))
	var d approval.Decision
	select {
	case d = <-decided:
	case d = <-second:
	}
	if !d.Allowed() || d.By.Name != "bob" || d.Reason != "looked at it" || d.Scope.Kind != approval.ScopeOnce {
		t.Errorf("%+v", d)
	}
}

// TestSomebodyElseDecides: a page that is open says so, and its buttons are dead.
func TestSomebodyElseDecides(t *testing.T) {
	w := newWorld(t, 1000)
	ctx := browser(t, w)
	w.enter(t, ctx, "bob")
	decided := w.hold(push(1))
	run(t, ctx, visible("#held a.row"), click("#held a.row"), visible("form.decide"))
	v := w.queue.List()[0]
	if _, _, err := w.queue.Decide(approval.Answer{ID: v.ID, Digest: v.Digest, By: approval.By{UID: 2, Name: "carol"}}); err != nil {
		t.Fatal(err)
	}
	<-decided
	run(t, ctx, visible("#gone"), visible("form.decide button:disabled"))
}

// TestKeys: a decision without a mouse.
func TestKeys(t *testing.T) {
	w := newWorld(t, 1000)
	ctx := browser(t, w)
	w.enter(t, ctx, "bob")
	decided := w.hold(push(1))
	run(t, ctx, visible("#held a.row"), chromedp.KeyEvent("j"), chromedp.KeyEvent("\r"), visible("form.decide"),
		chromedp.KeyEvent("d"), chromedp.KeyEvent("\r"), visible(".note.ok"))
	if d := <-decided; d.Outcome != approval.Rejected {
		t.Errorf("%+v", d)
	}
}

// TestJails: freeze and kill, by who may, and not by who may not.
func TestJails(t *testing.T) {
	w := newWorld(t, 1000)
	w.day()
	ctx := browser(t, w)
	w.enter(t, ctx, "bob")
	run(t, ctx, chromedp.Navigate(w.origin+"/jails"), visible("#j-j0"))
	look(t, ctx, "jails", 1280, 800, false)
	look(t, ctx, "jails-phone", 390, 844, true)
	run(t, ctx, chromedp.EmulateViewport(1280, 800), click(`#j-j0 form[action$="/freeze"] button`), visible("#j-j0 .state.frozen"),
		click("#j-j1 details.menu summary"), visible("#j-j1 .pop"))
	look(t, ctx, "jails-kill", 1280, 800, false)
	run(t, ctx, click(`#j-j1 form[action$="/kill"] button`), visible("#j-j1 .state.exited"))
	w.mu.Lock()
	did := strings.Join(w.did, "; ")
	w.mu.Unlock()
	if did != "freeze j0 by bob; kill j1 by bob" {
		t.Errorf("done: %s", did)
	}
	run(t, ctx, click(".me form button"), visible(".sign-in"))
	w.enter(t, ctx, "vera")
	run(t, ctx, chromedp.Navigate(w.origin+"/jails"), visible("#j-j0"))
	if get(t, ctx, chromedp.Evaluate[int](`document.querySelectorAll(".acts").length`)) != 0 {
		t.Error("a viewer is offered to change jails")
	}
}

// TestIncident: its timeline grows on a page that is open, and who may not
// decide is offered nothing.
func TestIncident(t *testing.T) {
	w := newWorld(t, 1000)
	w.day()
	ctx := browser(t, w)
	w.enter(t, ctx, "bob")
	run(t, ctx, chromedp.Navigate(w.origin+"/incidents/20261123-1f4c"), visible(".timeline li:nth-child(2)"), visible("button[formaction$=release]"))
	look(t, ctx, "incident", 1280, 900, false)
	look(t, ctx, "incident-phone", 390, 844, true)
	for _, want := range []string{"evidence-1.tar.zst", "9f86d081884c7d65", "every process stands still", "A program ran that nobody approved"} {
		if said := get(t, ctx, chromedp.Text(chromedp.CSS("main"))); !strings.Contains(said, want) {
			t.Errorf("nothing says %q: %s", want, said)
		}
	}
	w.mu.Lock()
	in := &w.incidents[0]
	in.Steps = append(in.Steps, incident.Step{Time: time.Now(), By: "bob", Action: "notify", To: in.State})
	w.mu.Unlock()
	run(t, ctx, visible(".timeline li:nth-child(3)"))
	run(t, ctx, chromedp.EmulateViewport(1280, 900), fill("input[name=reason]", "looked at it"), click("button[formaction$=release]"), visible(".note.ok"))
	w.mu.Lock()
	did := strings.Join(w.did, "; ")
	w.mu.Unlock()
	if did != "release 20261123-1f4c by bob" {
		t.Errorf("done: %s", did)
	}
	run(t, ctx, click(".me form button"), visible(".sign-in"))
	w.enter(t, ctx, "vera")
	run(t, ctx, chromedp.Navigate(w.origin+"/incidents/20261123-1f4c"), visible(".timeline"))
	if get(t, ctx, chromedp.Evaluate[int](`document.querySelectorAll("main form").length`)) != 0 {
		t.Error("a viewer is offered to decide")
	}
}

// TestPasskey: one is added, signs in an admin without password or code, and is
// removed.
func TestPasskey(t *testing.T) {
	w := newWorld(t, 1000)
	ctx := browser(t, w)
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2,
		Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}}); err != nil {
		t.Fatal(err)
	}
	run(t, ctx, chromedp.Navigate(w.origin+"/sign-in?next=/account"), visible("#passkey"))
	look(t, ctx, "sign-in", 1280, 800, false)
	look(t, ctx, "sign-in-phone", 390, 844, true)
	run(t, ctx, fill("input[name=user]", "alice"), fill("input[name=password]", secret), fill("input[name=code]", w.recovery[0]),
		click("form button.primary"), visible("#register"), click("#register button"), visible(".note.ok"))
	look(t, ctx, "account", 1280, 900, false)
	run(t, ctx, click(".me form button"), visible("#passkey"), click("#passkey"), visible("header.bar"))
	u, err := w.users.Get("alice")
	if err != nil || len(u.Passkeys) != 1 || len(u.Sessions) != 1 || u.Sessions[0].With != "passkey" {
		t.Errorf("%+v, %v", u.Sessions, err)
	}
	run(t, ctx, chromedp.Navigate(w.origin+"/account"), click(`form[action="/account/passkey"] button`), visible(".note.ok"))
	run(t, ctx, click(".me form button"), visible("#passkey"), click("#passkey"), visible("#passkey-problem"))
}

// TestHostile: what a jail writes is text on every page: nothing of it runs,
// nothing of it hides, and nothing of it becomes an element.
func TestHostile(t *testing.T) {
	w := newWorld(t, 10000)
	w.day()
	for i := range w.jails {
		j := &w.jails[i]
		j.Name, j.Policy, j.Argv, j.User, j.Workspace, j.Standing, j.Notes = hostile, hostile, []string{hostile, hostile}, hostile, hostile, hostile, []string{hostile}
	}
	in := incidentAt(time.Now(), hostile, hostile)
	in.Subject.User, in.Subject.Workspace, in.Conclusion = hostile, hostile, hostile
	w.incidents[0] = in
	for i := range w.records {
		w.records[i].Jail, w.records[i].Rule = hostile, hostile
		w.records[i].Subject.Path, w.records[i].Subject.Host, w.records[i].Subject.Message, w.records[i].Subject.Argv = hostile, hostile, hostile, []string{hostile}
	}
	for i := range w.limits {
		l := &w.limits[i]
		l.Name, l.What, l.Rule = hostile, hostile, hostile
		if l.Problem != "" {
			l.Problem = hostile
		}
	}
	in.Trigger.By, in.Trigger.Rule, in.Steps[0].By, in.Steps[0].Failed, in.Evidence[0].Path, in.Evidence[0].Failed = hostile, hostile, hostile, hostile, hostile, []string{hostile}
	w.incidents[0] = in
	w.skills = [][]byte{skill(hostile, hostile, hostile)}
	w.kept = checklistAt(time.Now(), hostile)
	w.setStepUp(config.StepUpAlways) // so that its fields are there, too
	w.hold(wicked())
	ctx := browser(t, w)
	w.admit(t, ctx)
	for _, p := range pages(w.queue.List()[0].ID) {
		type seen struct {
			Pwned, Ready         bool
			Scripts, Images, Ons int
			Links, Hidden        int
			Text                 string
		}
		run(t, ctx, chromedp.Navigate(w.origin+p), visible("h1"))
		found := get(t, ctx, chromedp.Evaluate[seen](`({
			Ready: document.readyState !== "loading",
			Pwned: "pwned" in window,
			Scripts: document.scripts.length,
			Images: document.images.length,
			Ons: [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))).length,
			Links: [...document.links].filter((a) => a.origin !== location.origin).length,
			Hidden: [...document.documentElement.outerHTML].filter((c) => /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/.test(c)).length,
			Text: document.body.innerText,
		})`))
		if found.Pwned || found.Scripts != 1 || found.Images != 0 || found.Ons != 0 || found.Links != 0 || found.Hidden != 0 {
			t.Errorf("%s: %+v", p, found)
		}
		if p != "/health" && p != "/account" && !strings.HasPrefix(p, "/users") && !strings.Contains(found.Text, `\u202etxt.exe\u2066`) {
			t.Errorf("%s does not show the text as it is: %s", p, found.Text)
		}
		look(t, ctx, "hostile"+strings.ReplaceAll(p[:min(len(p), 10)], "/", "-"), 1280, 900, false)
	}
}

// TestEveryPageIsUsable: with labels, without anything that is wider than a
// telephone, without a word of the browser's console.
func TestEveryPageIsUsable(t *testing.T) {
	w := newWorld(t, 10000)
	w.day()
	w.setStepUp(config.StepUpAlways)
	w.hold(push(1))
	ctx := browser(t, w)
	w.admit(t, ctx)
	for _, p := range pages(w.queue.List()[0].ID) {
		type seen struct {
			Wide      float64
			Unlabeled []string
			Headings  int
			Squeezed  []string
		}
		run(t, ctx, chromedp.EmulateViewport(390, 844), chromedp.Navigate(w.origin+p), visible("h1"))
		found := get(t, ctx, chromedp.Evaluate[seen](`({
			Wide: document.documentElement.scrollWidth - innerWidth,
			Headings: document.querySelectorAll("h1").length,
			Squeezed: [...document.querySelectorAll("td:has(.raw)")].filter((e) => e.textContent.trim().length > 8 && e.clientWidth < 120).map((e) => e.textContent),
			Unlabeled: [...document.querySelectorAll("input:not([type=hidden]), select, button, a")].filter((e) =>
				!(e.labels?.length || e.getAttribute("aria-label") || e.textContent.trim())).map((e) => e.outerHTML),
		})`))
		if found.Wide > 0 || found.Headings != 1 || len(found.Unlabeled)+len(found.Squeezed) > 0 {
			t.Errorf("%s: %+v", p, found)
		}
		name := "phone" + strings.ReplaceAll(p[:min(len(p), 11)], "/", "-")
		look(t, ctx, name, 390, 844, true)
		look(t, ctx, "page"+strings.TrimPrefix(name, "phone"), 1280, 900, true)
		look(t, ctx, "light"+strings.TrimPrefix(name, "phone"), 1280, 900, false)
	}
}

// TestFirstPaint: 500 held requests and 200 jails are all on their page. When it
// is there is said and not judged: the machine has other work.
func TestFirstPaint(t *testing.T) {
	w := newWorld(t, 10000)
	w.day()
	one := w.jails[0]
	for i := range 200 {
		one.ID = "many-" + strings.Repeat("x", i%5) + string(rune('a'+i%26)) + string(rune('a'+i/26))
		w.jails = append(w.jails, one)
	}
	var many []approval.Request
	for i := range 500 {
		many = append(many, push(i))
	}
	w.holdAll(many)
	ctx := browser(t, w)
	w.enter(t, ctx, "bob")
	for p, rows := range map[string]string{"/approvals": "#held li", "/jails": "#jails li.jail"} {
		best := 1e9
		var n int
		for range 3 {
			run(t, ctx, chromedp.Navigate(w.origin+p), visible("h1"))
			best = min(best, get(t, ctx, chromedp.Poll[float64](`performance.getEntriesByName("first-contentful-paint")[0]?.startTime`)))
			n = get(t, ctx, chromedp.Evaluate[int](`document.querySelectorAll("`+rows+`").length`))
		}
		t.Logf("%s: first paint after %.0f ms, %d rows", p, best, n)
		if n < 200 {
			t.Errorf("%s: %d rows", p, n)
		}
	}
	look(t, ctx, "many", 1280, 900, false)
}
