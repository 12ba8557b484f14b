// Package gate decides the system calls that a jail's filter hands over: it
// looks at what is asked, judges it by the policy, holds it for a human where
// the policy says so, and lets it go on in a way that the kernel checks again.
//
// Trust: the caller of a held call and everything around it is hostile. It can
// change its memory, its files and its directories while we look and
// afterwards. So what is read here is only ever shown and judged; what is let
// through is either done by the supervisor itself on what it pinned (package
// behalf), or bound by a token that BPF programs compare with what the kernel
// really executes (package bpf). Continuing a call grants nothing by itself.
//
// Every path that does not end in an explicit answer ends in a denial: memory
// that cannot be read, a path that does not resolve, a token that cannot be
// written, a worker that is not free.
//
// Ownership: an Engine owns its listener. Run returns when no task is left
// that uses the filter, or after Close.
//
// Concurrency: one goroutine, locked to its thread, receives and decides what
// can be decided at once; what waits for a human or reads a whole file gets a
// goroutine of its own, at most maxHeld of them per jail. Run waits for them.
//
// May be imported by supervisor.
//
// # When the supervisor goes
//
// What was received and has no answer is in the listener's ledger. The engine of
// the next supervisor begins with it: it looks at each such call again, as if it
// came now, and asks again what had been asked, which the approval queue knows as
// the same request. Only a change that was being done for the caller is not done
// again: it gets EIO, and a record that says why. An engine that is closed answers
// nothing any more.
//
// # How an execution goes
//
//	receive -> copy path, argv, environment, cwd -> still valid?
//	  -> resolve in the task's root -> follow "#!" -> judge every file of the chain
//	allow, audit   token, continue
//	ask            hold; approved: token, continue; otherwise EPERM
//	deny           EPERM (EACCES would send execvp(3) on to the next directory)
//	kill           SIGKILL of the process; the call is never answered
//	freeze         the jail stands still, then EPERM
//
// # What goes on at a glance
//
// Most executions and changes are permitted by the policy alone. They are seen
// with a few system calls and continued by the receiving thread (quickExec,
// quickFile); everything else, a denial and a question too, is looked at again and
// in full, as above.
//
//	                     calls of ours   binds
//	program, any args    9               the files of the chain
//	program and args     10 to 12        files, argv, environment, directory
//	change, allowed      8               nothing: it grants nothing
//	deletion, counted    30 to 35        done at once, with the task's rights
//	change, audited      11              the record is written before it goes on;
//	                                     what the probes see is theirs: 8, no record
//
// # Decisions
//
//   - An execution always has a token of its own, at a glance too. To let programs
//     that any arguments are permitted for pass by a table of identities in the
//     kernel would save one system call of the nine, and lose what tells that no
//     probe saw an execution: a token that nobody used.
//   - A token for any arguments binds neither them nor environment and directory.
//     The verdict did not depend on them, so whoever changes them meanwhile gets
//     what asking for it at once would have got. What a human approved is bound
//     whole, whatever the policy says.
//   - Policy by path is asked once for each path and jail; where a path leads is
//     asked each time. A file's head is remembered by its identity, once that is
//     older than the grain of the kernel's clock; if it is wrong all the same, the
//     kernel runs another file than the token says, and that dies.
//   - A jail's root is opened once: its threads cannot change theirs.
//   - A glance does not ask whether a call that it permits still waits. What it
//     read might be another thread's who got the id, and is permitted to every
//     thread of the jail. It asks before it writes a name into the log.
//   - A dynamic loader (ld.so, by its headers and not by its name) is judged with
//     the program that it is told to run as if that were executed too. No token
//     binds what it opens afterwards; so where the policy is stricter about any
//     program, a loader runs only what lies on read-only mounts. In the lsm tier
//     the programs that are refused or asked for are closed besides: nobody but
//     they themselves can map them executable, whatever loads them. In the notify
//     tier a program that brings its own loader can run the content of a file that
//     it can read: what a rule refuses there is the execution, and noexec mounts
//     are what keeps writable trees from being code at all.
//   - What is counted is done by the receiving thread itself, where nothing about
//     it is out of the ordinary: 70 µs for unlinking or emptying a file where the
//     way through two other threads took 700. It waits for the file system
//     meanwhile, and only this jail waits for it. A file is emptied when it is
//     open, by its descriptor: whether it held anything is then asked of the file
//     that is cut, and a new one is made with O_EXCL. Of the 70, 10 are the change
//     of rights and back, 15 to 35 the kernel's for handing a descriptor over.
//   - Where a policy only wants to be told of writes, what opens, cuts, renames and
//     removes is not trapped at all (seccomp.Gates.Metadata): the probes report
//     what the kernel did, by its own idea of the path, where a call that is held
//     and continued is known by what it asked for. It cost 80 µs an open, was
//     recorded twice, and a record before the deed is worth no more: an append
//     that fails stops the jail either way, as the operator configured. What no
//     probe sees (modes, owners, links, directories) is trapped and recorded here.
//   - Changes of files are not verified by LSM hooks a second time. Nothing that is
//     trapped is continued: the supervisor does it itself, on descriptors that it
//     holds, in both tiers; a hook would compare the supervisor's own act with the
//     supervisor's own token. What must never be written is held by mounts and
//     Landlock, which the kernel resolves itself, in both tiers as well; a static
//     set in BPF would be a third copy of the same list, by inode numbers that a
//     rename in the tree changes.
//   - The strictest verdict over the chain of a script counts: a script is
//     judged as itself and as its interpreter with the arguments that the
//     interpreter will see.
//   - A token that nobody consumed is looked into: the call may have failed in
//     the kernel, which is fine, or have run without any probe seeing it, which
//     is a violation.
//   - A script that the jail can change is not bound to the content that was
//     judged, and the approver is told so. The kernel takes the arguments of an
//     execution from the caller's memory and the interpreter opens what they
//     name. To serve a sealed copy the name in that memory would have to be
//     changed, which with vfork(2) is the parent's memory too and which other
//     threads can change back; to put a mount over the name does not help, as a
//     directory above it can be moved; to answer with another execution is not
//     something a notification can do. In the lsm tier the script's own inode is
//     compared, so that what was swapped does not run; a permission for a script
//     by its hash is refused where it can be changed.
//   - Memory and removed files are judged by content or by the default: their
//     names are what their maker chose (package policy).
//   - Where the policy says on_refusal: explain, a program is told on its own
//     stderr what it is refused and by which rule: there the agent that started
//     it reads it. The descriptor is the jail's, and we are root: only pipes,
//     unnamed sockets, terminals and small files are written to, never waiting.
package gate
