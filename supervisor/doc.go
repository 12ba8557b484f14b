// Package supervisor owns jails: it makes them, watches what they do, holds it
// against their policies, records it, and ends them.
//
// Trust: it runs as root. Requests come over the control socket from root and
// the configured group and are validated here; policies arrive compiled and
// are validated again. Events carry texts that a jail chose, which decide
// nothing by themselves. The egress proxy parses hostile bytes; its reports
// are bounded and only believed about jails that exist.
//
// Ownership: a Supervisor owns its jails, probes, egress proxy and audit log.
// Serve returns when all of them are gone.
//
// Concurrency: one goroutine, the loop, owns the table of jails; everything
// else posts closures to it and nothing in a closure blocks. One goroutine
// judges the probes' events, one records the proxy's, one looks for lost
// events; each jail has one that waits for its end. Starting a jail happens in
// the goroutine of its request.
//
// May be imported by cmd/clawjaild only.
//
// # States of a jail
//
//	creating -> running, frozen, exited
//	running  -> frozen, exited
//	frozen   -> running, exited
//	exited   -> (the end)
//
// # When the supervisor goes
//
// Killed, or told to leave (Leave, SIGTERM): jails go on under their shims, which
// hold what the next supervisor needs (build.keep): a description of the jail (ward),
// what has changed since (note), the descriptors of probes, of trees that are written
// on approval and of the output's pipe. A new supervisor asks the shims of its
// directory before it loads anything, goes on with the probes that they hold, or
// attaches its own and lets go of the others, and then with each jail: egress by the
// same rules, held calls from the ledgers of their listeners, added processes,
// incidents, freezes that had begun. Only then does it answer requests. Every
// adoption is recorded, with the time in which nobody judged; so is the end of what
// cannot be adopted: another version, a shim that does not answer.
//
//	killed while                     what the next one does
//	a jail is being made             its shim has ended it; the end is recorded
//	exec has started a process       has it; its client, answered or not, comes back
//	a call is held                   the same request, the same id, its time goes on
//	it was approved, not answered    asks again; what it had done itself is not done
//	                                 twice, the caller gets EIO
//	a jail is being frozen           freezes it, and opens the incident
//	an incident is contained         contains it again
//	a jail ended                     records the end, and answers who waits
//
// In between nothing that is trapped is answered. In a jail that gates programs that
// is every start of a program: what runs goes on, and what it starts waits.
//
// The egress proxy goes on: connections that are open, new ones to what the policy
// allows, refusals. What has to be asked for, or needs an approved action, waits for
// the next supervisor. What happens is told to that one: records wait in the proxy,
// within its bounds, behind which it takes no new connections and counts what it
// refused.
//
// A private supervisor ends the jails that it has started, as whoever ends a terminal
// expects, and they end with it when it is killed. Those that it has adopted go on.
//
// # Bounds
//
//	what                               bound        at the bound
//	jails at the same time             MaxJails     the start is refused
//	requests waiting for the loop      loopQueue    the sender waits
//	ended jails remembered             maxEnded     the oldest is forgotten
//	added processes per jail           maxProcs     the exec is refused
//	kept output per detached jail      maxLogBytes  moved aside once, then the older half goes
//	kept outputs                       maxEnded     the oldest goes, and with --rm at the end
//	decisions about open connections   maxHeldConns the connection's record lacks it
//	label sets per counter             maxLabels    counted as "other"
//	files opened by the gate, unseen   maxGiven     the oldest is judged by its other name
//	executions that may be refused yet maxUnsure    the oldest is recorded
//	executions refused before reported maxStopped   all are forgotten: one has two records
//	records made and not written       maxNoted     they are written
//	notices                            approval.MaxNotices  the longest unchanged is forgotten
//	calls held per jail                gate.maxHeld denied with EAGAIN
//	tokens given out per jail          gate.maxOutstanding  denied with EAGAIN
//	programs closed to mapping         bpf.MaxClosedCode    no further one is closed
//	hashes of programs per jail        gate.maxHashes       all are forgotten
//	closed log segments to sign        maxRotations the next checkpoint covers them
//	open approvals                     approval.Limits      denied, and recorded as flooded
//	records about people               maxPeopleRecords a minute  refused
//	request body                       api.MaxRequestBytes  refused
//	argv and environment               api.MaxArgBytes      refused
//
// # Exposure
//
// The unit's exposure is 4.9 by systemd-analyze security (252): "OK". Its sandbox has
// two halves. Namespaces and rules of a cgroup are the supervisor's own, because jails,
// the proxy and hooks are started past them (package jail/hostns): no network, no
// address, no device, programs and configuration and homes read-only, and other users'
// processes hidden from its children. What is inherited for good, filters of system
// calls and capabilities, takes only what no jail needs. What remains, each rounded up:
//
//	points  directive                       needed for
//	   1.3  User, PrivateUsers, SETUID,     agents run as other users, and files are
//	        DAC, CHOWN, FOWNER, SETPCAP     read, made and kept for all of them
//	   0.9  RestrictNamespaces              seven kinds make a jail
//	   0.8  CAP_SYS_ADMIN, SYS_CHROOT,      mounts, pivots, device nodes
//	        MKNOD, @mount, RootDirectory
//	   0.8  SYS_PTRACE, ProcSubset, KILL,   evidence, file names, signals of every jail
//	        @privileged
//	   0.4  NET_ADMIN, NETLINK,             the network namespace of a jail; its DNS
//	        NET_BIND_SERVICE                listens at port 53 there
//	   0.4  ProtectControlGroups, BPF,      cgroups, their BPF programs, priorities
//	        SYS_RESOURCE
//	   0.1  ProtectHostname                 inherited by jails, which have names
//	   1.3  RestrictSUIDSGID, @debug,       inherited by jails: workspaces with setgid
//	        MemoryDenyWriteExecute,         directories, every JavaScript agent, debuggers,
//	        @resources, INET, UNIX          npm's priorities, sockets
//	   0.7  PrivateTmp, PrivateDevices,     policies name what is there, and the supervisor
//	        and the rests of ProtectSystem, looks at it; state, evidence and anchors are
//	        ProtectHome, DeviceAllow        written where the configuration says
//
// # Decisions
//
//   - The egress proxy outlives its supervisor, as long as a shim of a jail holds what
//     leads to it. It is of the same file as the next supervisor's own, or it is
//     replaced, with a reset of its connections and a record: what parses hostile bytes
//     must not stay behind an upgrade. One that was taken over by a jail stays what it
//     is until then; it has no privileges, and no word of it decides. A private
//     supervisor's ends with it.
//   - Starts of programs wait while there is no supervisor, in jails that gate them,
//     also those that the policy allows by name: what the kernel will execute is known
//     only when it does so, and the verifier's tokens are the only grant. Tokens given
//     ahead, for whoever comes, would be grants for what nobody has looked at: another
//     argv, another environment, a file that was replaced since. A shim that judged
//     itself would be a second supervisor, with a policy and a log of its own.
//   - The sandbox of the unit holds against mistakes: a path or an address that is not
//     what was meant. Whoever runs code as the supervisor has CAP_SYS_ADMIN, and leaves
//     it as jail/hostns does. A unit for the proxy, and shims that a service manager
//     starts, would take a little more away, and make starts of jails wait for it.
//     Filters that a service manager sets are counted (ownFilters), for the probes tell
//     the runtime from the agent by them.
//   - What a gap says is a time and not a number: how many events the last
//     supervisor had read and not recorded, it alone knew. What the ring could not
//     take is counted, as ever.
//   - SIGTERM leaves jails and SIGINT ends them: a service manager that stops and
//     starts sends the first, and cannot say which of the two it wants.
//   - A jail whose shim is killed cannot be frozen instead: the kernel ends process 1
//     of its pid namespace, and everything in it, with the shim.
//   - A foreground jail lives on a lease: the client that waits for it. When
//     the client is killed the jail ends, because nobody would ever see it
//     again. A lease can be taken up by another connection within leaseGrace.
//   - Streams are the client's own pipes, handed through to the jail: bytes of
//     a jail never pass through the root process, and a full pipe slows down
//     only its own jail.
//   - Jails follow the state that the audit log is in and not its changes: a log
//     that breaks and works again at once must not leave a jail frozen, nor one
//     that began to run in between unrecorded.
//   - What a killed supervisor left is found by its directories and not by cgroups:
//     another supervisor's jails may be in the same parent.
//   - Without the gate, a verdict that refuses a program which the kernel let
//     run is answered after the fact: the process is killed, or the jail
//     frozen, and the record says so.
//   - One shim waits for the next jail, no more: what a second one would save
//     only counts when jails start at the same time, and it is 10 MiB. A client
//     is told of the end when nothing of the jail runs and everything of it is
//     recorded; removing its cgroups and probes goes on after that.
package supervisor
