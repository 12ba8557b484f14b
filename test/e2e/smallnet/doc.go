// Package smallnet is a small internet for tests: a network namespace with a
// DNS server, TLS hosts under a test authority, a mock model, a git host and
// echo servers on documentation addresses, joined by a veth pair to a second
// namespace, the "host", in which the code under test runs. The host has its
// own mounts: its own /run, resolv.conf, /etc/clawjail and /var/lib/clawjail.
//
// A program calls Run first thing in main (or TestMain). Run starts the program
// twice more, as the internet and as the host; only the host runs the program's
// own code. Nothing of the machine's network or mounts is touched, and all of
// it ends with the program.
//
// Trust: everything here is our own; clients are agents under test, and what
// they send is bounded. Ownership: the outer process owns both children and the
// directory they share. Concurrency: a World may be used by parallel tests.
// Importers: test/e2e and what is below it.
//
// # Decisions
//
//   - Real names (the model vendors' API hosts) with test addresses: the shipped
//     policies are used unchanged.
//   - The program re-executes itself instead of using `ip netns`: no names, no
//     files that stay behind after a crash.
//   - No pid namespace: BPF programs report pids of the machine, and the code
//     under test must see the same ones. Left-over processes are found by their
//     network namespace.
package smallnet
