package main

import (
	"fmt"
	"runtime"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// What of a cost is the kernel's own, whoever uses it: without it nobody can say
// what clawjail adds.

// floor is a way to run a worker: bare, but for a seccomp filter that allows
// everything and a Landlock domain that forbids to make block devices.
const floor = "an empty filter and domain"

// floorVariable has a worker restrict itself.
const floorVariable = "CLAWJAIL_BENCH_FLOOR"

// restrict puts the calling goroutine's thread, and what it starts, under the
// least filter and the least domain that there are.
func restrict() error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	attr := ll.RulesetAttr{HandledAccessFS: ll.AccessFSMakeBlock}
	ruleset, err := ll.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return fmt.Errorf("make an empty domain: %w", err)
	}
	if err := ll.LandlockRestrictSelf(ruleset, 0); err != nil {
		return fmt.Errorf("enter an empty domain: %w", err)
	}
	if err := unix.Close(ruleset); err != nil {
		return err
	}
	return loadEmptyFilter()
}
