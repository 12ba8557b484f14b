//go:build e2e

package console

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"clawjail/supervisor/api"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/config"
	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/wire"
)

// user is somebody as the store has them now.
func (w *world) user(t *testing.T, name string) store.User {
	t.Helper()
	u, err := w.users.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestUsers: an admin adds somebody, who signs in with what was shown once, is
// made more, and is disabled; without a code nothing of it happens.
func TestUsers(t *testing.T) {
	w := newWorld(t, 1000)
	ctx := browser(t, w)
	w.admit(t, ctx)
	const add = `form[action="/users"] button.primary`
	run(t, ctx, click(`nav a[href="/users"]`), visible(add))
	look(t, ctx, "users", 1280, 900, false)
	look(t, ctx, "users-dark", 1280, 900, true)
	look(t, ctx, "users-phone", 390, 844, false)
	run(t, ctx, chromedp.EmulateViewport(1280, 900), fill("input[name=name]", "zoe"), chromedp.SetValue(chromedp.CSS("form.stack select[name=role]"), "approver"),
		click(add), visible("[data-problem], main .note.bad"))
	if _, err := w.users.Get("zoe"); err == nil {
		t.Error("added without a code")
	}
	run(t, ctx, chromedp.Navigate(w.origin+"/users"), visible(add), fill("input[name=name]", "zoe"), chromedp.SetValue(chromedp.CSS("form.stack select[name=role]"), "approver"),
		fill("input[name=step_code]", w.fresh(t)), click(add), visible("svg.code"))
	look(t, ctx, "given", 1280, 900, false)
	look(t, ctx, "given-dark", 1280, 900, true)
	look(t, ctx, "given-phone", 390, 844, true)
	run(t, ctx, chromedp.EmulateViewport(1280, 900))
	pass := get(t, ctx, chromedp.Text(chromedp.CSS("p.secret")))
	code := get(t, ctx, chromedp.Text(chromedp.CSS(".codes li")))
	run(t, ctx, click("main a.button"), visible("button[value=disable]"))
	look(t, ctx, "user", 1280, 900, false)
	look(t, ctx, "user-phone", 390, 844, true)
	run(t, ctx, chromedp.EmulateViewport(1280, 900), fill("input[name=step_code]", w.fresh(t)), chromedp.SetValue(chromedp.CSS("select[name=role]"), "responder"), click("button[value=role]"), visible(".note.ok"))
	if u := w.user(t, "zoe"); u.Role != assert.Responder || u.TOTP == "" {
		t.Errorf("%s, %q", u.Role, u.TOTP)
	}
	c := wire.SignIn{User: "zoe", Password: strings.TrimSpace(pass), Code: strings.TrimSpace(code), Client: "192.0.2.9"}
	if got, err := w.auth.SignIn(t.Context(), c); err != nil || !got.MustChange {
		t.Errorf("what was shown signs nobody in, or for ever: %+v, %v", got, err)
	}
	run(t, ctx, chromedp.Navigate(w.origin+"/users/zoe"), visible("button[value=disable]"), fill("input[name=step_code]", w.fresh(t)), click("button[value=disable]"), visible(".note.ok"))
	if u := w.user(t, "zoe"); !u.Disabled || len(u.Sessions) != 0 {
		t.Errorf("%+v", u)
	}
	run(t, ctx, chromedp.Navigate(w.origin+"/users/alice"), visible("button[value=disable]"), fill("input[name=step_code]", w.fresh(t)), click("button[value=disable]"), visible(".note.bad"))
	if said := get(t, ctx, chromedp.Text(chromedp.CSS("main"))); !strings.Contains(said, "the last admin") || w.user(t, "alice").Disabled {
		t.Errorf("the last admin: %s", said)
	}
}

// TestFirstPassword: who was given a password chooses their own before anything
// else, in the browser and with a program.
func TestFirstPassword(t *testing.T) {
	w := newWorld(t, 1000)
	w.day()
	const own = "seven lamps and a moth"
	if err := w.users.Change("bob", func(u *store.User) error { u.Initial = true; return nil }); err != nil {
		t.Fatal(err)
	}
	c := w.client()
	token := w.token(c)
	for path, want := range map[string]int{"/api/v1/me": 200, "/api/v1/jails": 403, "/api/v1/account": 403, "/api/v1/events": 403, "/api/v1/approvals": 403} {
		if _, res, b := w.call(c, "GET", path, token, ""); res.StatusCode != want || want == 403 && !strings.Contains(string(b), "/api/v1/account/password") {
			t.Errorf("%s: %s: %s", path, res.Status, b)
		}
	}
	ctx := browser(t, w)
	const form = `form[action="/first-password"]`
	run(t, ctx, chromedp.Navigate(w.origin+"/sign-in?next=/jails"), fill("input[name=user]", "bob"), fill("input[name=password]", secret), click("form button.primary"), visible(form))
	look(t, ctx, "first", 1280, 900, false)
	look(t, ctx, "first-phone", 390, 844, true)
	run(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(w.origin+"/approvals"), visible(form), chromedp.Navigate(w.origin+"/jails"), visible(form))
	choose := func(pass, again string) {
		t.Helper()
		run(t, ctx, chromedp.Navigate(w.origin+"/first-password?next=/jails"), visible(form), fill("input[name=old]", secret), fill("input[name=new]", pass), fill("input[name=again]", again), click(form+" button"))
	}
	choose(own, own+"s")
	run(t, ctx, visible(".note.bad"))
	choose(secret, secret)
	run(t, ctx, visible(".note.bad"))
	if said := get(t, ctx, chromedp.Text(chromedp.CSS("main"))); !strings.Contains(said, "is the old one") {
		t.Errorf("the same again: %s", said)
	}
	choose(own, own)
	run(t, ctx, visible("#j-j0"))
	if w.user(t, "bob").Initial {
		t.Error("it is to be changed again")
	}
	if _, res, _ := w.call(c, "GET", "/api/v1/me", token, ""); res.StatusCode != 401 {
		t.Errorf("the other session goes on: %s", res.Status)
	}
	run(t, ctx, chromedp.Navigate(w.origin+"/first-password"), visible("#held"))
}

// TestUsersAreForAdmins: nobody else is shown them, or changes them.
func TestUsersAreForAdmins(t *testing.T) {
	w := newWorld(t, 1000)
	ctx := browser(t, w)
	w.enter(t, ctx, "bob")
	if get(t, ctx, chromedp.Evaluate[int](`document.querySelectorAll("a[href^='/users']").length`)) != 0 {
		t.Error("a responder is shown the way")
	}
	for _, p := range []string{"/users", "/users/vera"} {
		run(t, ctx, chromedp.Navigate(w.origin+p), visible(".note.bad"))
		if said := get(t, ctx, chromedp.Text(chromedp.CSS("main"))); !strings.Contains(said, "takes admin") || strings.Contains(said, "vera") {
			t.Errorf("%s: %s", p, said)
		}
	}
}

// TestStepUp: with auth.step_up, a critical decision takes a passkey, which the
// page asks by itself, or a code; and a denial takes none.
func TestStepUp(t *testing.T) {
	w := newWorld(t, 1000)
	w.setStepUp(config.StepUpCritical)
	ctx := browser(t, w)
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2,
		Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}}); err != nil {
		t.Fatal(err)
	}
	w.admit(t, ctx)
	show := func(i int) {
		t.Helper()
		run(t, ctx, chromedp.Navigate(w.origin+"/approvals/"+w.held(t, i)), visible("form.decide"))
	}
	first := w.hold(push(1))
	show(1)
	look(t, ctx, "step-up", 1280, 900, false)
	look(t, ctx, "step-up-dark", 1280, 900, true)
	look(t, ctx, "step-up-phone", 390, 844, false)
	// Without a passkey or a code: said where the person is, and nothing is lost.
	run(t, ctx, chromedp.EmulateViewport(1280, 900), fill("input[name=reason]", "looked at it"), click("button[value=approve]"), visible("[data-problem]"))
	run(t, ctx, fill("input[name=step_code]", w.fresh(t)), click("button[value=approve]"), visible(".note.ok"))
	if d := <-first; !d.Allowed() || d.Reason != "looked at it" {
		t.Errorf("%+v", d)
	}
	run(t, ctx, chromedp.Navigate(w.origin+"/account"), visible("#register"), click("#register button"), visible(".note.ok"))
	second := w.hold(push(2))
	show(2)
	run(t, ctx, click("button[value=approve]"), visible(".note.ok"))
	if d := <-second; !d.Allowed() {
		t.Errorf("%+v", d)
	}
	third := w.hold(push(3))
	show(3)
	run(t, ctx, click("button[value=deny]"), visible(".note.ok"))
	if d := <-third; d.Allowed() {
		t.Errorf("%+v", d)
	}
	// The passkey keeps users as well.
	run(t, ctx, chromedp.Navigate(w.origin+"/users/vera"), visible("button[value=disable]"), click("button[value=disable]"), visible(".note.ok"))
	if !w.user(t, "vera").Disabled {
		t.Error("it is not done")
	}
}

// TestTwoPeople: what takes two says so, on the list and on its page, before the
// first approval, between the two, and to who approved already.
func TestTwoPeople(t *testing.T) {
	w := newWorld(t, 1000)
	w.hold(push(1))
	decided := w.hold(release())
	id := w.held(t, 199)
	ctx := browser(t, w)
	w.enter(t, ctx, "bob")
	row, page := "#r-"+id, w.origin+"/approvals/"+id
	run(t, ctx, visible(row+" .tag.warn"))
	shows := func(when string, want ...string) {
		t.Helper()
		said := get(t, ctx, chromedp.Text(chromedp.CSS("main")))
		for _, s := range want {
			if !strings.Contains(said, s) {
				t.Errorf("%s: nothing says %q: %s", when, s, said)
			}
		}
	}
	shows("the list before", "0 of 2 people")
	look(t, ctx, "two-list", 1280, 900, false)
	run(t, ctx, chromedp.Navigate(page), visible("form.decide"))
	shows("before", "takes 2 different people (releases)", "2 still to approve", "Your approval alone does not let it happen", "Approve, as the first")
	look(t, ctx, "two-before", 1280, 900, false)
	look(t, ctx, "two-before-phone", 390, 844, true)
	run(t, ctx, chromedp.EmulateViewport(1280, 900), fill("input[name=reason]", "looked at it"), click("button[value=approve]"), visible(".note.ok"), visible(row))
	shows("the list between", "It takes another person as well", "1 of 2 people")
	look(t, ctx, "two-between-phone", 390, 844, false)
	run(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(page), visible("form.decide"))
	shows("the same person again", "bob, once: looked at it", "1 still to approve")
	run(t, ctx, click("button[value=approve]"), visible(".note.bad"))
	shows("the same person again", "bob")
	run(t, ctx, click(".me form button"), visible(".sign-in"))
	w.admit(t, ctx)
	run(t, ctx, chromedp.Navigate(page), visible("form.decide"))
	shows("the second", "bob, once: looked at it", "Seen by")
	look(t, ctx, "two-second-dark", 1280, 900, true)
	run(t, ctx, chromedp.EmulateViewport(1280, 900), click("button[value=approve]"), visible(".note.ok"))
	if d := <-decided; !d.Allowed() || d.By.Name != "alice" || d.With != "bob" {
		t.Errorf("%+v", d)
	}
}

// held gives the id of push(i), which waits.
func (w *world) held(t *testing.T, i int) string {
	t.Helper()
	want := push(i).JailName
	for _, v := range w.queue.List() {
		if v.JailName == want {
			return v.ID
		}
	}
	t.Fatalf("push(%d) is not held", i)
	return ""
}

// TestChecklistPage: it says what failed first, what is due now, when it was run
// and when it never was; and it is for who responds.
func TestChecklistPage(t *testing.T) {
	w := newWorld(t, 1000)
	w.day()
	ctx := browser(t, w)
	w.enter(t, ctx, "bob")
	run(t, ctx, click(`nav a[href="/checklist"]`), visible(".checks"))
	look(t, ctx, "checklist", 1280, 900, false)
	look(t, ctx, "checklist-phone", 390, 844, true)
	said := get(t, ctx, chromedp.Text(chromedp.CSS("main")))
	for _, want := range []string{"jails.example.org", " ago by root", "Not ready for production", "never done", "due since", "scrape 127.0.0.1:9420"} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q: %s", want, said)
		}
	}
	if strings.Index(said, "Somebody reads the counters") > strings.Index(said, "The kernel has") || strings.Index(said, "Audit installed skills") > strings.Index(said, "Review the audit log") {
		t.Errorf("what failed is not first: %s", said)
	}
	w.mu.Lock()
	w.kept = api.KeptChecklist{}
	w.mu.Unlock()
	run(t, ctx, chromedp.Navigate(w.origin+"/checklist"), visible(".empty"))
	run(t, ctx, click(".me form button"), visible(".sign-in"))
	w.enter(t, ctx, "vera")
	if get(t, ctx, chromedp.Evaluate[int](`document.querySelectorAll("a[href='/checklist']").length`)) != 0 {
		t.Error("a viewer is shown the way")
	}
	run(t, ctx, chromedp.Navigate(w.origin+"/checklist"), visible(".note.bad"))
}
