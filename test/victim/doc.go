// Command victim tries, from inside a jail, what a jail refuses, and then what
// it must not break. It prints one line per attempt:
//
//	NAME RESULT DETAIL
//
// RESULT is refused (DETAIL: the errno), killed (the signal), allowed or works
// (-), or broken (the error). The exit status is 1 if any line is not what the
// filter of package seccomp promises; those lines are on stderr, too.
//
//	victim                everything
//	victim refused        only what must be refused
//	victim works          only what must work
//	victim NAME...        the named attempts
//
// Trust: it is an attacker that we wrote. Each attempt is made with arguments
// that the kernel rejects with another errno (a bad descriptor, a bad address,
// an empty path) wherever there are such, so that it does no harm where nothing
// refuses it, and so that EPERM means the filter. Attempts that must be killed,
// and those that change the process, are made in a child.
//
// It owns nothing that outlives it, uses one goroutine, is static (no cgo) and
// imports nothing of clawjail: it must not share its mistakes. Nobody imports
// it; tests build it.
//
// # Decisions
//
//   - Go with raw system calls, not C: it is built with the rest, runs in a
//     jail that shows no libc, and one assembly file reaches the 32-bit ABI.
//   - Memory for arguments is mapped, not on the heap, so that addresses can be
//     passed as plain numbers.
package main
