//go:build kernel

package outbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/notify"
	"clawjail/test/kernel"
)

// TestFullDisk: what happens meanwhile is told once, in order, and is on the disk as
// soon as there is room.
func TestFullDisk(t *testing.T) {
	dir := kernel.SmallDisk(t, 512<<10)
	c := &clock{at: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	path := filepath.Join(dir, "notify.db")
	o := open(t, path, c)
	old := message(c, "old")
	old.Expires = c.at.Add(time.Minute)
	put(t, o, old, "mail")
	put(t, o, message(c, "before"), "hook")
	ballast := filepath.Join(dir, "ballast")
	kernel.Fill(t, ballast)

	long := func(id string) notify.Message {
		m := message(c, id)
		m.Text = strings.Repeat("x", notify.MaxText/2)
		return m
	}
	var ids []string
	full := false
	for n := 0; !full; n++ { // there is room in the file itself at first
		ids = append(ids, fmt.Sprintf("m%02d", n))
		_, err := o.Put(long(ids[n]), []string{"hook"})
		if full = err != nil; full && (!errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "kept in memory until")) {
			t.Fatal(err)
		}
	}
	ids = append(ids, "last")
	_, _ = o.Put(long("last"), []string{"hook"})
	if rs, _ := o.Put(func() notify.Message { m := long("same"); m.Key = "key last"; return m }(), []string{"hook"}); len(rs) != 1 || rs[0].Outcome != notify.Again {
		t.Errorf("what was said just now is said again: %+v", rs)
	}

	c.at = c.at.Add(time.Hour) // one has expired, which must not hold up the others
	ds, gone, wait, _ := o.Due([]string{"hook", "mail"}, 1000)
	if len(ds) != len(ids)+1 || ds[0].ID != "before.hook" || ds[len(ids)].ID != "last.hook" {
		t.Fatalf("%d are due of %d", len(ds), len(ids)+1)
	}
	if len(gone) != 1 || gone[0].Delivery.ID != "old.mail" || wait > recheck {
		t.Errorf("%+v are given up, the disk is looked at after %v", gone, wait)
	}
	if r, ok, _ := o.Done(notify.Report{ID: "before.hook"}); !ok || r.Outcome != notify.Sent {
		t.Errorf("%+v, %v", r, ok)
	}
	if r, ok, _ := o.Done(notify.Report{ID: "last.hook"}); !ok || r.Outcome != notify.Sent {
		t.Errorf("%+v, %v", r, ok)
	}
	if r, ok, _ := o.Done(notify.Report{ID: "m00.hook", Error: "503"}); !ok || r.Outcome != notify.Later {
		t.Errorf("%+v, %v", r, ok)
	}
	c.at = c.at.Add(leaseTime + time.Second)
	if ds := due(t, o, "hook"); len(ds) != len(ids)-1 || ds[0].ID != "m00.hook" || ds[0].Attempts != 1 {
		t.Errorf("%d are due of %d", len(ds), len(ids)-1)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	due(t, o, "hook") // as whoever waits does after a while
	want := o.Waiting()
	// A supervisor that is killed closes nothing: what is on the disk now counts.
	copied := filepath.Join(t.TempDir(), "notify.db")
	if err := o.CopyTo(copied); err != nil {
		t.Fatal(err)
	}
	is := open(t, copied, c)
	if got := is.Waiting(); len(got) != len(ids)-1 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("on the disk are %d of %d", len(got), len(want))
	}
	c.at = old.Time.Add(Window - time.Second)
	again := message(c, "again")
	again.Key = "key last"
	if rs := put(t, is, again, "hook"); len(rs) != 1 || rs[0].Outcome != notify.Again {
		t.Errorf("that it was said is not on the disk: %+v", rs)
	}
}
