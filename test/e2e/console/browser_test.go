//go:build e2e

package console

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"clawjail/supervisor/gateway/auth/store"
	"clawjail/supervisor/gateway/auth/totp"
)

// patience bounds every wait for the browser. It says nothing about speed.
const patience = 5 * time.Minute

// browser is Chromium, which trusts the world's certificate and no other.
func browser(t *testing.T, w *world) context.Context {
	t.Helper()
	block, _ := pem.Decode(w.cert)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	spki := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(spki[:])))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	run(t, ctx) // begins the browser, which a bound on the context of this call would end
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	return ctx
}

func run(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// enter signs in with a password.
func (w *world) enter(t *testing.T, ctx context.Context, user string) {
	t.Helper()
	run(t, ctx, chromedp.Navigate(w.origin+"/sign-in"), fill("input[name=user]", user), fill("input[name=password]", secret),
		click("form button.primary"), visible("header.bar"))
}

// admit signs alice in, who keeps users.
func (w *world) admit(t *testing.T, ctx context.Context) {
	t.Helper()
	run(t, ctx, chromedp.Navigate(w.origin+"/sign-in"), fill("input[name=user]", "alice"), fill("input[name=password]", secret), fill("input[name=code]", w.recovered(t)),
		click("form button.primary"), visible("header.bar"))
}

// recovered gives a recovery code that was not used.
func (w *world) recovered(t *testing.T) string {
	t.Helper()
	if len(w.recovery) == 0 {
		t.Fatal("no recovery code is left")
	}
	c := w.recovery[0]
	w.recovery = w.recovery[1:]
	return c
}

// fresh gives a code of alice's authenticator that was not used. A new
// authenticator has used none, so that nobody waits for the next half minute; and
// the code is of the next half minute, so that it holds for one at least.
func (w *world) fresh(t *testing.T) string {
	t.Helper()
	key := totp.NewSecret()
	if err := w.users.Change("alice", func(u *store.User) error { u.TOTP, u.TOTPLast = key, 0; return nil }); err != nil {
		t.Fatal(err)
	}
	c, err := totp.Code(key, totp.Step(time.Now())+1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// look keeps a picture when CLAWJAIL_SCREENSHOTS names a directory.
func look(t *testing.T, ctx context.Context, name string, width, height int64, dark bool) {
	t.Helper()
	dir := os.Getenv("CLAWJAIL_SCREENSHOTS")
	if dir == "" {
		return
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	run(t, ctx, chromedp.EmulateViewport(width, height))
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), get(t, ctx, chromedp.CaptureScreenshot()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// get runs an action and gives what it found.
func get[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What is done with the first element that a CSS selector finds.
func visible(s string) chromedp.Action[chromedp.Void] { return chromedp.WaitVisible(chromedp.CSS(s)) }
func click(s string) chromedp.Action[chromedp.Void]   { return chromedp.Click(chromedp.CSS(s)) }
func fill(s, v string) chromedp.Action[chromedp.Void] { return chromedp.SendKeys(chromedp.CSS(s), v) }
