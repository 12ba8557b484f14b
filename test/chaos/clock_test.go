//go:build e2e

package chaos

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// clock is the wall clock of the machine. It can be set where the machine is
// nobody else's: in the VM.
type clock struct {
	t     *testing.T
	ours  bool
	times []setting // in their order; the first is that of the beginning
}

// setting is a time from which on the wall clock was so much ahead of the one that
// nobody sets.
type setting struct{ since, ahead time.Duration }

func newClock(t *testing.T) *clock {
	t.Helper()
	c := &clock{t: t, ours: os.Getenv("CLAWJAIL_TEST_VM") != ""}
	c.times = []setting{{since: 0, ahead: c.ahead()}}
	return c
}

// steady is the time by the clock that nobody sets.
func (c *clock) steady() time.Duration {
	c.t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		c.t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// ahead is how much the wall clock is ahead of that.
func (c *clock) ahead() time.Duration {
	return time.Duration(time.Now().UnixNano()) - c.steady()
}

func (c *clock) set(by time.Duration) {
	c.t.Helper()
	ts := unix.NsecToTimespec(time.Now().Add(by).UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		c.t.Fatal(fmt.Errorf("set the clock: %w", err))
	}
	c.times = append(c.times, setting{since: c.steady(), ahead: c.ahead()})
	c.t.Logf("the clock is set by %s", by)
}

// putRight takes back what set has done.
func (c *clock) putRight() {
	if by := c.times[0].ahead - c.ahead(); c.ours {
		c.set(by)
	}
}

// span is a time, by the clock that nobody sets.
type span struct{ from, to time.Duration }

// slack is what lies between setting a clock and writing that down, and what a gap
// reaches back at least.
const slack = 2 * time.Second

// spans are the times that the wall clock may have meant by from and to: one that
// was set shows some times twice.
func (c *clock) spans(from, to time.Time) (out []span) {
	for _, f := range c.meant(from) {
		for _, t := range c.meant(to) {
			if f <= t {
				out = append(out, span{f, t})
			}
		}
	}
	return out
}

func (c *clock) meant(wall time.Time) (out []time.Duration) {
	for i, s := range c.times {
		at := time.Duration(wall.UnixNano()) - s.ahead
		if at < s.since-slack || i+1 < len(c.times) && at > c.times[i+1].since+slack {
			continue
		}
		out = append(out, at)
	}
	return out
}
