package service

import (
	_ "embed" // the compiled filters
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

//go:generate go run ./generate

//go:embed egress.bpf
var egressFilter []byte

//go:embed gateway.bpf
var gatewayFilter []byte

//go:embed parser.bpf
var parserFilter []byte

//go:embed sign-in.bpf
var signInFilter []byte

//go:embed counter.bpf
var counterFilter []byte

// Filter returns a copy of the compiled filter of a program.
func Filter(name string) ([]byte, error) {
	switch name {
	case Egress:
		return append([]byte(nil), egressFilter...), nil
	case Gateway:
		return append([]byte(nil), gatewayFilter...), nil
	case Parser:
		return append([]byte(nil), parserFilter...), nil
	case Counter:
		return append([]byte(nil), counterFilter...), nil
	case SignIn:
		return append([]byte(nil), signInFilter...), nil
	}
	return nil, fmt.Errorf("no seccomp filter for service %q", name)
}

// Install sets no_new_privs and puts every thread of this process, and every
// later one, under the filter of the named program, for good.
func Install(name string) error {
	filter, err := Filter(name)
	if err != nil {
		return err
	}
	// no_new_privs belongs to a thread; TSYNC then gives it to the others:
	// kernel/seccomp.c:seccomp_sync_threads.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("no_new_privs", err)
	}
	if err := load(filter); err != nil {
		return fmt.Errorf("seccomp filter of %s: %w", name, err)
	}
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	if err == nil && mode != unix.SECCOMP_MODE_FILTER {
		err = errors.New("it is not in force")
	}
	if err != nil {
		return fmt.Errorf("seccomp filter of %s: %w", name, err)
	}
	return nil
}
