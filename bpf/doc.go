// Package bpf loads clawjail's eBPF programs, attaches them to jails and reads
// what they report.
//
// # What is attached where
//
//	core.c    tp_btf sched_process_exec, _exit, _fork     host, while a jail exists
//	          cgroup connect4/6, sendmsg4/6, sock_create  each jail's cgroup
//	notify.c  tp_btf sys_exit                             host, while a jail wants file events
//	lsm.c     lsm file_open, path_*, file_truncate        the same, lsm tier only
//	verify.c  tp_btf sched_process_exec, four times       host, while a jail is gated; notify tier
//	gate.c    lsm bprm_check_security, mmap_file,         the same, lsm tier
//	          lsm.s bprm_committed_creds
//	code.c    lsm mmap_file, file_mprotect                host, while a program is closed
//	judge.c   syscall (BPF_PROG_RUN)                      nowhere: tests ask it
//	lookup.c  sk_lookup                                   each jail's network namespace
//	identify.c  iter task_file                            run by Identify where stat lies
//	put.c     syscall                                     run by PutExec and Origin
//
// The cgroup programs decide, and so does the exec gate; everything else only
// reports. A jail is found by
// the ids of the task's cgroup and its ancestors, so sub-cgroups are inside. The
// cgroup programs take their rules from the storage of their attachment: until
// Add has filled it in, and for a task that is elsewhere by then, they refuse.
//
// # The exec gate
//
// In a gated jail (Jail.Gate) a program runs only with a token (Jail.PutExec). It
// names what execve must come to: device, inode, size and ctime of the file, argc,
// every byte of argv and of the environment (exact lengths and a keyed SipHash of
// what stands in the new memory), the working directory, and a time to live. It is
// for one execution of one thread: it is marked when it is met, with the execution
// that met it. Tasks without a seccomp filter but those of
// the jail's parents (JailConfig.Filters) are the runtime's own and not judged.
//
//	                     notify tier          lsm tier
//	file, script chain   the last file; dies  every file, in order; EPERM
//	argv, env, cwd       dies                 dies, and can map no code
//	seen to run          four copies          LSM programs are not skipped
//
// Dies: SIGKILL from the tracepoint, which comes when the old program is gone, no
// other thread is left and the new one has run nothing. A refusal is an urgent
// event (class exec_refused, with a reason and whether the signal was sent) and is
// kept with the task: should the signal not have been sent, the task reaches no
// network, and is killed when it forks and, where file events are wanted, at the
// end of its system calls, of this execve first.
//
// The supervisor's part: hold the call, put the token, let go; kill by pidfd what
// an event says could not be killed; and treat a token that nobody used, of a
// process that has executed since, as an execution that was not judged.
//
// # Delivery
//
// Events go through one ring (Options.RingBytes). The reader is woken for what a
// probe refused, for a jail's urgent classes and when a quarter of the ring is
// full; otherwise it looks every ReadInterval (20 ms), which is the most that an
// event waits. What does not fit is counted by class (Stats.Lost), and so are
// runs that the kernel skipped (exec_skipped and so on). Paths over 4 KiB or 256
// components and argv over 8 KiB are cut, marked in the event and counted.
//
// Trust: paths and argv are the jail's text, see package wire. The caller is
// root, and its JailConfig comes from plan, which validated it; Add validates
// what the kernel would take in another sense.
// Ownership: Probes owns programs, maps, links and ring; Jail owns its links and
// lookup program, and is closed by its own Close or by Probes.Close. Files given
// to Add stay the caller's.
// Concurrency: all methods may be called at the same time, Read by one goroutine.
// Importers: supervisor and its doctor. bpf imports no policy.
//
// # When the process ends
//
// Programs, maps and links live as long as somebody has a descriptor of them.
// Jail.Kept gives those that a jail needs, for a process that stays (its shim):
// then nothing changes for the jail, no token is put and so nothing is let
// through, and events wait in the ring, or are counted when it is full. Adopt and
// AdoptJail go on with them in another process, without a moment in which nothing
// is attached. Programs of another build are not gone on with (ErrOtherBuild):
// new ones are attached beside them before they are let go.
//
// # Bounds
//
// 4096 tokens a jail (MaxTokens) and 65536 in all, six files a chain, 8 MiB of argv
// or environment, a token for 5 minutes: beyond, PutExec refuses.
//
// 1024 jails (MaxJails), 256 allowed addresses a jail and 16384 in all, 15 cgroup
// levels, four events under construction on a CPU. Beyond: Add refuses; an event
// without a buffer is counted as lost.
//
// # Decisions
//
// Descriptors in the shims and no pins in a BPF file system. Pins outlive
// everybody: those of a supervisor that is gone, of another one and of an attacker
// who may mount would have to be told apart, and removed. What shims hold is gone
// with the last of them.
//
// File events without LSM. Measured on 6.18 (processor time of the thread, lower
// quartile of 15 turns, an empty program; the last two columns under a 20-jump
// seccomp filter):
//
//	                            getppid  open+close | getppid  open+close (ns)
//	nothing                         188        2599 |     235        2642
//	tracepoint of a rare call       250        2693 |     279        2797
//	tracepoint sys_exit_openat      263        3012 |     275        2988
//	tp_btf sys_exit                 299        2820 |     316        2813
//	fanotify mark on the mount      195        2560 |     235        2678
//
// Any system call tracepoint puts every task of the host on the slow path, and a
// perf-attached one adds 200 to 300 ns to the call it is on. So one tp_btf program
// for all calls: 1.08 of bare for open+close in a jail where 1.05 was aimed at,
// 0.1 µs for each call of the host, attached in 0.4 ms (first perf tracepoint:
// 10 ms, and 60 ms each to detach), skipped runs counted, registers and result at
// hand. It is attached only while a jail wants file events (JailConfig.NoFiles).
//   - fanotify costs readers and strangers nothing, but a mount mark does not see
//     unlink, rename or what failed; it reports a write when it is over, 0.7 µs
//     each; a file system mark reports the whole host's.
//   - Tracepoints of file systems and of writeback see some file systems and some
//     operations. Internal functions come and go between kernels.
//   - Once the gate performs writes itself (seccomp notification), it knows their
//     exact paths, and the notify tier can do without this program.
//
// Measured again, least of 400 batches, one supervisor with a jail: a getppid goes
// from 184 to 260 ns with that program, open+close from 2526 to about 2700; a jail's
// filter adds 166 ns to open+close, its Landlock domain 190, whatever it handles.
// fexit programs on the system calls themselves (__x64_sys_openat and its like,
// stable names) would cost other calls nothing. They need trampolines, which 6.18
// refuses here; where LSM programs load they do too.
//
// Also with LSM the program at the end of system calls stays, for failed calls
// only: read-only mounts and missing names are refused before any hook, and an
// attempt belongs in the log.
//
// Exact paths: what was opened or cut by descriptor is the kernel's file. Names
// that were removed or renamed are gone when the call ends, and are reported as
// written, below the kernel's path of their directory, PathExact false. In the
// lsm tier all are exact, and reported before the deed.
//
// Paths by walking dentries, not bpf_d_path: that helper is limited to some hooks
// and none of ours in the notify tier. Leaf first, so that nothing is moved.
//
// ExecCount is the kernel's self_exec_id: no map of our own to fill or to lose.
//
// Buffers are claimed from a pool, not per CPU: newer kernels preempt programs.
//
// Cgroup storage instead of a lookup by the current task: rules belong to the
// jail that made the socket, and an unconfigured attachment refuses. Links only:
// the library's fall-back to BPF_PROG_ATTACH cannot be pinned and stays behind.
//
// sk_lookup cannot tell namespaces apart, so its program (49 instructions) is
// loaded for each jail. Adding a jail takes 0.6 to 1.2 ms with everything. Load
// takes 180 ms of processor time on 6.18: 20 to parse the kernel's BTF, which is
// done once, and nearly all of the rest the verifier's. So programs are loaded
// side by side. It was 270 when programs walked from one structure to the next by
// typed pointers everywhere: each step is a search through all types by name
// (btf_find_by_name_kind), where a helper call costs 20 ns an event. They still do
// where every system call of the host comes by (process_of).
//
// UDP to loopback is left alone, and answers to the jail's sockets pass; other UDP
// gets EPERM at connect or sendmsg. getaddrinfo probes its answers by connecting
// UDP sockets to them: refused too, reported, and harmless to it.
//
// Four copies of the verifier. Where tracing programs are preemptible (7.x), the
// kernel skips one that is under way on the same CPU; an execution is unjudged only
// if it meets one in the middle of each copy. The first copy to run does the work
// (2.9 µs for a short argv), with preemption off where the kernel offers that
// (6.10), so that a long argv cannot be used to hold it open; the others (0.5 µs)
// check that it was for this very execution, and kill again if it has to be.
//
// A token is put by a program (put.c) where the kernel has bpf_task_from_pid for
// it: one system call also says which process a thread belongs to, which execution
// of it that is, and where it stands; each of these is a file of /proc otherwise,
// which takes five times as long as the rest. Where it does not load (6.1) they are
// read there.
//
// The event ring is waited for in the runtime's poller: the library's reader sits
// in a system call, for which the runtime's monitor wakes up every 20 µs again.
//
// No program of our own at the end of every system call for what could not be
// killed: 8 % of every open on the host, against a case that does not happen where
// interrupts are on (kernel/trace/bpf_trace.c:bpf_send_signal_common). The one for
// file events does it where it is attached.
//
// A hash and not the bytes: a token would be up to 6 MiB of kernel memory. Its key
// is drawn at Load. SipHash in pieces of 64 bytes: longer ones are faster by little
// and take the verifier twice as long. Four copies add half to the time of Load.
//
// A process that shares its working directory with others (CLONE_FS) is refused:
// they could change it right after. So would a same-user process that may write
// /proc/PID/mem: the jail's filter and its mounts have to see to that.
//
// ctime has the kernel's clock tick as its grain before 6.13. Two changes in one tick
// (4 ms) that leave the size the same look like one: whoever reads a file to approve
// what is in it must not do so within a tick of its last change.
//
// A script's content is not bound here: the interpreter opens it later by name.
//
// The lsm tier is tried by being refused something, not by attaching: a kernel that
// is booted without "bpf" in lsm= attaches LSM programs and never calls them (seen
// on Debian's 6.12 and 7.2), and a gate made of them would be open.
//
// Closed code (Jail.CloseCode) is named by device and inode, not by path or hash: a
// copy is another file, and of that one nothing is known before somebody looks. It
// binds what a policy refuses to being executed, as far as files go: what a process
// writes into memory of its own and runs there is its own code, in any tier.
//
// Programs that sockets and executions run cannot be run by BPF_PROG_RUN (there is
// no test_run for cgroup socket addresses and LSM), so judge.c wraps the same
// inline functions in a type that can, for tests that compare them with the policy.
package bpf
