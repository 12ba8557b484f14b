package compiler

import (
	"fmt"
	"math/bits"

	"golang.org/x/sys/unix"

	"clawjail/seccomp"
	"clawjail/seccomp/vm"
)

// highestProven is the last system call number that prove interprets besides
// the edges: twice what any kernel has.
const highestProven = 1023

// prove runs the program for every system call number, for the foreign ABIs
// and around every condition, and compares each verdict with what the rules
// mean. It costs about two milliseconds; the tests try every bit of every mask.
func prove(r seccomp.Rules, p vm.Program) error {
	perCall := map[int][]seccomp.Rule{}
	for _, rule := range r.Rules {
		perCall[rule.Nr] = append(perCall[rule.Nr], rule)
	}
	try := func(c seccomp.Call) error {
		want := seccomp.Rules{Default: r.Default, Rules: perCall[int(c.Nr)]}.Evaluate(c)
		got, err := p.Run(vm.Data{Nr: c.Nr, Arch: c.Arch, Args: c.Args})
		if err != nil {
			return err
		}
		if got != Verdict(want) {
			return fmt.Errorf("call %d, architecture %#x, arguments %#x: verdict %#x, the rules say %s", c.Nr, c.Arch, c.Args, got, want)
		}
		return nil
	}
	for nr := int32(0); nr <= highestProven; nr++ {
		for _, args := range Edges(perCall[int(nr)], false) {
			if err := try(seccomp.Call{Arch: seccomp.Arch(), Nr: nr, Args: args}); err != nil {
				return err
			}
		}
		for _, c := range []seccomp.Call{
			{Arch: seccomp.Arch(), Nr: nr | 0x40000000},
			{Arch: unix.AUDIT_ARCH_I386, Nr: nr},
			{Arch: 0, Nr: nr},
		} {
			if err := try(c); err != nil {
				return err
			}
		}
	}
	for _, nr := range []int32{-1, -2, -1 << 31, 1 << 20, 1<<30 - 1, 1<<30 + 1<<20, 1<<31 - 1} {
		if err := try(seccomp.Call{Arch: seccomp.Arch(), Nr: nr}); err != nil {
			return err
		}
	}
	return nil
}

// Verdict returns an action as the SECCOMP_RET value of a filter.
func Verdict(a seccomp.Action) uint32 {
	switch a.Kind {
	case seccomp.Allow:
		return unix.SECCOMP_RET_ALLOW
	case seccomp.Notify:
		return unix.SECCOMP_RET_USER_NOTIF
	case seccomp.Errno:
		return unix.SECCOMP_RET_ERRNO | uint32(a.Errno)
	default:
		return unix.SECCOMP_RET_KILL_PROCESS
	}
}

// Edges returns register sets around the conditions of one call's rules: all
// zeroes, all ones, and for each rule the values that just satisfy it, with
// the bits outside its masks clear and set, and with one bit of one masked
// register turned. That bit is the lowest and the highest of the mask, or,
// with every, each of them.
func Edges(rules []seccomp.Rule, every bool) [][6]uint64 {
	ones := [6]uint64{}
	for i := range ones {
		ones[i] = ^uint64(0)
	}
	edges := [][6]uint64{{}, ones}
	for _, rule := range rules {
		if len(rule.Args) == 0 {
			continue
		}
		var low [6]uint64
		high := ones
		for _, a := range rule.Args {
			low[a.Index] = a.Value
			high[a.Index] = a.Value | ^a.Mask
		}
		edges = append(edges, low, high)
		for _, a := range rule.Args {
			flips := a.Mask
			if !every {
				flips = 1<<bits.TrailingZeros64(a.Mask) | 1<<(bits.Len64(a.Mask)-1)
			}
			for ; flips != 0; flips &= flips - 1 {
				near, far := low, high
				near[a.Index] ^= flips & -flips
				far[a.Index] ^= flips & -flips
				edges = append(edges, near, far)
			}
		}
	}
	return edges
}
