//go:build kernel

package shim_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/shim"
)

// left starts a jail that outlives its supervisor, and leaves it.
func left(t *testing.T, s jail.Spec, rule shim.Loss, kept map[string]*os.File) {
	t.Helper()
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := h.Keep(ctx(t), rule, "first", kept); err != nil {
		t.Fatal(err)
	}
	if err := h.Go(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if err := h.Note("second"); err != nil {
		t.Fatal(err)
	}
	if err := h.Leave(); err != nil {
		t.Fatal(err)
	}
}

func adopt(t *testing.T, s jail.Spec) *shim.Orphan {
	t.Helper()
	o, err := shim.Adopt(ctx(t), s.StateDir, s.CgroupParent, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Forget)
	return o
}

// end has the jail's command end by itself, with what it says.
func end(t *testing.T, s jail.Spec, o *shim.Orphan, code int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(workspace(s), "go"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if exit, err := o.Wait(ctx(t)); err != nil || exit.Code != code {
		t.Errorf("%+v, %v, want %d", exit, err, code)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	nothingLeft(t, s, &shim.Created{InitPID: o.InitPID})
}

// waits is a command that ends when somebody says so.
const waits = "until [ -e go ]; do sleep 0.05; done; exit 7"

func TestAJailOutlivesItsSupervisor(t *testing.T) {
	before := look(t)
	s := sh(t, waits)
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("kept"); err != nil {
		t.Fatal(err)
	}
	left(t, s, shim.Loss{Then: shim.LossHold}, map[string]*os.File{"x": f})
	for range 2 { // the second supervisor goes, too
		o := adopt(t, s)
		if o.Note != "second" || o.Frozen || time.Since(o.Lost) > 5*time.Minute || o.InitPID <= 1 {
			t.Errorf("note %q, frozen %v, lost %s, init %d", o.Note, o.Frozen, o.Lost, o.InitPID)
		}
		b := make([]byte, 8)
		if n, _ := o.Kept["x"].ReadAt(b, 0); string(b[:n]) != "kept" {
			t.Errorf("kept is %q", b[:n])
		}
		o.Forget()
		if err := o.Leave(); err != nil {
			t.Fatal(err)
		}
	}
	o := adopt(t, s)
	end(t, s, o, 7)
	o.Forget()
	f.Close()
	if after := look(t); after.processes != before.processes || after.cgroups != before.cgroups || after.mounts != before.mounts {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestTheEndIsKeptForTheNextSupervisor(t *testing.T) {
	s := sh(t, waits)
	left(t, s, shim.Loss{Then: shim.LossHold}, nil)
	if err := os.WriteFile(filepath.Join(workspace(s), "go"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	o := adopt(t, s) // maybe it has ended, maybe it is about to
	if exit, err := o.Wait(ctx(t)); err != nil || exit.Code != 7 {
		t.Fatalf("%+v, %v", exit, err)
	}
	o.Forget()
	if err := o.Leave(); err != nil { // without having taken note
		t.Fatal(err)
	}
	o = adopt(t, s)
	end(t, s, o, 7)
	if _, err := shim.Adopt(ctx(t), s.StateDir, s.CgroupParent, s.ID); !errors.Is(err, shim.ErrNobody) {
		t.Errorf("afterwards: %v, want ErrNobody", err)
	}
}

func TestAddedProcessesAreAdopted(t *testing.T) {
	s := sh(t, waits)
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := h.Keep(ctx(t), shim.Loss{Then: shim.LossHold}, "", nil); err != nil {
		t.Fatal(err)
	}
	if err := h.Go(ctx(t)); err != nil {
		t.Fatal(err)
	}
	for name, argv := range map[string][]string{"e1": {"/bin/sleep", "1000"}, "e2": {"/bin/sh", "-c", "exit 5"}} {
		p, err := h.Exec(ctx(t), shim.ExecSpec{Argv: argv, Env: s.Env, Cwd: "/", Name: name}, shim.Stdio{})
		if err != nil {
			t.Fatal(err)
		}
		if name == "e2" {
			if exit, err := p.Wait(ctx(t)); err != nil || exit.Code != 5 {
				t.Fatalf("%+v, %v", exit, err)
			}
		}
	}
	if err := h.Leave(); err != nil {
		t.Fatal(err)
	}
	o := adopt(t, s)
	p, ok := o.Procs["e1"]
	if !ok || len(o.Procs) != 1 || o.Gone["e2"].Code != 5 || p.Listener == nil || p.Ledger == nil {
		t.Fatalf("%+v, %+v", o.Procs, o.Gone)
	}
	killed(t, p)
	end(t, s, o, 7)
}

// killed kills an added process.
func killed(t *testing.T, p shim.OrphanProc) {
	t.Helper()
	if err := p.Signal(ctx(t), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if exit, err := p.Wait(ctx(t)); err != nil || exit.Signal != int(unix.SIGKILL) {
		t.Errorf("%+v, %v", exit, err)
	}
}

func TestASupervisorThatDoesNotComeBack(t *testing.T) {
	t.Run("freeze", func(t *testing.T) {
		s := sh(t, waits)
		left(t, s, shim.Loss{Then: shim.LossFreeze}, nil)
		c := cgroupOf(t, s)
		until(t, func() bool { frozen, err := c.Frozen(); return err == nil && frozen })
		o := adopt(t, s)
		if !o.Frozen {
			t.Error("it does not say so")
		}
		if err := c.Thaw(); err != nil {
			t.Fatal(err)
		}
		end(t, s, o, 7)
	})
	t.Run("kill", func(t *testing.T) {
		s := sh(t, waits)
		left(t, s, shim.Loss{Then: shim.LossKill}, nil)
		c := cgroupOf(t, s)
		until(t, func() bool { pids, err := c.Procs(); return err == nil && len(pids) == 0 })
		o := adopt(t, s)
		if exit, err := o.Wait(ctx(t)); err != nil || !exit.Lost || exit.Signal != int(unix.SIGKILL) {
			t.Errorf("%+v, %v", exit, err)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
		nothingLeft(t, s, &shim.Created{InitPID: o.InitPID})
	})
}

func cgroupOf(t *testing.T, s jail.Spec) *jail.Cgroup {
	t.Helper()
	h, err := jail.FindHierarchies()
	if err != nil {
		t.Fatal(err)
	}
	c, err := jail.OpenCgroup(filepath.Join(h.Unified, s.CgroupParent, s.ID))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// What was not let go yet has nobody to go on for. Its directory stays, so that the
// next supervisor can say that it has ended.
func TestAJailThatWasBeingMadeIsNotKept(t *testing.T) {
	s := sh(t, waits)
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := h.Keep(ctx(t), shim.Loss{Then: shim.LossHold}, "", nil); err != nil {
		t.Fatal(err)
	}
	if err := h.Leave(); err != nil {
		t.Fatal(err)
	}
	if _, err := shim.Adopt(ctx(t), s.StateDir, s.CgroupParent, s.ID); !errors.Is(err, shim.ErrNobody) {
		t.Errorf("%v, want ErrNobody", err)
	}
	if _, err := os.Stat(s.StateDir); err != nil {
		t.Errorf("nobody can know that it was there: %v", err)
	}
	if err := shim.Sweep(s.StateDir, s.CgroupParent, s.ID); err != nil {
		t.Error(err)
	}
	nothingLeft(t, s, c)
}
