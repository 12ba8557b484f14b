//go:build kernel

package shim_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"clawjail/jail/shim"
)

// TestAProcessThatIsBeingStartedIsAdopted: its supervisor is lost when it has heard
// of the process and not yet that it runs.
func TestAProcessThatIsBeingStartedIsAdopted(t *testing.T) {
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
	heard, left := make(chan struct{}), make(chan error, 1)
	go func() {
		<-heard
		left <- h.Leave()
	}()
	spec := shim.ExecSpec{Argv: []string{"/bin/sleep", "1000"}, Env: s.Env, Cwd: "/", Name: "e1 key",
		OnListener: func(listener, ledger *os.File) {
			listener.Close()
			ledger.Close()
			close(heard)
		}}
	// It is told that the jail has gone, or was just in time to be told of the start.
	if _, err := h.Exec(ctx(t), spec, shim.Stdio{}); err != nil && !errors.Is(err, shim.ErrClosed) {
		t.Error(err)
	}
	if err := <-left; err != nil {
		t.Fatal(err)
	}
	o := adopt(t, s)
	p, ok := o.Procs["e1 key"]
	if !ok || p.Listener == nil || p.Ledger == nil {
		t.Fatalf("%+v, %+v", o.Procs, o.Gone)
	}
	killed(t, p)
	end(t, s, o, 7)
}

// TestAProcessThatNobodyWantsIsKilled: whoever asked for it went away while it was
// started.
func TestAProcessThatNobodyWantsIsKilled(t *testing.T) {
	made := sh(t, "echo up; exec sleep 1000")
	s := launch(t, made)
	s.line(t, "up")
	c := cgroupOf(t, made)
	before, err := c.Procs()
	if err != nil {
		t.Fatal(err)
	}
	wanted, cancel := context.WithCancel(ctx(t))
	defer cancel()
	spec := shim.ExecSpec{Argv: []string{"/bin/sleep", "1000"}, Cwd: "/", OnListener: func(listener, ledger *os.File) {
		listener.Close()
		ledger.Close()
		cancel()
	}}
	if p, err := s.h.Exec(wanted, spec, shim.Stdio{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("%+v, %v", p, err)
	}
	until(t, func() bool {
		now, err := c.Procs()
		return err == nil && len(now) == len(before)
	})
	if err := s.h.Kill(ctx(t)); err != nil {
		t.Fatal(err)
	}
	s.wait(t)
}
