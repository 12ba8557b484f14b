// Package egress is the supervisor's side of clawjail-egress, the process that
// answers jails' DNS questions and relays their TCP connections: the rules of a
// jail, the handle to the process, and the events that come back.
//
// A jail's network namespace has no way out. Sockets that were made in it get
// every connection and every DNS packet, and Add hands them to the process.
// DNS gives each allowed name an address that leads to no host (198.18.0.0/15,
// fd63:6c61:776a::/64), so a connection says which name is meant. The process
// checks that TLS SNI or HTTP Host says the same, resolves the name itself,
// refuses addresses that point inwards, and dials what is left.
//
// Trust: rules come from a policy that was validated, and are checked here
// again. The process is not trusted: its messages are bounded and checked by
// package control, events about jails that were not added end it, and so does
// every other breach of its protocol.
//
// Ownership: a Server owns the process; Close ends it. Files given to Add are
// duplicated and stay the caller's. When the supervisor dies, or calls Leave, the
// process sees the end of its socket and goes on alone, as long as anybody holds a
// Carrier: with the last one it ends. The next supervisor goes on with it (Attach).
//
//	without a supervisor
//	open connections            go on
//	new ones, DNS questions     allowed and refused as ever
//	what is asked               waits, and is put to the next one under its id
//	events                      wait: in the socket, which shims hold, and in the
//	                            process; behind its bounds it takes no connections
//	a jail that is cut off      stays so
//
// Concurrency: methods may be called from several goroutines. Somebody must
// take from Events all the time: Remove waits for it, and a queue that nobody
// empties stops new connections.
//
// Imported by: supervisor and supervisor/plan. It links nothing that parses
// what jails send; that is in daemon, which only clawjail-egress imports.
//
// # Bounds
//
//	jails                       1024: refused by Add
//	connections of one jail     512, Rules.MaxConns up to 4096: reset, event
//	connections of all jails    4096: reset, event
//	records waiting             16384: new connections are reset, event
//	held in one jail            64: reset, event
//	held connections            1024: reset, event
//	asks without a supervisor   30 min: reset, event, until the next supervisor
//	asks of a jail              5 a second after 64: reset, event
//	askers that run             2048: refused unheard
//	verdicts waiting to be sent 4096: the process is killed
//	other events waiting        4096: counted, KindLost
//	different facts of a jail   256 in 10 s: counted together
//	names of a jail             4096: SERVFAIL, event
//	destinations of a jail      1024: refused by Add
//	DNS questions of a jail     1000 a second after 2000: answered late, event
//	DNS query                   4096 bytes: FORMERR
//	ClientHello, request head   64 KiB each: reset, event
//	time to say what is wanted  30 s: reset, event
//	idle connection             10 min, Rules.Idle: reset, event
//	connecting                  8 addresses, 5 s each, 15 s: reset, event
//	resolver cache              4096 names, 5 s to 5 min
//
// # Decisions
//
//   - One process for all jails. One for each would cost 5 MiB a jail, and
//     buys little: it has no privileges, and no jail's secrets pass through
//     it unencrypted unless they do so on the wire as well.
//   - Two sockets to the process, requests and events: an answer must not
//     wait behind events that nobody takes.
//   - The supervisor believes an event's jail only if it added that jail, and
//     nothing else about it: a process that was taken over can lie about
//     traffic, and must not be able to do more.
//   - The first destination in the list that a connection belongs to decides:
//     allow, ask or deny, in the order of the policy. Refusals are listed too,
//     because a wildcard or a default that asks may lie behind them.
//   - A connection is held after it was accepted: the kernel answers a SYN
//     before anybody here knows of it. Its bytes wait in the kernel, its name
//     is not resolved before the approval (a question about a name can carry
//     data out), and the addresses are judged after it: nobody can approve a
//     private one.
//   - What is asked for by default are names with TLS or HTTP that says the
//     same name. Other protocols and addresses need a rule: what a human would
//     be shown of them is not what is dialed for sure.
//   - The process keeps the bounds of what is held, and the supervisor checks
//     that it does. An Asker is told nothing but the destination; whether the
//     policy asks at all is looked up again where the policy is.
//   - A carrier, which a shim holds without looking: a path to connect to could be
//     anybody's, and would need somebody to judge who comes. Who holds a carrier was
//     given it by root. It is one descriptor, not four, because sockets that change
//     wake whoever has them in his poller.
//   - The next supervisor goes on with a process of the very same file only, and
//     ends any other: connections are reset, and nothing old goes on parsing.
//   - The next supervisor takes up each jail by the digest of its rules. One whose
//     rules are others by now begins anew.
//   - Events that a supervisor had received and not recorded when it was killed are
//     gone: it records that there was a gap. Acknowledgements would make that none or
//     twice, which the log cannot tell from an event that happened twice.
//   - Virtual addresses, not the real ones with a table of who asked for
//     what: names that share an address cannot be told apart by it, and a
//     jail need not ask before it connects.
//   - No interception of TLS. SNI is what the client says; a server that
//     answers for several names (a CDN) may still be asked for another one
//     inside. Allow names whose servers you trust.
package egress
