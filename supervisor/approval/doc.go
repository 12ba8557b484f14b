// Package approval holds what waits for a human: the requests, the queue they
// wait in, and the decisions.
//
// A request shows what the kernel says will happen, and has a digest of exactly
// that. A decision names the digest, is used once unless the approver widened
// it, and comes too late after the deadline. No answer is a denial.
//
// Trust: the texts of a request come from a jail and are hostile: they are
// bounded here, never interpreted, and written escaped (package audit/escape)
// wherever they leave the process. Identity, gate, rule and impact come from
// the supervisor. Decode reads what a journal or a supervisor holds, and
// believes none of it.
//
// Ownership: a Queue owns its requests from Submit to the decision. It owns no
// goroutine; the caller runs Run, which lets requests expire, and calls Close.
// The journal belongs to the caller.
//
// Concurrency: every method of Queue may be called by any goroutine. The lock
// is never held while the journal or a callback works, so that no jail waits
// behind the disk on another one's behalf.
//
// May be imported by the supervisor, its clients and the CLI; imports only
// audit/escape of the project, and outside the standard library only x/sys.
//
// # States of a request
//
//	journaled -> open, decided
//	open      -> deciding
//	deciding  -> decided
//	decided   -> (the end)
//
// # Bounds
//
//	what                             bound          at the bound
//	open requests of a jail          Limits.Jail    denied: too many open requests
//	open requests                    Limits.Total   denied: too many open requests
//	text of one request              MaxRequest     argv, parents and claim are cut, anything else is refused
//	remembered scopes of a jail      MaxGrants      the decision is refused, a single use remains possible
//	remembered scopes                MaxAllGrants   as above
//	decided requests remembered      MaxDecided     the oldest is forgotten
//	ended jails remembered           MaxEnded       the oldest is forgotten
//	rejections that answer again     MaxDecided     the oldest is forgotten: it asks
//	notices                          MaxNotices     the one that is the longest unchanged is forgotten
//	notices of a jail by one rule    MaxRuleNotices the rest are counted as one
//	watchers                         MaxWatchers    the watch is refused
//	events waiting for a watcher     watchBuffer    dropped, one Resync event instead
//	who looked at a request          MaxSeen        not noted
//	messages noted about a request   MaxSent        not noted
//	steps of its escalation          MaxStepped     not noted
//	people that one approval takes   MaxConsents    fewer are taken
//	trails of decided requests       MaxDecided     the oldest is forgotten; the audit log has it
//
// # Decisions
//
//   - The digest leaves out the id, the times, the count and the process ids:
//     none of them says what will happen, and with them no retry would fold.
//   - Folded requests are decided together, because they cannot be told apart.
//     An approval says how many of them the approver saw waiting; if more wait
//     by then, it does not apply.
//   - A long argv is kept as its head and its tail with length and digest: the
//     interesting part may stand at either end, and 2 MB in every request would
//     let one jail fill the supervisor's memory.
//   - Deadlines are in CLOCK_BOOTTIME: it counts a suspended host and does not
//     follow a clock that somebody sets. Wall times are for people only.
//   - A rejection answers the same request for a few seconds more, an approval
//     never does.
//   - Remembered scopes outlive the supervisor where the jail does: they are in
//     the journal beside the requests, with the boot and the CLOCK_BOOTTIME at
//     which they end. They become durable after the waiters went on; what a crash
//     in between loses is asked again, which is the safe way to forget.
//   - What was done and is only told is a notice: alike things are counted, what
//     a default lets happen is one notice, and every single thing is in the audit
//     log. Notices are in memory: whoever was not told before the supervisor
//     ended finds them with `clawjail audit query --verdict audit`.
//   - What one approval more is missing for stays open: an approval that takes
//     several people is recorded and kept before the approver is told that it
//     counts, and answers that come meanwhile wait for that. Who saw fewer
//     identical calls than wait by then approved something else. The narrowest
//     scope holds, because the second is refused a wider one, and nobody allows
//     for ever alone.
//   - Two names are one person when the configuration, the console or the login
//     that sudo came from says so. Two that nobody connects count as two: the
//     supervisor refuses people of the console whose account is not known.
//   - One denial is enough, also by who approved before: nobody has to find a
//     second person to stop something.
//   - What people were told and who looked (Trail) is beside the request and not
//     in it: it changes while the digest must not.
//   - "always" is remembered here for the jail. The rule in the policy file is
//     written by the client (package client/rule), because the supervisor is
//     root and parses no YAML.
//   - JSON strings hold the escaped text, which is reversible: arguments may be
//     any bytes, and what an operator pipes to a terminal stays harmless.
package approval
