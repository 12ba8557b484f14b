package supervisor

import (
	"slices"
	"testing"
	"time"

	"clawjail/bpf/wire"
)

// What the verifier killed is no execution, whichever of the two reports comes
// first; everything else is recorded, in the order of each process.
func TestWhatWasKilledDidNotExecute(t *testing.T) {
	event := func(class wire.Class, pid int32, at time.Duration) wire.Event {
		return wire.Event{Class: class, Pid: pid, StartTime: 7, Time: uint64(at)}
	}
	killed := event(wire.ExecRefused, 1, time.Millisecond)
	killed.Killed, killed.Reason = true, wire.Argv
	refused := killed
	refused.Killed = false // with EPERM: the caller goes on
	mapped := killed
	mapped.Reason = wire.Mapped // by a program that runs
	again := killed
	again.StartTime = 8 // the pid was reused
	exec := func(pid int32, at time.Duration) wire.Event { return event(wire.Exec, pid, at) }
	tests := []struct {
		name   string
		events []wire.Event
		now    time.Duration
		want   []int32
	}{
		{"nothing else comes", []wire.Event{exec(1, 0)}, time.Second, []int32{1}},
		{"it may be refused yet", []wire.Event{exec(1, 0)}, time.Millisecond, nil},
		{"it is killed", []wire.Event{exec(1, 0), killed}, time.Second, nil},
		{"it was killed", []wire.Event{killed, exec(1, 0)}, time.Second, nil},
		{"and another process is not", []wire.Event{exec(2, 0), exec(1, 0), exec(3, 0), killed}, time.Second, []int32{2, 3}},
		{"it goes on", []wire.Event{exec(1, 0), event(wire.OpenWrite, 1, 0)}, 0, []int32{1}},
		{"it executes again and is killed then", []wire.Event{exec(1, 0), exec(1, 0), killed}, 0, []int32{1}},
		{"it was refused and executes something else", []wire.Event{refused, exec(1, 0)}, time.Second, []int32{1}},
		{"it maps code and is killed for that", []wire.Event{exec(1, 0), mapped}, 0, []int32{1}},
		{"it was killed, and its pid is used again", []wire.Event{again, event(wire.Exit, 1, 0), exec(1, 0)}, time.Second, []int32{1}},
		{"it ends", []wire.Event{exec(1, 0), event(wire.Exit, 1, 0)}, 0, []int32{1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []int32
			u := &unsures{now: func() uint64 { return uint64(tt.now) }, record: func(x unsure) { got = append(got, x.ev.Pid) }}
			for _, ev := range tt.events {
				u.see(ev)
				if ev.Class == wire.Exec {
					u.keep(unsure{ev: ev})
				}
			}
			u.rest()
			if !slices.Equal(got, tt.want) {
				t.Errorf("recorded %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWhatIsUnsureIsBounded(t *testing.T) {
	recorded := 0
	u := &unsures{now: func() uint64 { return 0 }, record: func(unsure) { recorded++ }}
	for pid := range int32(3 * maxUnsure) {
		u.see(wire.Event{Class: wire.Exec, Pid: pid})
		u.keep(unsure{ev: wire.Event{Pid: pid, Time: 1}})
		u.see(wire.Event{Class: wire.ExecRefused, Pid: -pid - 1, Killed: true})
	}
	if len(u.list) != maxUnsure || len(u.stopped) > maxStopped || recorded != 2*maxUnsure {
		t.Errorf("%d and %d are kept, %d recorded", len(u.list), len(u.stopped), recorded)
	}
}
