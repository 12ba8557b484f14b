package supervisor

import (
	"context"
	"fmt"
	"os"
	"time"

	"clawjail/jail/shim"
	"clawjail/supervisor/config"
)

// lossOf is what a shim does without a supervisor.
func lossOf(c config.Config) shim.Loss {
	return shim.Loss{Then: string(c.OnSupervisorLoss), After: time.Duration(c.SupervisorLossAfter)}
}

// setLoss changes the rule of a jail that outlives its supervisor, and reports
// whether it is another one.
func (b *build) setLoss(l shim.Loss) bool {
	b.keeping.Lock()
	defer b.keeping.Unlock()
	if !b.survives || b.loss == l {
		return false
	}
	b.loss = l
	return true
}

// keep gives the shim what the next supervisor needs.
func (b *build) keep(ctx context.Context) error {
	if !b.survives {
		return nil // the jail of a private supervisor ends with it
	}
	b.keeping.Lock()
	defer b.keeping.Unlock()
	files, err := b.probe.Kept()
	if err != nil {
		return fmt.Errorf("keep the probes: %w", err)
	}
	all := map[string]*os.File{}
	for name, f := range files {
		all[keptProbe+name] = f
		defer f.Close()
	}
	w, err := b.ward()
	if err != nil {
		return err
	}
	defer w.Close()
	all[keptWard] = w
	for i, r := range b.roots {
		all[rootName(i)] = r.File()
	}
	if b.output != nil {
		all[keptLog] = b.output
	}
	carrier, err := b.s.egress.Carrier()
	if err != nil {
		return fmt.Errorf("keep the egress proxy: %w", err)
	}
	if carrier != nil {
		all[keptEgress] = carrier
		defer carrier.Close()
	}
	text, err := b.noteText()
	if err != nil {
		return err
	}
	send := func() error { return b.handle.Keep(ctx, b.loss, text, all) }
	if !b.running {
		// The shim reads it before it lets the command go.
		send = func() error { return b.handle.KeepBefore(b.loss, text, all) }
		b.running = true
	}
	if err := send(); err != nil {
		return fmt.Errorf("have the shim keep the jail: %w", err)
	}
	return nil
}

// kept reports whether the shim was told what to keep.
func (b *build) kept() bool {
	b.keeping.Lock()
	defer b.keeping.Unlock()
	return b.running
}

// noteText is the note of this moment.
func (b *build) noteText() (string, error) {
	var n note
	e := b.entry
	b.s.loop.do(func(*table) {
		n = note{State: e.jail.State, Started: e.jail.Started, Standing: e.jail.Standing, Reason: e.reason, LossFrozen: e.lossFrozen,
			Next: e.nextID, Kind: e.intent.kind, Why: e.intent.why}
		if e.view != nil {
			n.Counts = e.view.counts()
		}
	})
	return n.encode()
}

// noted sends the note, if it differs from the last one.
func (b *build) noted() {
	if b == nil || !b.survives {
		return
	}
	text, err := b.noteText()
	b.keeping.Lock()
	defer b.keeping.Unlock()
	if err != nil || text == b.lastNote {
		return
	}
	if err := b.handle.Note(text); err == nil {
		b.lastNote = text
	}
}
