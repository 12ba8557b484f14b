package jail

import (
	"net/netip"
	"time"

	"clawjail/seccomp"
)

// Spec says everything the shim needs in order to build one jail. It holds no
// kernel object and can be encoded, compared and printed.
type Spec struct {
	// ID names the cgroup and the state directory: [a-z0-9][a-z0-9-]*, at
	// most MaxID bytes.
	ID string
	// Name is what the operator calls the jail, for messages only.
	Name string
	// Hostname is what uname(2) says inside.
	Hostname string

	// Argv and Env are passed to execve(2) byte for byte. No NUL in them.
	Argv, Env []string
	// Cwd is the working directory inside the jail.
	Cwd string

	User User
	// UserNS asks for a user namespace. Without one, the identity that Setuid
	// and an empty capability set give is the only one.
	UserNS bool
	// Terminal asks for a pseudo-terminal as stdin, stdout and stderr.
	Terminal bool

	// Mounts are made in the order of their depth, whatever the order here.
	Mounts []Mount

	// Landlock is the file access that the stage enforces on top of Mounts,
	// with exactly the access rights of LandlockABI. 0 means no Landlock.
	Landlock    []PathRule
	LandlockABI int

	// Seccomp is the filter as rules; Filter, when not empty, is the same
	// already compiled (an array of struct sock_filter).
	Seccomp seccomp.Rules
	Filter  []byte

	Limits Limits

	// StageBinary is the host path of clawjail-stage.
	StageBinary string
	// StateDir is a directory of the host that is the shim's alone, for
	// libcontainer's state. The shim makes it and removes it.
	StateDir string
	// CgroupParent is the cgroup below which the jail's own is made, relative
	// to the root of each hierarchy: "clawjail".
	CgroupParent string

	// Resolver4 and Resolver6 are the addresses put in the jail's
	// /etc/resolv.conf. They need not be assigned to any interface.
	Resolver4, Resolver6 netip.Addr
}

// User is who the jail runs as, inside and outside.
type User struct {
	// UID and GID are never 0.
	UID, GID uint32
	// Groups are supplementary groups; 0 is refused.
	Groups []uint32
	// Name and Home go into the jail's /etc/passwd.
	Name, Home string
	// Idmap says that mounts marked Idmap belong to root outside and are to
	// be shown as belonging to this user inside, and that what it makes there
	// belongs to root outside.
	Idmap bool
}

// MountKind says what a Mount shows.
type MountKind string

// The kinds of mount.
const (
	// Bind shows the host's Source at Target, with everything mounted below.
	Bind MountKind = "bind"
	// Tmpfs is an empty, private file system of SizeBytes at Target.
	Tmpfs MountKind = "tmpfs"
	// Mask covers Target, which some other mount shows, with something empty
	// that cannot be read or entered. A Target that does not exist is left alone.
	Mask MountKind = "mask"
	// Symlink makes Target a symbolic link to Source.
	Symlink MountKind = "symlink"
	// File makes Target a read-only file that holds Content.
	File MountKind = "file"
)

// Mount is one entry of the jail's file tree.
type Mount struct {
	Kind MountKind
	// Source is a host path (Bind) or the text of the link (Symlink).
	Source string
	// Target is an absolute, clean path inside the jail.
	Target string
	// Write and Exec lift read-only and noexec (Bind, Tmpfs). A Bind that is
	// not writable is executable only if Exec says so, too.
	Write, Exec bool
	// SizeBytes bounds a Tmpfs. 0 is refused.
	SizeBytes int64
	// Mode is the mode of a Tmpfs' root or of a File. 0 means 0755 and 0444.
	Mode uint32
	// Idmap shows this Bind's root-owned files as User's; see User.Idmap.
	Idmap bool
	// Content is what a File holds.
	Content string
	// Create makes a missing Source directory, owned by User, mode 0700.
	Create bool
}

// PathRule is one Landlock rule: what may be done at Path and below.
// Everything named may be read.
type PathRule struct {
	Path string
	// Write allows to write, make, remove and rename; Exec to execute.
	Write, Exec bool
	// Dir says that Path is a directory.
	Dir bool
}

// Limits bound what a jail may use. Zero means no limit, except that core
// dumps are always off and swap is never available.
type Limits struct {
	// MemoryBytes bounds memory with page cache and tmpfs, without swap.
	MemoryBytes int64
	// CPUs is how many processors' time may be used per period.
	CPUs float64
	// Pids bounds tasks in the jail (threads count).
	Pids int64
	// OpenFiles is RLIMIT_NOFILE.
	OpenFiles int64
	// FileSizeBytes is RLIMIT_FSIZE.
	FileSizeBytes int64
	// Nproc is RLIMIT_NPROC, which counts the user's processes on the whole
	// host unless there is a user namespace. Pids is the better limit.
	Nproc int64
	// MemlockBytes is RLIMIT_MEMLOCK.
	MemlockBytes int64
	// Wall is how long the jail may run, counted from its first instruction.
	Wall time.Duration
	// TmpBytes and ShmBytes are the sizes of /tmp and /dev/shm.
	TmpBytes, ShmBytes int64
}
