// Package vm checks and runs seccomp filter programs in user space: the
// subset of classic BPF that kernel/seccomp.c:seccomp_check_filter accepts.
//
// Trust: programs come from our compiler, from committed files and from
// fuzzers. Parse refuses what the kernel would refuse, and Run cannot loop,
// because every jump goes forward.
//
// A Program is immutable; all of it may be used from many goroutines. Tests,
// the compiler (which proves its output) and `explain` import it.
//
// # Decisions
//
//   - Our own 150 lines, not golang.org/x/net/bpf: that one models packets
//     (big-endian loads, byte and half-word access, packet length), and its
//     assembler accepts instructions that seccomp refuses.
//   - No disassembler: seccomp.Rules.Text is what people review, and the
//     differential tests tie the bytes to it.
package vm
