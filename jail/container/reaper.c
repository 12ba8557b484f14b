// Code for processes that have no Go in them: process 1 of a jail, the holder of
// a user namespace, and the shim itself before the Go runtime starts.
//
// The first two are copies of a process with many threads, of which they have
// one. Whatever takes a lock or asks glibc for the list of threads (setgroups
// does) may wait for ever there: system calls only, and no allocation.

#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reaper.h"

// The descriptor of the socket to the parent, the only one of the reaper.
#define SYNC_FD 0

static void fail(int step)
{
	int report[2] = { step, errno };
	ssize_t n = write(SYNC_FD, report, sizeof(report));

	(void)n;
	_exit(1);
}

// drop gives up every capability in every set, for good.
static void drop(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	int cap;

	for (cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			fail(CJ_STEP_CAPS);
	memset(data, 0, sizeof(data));
	if (syscall(SYS_capset, &header, data) < 0)
		fail(CJ_STEP_CAPS);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail(CJ_STEP_CAPS);
	// Nobody may look into this process: its root and its descriptors are
	// not the jail's.
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		fail(CJ_STEP_CAPS);
}

// reap is process 1 of a jail.
static void reap(void)
{
	int ok[2] = { 0, 0 };
	char dir[CJ_PATH_MAX + 1];
	ssize_t n;

	prctl(PR_SET_NAME, "clawjail-reaper", 0, 0, 0);
	// The parent names the tree when it is built. The end of the connection
	// is the end of the parent, which may have been before PR_SET_PDEATHSIG.
	do
		n = read(SYNC_FD, dir, CJ_PATH_MAX);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		_exit(1);
	dir[n] = 0;
	if (chdir(dir) < 0)
		fail(CJ_STEP_CHDIR);
	// hidepid=2: processes that one may not trace (this one) are not there.
	if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2") < 0)
		fail(CJ_STEP_PROC);
	if (chroot(".") < 0 || syscall(SYS_setgroups, 0, NULL) < 0)
		fail(CJ_STEP_CHROOT);
	drop();
	if (write(SYNC_FD, ok, sizeof(ok)) != sizeof(ok))
		_exit(1);
	close(SYNC_FD);
	for (;;) {
		sigset_t child;

		if (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
			continue;
		// No children: wait for a SIGCHLD. One that came between the two
		// calls is pending, because it is blocked.
		sigemptyset(&child);
		sigaddset(&child, SIGCHLD);
		sigwaitinfo(&child, NULL);
	}
}

int cj_start_reaper(int sync)
{
	sigset_t all, before;
	int pid, err;

	// The copy would run Go's signal handlers without Go: all signals stay
	// blocked there for ever. SIGKILL is all it ever gets.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		setsid();
		dup2(sync, 0);
		if (syscall(SYS_close_range, SYNC_FD + 1, ~0U, 0U) < 0)
			_exit(1);
		reap();
	}
	err = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid < 0 ? -err : pid;
}

__attribute__((constructor)) static void before_go(void)
{
	if (getenv(CJ_SHIM_ENV) == NULL)
		return;
	// A fresh keyring for the jail in place of root's. Every thread of the
	// process is to have it, hence before there are others. A kernel without
	// keyrings (ENOSYS) has nothing to hide.
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		_exit(CJ_KEYRING_EXIT);
}

// hold runs in the caller's memory, with the caller's thread-local storage:
// system calls that cannot fail and nothing else.
static int hold(void *arg)
{
	char c;

	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	syscall(SYS_read, (int)(long)arg, &c, 1);
	syscall(SYS_exit, 0);
	return 0;
}

int cj_hold_userns(int fd)
{
	// CLONE_VM: a copy of the page tables of a Go process takes a
	// millisecond. The caller waits for the end of one process before it
	// makes the next, so one stack is enough.
	static char stack[16384] __attribute__((aligned(16)));
	int pid = clone(hold, stack + sizeof(stack), CLONE_VM | CLONE_NEWUSER | SIGCHLD, (void *)(long)fd);

	return pid < 0 ? -errno : pid;
}
