package approval

import "time"

// Clock is time, so that tests need not wait for it.
type Clock interface {
	Wall() time.Time
	// Boot is CLOCK_BOOTTIME: it never jumps and counts suspended time.
	Boot() time.Duration
	// Timer gives a channel that receives after d, and a function to stop it.
	Timer(d time.Duration) (<-chan time.Time, func())
}

type systemClock struct{}

func (systemClock) Wall() time.Time { return time.Now() }

func (systemClock) Timer(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}
