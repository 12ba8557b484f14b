package seccomp

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Base returns the filter of a jail: an allowlist, with a decision for every
// system call of the table. What is refused for what it does gets EPERM, what
// programs know how to do without gets ENOSYS, and so does every number that
// has no name yet.
func Base() Rules {
	b := builder{known: byName()}
	b.checked()
	b.all(Action{Kind: Allow}, allowed())
	b.all(errno(unix.EPERM), refused())
	b.all(errno(unix.ENOSYS), absent())
	return Rules{Default: errno(unix.ENOSYS), Rules: b.rules}
}

func errno(e unix.Errno) Action { return Action{Kind: Errno, Errno: uint16(e)} }

// builder collects rules. A misspelt name becomes number -1, which Validate
// refuses and the tests of this package find.
type builder struct {
	known map[string]int
	rules []Rule
}

func (b *builder) add(name string, a Action, args ...Arg) {
	nr, ok := b.known[name]
	if !ok {
		nr = -1
	}
	b.rules = append(b.rules, Rule{Name: name, Nr: nr, Args: args, Action: a})
}

func (b *builder) all(a Action, names string) {
	for name := range strings.FieldsSeq(names) {
		b.add(name, a)
	}
}

// allowed lists what runs whatever its arguments: the kernel's own checks on
// an unprivileged process in its own namespaces are enough.
func allowed() string {
	return `
	read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 close lseek
	sendfile splice tee copy_file_range fadvise64 readahead fallocate ftruncate truncate
	fsync fdatasync sync syncfs sync_file_range flock fcntl dup dup2 dup3 pipe pipe2 close_range
	stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2
	readlink readlinkat getdents getdents64 getcwd chdir fchdir umask
	rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat rmdir
	chown fchown lchown fchownat utime utimes futimesat utimensat
	setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr
	listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr
	inotify_init inotify_init1 inotify_add_watch inotify_rm_watch

	poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
	eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime memfd_create
	connect accept accept4 bind listen shutdown getsockname getpeername getsockopt
	sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg

	mmap mprotect munmap mremap msync mincore madvise brk mlock mlock2 munlock mlockall munlockall mseal
	pkey_mprotect pkey_alloc pkey_free map_shadow_stack get_mempolicy
	shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
	mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr

	fork vfork execve execveat exit exit_group wait4 waitid
	kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal
	rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
	pause alarm getitimer setitimer restart_syscall
	futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list
	set_tid_address rseq membarrier arch_prctl uretprobe uprobe
	getpid gettid getppid getpgid getpgrp setpgid getsid setsid
	getuid geteuid getgid getegid getresuid getresgid getgroups
	setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capget capset
	getpriority setpriority ioprio_get ioprio_set getrlimit setrlimit prlimit64 getrusage times
	sched_yield sched_setparam sched_getparam sched_setscheduler sched_getscheduler
	sched_get_priority_max sched_get_priority_min sched_rr_get_interval
	sched_setaffinity sched_getaffinity sched_setattr sched_getattr getcpu
	nanosleep clock_gettime clock_getres clock_nanosleep gettimeofday time
	timer_create timer_settime timer_gettime timer_getoverrun timer_delete
	uname sysinfo getrandom
	seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self`
}

// refused lists what is known and answered with EPERM: it would change the
// machine, leave the jail, or look into or rule another process, or it is a
// large attack surface that an agent has no use for.
func refused() string {
	return `
	mount umount2 pivot_root chroot move_mount open_tree open_tree_attr mount_setattr
	fsopen fsconfig fsmount fspick unshare setns
	name_to_handle_at open_by_handle_at fanotify_init fanotify_mark quotactl quotactl_fd
	ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_getfd kcmp
	bpf perf_event_open userfaultfd add_key request_key keyctl
	init_module finit_module delete_module kexec_load kexec_file_load reboot
	swapon swapoff acct syslog sethostname setdomainname vhangup
	settimeofday clock_settime clock_adjtime adjtimex
	iopl ioperm modify_ldt uselib ustat sysfs
	mbind set_mempolicy migrate_pages move_pages set_mempolicy_home_node remap_file_pages`
}

// absent lists what is answered as if the kernel did not have it, because
// programs then use an older call that the filter can read (clone3, openat2),
// or do without (io_uring), or because it is new, rarely used and not needed,
// or gone from every kernel we run on.
func absent() string {
	return `
	io_uring_setup io_uring_enter io_uring_register clone3 openat2
	io_setup io_destroy io_getevents io_submit io_cancel io_pgetevents
	vmsplice memfd_secret cachestat lookup_dcookie
	setxattrat getxattrat listxattrat removexattrat file_getattr file_setattr
	statmount listmount listns lsm_get_self_attr lsm_set_self_attr lsm_list_modules rseq_slice_yield
	_sysctl create_module get_kernel_syms query_module nfsservctl getpmsg putpmsg
	afs_syscall tuxcall security vserver epoll_ctl_old epoll_wait_old
	set_thread_area get_thread_area`
}
