package compiler

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"

	"clawjail/seccomp"
	"clawjail/seccomp/vm"
)

const (
	// marker is the verdict of a level that has no rule for the call. No rule
	// can give it, because there is no action that traces.
	marker     = uint32(unix.SECCOMP_RET_TRACE | markerData)
	markerData = 0x7abc

	insnBytes = 8
	topLevel  = 255 // the highest priority that libseccomp knows
)

// Compile returns the rules as an array of struct sock_filter, after it has
// proven the array against them.
func Compile(r seccomp.Rules) ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("seccomp rules: %w", err)
	}
	var filter []byte
	conditional, last := split(r)
	for i, level := range conditional {
		code, err := compileLevel(level, libseccomp.ActTrace.SetReturnCode(markerData), 1)
		if err != nil {
			return nil, fmt.Errorf("level %d: %w", i, err)
		}
		chain(code)
		filter = append(filter, code...)
	}
	code, err := compileLevel(last, action(r.Default), 2)
	if err != nil {
		return nil, fmt.Errorf("last level: %w", err)
	}
	filter = append(filter, code...)
	program, err := vm.Parse(filter)
	if err != nil {
		return nil, fmt.Errorf("libseccomp's filter: %w", err)
	}
	if err := prove(r, program); err != nil {
		return nil, fmt.Errorf("libseccomp's filter: %w", err)
	}
	return filter, nil
}

// split sorts the rules into levels. Level n holds, for each call, its n-th
// group of conditional rules with one action; the last holds the unconditional
// ones, without those that only repeat the default (libseccomp refuses them).
func split(r seccomp.Rules) (conditional [][]seccomp.Rule, last []seccomp.Rule) {
	type position struct {
		level  int
		action seccomp.Action
	}
	at := map[int]position{}
	for _, rule := range r.Rules {
		if len(rule.Args) == 0 {
			if rule.Action != r.Default {
				last = append(last, rule)
			}
			continue
		}
		p, seen := at[rule.Nr]
		switch {
		case !seen:
			p = position{0, rule.Action}
		case p.action != rule.Action:
			p = position{p.level + 1, rule.Action}
		}
		at[rule.Nr] = p
		if p.level == len(conditional) {
			conditional = append(conditional, nil)
		}
		conditional[p.level] = append(conditional[p.level], rule)
	}
	return conditional, last
}

// compileLevel returns libseccomp's code for rules that do not contradict each
// other.
func compileLevel(rules []seccomp.Rule, fallback libseccomp.ScmpAction, optimize int) ([]byte, error) {
	filter, err := libseccomp.NewFilter(fallback)
	if err != nil {
		return nil, err
	}
	defer filter.Release()
	if err := filter.SetBadArchAction(libseccomp.ActKillProcess); err != nil {
		return nil, fmt.Errorf("foreign architectures: %w", err)
	}
	if err := filter.SetOptimize(optimize); err != nil {
		return nil, fmt.Errorf("optimisation %d: %w", optimize, err)
	}
	calls := map[int]bool{}
	for _, rule := range rules {
		if err := add(filter, rule); err != nil {
			return nil, fmt.Errorf("rule for %s: %w", rule.Name, err)
		}
		if optimize == 1 && !calls[rule.Nr] {
			calls[rule.Nr] = true
			priority := uint8(max(topLevel-len(calls), 0))
			if err := filter.SetSyscallPriority(libseccomp.ScmpSyscall(rule.Nr), priority); err != nil {
				return nil, fmt.Errorf("priority of %s: %w", rule.Name, err)
			}
		}
	}
	return export(filter)
}

// add gives libseccomp one rule. A name that it knows must have our number;
// for a newer call the number is enough.
func add(filter *libseccomp.ScmpFilter, rule seccomp.Rule) error {
	if nr, err := libseccomp.GetSyscallFromName(rule.Name); err == nil && nr >= 0 && int(nr) != rule.Nr {
		return fmt.Errorf("number %d, libseccomp says %d", rule.Nr, nr)
	}
	call := libseccomp.ScmpSyscall(rule.Nr)
	if len(rule.Args) == 0 {
		return filter.AddRuleExact(call, action(rule.Action))
	}
	conditions := make([]libseccomp.ScmpCondition, 0, len(rule.Args))
	for _, a := range rule.Args {
		c, err := libseccomp.MakeCondition(uint(a.Index), libseccomp.CompareMaskedEqual, a.Mask, a.Value)
		if err != nil {
			return err
		}
		conditions = append(conditions, c)
	}
	return filter.AddRuleConditionalExact(call, action(rule.Action), conditions)
}

// action translates a validated action. What it does not know kills.
func action(a seccomp.Action) libseccomp.ScmpAction {
	switch a.Kind {
	case seccomp.Allow:
		return libseccomp.ActAllow
	case seccomp.Notify:
		return libseccomp.ActNotify
	case seccomp.Errno:
		return libseccomp.ActErrno.SetReturnCode(int16(a.Errno))
	default:
		return libseccomp.ActKillProcess
	}
}

// export reads the code through a memfd: libseccomp 2.5 can only write to a
// descriptor, and a pipe could fill up.
func export(filter *libseccomp.ScmpFilter) ([]byte, error) {
	fd, err := unix.MemfdCreate("filter", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "filter")
	defer f.Close()
	if err := filter.ExportBPF(f); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, vm.MaxInsns*insnBytes+1))
}

// chain replaces every return of the marker by a jump to the end of code.
func chain(code []byte) {
	for off := 0; off+insnBytes <= len(code); off += insnBytes {
		in := code[off : off+insnBytes]
		if binary.LittleEndian.Uint16(in) == unix.BPF_RET|unix.BPF_K && binary.LittleEndian.Uint32(in[4:]) == marker {
			binary.LittleEndian.PutUint16(in, unix.BPF_JMP|unix.BPF_JA)
			binary.LittleEndian.PutUint32(in[4:], uint32((len(code)-off)/insnBytes-1))
		}
	}
}
