// Package shared counts in a Redis what several hosts may do together: the same
// sliding windows as package limit, each operation one script.
//
// # Trust
//
// The Redis is believed about what is used: whoever can write to it sets the
// limits. It is reached by a process without privileges only; the supervisor
// dials nowhere. What it answers is decoded with bounds. Keys come from the
// supervisor.
//
// # When it is away
//
// Whatever does not end in a count is an error, and an error denies: no answer
// within Timeout, a full or read-only Redis, a script that does not end, a Redis
// that has forgotten (its marker is gone). An operator can choose a share
// instead: then, while nobody answers, a part of each limit is counted on this
// host alone, by package limit, and denied beyond it. What forgot or is damaged
// is never shared out: it would give the whole limit anew.
//
// # Ownership and concurrency
//
// A Store owns its connections. All methods may be called by any goroutine.
//
// May be imported by processes that are not root.
//
// # Bounds
//
//	what                     bound       at the bound
//	wait for an answer       Timeout     ErrAway
//	claims at once           MaxClaims   denied
//	entries of a key         maxEntries  the oldest are counted at the time of the next
//	life of a key            its window  Redis forgets it
//
// # Decisions
//
//   - One Lua script for an operation, because nothing between reading and
//     writing may come in between; a transaction cannot decide. Every key has the
//     tag {clawjail}, so that a cluster has them in one slot, where a script may
//     use them all.
//   - The clock is the Redis' own, and only goes forward: the script keeps the
//     latest time that it saw, so a failover to a machine that is behind makes
//     events stay longer.
//   - A sum is kept beside the entries, and what expires is taken off it: money
//     in a busy window would be added up anew each time otherwise.
//   - A grant that a failover lost cannot be known: replication is not
//     synchronous. WAIT after each write would make one host's pause everybody's;
//     run Redis with min-replicas-to-write where that matters, and a Redis that
//     has too few of them refuses, which denies.
//   - Redis must keep what it has (maxmemory-policy noeviction) and write it down
//     (appendonly): Open refuses another policy where it may ask. The marker
//     finds out the rest while the process runs.
package shared
