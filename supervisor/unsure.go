package supervisor

import (
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/bpf/wire"
	"clawjail/policy"
)

// Where a gate lets executions through, the kernel compares each with what was
// let through when it begins, and kills what differs. The probe that reports
// executions sees those too, a moment before or after. The log says one thing
// about each: so the report of an execution behind a gate is kept until it is
// known that the verifier has nothing to say about it.

// Bounds of what is kept.
const (
	maxUnsure  = 1024                 // executions; beyond, the oldest is recorded
	maxStopped = 1024                 // executions that were stopped before they were reported; beyond, all are forgotten
	sureAfter  = 5 * time.Millisecond // by the kernel's clock: the verifier runs within the same call
)

// begun is a process as it was reported to execute something.
type begun struct {
	pid   int32
	start uint64
}

// unsure is an execution that was reported and may be refused yet.
type unsure struct {
	v  *jailView
	ev wire.Event
	r  audit.Record
	d  policy.Decision
}

// unsures are those of all jails. They belong to the goroutine that judges.
type unsures struct {
	list    []unsure
	stopped map[begun]struct{} // refused before the report came
	now     func() uint64      // CLOCK_BOOTTIME in ns, as events have it
	record  func(unsure)
}

// keep takes the report of an execution.
func (u *unsures) keep(x unsure) {
	key := begun{x.ev.Pid, x.ev.StartTime}
	if _, is := u.stopped[key]; is {
		delete(u.stopped, key)
		return // told already, as what it was
	}
	if len(u.list) >= maxUnsure {
		u.record(u.list[0])
		u.list = u.list[1:]
	}
	u.list = append(u.list, x)
}

// see looks at the next event before it is judged: whatever else a process does
// comes after its execution, so that was one.
func (u *unsures) see(ev wire.Event) {
	if len(u.list) == 0 && ev.Class != wire.ExecRefused {
		return
	}
	killed := ev.Class == wire.ExecRefused && ev.Reason != wire.Mapped && ev.Killed
	found := false
	kept := u.list[:0]
	for _, x := range u.list {
		switch {
		case x.ev.Pid != ev.Pid:
			kept = append(kept, x)
		case killed && x.ev.StartTime == ev.StartTime && !found:
			found = true // this very one: it never ran
		default:
			u.record(x)
		}
	}
	u.list = kept
	if killed && !found {
		if u.stopped == nil || len(u.stopped) >= maxStopped {
			u.stopped = map[begun]struct{}{}
		}
		u.stopped[begun{ev.Pid, ev.StartTime}] = struct{}{}
	}
	if ev.Class == wire.Exit {
		delete(u.stopped, begun{ev.Pid, ev.StartTime})
	}
}

// rest records what the verifier must have seen by now. It is called when there
// are no more events.
func (u *unsures) rest() {
	if len(u.list) == 0 {
		return
	}
	now := u.now()
	kept := u.list[:0]
	for _, x := range u.list {
		if x.ev.Time+uint64(sureAfter) > now {
			kept = append(kept, x)
			continue
		}
		u.record(x)
	}
	u.list = kept
}

// bootNow is CLOCK_BOOTTIME in nanoseconds. Without a clock everything is sure:
// a record too many is better than one that never comes.
func bootNow() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 1<<64 - 1
	}
	return uint64(ts.Nano())
}
