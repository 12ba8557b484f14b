// Package behalf performs file operations for a task whose system call is held,
// so that the call itself never continues.
//
// A Root is a subtree that may be written once somebody approved. It is a
// private copy of the mount that the jail shows read-only: writable, nosuid,
// nodev, noexec, attached nowhere, with the jail's mapping of owners. Root.Parent
// pins the directory in which something is to happen; that is what is judged and
// shown. A Worker then does it with the task's credentials and nothing else:
// file system ids and umask of the task, no supplementary groups, no
// capabilities. The kernel's own checks decide, so the outcome is the one that
// the task would have had if its own mount were writable.
//
// Trust: names, flags, modes and attributes are the task's to choose. Others on
// the host can change the tree at any time. A name is a single component and is
// never followed; a directory is the pinned inode and must still be where it was.
//
// Ownership: a Root, a Target and a Worker own descriptors and have Close. The
// file that Do returns is the caller's to close.
//
// Concurrency: everything but a Thread may be used by several goroutines. A
// Worker does one operation after the other; callers that want more have more
// Workers. A Thread is the locked thread of its caller: half the time of a
// Worker, for what is done at once and where a slow file system may stop nobody
// else.
//
// Changing a thread's file system ids makes the whole process non-dumpable
// (kernel/cred.c:commit_creds), which a supervisor should be anyway.
//
// May be imported by supervisor and tests.
//
// # What the caller decides
//
//   - Paths come resolved, as the jail's kernel names them. A symbolic link that
//     appears on the way is another path than the one judged: ELOOP. A link as
//     the last component is the caller's to resolve and to judge again.
//   - The parent that was pinned must be the directory that the task sees
//     (Target.Dev, Target.Ino), and the file the file (FileDev, FileIno): masks
//     and other mounts that the jail has below are not in the Root, and this is
//     how they show.
//   - What has no business here is continued or refused by the caller: O_PATH,
//     directories and special files, for which a read-only mount is no obstacle.
//   - A descriptor that was handed out names its file from the Root's own mount
//     ("/notes", not "/home/u/Documents/notes"), and that mount is writable. So a
//     descriptor of the task is judged by its inode: a name read from it counts
//     only if it leads, in the jail, to the same inode. Otherwise changing a mode
//     through it, or opening /proc/self/fd/N anew, would be judged as a change of
//     another file.
//   - A held request sets Target.Bind, so that it only applies to the very file,
//     or to the absence of one, that the human was shown.
//
// # Decisions
//
//   - A detached mount instead of the host's path: owners are mapped by the
//     kernel as in the jail, device files and set-id bits are dead, and no
//     mount made later on the host appears in it.
//   - No directory and no O_PATH descriptor is handed out: it would be a way
//     around the jail's masks for every later read.
//   - Every operation looks again, with the task's rights, for the way from the
//     root to the pinned parent. Somebody who may not pass there gets EACCES, and
//     a parent that was moved since (out of the root, perhaps) gives ESTALE.
//   - A name's removal or renaming cannot be tied to an inode on Linux: between
//     the comparison that Bind asks for and the call, somebody with the right to
//     write in that directory can put another file there. Opens, truncations and
//     changes of attributes are tied to the inode without such a gap.
//   - The operation is limited by the file system ids and not by setresuid: a
//     thread whose ids were the task's could be signalled by the task.
//   - Capabilities but CAP_SETUID and CAP_SETGID leave the thread's permitted
//     set for good; these two are raised only for the change of ids.
//   - Set-id modes are EPERM. Owners may only be "changed" to what they are.
//     Extended attributes are user.* only, special files fifos only.
//   - Fifos are refused: opening one waits for a peer, and the read-only mount
//     that brought the call here does not forbid it. No open here waits.
//   - RLIMIT_FSIZE belongs to the process, so it is compared here. The SIGXFSZ
//     that the task would have had is the caller's to send.
//   - The Landlock domain of the task does not apply: that is what an approval
//     lifts.
package behalf
