package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// boot is one kernel in one state, and what is run on it.
type boot struct {
	suite string
	lsm   bool     // BPF programs may attach to LSM hooks
	run   []string // packages; empty: all that have kernel tests, and test/e2e
}

// label is how results name the boot.
func (b boot) label() string { return b.suite + "-" + b.tier() }

func (b boot) tier() string {
	if b.lsm {
		return "lsm"
	}
	return "notify"
}

// The packages whose kernel tests depend on what the kernel's version changes:
// program types, hooks, seccomp notification, mounts. The others have the same
// answers on every kernel that bookworm's boots have given theirs on.
var versioned = []string{"./test/e2e", "./test/races", "./bpf", "./jail/stage", "./seccomp/...", "./supervisor/gate/..."}

// matrix is every kernel that clawjail promises to run on, in both tiers, and
// the one that it must refuse.
func matrix() []boot {
	list := []boot{{suite: "bullseye", lsm: true, run: []string{refusal}}}
	for _, suite := range []string{"bookworm", "trixie", "sid"} {
		list = append(list, boot{suite: suite, lsm: true, run: versioned}, boot{suite: suite, run: versioned})
	}
	list[1].run = nil
	return list
}

// chosen gives the boots whose labels are listed; all without a list.
func chosen(labels string) ([]boot, error) {
	all := matrix()
	if labels == "" {
		return all, nil
	}
	var list []boot
	for label := range strings.SplitSeq(labels, ",") {
		i := slices.IndexFunc(all, func(b boot) bool { return b.label() == label })
		if i < 0 {
			var known []string
			for _, b := range all {
				known = append(known, b.label())
			}
			return nil, fmt.Errorf("no boot is called %q; boots: %s", label, strings.Join(known, " "))
		}
		list = append(list, all[i])
	}
	return list, nil
}

// runMatrix boots one after the other. One that fails does not stop the others.
func runMatrix(ctx context.Context, o options) error {
	list, err := chosen(o.boots)
	if err != nil {
		return err
	}
	var errs []error
	for _, b := range list {
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		fmt.Fprintln(os.Stderr, "vm:", b.label())
		one := o
		one.suite, one.lsm, one.label = b.suite, b.lsm, b.label()
		if err := run(ctx, one, b.run); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", b.label(), err))
		}
	}
	return errors.Join(errs...)
}
