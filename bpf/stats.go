package bpf

import (
	"fmt"
	"slices"

	"clawjail/bpf/wire"
)

// Stats are counters since Load, kept in the kernel.
type Stats struct {
	Events    [wire.NumClasses]uint64 // put into the ring, by class
	Denied    [wire.NumClasses]uint64 // refused by a probe, by class
	Truncated [wire.NumClasses]uint64 // events whose path or argv did not fit

	// Lost counts events that never reached the ring: under a class's name when
	// ring or buffers were full; under exec_skipped, exit_skipped, fork_skipped
	// and file_skipped when the kernel did not run the probe at all (its guard
	// against recursion, bpf_prog_info.recursion_misses). Skipped runs are of
	// all processes: whether one was in a jail is not known, so they count.
	// Every loss class is present, also at zero.
	Lost map[string]uint64

	// Mismatches counts refused executions, and what else a verifier refuses, by
	// gate. They are among Denied too.
	Mismatches map[string]uint64

	// CopySkips counts the skipped runs of each copy of the exec verifier. One
	// copy is enough, so this is no loss; an execution that all of them missed
	// leaves its token unused. Empty in the lsm tier, where a verifier is never
	// skipped and would count as Lost under gate_skipped.
	CopySkips []uint64
}

// Stats reads the counters.
func (p *Probes) Stats() (Stats, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return Stats{}, ErrClosed
	}
	var perCPU []coreTally
	if err := p.core.Maps[coreMapCounters].Lookup(uint32(0), &perCPU); err != nil {
		return Stats{}, fmt.Errorf("read probe counters: %w", err)
	}
	s := Stats{Lost: make(map[string]uint64)}
	for _, cpu := range perCPU {
		for class := 1; class < wire.NumClasses; class++ {
			s.Events[class] += cpu.Events[class]
			s.Denied[class] += cpu.Denied[class]
			s.Truncated[class] += cpu.Truncated[class]
			s.Lost[wire.Class(class).String()] += cpu.Lost[class]
		}
	}
	for _, t := range slices.Concat(p.processes.programs, p.files.programs) {
		stats, err := t.prog.Stats()
		if err != nil {
			return Stats{}, fmt.Errorf("read statistics of %s: %w", t.prog, err)
		}
		s.Lost[t.loss] += stats.RecursionMisses
	}
	s.Mismatches = map[string]uint64{"exec": s.Denied[wire.ExecRefused]}
	for _, t := range slices.Concat(p.gates.programs, p.codes.programs) {
		stats, err := t.prog.Stats()
		if err != nil {
			return Stats{}, fmt.Errorf("read statistics of %s: %w", t.prog, err)
		}
		if p.tier == TierLSM {
			s.Lost[t.loss] += stats.RecursionMisses
			continue
		}
		s.CopySkips = append(s.CopySkips, stats.RecursionMisses)
	}
	return s, nil
}
