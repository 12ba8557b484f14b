package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// abiAttempts enter the kernel by other doors.
func abiAttempts() []attempt {
	return []attempt{
		{name: "abi_i386", want: "SIGSYS", child: true, try: func(*arena) error { int80(20); return nil }},
		{name: "abi_x32", want: "SIGSYS", child: true, try: func(*arena) error { return call(0x40000000 | unix.SYS_GETPID) }},
		{name: "number_unknown", want: "ENOSYS", try: func(*arena) error { return call(1000) }},
		{name: "number_unused", want: "ENOSYS", try: func(*arena) error { return call(400) }},
		{name: "number_huge", want: "ENOSYS", try: func(*arena) error { return call(1 << 29) }},
	}
}

// callAttempts are calls that are refused whatever their arguments.
func callAttempts() []attempt {
	type row struct {
		name, want string
		nr         uintptr
		args       []uintptr
	}
	rows := []row{
		{"io_uring_setup", "ENOSYS", unix.SYS_IO_URING_SETUP, []uintptr{1, badAddress}},
		{"io_uring_enter", "ENOSYS", unix.SYS_IO_URING_ENTER, []uintptr{bad}},
		{"io_uring_register", "ENOSYS", unix.SYS_IO_URING_REGISTER, []uintptr{bad}},
		{"io_setup", "ENOSYS", unix.SYS_IO_SETUP, []uintptr{0, badAddress}},
		{"clone3", "ENOSYS", unix.SYS_CLONE3, []uintptr{badAddress, 64}},
		{"openat2", "ENOSYS", unix.SYS_OPENAT2, []uintptr{bad, badAddress, badAddress, 24}},
		{"memfd_secret", "ENOSYS", unix.SYS_MEMFD_SECRET, []uintptr{bad}},
		{"vmsplice", "ENOSYS", unix.SYS_VMSPLICE, []uintptr{bad}},
		{"mount", "EPERM", unix.SYS_MOUNT, []uintptr{badAddress, badAddress, badAddress}},
		{"umount2", "EPERM", unix.SYS_UMOUNT2, []uintptr{badAddress}},
		{"pivot_root", "EPERM", unix.SYS_PIVOT_ROOT, []uintptr{badAddress, badAddress}},
		{"chroot", "EPERM", unix.SYS_CHROOT, []uintptr{badAddress}},
		{"open_tree", "EPERM", unix.SYS_OPEN_TREE, []uintptr{bad, badAddress}},
		{"move_mount", "EPERM", unix.SYS_MOVE_MOUNT, []uintptr{bad, badAddress, bad, badAddress}},
		{"mount_setattr", "EPERM", unix.SYS_MOUNT_SETATTR, []uintptr{bad, badAddress}},
		{"fsopen", "EPERM", unix.SYS_FSOPEN, []uintptr{badAddress}},
		{"fsconfig", "EPERM", unix.SYS_FSCONFIG, []uintptr{bad}},
		{"fsmount", "EPERM", unix.SYS_FSMOUNT, []uintptr{bad}},
		{"fspick", "EPERM", unix.SYS_FSPICK, []uintptr{bad, badAddress}},
		{"setns", "EPERM", unix.SYS_SETNS, []uintptr{bad}},
		{"name_to_handle_at", "EPERM", unix.SYS_NAME_TO_HANDLE_AT, []uintptr{bad, badAddress}},
		{"open_by_handle_at", "EPERM", unix.SYS_OPEN_BY_HANDLE_AT, []uintptr{bad, badAddress}},
		{"fanotify_init", "EPERM", unix.SYS_FANOTIFY_INIT, []uintptr{bad}},
		{"quotactl", "EPERM", unix.SYS_QUOTACTL, []uintptr{bad, badAddress}},
		{"bpf", "EPERM", unix.SYS_BPF, []uintptr{bad, badAddress}},
		{"perf_event_open", "EPERM", unix.SYS_PERF_EVENT_OPEN, []uintptr{badAddress}},
		{"userfaultfd", "EPERM", unix.SYS_USERFAULTFD, []uintptr{0x7fffffff}},
		{"add_key", "EPERM", unix.SYS_ADD_KEY, []uintptr{badAddress}},
		{"request_key", "EPERM", unix.SYS_REQUEST_KEY, []uintptr{badAddress}},
		{"keyctl", "EPERM", unix.SYS_KEYCTL, []uintptr{9999}},
		{"init_module", "EPERM", unix.SYS_INIT_MODULE, []uintptr{badAddress}},
		{"finit_module", "EPERM", unix.SYS_FINIT_MODULE, []uintptr{bad, badAddress}},
		{"delete_module", "EPERM", unix.SYS_DELETE_MODULE, []uintptr{badAddress}},
		{"kexec_load", "EPERM", unix.SYS_KEXEC_LOAD, []uintptr{0, 99, badAddress, 0xffff}},
		{"kexec_file_load", "EPERM", unix.SYS_KEXEC_FILE_LOAD, []uintptr{bad, bad, 0, 0, 0xffff}},
		{"reboot", "EPERM", unix.SYS_REBOOT, []uintptr{0, 0, 0}},
		{"swapon", "EPERM", unix.SYS_SWAPON, []uintptr{badAddress}},
		{"acct", "EPERM", unix.SYS_ACCT, []uintptr{badAddress}},
		{"syslog", "EPERM", unix.SYS_SYSLOG, []uintptr{bad}},
		{"sethostname", "EPERM", unix.SYS_SETHOSTNAME, []uintptr{badAddress, bad}},
		{"settimeofday", "EPERM", unix.SYS_SETTIMEOFDAY, []uintptr{badAddress, badAddress}},
		{"clock_settime", "EPERM", unix.SYS_CLOCK_SETTIME, []uintptr{9999, badAddress}},
		{"adjtimex", "EPERM", unix.SYS_ADJTIMEX, []uintptr{badAddress}},
		{"iopl", "EPERM", unix.SYS_IOPL, []uintptr{9}},
		{"ioperm", "EPERM", unix.SYS_IOPERM, []uintptr{bad, 1}},
		{"modify_ldt", "EPERM", unix.SYS_MODIFY_LDT, []uintptr{99}},
		{"mbind", "EPERM", unix.SYS_MBIND, []uintptr{1, 1, 99}},
		{"kcmp", "EPERM", unix.SYS_KCMP, []uintptr{0, 0, 99}},
		{"process_madvise", "EPERM", unix.SYS_PROCESS_MADVISE, []uintptr{bad}},
	}
	attempts := make([]attempt, 0, len(rows))
	for _, r := range rows {
		attempts = append(attempts, attempt{name: r.name, want: r.want, try: func(*arena) error { return call(r.nr, r.args...) }})
	}
	return attempts
}

// modeAttempts bring set-user-id and set-group-id bits to a file, with an
// empty path or no descriptor (ENOENT or EBADF where nothing refuses them),
// and make device nodes.
func modeAttempts() []attempt {
	const suid, sgid = unix.S_ISUID | 0o755, unix.S_ISGID | 0o755
	cwd := int64(unix.AT_FDCWD)
	at := uintptr(cwd)
	type row struct {
		name string
		nr   uintptr
		args func(path uintptr) []uintptr
	}
	rows := []row{
		{"chmod_suid", unix.SYS_CHMOD, func(p uintptr) []uintptr { return []uintptr{p, suid} }},
		{"chmod_sgid", unix.SYS_CHMOD, func(p uintptr) []uintptr { return []uintptr{p, sgid} }},
		{"fchmod_suid", unix.SYS_FCHMOD, func(uintptr) []uintptr { return []uintptr{bad, suid} }},
		{"fchmodat_suid", unix.SYS_FCHMODAT, func(p uintptr) []uintptr { return []uintptr{at, p, suid} }},
		{"fchmodat2_suid", unix.SYS_FCHMODAT2, func(p uintptr) []uintptr { return []uintptr{at, p, suid} }},
		{"open_suid", unix.SYS_OPEN, func(p uintptr) []uintptr { return []uintptr{p, unix.O_CREAT | unix.O_WRONLY, suid} }},
		{"openat_suid", unix.SYS_OPENAT, func(p uintptr) []uintptr { return []uintptr{at, p, unix.O_CREAT | unix.O_WRONLY, suid} }},
		{"openat_sgid", unix.SYS_OPENAT, func(p uintptr) []uintptr { return []uintptr{at, p, unix.O_CREAT | unix.O_WRONLY, sgid} }},
		{"openat_tmpfile_suid", unix.SYS_OPENAT, func(p uintptr) []uintptr { return []uintptr{at, p, unix.O_TMPFILE | unix.O_WRONLY, suid} }},
		{"openat_high_bits", unix.SYS_OPENAT, func(p uintptr) []uintptr {
			return []uintptr{at, p, 1<<63 | unix.O_CREAT, 1<<63 | suid}
		}},
		{"creat_suid", unix.SYS_CREAT, func(p uintptr) []uintptr { return []uintptr{p, suid} }},
		{"mkdir_sgid", unix.SYS_MKDIR, func(p uintptr) []uintptr { return []uintptr{p, sgid} }},
		{"mkdirat_sgid", unix.SYS_MKDIRAT, func(p uintptr) []uintptr { return []uintptr{at, p, sgid} }},
		{"mknod_suid", unix.SYS_MKNOD, func(p uintptr) []uintptr { return []uintptr{p, unix.S_IFREG | suid} }},
		{"mknodat_suid", unix.SYS_MKNODAT, func(p uintptr) []uintptr { return []uintptr{at, p, unix.S_IFREG | suid} }},
		{"mknod_device", unix.SYS_MKNOD, func(p uintptr) []uintptr { return []uintptr{p, unix.S_IFBLK | 0o600, 0x0800} }},
		{"mknodat_device", unix.SYS_MKNODAT, func(p uintptr) []uintptr { return []uintptr{at, p, unix.S_IFCHR | 0o600, 0x0101} }},
	}
	attempts := make([]attempt, 0, len(rows))
	for _, r := range rows {
		attempts = append(attempts, attempt{name: r.name, want: "EPERM", try: func(a *arena) error { return call(r.nr, r.args(a.text(""))...) }})
	}
	return attempts
}

// socketAttempts leave the protocols that egress watches.
func socketAttempts() []attempt {
	socket := func(name, want string, family, kind, protocol uintptr) attempt {
		return attempt{name: "socket_" + name, want: want, try: func(*arena) error { return call(unix.SYS_SOCKET, family, kind, protocol) }}
	}
	ioctl := func(name string, request uintptr) attempt {
		return attempt{name: "ioctl_" + name, want: "EPERM", try: func(a *arena) error { return call(unix.SYS_IOCTL, bad, request, a.zero(8)) }}
	}
	return []attempt{
		socket("packet", "EAFNOSUPPORT", unix.AF_PACKET, unix.SOCK_RAW, 0),
		socket("vsock", "EAFNOSUPPORT", unix.AF_VSOCK, unix.SOCK_STREAM, 0),
		socket("alg", "EAFNOSUPPORT", unix.AF_ALG, unix.SOCK_SEQPACKET, 0),
		socket("xdp", "EAFNOSUPPORT", unix.AF_XDP, unix.SOCK_RAW, 0),
		socket("bluetooth", "EAFNOSUPPORT", unix.AF_BLUETOOTH, unix.SOCK_RAW, 0),
		socket("can", "EAFNOSUPPORT", unix.AF_CAN, unix.SOCK_RAW, 0),
		socket("tipc", "EAFNOSUPPORT", unix.AF_TIPC, unix.SOCK_SEQPACKET, 0),
		socket("high_bits", "EAFNOSUPPORT", 1<<32|unix.AF_PACKET, unix.SOCK_RAW, 0),
		socket("raw4", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_TCP),
		socket("raw6", "EPROTONOSUPPORT", unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_TCP),
		socket("raw_cloexec", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW),
		socket("ping", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP),
		socket("sctp", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP),
		socket("mptcp", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP),
		socket("udplite", "EPROTONOSUPPORT", unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE),
		socket("netlink_audit", "EPROTONOSUPPORT", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT),
		socket("netlink_generic", "EPROTONOSUPPORT", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_GENERIC),
		socket("netlink_netfilter", "EPROTONOSUPPORT", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER),
		{name: "socketpair_tipc", want: "EAFNOSUPPORT", try: func(a *arena) error {
			return call(unix.SYS_SOCKETPAIR, unix.AF_TIPC, unix.SOCK_STREAM, 0, a.zero(8))
		}},
		{name: "tcp_ulp", want: "ENOPROTOOPT", try: func(a *arena) error {
			return call(unix.SYS_SETSOCKOPT, bad, unix.SOL_TCP, unix.TCP_ULP, a.text("tls"), 3)
		}},
		ioctl("tiocsti", unix.TIOCSTI),
		ioctl("tiocsti_high_bits", 1<<32|unix.TIOCSTI),
		ioctl("tioclinux", unix.TIOCLINUX),
		ioctl("tiocsetd", unix.TIOCSETD),
		ioctl("tioccons", unix.TIOCCONS),
	}
}

// processAttempts make namespaces, reach into other processes, and change what
// the kernel says about this one.
func processAttempts() []attempt {
	clone := func(name string, flags uintptr) attempt {
		return attempt{name: "clone_" + name, want: "EPERM", try: func(*arena) error { return fork(flags | uintptr(unix.SIGCHLD)) }}
	}
	parent := uintptr(os.Getppid())
	return []attempt{
		clone("newuser", unix.CLONE_NEWUSER), clone("newns", unix.CLONE_NEWNS), clone("newpid", unix.CLONE_NEWPID),
		clone("newnet", unix.CLONE_NEWNET), clone("newipc", unix.CLONE_NEWIPC), clone("newuts", unix.CLONE_NEWUTS),
		clone("newcgroup", unix.CLONE_NEWCGROUP),
		{name: "unshare_newuser", want: "EPERM", child: true, try: func(*arena) error { return call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) }},
		{name: "unshare_newtime", want: "EPERM", child: true, try: func(*arena) error { return call(unix.SYS_UNSHARE, unix.CLONE_NEWTIME) }},
		{name: "ptrace_seize", want: "EPERM", try: func(*arena) error { return call(unix.SYS_PTRACE, unix.PTRACE_SEIZE, parent, 0, 0) }},
		{name: "ptrace_peek", want: "EPERM", try: func(*arena) error { return call(unix.SYS_PTRACE, unix.PTRACE_PEEKDATA, 0, 0, 0) }},
		{name: "process_vm_readv", want: "EPERM", try: func(*arena) error { return call(unix.SYS_PROCESS_VM_READV, parent, badAddress, 1, badAddress, 1) }},
		{name: "process_vm_writev", want: "EPERM", try: func(*arena) error { return call(unix.SYS_PROCESS_VM_WRITEV, parent, badAddress, 1, badAddress, 1) }},
		{name: "pidfd_getfd", want: "EPERM", try: func(*arena) error { return call(unix.SYS_PIDFD_GETFD, bad, 0) }},
		{name: "prctl_set_mm", want: "EINVAL", try: func(*arena) error { return call(unix.SYS_PRCTL, unix.PR_SET_MM, unix.PR_SET_MM_ARG_START, badAddress) }},
		{name: "personality_no_aslr", want: "EPERM", child: true, try: func(*arena) error { return call(unix.SYS_PERSONALITY, addrNoRandomize) }},
		{name: "second_listener", want: "EBUSY", child: true, try: func(a *arena) error {
			return call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, a.allowAll())
		}},
		{name: "root_again", want: "EPERM", child: true, try: func(*arena) error { return becomeRoot() }},
		{name: "privileges_again", want: "EINVAL", try: func(*arena) error { return call(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 0) }},
		{name: "capabilities", want: "EPERM", try: func(*arena) error { return heldCapabilities() }},
	}
}

// fork makes a child with these flags, which ends at once.
func fork(flags uintptr) error {
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, flags, 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	_, err := unix.Wait4(int(pid), nil, 0, nil)
	return err
}

// heldCapabilities succeeds where any capability is left, otherwise EPERM.
func heldCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return errors.Join(errors.New("capget"), err)
	}
	for _, s := range sets {
		if s.Effective|s.Permitted|s.Inheritable != 0 {
			return nil
		}
	}
	return unix.EPERM
}

// becomeRoot succeeds where setuid does; why it fails depends on the user
// namespace (EINVAL where 0 is not mapped).
func becomeRoot() error {
	if call(unix.SYS_SETUID, 0) == nil || unix.Geteuid() == 0 {
		return nil
	}
	return unix.EPERM
}

// addrNoRandomize is ADDR_NO_RANDOMIZE of include/uapi/linux/personality.h.
const addrNoRandomize = 0x0040000
