// Package chaos ends parts of a supervisor under jails that work, at random, and
// looks from outside at what became of it.
//
// A round is one of: the supervisor is killed, restarted or stopped for a while;
// the egress proxy, the gateway or a shim is killed; a shim is stopped; the
// supervisor has no descriptors left; the disk of the audit log is full; in the VM,
// the wall clock is set, by seconds or hours, either way. Meanwhile every jail
// starts programs, writes files, connects, asks for what a human has to approve and
// tries what is refused, and writes down what it has done.
//
// # Afterwards
//
//   - What nobody approved, and what is refused, has not happened.
//   - Every jail was adopted and ends with the agent's own status, or the record
//     says that it has ended.
//   - The chain of records verifies.
//   - What a jail wrote down is in the record, or inside a gap that is in it.
//   - Nothing is left: processes, cgroups of any hierarchy, namespaces, BPF
//     programs, maps and links, mounts, sockets and files; and the supervisor holds
//     no more descriptors than one that never had a jail.
//
// Trust: the tests are root's and run in a mount and a network namespace of their
// own; they signal nothing but what they have started.
// Ownership: a test owns its host, and ends all of it.
// Concurrency: one goroutine makes trouble, one answers, one waits for each client.
// Importers: none. Built with the tag e2e.
//
// # Decisions
//
//   - Kills are counted, and not hours; a seed is printed; the load is one that a
//     small machine carries: CLAWJAIL_CHAOS_KILLS and CLAWJAIL_CHAOS_JAILS make more
//     of it (`make chaos`).
//   - The load is one Perl program: what starts programs waits while there is no
//     supervisor, and a shell could not write down anything in between.
//   - The wall clock is set only in the VM: no namespace has one of its own, and a
//     clock that only some of the processes see says nothing about a real one. What
//     the jails write down goes by the clock that nobody sets; the test knows which
//     wall clock was meant when.
//   - What may be left is looked for by identity: what descriptors of our processes
//     said while they ran (ids of BPF objects, namespaces, cgroups). Others may run
//     jails on the same machine.
package chaos
