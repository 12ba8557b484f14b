package audit

import (
	"fmt"
	"time"
)

// clockStep is the jump of the wall clock that is worth a note. Slewing moves
// the monotonic clock too and is not seen.
const clockStep = time.Second

// clock compares the wall clock with the monotonic one from record to record.
type clock struct {
	set  bool
	wall time.Time
	mono time.Duration
}

// step takes one reading and gives a note when the wall clock was set since
// the last.
func (c *clock) step(wall time.Time, mono time.Duration) (Record, bool) {
	last := *c
	*c = clock{set: true, wall: wall.Round(0), mono: mono}
	if !last.set {
		return Record{}, false
	}
	jump := c.wall.Sub(last.wall) - (mono - last.mono)
	switch {
	case jump < -clockStep:
		return clockNote(wall, fmt.Sprintf("the clock was set back by %v", (-jump).Round(time.Millisecond))), true
	case jump > clockStep:
		return clockNote(wall, fmt.Sprintf("the clock went forward by %v: set, or the machine slept", jump.Round(time.Millisecond))), true
	}
	return Record{}, false
}

func clockNote(wall time.Time, message string) Record {
	return Record{Time: wall, Gate: GateSupervisor, Subject: Subject{Class: ClassClock, Message: message}}
}
