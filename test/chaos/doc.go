// Package chaos ends parts of a supervisor under jails that work, at random, and
// looks from outside at what became of it.
//
// A round is one of: the supervisor is killed, restarted or stopped for a while;
// the egress proxy or a shim is killed; a shim is stopped; the supervisor has no
// descriptors left; the disk of the audit log is full. Meanwhile every jail starts
// programs, writes files, connects, asks for what a human has to approve and tries
// what is refused, and writes down what it has done.
//
// # Afterwards
//
//   - What nobody approved, and what is refused, has not happened.
//   - Every jail was adopted and ends with the agent's own status, or the record
//     says that it has ended.
//   - The chain of records verifies.
//   - What a jail wrote down is in the record, or inside a gap that is in it.
//   - Nothing is left: processes, cgroups, directories, mounts.
//
// Trust: the tests are root's and run in a mount and a network namespace of their
// own; they signal nothing but what they have started.
// Ownership: a test owns its host, and ends all of it.
// Concurrency: one goroutine makes trouble, one answers, one waits for each client.
// Importers: none. Built with the tag e2e.
//
// # Decisions
//
//   - Rounds and not hours, a seed that is printed, and a load that a small machine
//     carries: CLAWJAIL_CHAOS_ROUNDS and CLAWJAIL_CHAOS_JAILS make more of it
//     (`make chaos`).
//   - The load is one Perl program: what starts programs waits while there is no
//     supervisor, and a shell could not write down anything in between.
//   - The clock is left alone: nothing in a namespace can change it, and deadlines
//     are tested with one of their own (package approval).
package chaos
