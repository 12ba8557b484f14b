package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// attempt is one thing to try.
type attempt struct {
	name string
	// want is the errno or signal that must come; empty for what must work.
	want string
	// child runs it in a process of its own.
	child bool
	try   func(a *arena) error
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	// os/exec of the attempts that need a child names one attempt.
	if len(args) == 2 && args[0] == "-child" {
		return child(args[1])
	}
	chosen := choose(args)
	if len(chosen) == 0 {
		fmt.Fprintf(os.Stderr, "victim: no such attempt: %q\n", args)
		return 2
	}
	status := 0
	for _, at := range chosen {
		result, detail := judge(at, outcome(at))
		fmt.Printf("%s %s %s\n", at.name, result, detail)
		if !at.kept(result, detail) {
			fmt.Fprintf(os.Stderr, "victim: %s: %s %s, want %s\n", at.name, result, detail, at.promise())
			status = 1
		}
	}
	return status
}

func choose(args []string) []attempt {
	all := slices.Concat(abiAttempts(), callAttempts(), modeAttempts(), socketAttempts(), processAttempts(), works())
	if len(args) == 0 {
		return all
	}
	var chosen []attempt
	for _, at := range all {
		group := "works"
		if at.want != "" {
			group = "refused"
		}
		if slices.Contains(args, at.name) || slices.Contains(args, group) {
			chosen = append(chosen, at)
		}
	}
	return chosen
}

func (at attempt) promise() string {
	if at.want == "" {
		return "works"
	}
	return at.want
}

func (at attempt) kept(result, detail string) bool {
	if at.want == "" {
		return result == "works"
	}
	return detail == at.want
}

// judge names an outcome.
func judge(at attempt, err error) (result, detail string) {
	var killed signalled
	var errno unix.Errno
	switch {
	case errors.As(err, &killed):
		return "killed", unix.SignalName(syscall.Signal(killed))
	case err == nil && at.want == "":
		return "works", "-"
	case err == nil:
		return "allowed", "-"
	case !errors.As(err, &errno):
		return "broken", fmt.Sprintf("%q", err.Error())
	case at.want == "":
		return "broken", unix.ErrnoName(errno)
	}
	return "refused", unix.ErrnoName(errno)
}

// signalled is the outcome of a child that a signal ended.
type signalled syscall.Signal

func (s signalled) Error() string { return syscall.Signal(s).String() }

func outcome(at attempt) error {
	if !at.child {
		return direct(at)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-child", at.name)
	cmd.Stderr = os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled():
		return signalled(status.Signal())
	case ok && status.ExitStatus() > 0 && status.ExitStatus() < 200:
		return unix.Errno(status.ExitStatus())
	}
	return err
}

// child makes one attempt and exits with its errno.
func child(name string) int {
	chosen := choose([]string{name})
	if len(chosen) != 1 {
		return 202
	}
	var errno unix.Errno
	err := direct(chosen[0])
	switch {
	case err == nil:
		return 0
	case errors.As(err, &errno) && errno < 200:
		return int(errno)
	}
	fmt.Fprintf(os.Stderr, "victim: %s: %v\n", name, err)
	return 201
}

func direct(at attempt) error {
	a, err := newArena()
	if err != nil {
		return err
	}
	return at.try(a)
}

// call makes a raw system call.
func call(nr uintptr, args ...uintptr) error {
	var r [6]uintptr
	copy(r[:], args)
	if _, _, errno := unix.Syscall6(nr, r[0], r[1], r[2], r[3], r[4], r[5]); errno != 0 {
		return errno
	}
	return nil
}

// bad is -1 as a descriptor.
const bad = ^uintptr(0)
