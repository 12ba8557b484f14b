package seccomp

import "golang.org/x/sys/unix"

const (
	// setID are the bits that let a program run as somebody else.
	setID = unix.S_ISUID | unix.S_ISGID
	// makesFile are the open flags with which the kernel reads the mode:
	// include/linux/fs.h:WILL_CREATE. O_TMPFILE is this bit and O_DIRECTORY.
	makesFile = unix.O_CREAT | (unix.O_TMPFILE &^ unix.O_DIRECTORY)
	// newNamespaces are the clone flags that make a namespace. CLONE_NEWTIME
	// is missing: in clone(2) its bit belongs to the exit signal.
	newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	// socketType masks SOCK_NONBLOCK and SOCK_CLOEXEC off: net/socket.c:SOCK_TYPE_MASK.
	socketType = 0xf
)

// clear is the condition that none of bits are set in the argument.
func clear(index uint8, bits uint64) Arg { return Arg{Index: index, Mask: bits} }

// equal is the condition on an argument that the kernel reads as 32 bits.
func equal(index uint8, value uint32) Arg {
	return Arg{Index: index, Mask: Low32, Value: uint64(value)}
}

// checked adds the calls whose arguments decide, the hot ones first.
func (b *builder) checked() {
	b.modes()
	b.ioctls()
	b.sockets()
	b.processes()
}

// modes keeps set-user-id and set-group-id bits out of every argument that can
// bring them to a file.
func (b *builder) modes() {
	allow, eperm := Action{Kind: Allow}, errno(unix.EPERM)
	opens := func(name string, flags uint8) {
		b.add(name, allow, clear(flags, makesFile))
		b.add(name, allow, clear(flags+1, setID))
		b.add(name, eperm)
	}
	opens("openat", 2)
	opens("open", 1)
	for _, c := range []struct {
		name string
		mode uint8
	}{
		{"mkdir", 1}, {"mkdirat", 2}, {"creat", 1},
		{"chmod", 1}, {"fchmod", 1}, {"fchmodat", 2}, {"fchmodat2", 2},
	} {
		b.add(c.name, allow, clear(c.mode, setID))
		b.add(c.name, eperm)
	}
	// Devices need a capability that nobody in a jail has, except for the
	// overlay whiteout; no type at all means a regular file.
	nodes := func(name string, mode uint8) {
		for _, kind := range []uint64{0, unix.S_IFREG, unix.S_IFIFO, unix.S_IFSOCK} {
			b.add(name, allow, Arg{Index: mode, Mask: unix.S_IFMT | setID, Value: kind})
		}
		b.add(name, eperm)
	}
	nodes("mknod", 1)
	nodes("mknodat", 2)
}

// ioctls refuses four requests on terminals: typing into the terminal for
// somebody else, the console's own, and loading line disciplines. The request
// is an unsigned int, and musl sign-extends it.
func (b *builder) ioctls() {
	for _, request := range []uint32{unix.TIOCSTI, unix.TIOCLINUX, unix.TIOCCONS, unix.TIOCSETD} {
		b.add("ioctl", errno(unix.EPERM), equal(1, request))
	}
	b.add("ioctl", Action{Kind: Allow})
}

// sockets allows unix, TCP and UDP sockets, and reading the routing table.
// What is refused gets the errno of a kernel without that protocol.
func (b *builder) sockets() {
	allow := Action{Kind: Allow}
	// TCP_ULP loads a protocol module under a socket (tls, espintcp, smc).
	b.add("setsockopt", errno(unix.ENOPROTOOPT), equal(1, unix.SOL_TCP), equal(2, unix.TCP_ULP))
	b.add("setsockopt", allow)

	kind := func(t uint64) Arg { return Arg{Index: 1, Mask: socketType, Value: t} }
	for _, family := range []uint32{unix.AF_INET, unix.AF_INET6} {
		for _, c := range []struct {
			kind     uint64
			protocol uint32
		}{
			{unix.SOCK_STREAM, unix.IPPROTO_IP}, {unix.SOCK_STREAM, unix.IPPROTO_TCP},
			{unix.SOCK_DGRAM, unix.IPPROTO_IP}, {unix.SOCK_DGRAM, unix.IPPROTO_UDP},
		} {
			b.add("socket", allow, equal(0, family), kind(c.kind), equal(2, c.protocol))
		}
	}
	for _, t := range []uint64{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		b.add("socket", allow, equal(0, unix.AF_UNIX), kind(t))
	}
	for _, t := range []uint64{unix.SOCK_RAW, unix.SOCK_DGRAM} {
		b.add("socket", allow, equal(0, unix.AF_NETLINK), kind(t), equal(2, unix.NETLINK_ROUTE))
	}
	for _, family := range []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK} {
		b.add("socket", errno(unix.EPROTONOSUPPORT), equal(0, family))
	}
	b.add("socket", errno(unix.EAFNOSUPPORT))
	b.add("socketpair", allow, equal(0, unix.AF_UNIX))
	b.add("socketpair", errno(unix.EAFNOSUPPORT))
}

// processes judges clone, prctl and personality. clone's flags are 64 bits
// wide, of which the kernel takes the lower half.
func (b *builder) processes() {
	allow := Action{Kind: Allow}
	b.add("clone", allow, clear(0, newNamespaces))
	b.add("clone", errno(unix.EPERM))
	for _, option := range prctls() {
		b.add("prctl", allow, equal(0, option))
	}
	// As a kernel that does not know the option.
	b.add("prctl", errno(unix.EINVAL))
	// 0 is plain Linux, all ones asks. ADDR_NO_RANDOMIZE and
	// READ_IMPLIES_EXEC weaken what runs after.
	for _, persona := range []uint32{0, 0xffffffff} {
		b.add("personality", allow, equal(0, persona))
	}
	b.add("personality", errno(unix.EPERM))
}

// prctls lists the options that are allowed: they name, limit or describe the
// caller. Left out: PR_SET_MM (rewrites what /proc says about argv and the
// executable), core scheduling, speculation and memory merging switches,
// syscall user dispatch, checkpointing, perf events.
func prctls() []uint32 {
	return []uint32{
		unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_SET_VMA,
		unix.PR_SET_PDEATHSIG, unix.PR_GET_PDEATHSIG,
		unix.PR_SET_DUMPABLE, unix.PR_GET_DUMPABLE,
		unix.PR_SET_NO_NEW_PRIVS, unix.PR_GET_NO_NEW_PRIVS,
		unix.PR_SET_SECCOMP, unix.PR_GET_SECCOMP,
		unix.PR_CAPBSET_READ, unix.PR_CAPBSET_DROP, unix.PR_CAP_AMBIENT,
		unix.PR_SET_KEEPCAPS, unix.PR_GET_KEEPCAPS,
		unix.PR_SET_SECUREBITS, unix.PR_GET_SECUREBITS,
		unix.PR_SET_TIMERSLACK, unix.PR_GET_TIMERSLACK,
		unix.PR_SET_TIMING, unix.PR_GET_TIMING,
		unix.PR_SET_CHILD_SUBREAPER, unix.PR_GET_CHILD_SUBREAPER,
		unix.PR_SET_THP_DISABLE, unix.PR_GET_THP_DISABLE,
		unix.PR_SET_TSC, unix.PR_GET_TSC, unix.PR_GET_TID_ADDRESS,
		unix.PR_GET_SPECULATION_CTRL, unix.PR_SET_PTRACER,
		unix.PR_SET_MDWE, unix.PR_GET_MDWE, unix.PR_GET_AUXV,
	}
}
