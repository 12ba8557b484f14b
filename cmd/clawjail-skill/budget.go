package main

import (
	"context"
	"time"

	"golang.org/x/sys/unix"
)

// The time for looking into a skill. What was not looked at by then is a finding
// (CJS-COV-001), so that it must be over before the limits of confine and of the
// jail end the process and everything that was found is lost.
const (
	cpuBudget  = maxCPU / 2 * time.Second
	wallBudget = 60 * time.Second
	budgetStep = 200 * time.Millisecond
)

// budget is a context that ends when the process has used its time. The
// processor's time counts and not only the clock's: on a busy host a skill is
// not judged by less.
func budget(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, wallBudget)
	go func() {
		t := time.NewTicker(budgetStep)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				if used() > cpuBudget {
					cancel()
					return
				}
			}
		}
	}()
	return ctx, cancel
}

// used is the processor time that the process has used. A kernel that does not
// say has the clock's limit.
func used() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
