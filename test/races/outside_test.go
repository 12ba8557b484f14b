//go:build e2e

package races

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
)

// up waits until a jail runs and gives its first process.
func up(t *testing.T, name string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		// An error is of a supervisor that is not there yet.
		list, _ := supervised().Jails(ctx, false)
		for _, j := range list {
			if j.Name == name && j.State == api.StateRunning && j.InitPID > 0 {
				return j.InitPID
			}
		}
		if ctx.Err() != nil {
			t.Fatalf("the jail %s does not run: %v", name, list)
		}
		wait(ctx, 2*time.Millisecond)
	}
}

// covering mounts one file or directory of a jail over another and takes it away
// again, as fast as it goes, until the function that it returns is called. It is
// what an administrator does to a jail, and what no process in it can.
func covering(t *testing.T, pid int, cover, place string) func() int {
	t.Helper()
	ns, err := os.Open("/proc/" + itoa(pid) + "/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan int, 1)
	go func() {
		// The thread is left in the jail's namespace, and ends with the goroutine.
		runtime.LockOSThread()
		defer ns.Close()
		n := 0
		defer func() { done <- n }()
		if err := errors.Join(unix.Unshare(unix.CLONE_FS), unix.Setns(int(ns.Fd()), unix.CLONE_NEWNS)); err != nil {
			t.Errorf("enter the jail's mounts: %v", err)
			return
		}
		for {
			select {
			case <-stop:
				return
			default:
			}
			// An error is of what is not there yet, or gone with the jail.
			if unix.Mount(cover, place, "", unix.MS_BIND, "") == nil {
				_ = unix.Unmount(place, unix.MNT_DETACH)
				n++
			}
		}
	}()
	return func() int {
		close(stop)
		return <-done
	}
}

// TestBind covers the program with a mount, and uncovers it. From inside the jail
// nothing can be mounted; from outside it can.
func TestBind(t *testing.T) {
	tests := []struct{ name, policy, path string }{
		{"the file", byHash, "in/slot"}, {"its directory", byHash, "in"},
		{"the file, asked", askedByHash, "in/slot"}, {"its directory, asked", askedByHash, "in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newField(t, tt.policy)
			cover := "other"
			if tt.path == "in" {
				cover = "evils"
				if err := os.Mkdir(filepath.Join(f.dir, cover), 0o755); err != nil {
					t.Fatal(err)
				}
				text, err := os.ReadFile(filepath.Join(f.dir, "evil"))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(f.dir, cover, "slot"), text, 0o755); err != nil {
					t.Fatal(err)
				}
				own(t, f.dir)
			}
			stop := human(t)
			r := f.start(t, "./race", "bind", "10000", itoa(seconds(t)))
			leave := covering(t, up(t, r.name), filepath.Join(f.dir, cover), filepath.Join(f.dir, tt.path))
			o := r.wait(t)
			mounts := leave()
			t.Logf("%d mounts from outside, %d approved", mounts, stop())
			got := parse(t, "bind", 10000, o)
			if strings.Contains(o.stdout, "ESCAPED") || got.wins > 0 || got.other > 0 || got.good == 0 || mounts == 0 {
				t.Errorf("%+v, %v", got, o)
			}
			told(t, o, got)
		})
	}
	well(t)
}

// TestHeldLong lets what is approved in the end change for as long as it is held:
// a while, and minutes where all is asked for.
func TestHeldLong(t *testing.T) {
	hold := 2 * time.Second
	if full() {
		hold = 3 * time.Minute
	}
	byName := map[string]bool{"path-vm": true, "arg-shared": true, "path-vfork": true}
	started := map[string]running{}
	for _, name := range []string{"rename", "symlink", "hardlink", "parent", "edit", "map-edit", "path-vm", "arg-shared", "path-vfork"} {
		policy := askedByHash
		if byName[name] {
			policy = asked
		}
		r := newField(t, policy).start(t, "./race", name, "1000000", itoa(int(hold.Seconds())+900))
		held(t, r.name, 1)
		started[name] = r
	}
	wait(t.Context(), hold)
	for name, r := range started {
		a := held(t, r.name, 1)[0]
		if o := clawjail(t, "approve", a.ID); o.code != 0 {
			t.Errorf("%s: approve after %s: %v", name, hold, o)
		}
	}
	wait(t.Context(), 500*time.Millisecond)
	for name, r := range started {
		_ = clawjail(t, "kill", r.name) // it may have ended
		if o := r.wait(t); strings.Contains(o.stdout, "ESCAPED") {
			t.Errorf("%s: %v", name, o)
		}
		for _, x := range records(t, r.name) {
			if x.Decision != nil {
				t.Logf("%s: %s %q held %.0f ms", name, x.Verdict, x.Subject.Argv, x.Decision.HeldMS)
			}
		}
	}
}
