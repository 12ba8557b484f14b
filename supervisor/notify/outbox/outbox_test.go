package outbox

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clawjail/supervisor/notify"
)

// clock is a time that the test sets.
type clock struct {
	at    time.Time
	judge Judge
}

func (c *clock) now() time.Time { return c.at }

func open(t *testing.T, path string, c *clock) *Outbox {
	t.Helper()
	o, err := Open(path, c.now, c.judge)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func fresh(t *testing.T) (*Outbox, *clock, string) {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	path := filepath.Join(t.TempDir(), "notify.db")
	return open(t, path, c), c, path
}

func message(c *clock, id string) notify.Message {
	return notify.Message{ID: id, Time: c.at, Category: notify.Incident, Event: "opened", Key: "key " + id, Title: "t", Text: "x"}
}

func put(t *testing.T, o *Outbox, m notify.Message, channels ...string) []notify.Result {
	t.Helper()
	rs, err := o.Put(m, channels)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func due(t *testing.T, o *Outbox, known ...string) []notify.Delivery {
	t.Helper()
	ds, _, _, _ := o.Due(known, 100)
	return ds
}

func done(t *testing.T, o *Outbox, r notify.Report) notify.Result {
	t.Helper()
	res, ok, err := o.Done(r)
	if err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	return res
}

func TestSentOnce(t *testing.T) {
	o, c, _ := fresh(t)
	put(t, o, message(c, "a"), "mail", "hook")
	ds := due(t, o, "mail", "hook")
	if len(ds) != 2 || ds[0].ID != "a.mail" || ds[1].ID != "a.hook" {
		t.Fatalf("%+v", ds)
	}
	if again := due(t, o, "mail", "hook"); len(again) != 0 {
		t.Errorf("while they are being sent: %+v", again)
	}
	if r := done(t, o, notify.Report{ID: "a.mail"}); r.Outcome != notify.Sent {
		t.Errorf("%+v", r)
	}
	if _, ok, err := o.Done(notify.Report{ID: "a.mail"}); ok || err != nil {
		t.Errorf("told twice: %v, %v", ok, err)
	}
	// The gateway that had the other one died.
	c.at = c.at.Add(leaseTime + time.Second)
	if ds := due(t, o, "mail", "hook"); len(ds) != 1 || ds[0].ID != "a.hook" {
		t.Errorf("after the lease: %+v", ds)
	}
}

func TestTriedAgainOverRestarts(t *testing.T) {
	o, c, path := fresh(t)
	put(t, o, message(c, "a"), "hook")
	for n, wait := range delays {
		if ds := due(t, o, "hook"); len(ds) != 1 || ds[0].Attempts != n {
			t.Fatalf("attempt %d: %+v", n, ds)
		}
		if r := done(t, o, notify.Report{ID: "a.hook", Error: "503"}); r.Outcome != notify.Later || r.Delivery.Error != "503" {
			t.Fatalf("%+v", r)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
		o = open(t, path, c)
		c.at = c.at.Add(wait - time.Second)
		if ds := due(t, o, "hook"); len(ds) != 0 {
			t.Fatalf("too early after attempt %d: %+v", n, ds)
		}
		c.at = c.at.Add(time.Second)
	}
	c.at = c.at.Add(notify.MaxAge)
	_, gone, _, _ := o.Due([]string{"hook"}, 10)
	if len(gone) != 1 || gone[0].Outcome != notify.GivenUp || gone[0].Delivery.Error != "503" {
		t.Errorf("too old: %+v", gone)
	}
	if w := o.Waiting(); len(w) != 0 {
		t.Errorf("left: %+v", w)
	}
}

func TestGivenUp(t *testing.T) {
	o, c, _ := fresh(t)
	put(t, o, message(c, "a"), "hook")
	due(t, o, "hook")
	if r := done(t, o, notify.Report{ID: "a.hook", Error: strings.Repeat("é", 1000), Refused: true}); r.Outcome != notify.GivenUp || len(r.Delivery.Error) > notify.MaxError {
		t.Errorf("%+v", r)
	}
	m := message(c, "b")
	m.Expires = c.at.Add(time.Minute)
	put(t, o, m, "hook", "gone")
	gone, err := o.Prune([]string{"hook"})
	if err != nil || len(gone) != 1 || gone[0].Delivery.Channel != "gone" {
		t.Errorf("a channel that is no more: %+v, %v", gone, err)
	}
	c.at = c.at.Add(55 * time.Second) // the next attempt would be too late
	if r := done(t, o, notify.Report{ID: "b.hook", Error: "x"}); r.Outcome != notify.GivenUp {
		t.Errorf("expired: %+v", r)
	}
}

func TestSaidOnceWithinTheWindow(t *testing.T) {
	o, c, path := fresh(t)
	put(t, o, message(c, "a"), "hook")
	m := message(c, "b")
	m.Key = "key a"
	if rs := put(t, o, m, "hook", "mail"); len(rs) != 1 || rs[0].Outcome != notify.Again || rs[0].Delivery.Channel != "hook" {
		t.Errorf("%+v", rs)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = open(t, path, c)
	m.ID = "c"
	if rs := put(t, o, m, "hook"); len(rs) != 1 || rs[0].Outcome != notify.Again {
		t.Errorf("after a restart: %+v", rs)
	}
	c.at = c.at.Add(Window)
	m.ID, m.Time = "d", c.at
	if rs := put(t, o, m, "hook"); len(rs) != 0 {
		t.Errorf("after the window: %+v", rs)
	}
	c.at = c.at.Add(-time.Hour) // a clock that was set back must not keep it silent
	m.ID, m.Time = "e", c.at
	if rs := put(t, o, m, "hook"); len(rs) != 0 {
		t.Errorf("with the clock set back: %+v", rs)
	}
}

func TestBounds(t *testing.T) {
	o, c, _ := fresh(t)
	o.db.NoSync = true
	for n := range MaxQueued {
		if rs := put(t, o, message(c, fmt.Sprint(n)), "hook"); len(rs) != 0 {
			t.Fatalf("%d: %+v", n, rs)
		}
	}
	if rs := put(t, o, message(c, "more"), "hook", "mail"); len(rs) != 1 || rs[0].Outcome != notify.Dropped || rs[0].Delivery.Channel != "hook" {
		t.Errorf("%+v", rs)
	}
	for n := range MaxKeys {
		o.said[fmt.Sprint("old ", n)] = c.at.Add(-time.Minute)
	}
	put(t, o, message(c, "keys"), "mail")
	if len(o.said) > MaxKeys {
		t.Errorf("%d keys", len(o.said))
	}
	m := message(c, "long")
	m.Title, m.Text = strings.Repeat("é", notify.MaxTitle), strings.Repeat("é", notify.MaxText)
	put(t, o, m, "mail")
	for _, d := range o.Waiting() {
		if len(d.Message.Title) > notify.MaxTitle || len(d.Message.Text) > notify.MaxText {
			t.Errorf("%d, %d bytes", len(d.Message.Title), len(d.Message.Text))
		}
	}
}

func TestMessageIsChecked(t *testing.T) {
	o, c, _ := fresh(t)
	for _, m := range []notify.Message{{ID: "a", Time: c.at, Category: "x"}, {Category: notify.Notice}} {
		if _, err := o.Put(m, []string{"hook"}); err == nil {
			t.Errorf("%+v: no error", m)
		}
	}
}

// TestWokenByWhatIsNew: whoever waits for something to send hears of it.
func TestWokenByWhatIsNew(t *testing.T) {
	o, c, _ := fresh(t)
	_, _, wait, changed := o.Due([]string{"hook"}, 1)
	if wait <= 0 {
		t.Fatalf("%v", wait)
	}
	put(t, o, message(c, "a"), "hook")
	<-changed
}

// What quiet hours keep goes when they end, as the clock says then, and not at
// all when it is of no use by then.
func TestQuietHoursKeep(t *testing.T) {
	o, c, path := fresh(t)
	loud := c.at.Add(9 * time.Hour)
	c.judge = func(d notify.Delivery, at time.Time) Fate {
		if d.Channel == "pager" && at.Before(loud) {
			return Fate{Until: loud}
		}
		return Fate{}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = open(t, path, c)
	soon := message(c, "b")
	soon.Expires = c.at.Add(time.Hour)
	rs := append(put(t, o, message(c, "a"), "pager", "mail"), put(t, o, soon, "pager")...)
	if len(rs) != 2 || rs[0].Outcome != notify.Kept || rs[0].Delivery.Channel != "pager" || !rs[0].Delivery.Next.Equal(loud) {
		t.Errorf("%+v", rs)
	}
	if ds := due(t, o, "pager", "mail"); len(ds) != 1 || ds[0].ID != "a.mail" {
		t.Errorf("%+v", ds)
	}
	_, _, wait, _ := o.Due([]string{"pager"}, 10)
	if wait > recheck {
		t.Errorf("a clock that is set is noticed after %v", wait)
	}
	c.at = c.at.Add(2 * time.Hour)
	_, gone, _, _ := o.Due([]string{"pager"}, 10)
	if len(gone) != 1 || !strings.Contains(gone[0].Delivery.Error, "quiet hours last") {
		t.Errorf("%+v", gone)
	}
	c.at = loud
	if ds := due(t, o, "pager"); len(ds) != 1 || ds[0].ID != "a.pager" {
		t.Errorf("when they are over: %+v", ds)
	}
}

// A clock that is set back keeps nothing that was due, and one that is set forward
// lets nothing expire that still asks.
func TestTheClockIsSet(t *testing.T) {
	o, c, path := fresh(t)
	over := map[string]bool{}
	c.judge = func(d notify.Delivery, _ time.Time) Fate { return Fate{Live: !over[d.ID], Over: over[d.ID]} }
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = open(t, path, c)
	asks := message(c, "a")
	asks.Expires = c.at.Add(30 * time.Minute)
	put(t, o, asks, "hook")
	put(t, o, message(c, "b"), "hook")
	c.at = c.at.Add(-48 * time.Hour)
	if ds := due(t, o, "hook"); len(ds) != 2 {
		t.Fatalf("set back before the first attempt: %+v", ds)
	}
	done(t, o, notify.Report{ID: "b.hook", Error: "503"})
	c.at = c.at.Add(-48 * time.Hour)
	if ds := due(t, o, "hook"); len(ds) != 2 {
		t.Errorf("set back before the second attempt: %+v", ds)
	}
	c.at = c.at.Add(97 * time.Hour)
	if ds := due(t, o, "hook"); len(ds) != 2 {
		t.Errorf("set forward: %+v", ds)
	}
	over["a.hook"] = true
	if _, gone, _, _ := o.Due([]string{"hook"}, 10); len(gone) != 1 || gone[0].Delivery.ID != "a.hook" {
		t.Errorf("nobody has to decide any more: %+v", gone)
	}
}

func TestWithdraw(t *testing.T) {
	o, c, path := fresh(t)
	put(t, o, message(c, "a"), "hook", "mail")
	put(t, o, message(c, "b"), "hook")
	rs, err := o.Withdraw(func(m notify.Message) bool { return m.ID == "a" })
	if err != nil || len(rs) != 2 || rs[0].Outcome != notify.Withdrawn {
		t.Fatalf("%+v, %v", rs, err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = open(t, path, c)
	if w := o.Waiting(); len(w) != 1 || w[0].ID != "b.hook" {
		t.Errorf("%+v", w)
	}
	if rs, err := o.Withdraw(func(notify.Message) bool { return false }); err != nil || len(rs) != 0 {
		t.Errorf("%+v, %v", rs, err)
	}
}
