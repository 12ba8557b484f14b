// Command vm runs the privileged tests of the module on a Debian kernel in a
// virtual machine: `go run ./test/vm [-suite trixie] [PACKAGE...]`. It builds
// one test binary for each package that has *_kernel_test.go files, boots once,
// runs them all and prints their results as `go test -json` does, for tally.
// With -matrix it does so for every kernel that is promised, in both tiers (BPF
// in the kernel's list of security modules, and not), and once for one that is
// too old, where clawjail has to refuse.
//
// This machine's kernel may refuse BPF LSM programs (lockdown, configuration);
// the VM is where the lsm tier is tested. What has no result failed: a kernel
// panic, a time-out and a guest that never came up are failures of every test
// that should have run.
//
// Trust: everything is ours. Ownership: the emulator process and the directory
// build/vm. Concurrency: one VM at a time. Nobody imports it.
//
// # Decisions
//
//   - qemu's TCG, not KVM, unless asked for: it behaves the same everywhere. It
//     is slow, loading BPF programs most of all; -test.short asks tests for
//     fewer rounds, and no deadline here is tighter than minutes.
//   - Trees are shared over 9p instead of building a disk image: nothing to keep
//     up to date. Inode numbers pass through.
//   - A tier is what the kernel's command line makes of it, and tests are told
//     which one to find (CLAWJAIL_TEST_TIER): falling back is a failure.
//   - All of a suite's tests run on 6.1, the rest of the matrix runs what depends
//     on the kernel's version; emulated, a boot with everything takes a quarter of
//     an hour.
//   - What no kernel can change the answer of and takes a minute to emulate is left
//     out, by name (sameEverywhere), so that `make vm` stays within a quarter of an
//     hour.
//   - Only the tests in *_kernel_test.go run there; pure ones have run already.
package main
