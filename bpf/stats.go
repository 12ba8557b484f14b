package bpf

import "clawjail/bpf/wire"

// Stats are counters since Load.
type Stats struct {
	Events    [wire.NumClasses]uint64 // put into the ring, by class
	Denied    [wire.NumClasses]uint64 // refused by a probe, by class
	Truncated [wire.NumClasses]uint64 // events whose path or argv did not fit
	Lost      map[string]uint64       // events that never reached the reader, by loss class
}
