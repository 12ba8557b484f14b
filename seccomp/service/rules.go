package service

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/seccomp"
)

// The programs that have a filter.
const (
	Egress  = "egress"
	Gateway = "gateway"
	Parser  = "parser"  // cmd/clawjail-skill
	SignIn  = "sign-in" // the gateway's second process
	Counter = "counter" // cmd/clawjail-counter
)

// Names returns every program that has a filter.
func Names() []string { return []string{Egress, Gateway, Parser, SignIn, Counter} }

// Rules returns what the filter of a program means. Two are network servers in
// pure Go; only the gateway listens on sockets of its own and lists
// directories (its process metrics count descriptors). The parser computes, on
// what its open descriptors give. The sign-in accepts on the socket that it was
// given, makes none but of this host, and replaces files of its own. The counter
// dials, and serves nobody but who holds the other end of its socket.
func Rules(name string) (seccomp.Rules, error) {
	if !slices.Contains(Names(), name) {
		return seccomp.Rules{}, fmt.Errorf("no seccomp filter for service %q", name)
	}
	var l list
	allow := seccomp.Action{Kind: seccomp.Allow}
	if name == Parser {
		l.threads()
		l.all(allow, computing())
		l.all(seccomp.Action{Kind: seccomp.Kill}, intruder())
		return seccomp.Rules{Default: errno(unix.EPERM), Rules: l.rules}, nil
	}
	if name == SignIn {
		l.threads()
		l.all(allow, common()+" openat renameat unlinkat fsync flock getdents64")
		// To the supervisor, which records what happens.
		l.add("socket", allow, seccomp.Arg{Index: 0, Mask: seccomp.Low32, Value: unix.AF_UNIX},
			seccomp.Arg{Index: 1, Mask: 0xf, Value: unix.SOCK_STREAM}, seccomp.Arg{Index: 2, Mask: seccomp.Low32})
		l.all(seccomp.Action{Kind: seccomp.Kill}, intruder())
		return seccomp.Rules{Default: errno(unix.EPERM), Rules: l.rules}, nil
	}
	if name == Counter {
		l.reading()
		l.sockets(unix.AF_INET, unix.AF_INET6)
		l.threads()
		l.all(allow, computing()+" "+asking())
		l.all(seccomp.Action{Kind: seccomp.Kill}, intruder())
		return seccomp.Rules{Default: errno(unix.EPERM), Rules: l.rules}, nil
	}
	l.checked()
	l.all(allow, common())
	if name == Gateway {
		l.all(allow, "listen getdents64 sysinfo statfs")
	}
	l.all(seccomp.Action{Kind: seccomp.Kill}, intruder())
	return seccomp.Rules{Default: errno(unix.EPERM), Rules: l.rules}, nil
}

func errno(e unix.Errno) seccomp.Action {
	return seccomp.Action{Kind: seccomp.Errno, Errno: uint16(e)}
}

// list collects rules; a misspelt name becomes -1, which the tests refuse.
type list struct{ rules []seccomp.Rule }

func (l *list) add(name string, a seccomp.Action, args ...seccomp.Arg) {
	nr, ok := seccomp.Number(name)
	if !ok {
		nr = -1
	}
	l.rules = append(l.rules, seccomp.Rule{Name: name, Nr: nr, Args: args, Action: a})
}

func (l *list) all(a seccomp.Action, names string) {
	for name := range strings.FieldsSeq(names) {
		l.add(name, a)
	}
}

// common is what a Go network server calls: the runtime, the poller, sockets,
// and reading files that it has opened.
func common() string {
	return computing() + `
	pread64 lseek newfstatat statx readlinkat pipe2 splice sendfile
	connect accept4 bind shutdown getsockname getpeername setsockopt getsockopt
	sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg`
}

// asking is what a Go program calls that asks servers and serves nobody: looking
// up names, which reads files and lists none, and the authorities of TLS.
func asking() string {
	return `
	pread64 lseek newfstatat statx readlinkat getdents64
	connect bind shutdown getsockname getpeername setsockopt getsockopt
	sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg`
}

// computing is what the Go runtime calls by itself, and using descriptors that
// are open.
func computing() string {
	return `
	read write readv writev close fstat fcntl
	epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2
	mmap munmap mremap mprotect madvise mincore brk
	futex sched_yield sched_getaffinity nanosleep clock_nanosleep clock_gettime
	rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack tgkill
	timer_create timer_settime timer_delete setitimer restart_syscall
	set_robust_list rseq membarrier exit exit_group
	getpid getppid gettid getuid geteuid getgid getegid getrusage prlimit64 uname getrandom
	uretprobe uprobe`
}

// checked adds the calls whose arguments decide.
func (l *list) checked() {
	l.reading()
	l.sockets(unix.AF_INET, unix.AF_INET6, unix.AF_UNIX)
	l.threads()
}

// reading lets files be opened to read: no access mode but O_RDONLY, no O_CREAT,
// O_TRUNC or O_TMPFILE.
func (l *list) reading() {
	const writes = unix.O_ACCMODE | unix.O_CREAT | unix.O_TRUNC | unix.O_APPEND | (unix.O_TMPFILE &^ unix.O_DIRECTORY)
	l.add("openat", seccomp.Action{Kind: seccomp.Allow}, seccomp.Arg{Index: 2, Mask: writes})
}

// sockets lets ordinary sockets of some families be made.
func (l *list) sockets(families ...uint64) {
	allow := seccomp.Action{Kind: seccomp.Allow}
	for _, family := range families {
		for _, kind := range []uint64{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
			if family != unix.AF_UNIX && kind == unix.SOCK_SEQPACKET {
				continue
			}
			l.add("socket", allow,
				seccomp.Arg{Index: 0, Mask: seccomp.Low32, Value: family},
				seccomp.Arg{Index: 1, Mask: 0xf, Value: kind},
				seccomp.Arg{Index: 2, Mask: seccomp.Low32})
		}
	}
}

// threads lets threads be made, never processes. With clone3 absent, C
// libraries use clone.
func (l *list) threads() {
	allow := seccomp.Action{Kind: seccomp.Allow}
	const thread = unix.CLONE_VM | unix.CLONE_THREAD
	const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	l.add("clone", allow, seccomp.Arg{Index: 0, Mask: thread | namespaces, Value: thread})
	l.all(errno(unix.ENOSYS), "clone3 openat2 faccessat2 epoll_pwait2")
	// Naming threads and memory; Install itself.
	for _, option := range []uint64{unix.PR_SET_NAME, unix.PR_SET_VMA, unix.PR_GET_NO_NEW_PRIVS, unix.PR_GET_SECCOMP} {
		l.add("prctl", allow, seccomp.Arg{Index: 0, Mask: seccomp.Low32, Value: option})
	}
}

// intruder lists calls that neither the daemons nor the Go runtime ever make.
func intruder() string {
	return `
	execve execveat fork vfork ptrace process_vm_readv process_vm_writev pidfd_getfd
	mount umount2 pivot_root chroot move_mount open_tree fsopen mount_setattr unshare setns
	bpf perf_event_open userfaultfd keyctl add_key request_key
	init_module finit_module delete_module kexec_load kexec_file_load reboot
	io_uring_setup io_uring_enter io_uring_register open_by_handle_at
	iopl ioperm modify_ldt personality setuid setgid setresuid setresgid capset
	chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat mknod mknodat`
}
