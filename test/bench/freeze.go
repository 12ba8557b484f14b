package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"clawjail/supervisor/client"
)

// busy is how long the processes run between two freezes. Those that have not
// run since the last one would stand at once.
const busy = 20 * time.Millisecond

// freeze stops 50 busy processes: asked over the control socket, of that the
// supervisor's own time until the kernel says that all stand, and as a command.
func (l *lab) freeze() error {
	c := l.start(claw, l.dir+"/worker", "worker", "spin", "50")
	stdout, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return err
	}
	cl := client.Client{Socket: client.DefaultSocket}
	ctx := context.Background()
	jails, err := cl.Jails(ctx, false)
	if err != nil || len(jails) != 1 {
		return fmt.Errorf("want one jail, there are %d: %w", len(jails), err)
	}
	id := jails[0].ID
	t := newTable("freeze of 50 busy processes", "one freeze", "request", "wait of it", "command", "thaw")
	for range l.rounds(100) {
		if err := l.freezeOnce(ctx, t, cl, id); err != nil {
			return err
		}
	}
	t.print(os.Stdout)
	l.verdicts.check("freeze, the request", t.samples["request"].quantile(0.5).Seconds()*1000, 5, " ms")
	_, err = cl.Kill(ctx, id)
	_ = c.Wait() // killed
	return err
}

func (l *lab) freezeOnce(ctx context.Context, t *table, cl client.Client, id string) error {
	before, err := cl.Stats(ctx)
	if err != nil {
		return err
	}
	time.Sleep(busy)
	err = t.time("request", func() error { _, err := cl.Freeze(ctx, id); return err })
	if err != nil {
		return err
	}
	after, err := cl.Stats(ctx)
	if err != nil {
		return err
	}
	t.add("wait of it", time.Duration((after.FreezeSeconds.Sum-before.FreezeSeconds.Sum)*float64(time.Second)))
	thaw := func() error { _, err := cl.Thaw(ctx, id); return err }
	if err := t.time("thaw", thaw); err != nil {
		return err
	}
	time.Sleep(busy)
	if err := t.time("command", exec.Command(l.clawjail, "freeze", id).Run); err != nil {
		return err
	}
	return thaw()
}

// time adds how long something takes.
func (t *table) time(variant string, do func() error) error {
	start := time.Now()
	if err := do(); err != nil {
		return err
	}
	t.add(variant, time.Since(start))
	return nil
}
