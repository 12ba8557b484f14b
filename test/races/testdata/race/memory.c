// What execve is given changes in memory: the path, the arguments or the
// environment, by a thread of the caller, by a process that shares its memory,
// or by one that shares a page with it.
#include "race.h"

enum what { PATH, ARG, POINTER, ENV };

static char safe[] = "safe", unsafe[] = "unsafe";

static void aim(struct page *p, enum what what)
{
	switch (what) {
	case PATH:
		p->at = &p->path.word, p->a = word("./good"), p->b = word("./evil");
		break;
	case ARG:
		p->at = &p->arg.word, p->a = word("safe"), p->b = word("unsafe");
		break;
	case POINTER:
		p->at = (uint64_t *)&p->argv[1], p->a = (uint64_t)safe, p->b = (uint64_t)unsafe;
		break;
	case ENV:
		p->at = &p->env.word, p->a = word("K=safe"), p->b = word("K=evil");
		break;
	}
}

static void run(struct page *p)
{
	execve(p->path.text, p->argv, p->envp);
	failed();
}

static void await(struct page *p)
{
	while (!p->started)
		spin(16);
}

static void *flip_thread(void *p)
{
	flip(p);
	return NULL;
}

static void *run_thread(void *p)
{
	spin(dice(20000));
	run(p);
	return NULL;
}

static void start_thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, arg))
		_exit(121);
}

// A thread of the caller's own process flips.
static void by_thread(enum what what)
{
	struct page *p = new_page(0);

	aim(p, what);
	while (more()) {
		pid_t pid = fork();

		if (pid == 0) {
			start_thread(flip_thread, p);
			await(p);
			spin(dice(20000));
			run(p);
		}
		count(pid);
	}
}

// A process that shares all memory, or one page, flips.
static void by_process(enum what what, int shared)
{
	struct page *p = new_page(shared);
	pid_t other;

	aim(p, what);
	other = helper(flip, p, shared ? 0 : CLONE_VM);
	await(p);
	while (more()) {
		pid_t pid = vfork();

		if (pid == 0)
			run(p);
		count(pid);
	}
	end_helper(other);
}

static void path_thread(void) { by_thread(PATH); }
static void arg_thread(void) { by_thread(ARG); }
static void pointer_thread(void) { by_thread(POINTER); }
static void env_thread(void) { by_thread(ENV); }
static void path_vm(void) { by_process(PATH, 0); }
static void arg_vm(void) { by_process(ARG, 0); }
static void pointer_vm(void) { by_process(POINTER, 0); }
static void env_vm(void) { by_process(ENV, 0); }
static void path_shared(void) { by_process(PATH, 1); }
static void arg_shared(void) { by_process(ARG, 1); }
static void pointer_shared(void) { by_process(POINTER, 1); }
static void env_shared(void) { by_process(ENV, 1); }

// The thread that executes is not the leader; the leader flips.
static void non_leader(void)
{
	struct page *p = new_page(0);

	aim(p, PATH);
	while (more()) {
		pid_t pid = fork();

		if (pid == 0) {
			start_thread(run_thread, p);
			flip(p);
		}
		count(pid);
	}
}

// Two threads execute at once, one of them what is refused.
static void two_threads(void)
{
	struct page *good = new_page(0), *evil = new_page(0);

	evil->path.word = word("./evil");
	while (more()) {
		pid_t pid = fork();

		if (pid == 0) {
			int swap = dice(2);

			start_thread(run_thread, swap ? good : evil);
			spin(dice(20000));
			execve((swap ? evil : good)->path.text, good->argv, good->envp);
			for (;;)
				pause(); // the other thread ends the process
		}
		count(pid);
	}
}

// Two threads execute what is allowed at once; one of them goes on for longer
// than anybody takes to look for tokens that were not used.
static void two_good(void)
{
	struct page *p = new_page(0);
	pid_t pids[8];

	p->argv[2] = "stay";
	while (more()) {
		for (int i = 0; i < 8; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				start_thread(run_thread, p);
				start_thread(run_thread, p);
				run_thread(p);
			}
		}
		for (int i = 0; i < 8; i++)
			count(pids[i]);
	}
}

static void *run_bad(void *arg)
{
	struct page *p = arg;

	execve(p->path.text, p->argv, p->envp);
	return NULL;
}

// One thread's execution fails in the kernel, after it was allowed; another's
// goes on.
static void one_fails(void)
{
	struct page *bad = new_page(0), *good = new_page(0);

	bad->path.word = word("./junk"); // no format that the kernel knows
	good->argv[2] = "stay";
	while (more()) {
		pid_t pid = fork();

		if (pid == 0) {
			start_thread(run_bad, bad);
			usleep(100000);
			run(good);
		}
		count(pid);
	}
}

// Signals that do and do not end a held call.
static void storm(void *arg)
{
	volatile pid_t *pid = arg;
	static const int signals[] = {SIGURG, SIGCONT, SIGSTOP, SIGCONT, SIGURG, SIGCONT};

	for (;;) {
		pid_t p = *pid;

		if (p > 0)
			kill(p, signals[dice(6)]);
		if (p > 0 && !dice(200))
			kill(p, SIGKILL);
		if (p > 0)
			kill(p, SIGCONT);
	}
}

static void nothing(int signal) { (void)signal; }

static void signals(void)
{
	struct page *p = new_page(1);
	volatile pid_t *victim = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t flipper, sender;

	aim(p, PATH);
	signal(SIGURG, nothing);
	flipper = helper(flip, p, 0);
	sender = helper(storm, (void *)victim, 0);
	await(p);
	while (more()) {
		pid_t pid = fork();

		if (pid == 0)
			run(p);
		*victim = tally.tries % 16 == 15 ? 0 : pid; // some are let live, on any machine
		count(pid);
		*victim = 0;
	}
	end_helper(flipper);
	end_helper(sender);
}

// Another process writes to the caller's memory through /proc, or by the call
// that is made for it.
static void proc_mem(void)
{
	struct page *p = new_page(0);
	long opened = 0, wrote = 0;

	while (more()) {
		pid_t pid = fork();
		char name[64];
		uint64_t evil = word("./evil");
		struct iovec local = {&evil, 8}, remote = {&p->path, 8};
		int fd;

		if (pid == 0) {
			spin(dice(40000));
			run(p);
		}
		snprintf(name, sizeof name, "/proc/%d/mem", pid);
		fd = open(name, O_RDWR);
		if (fd >= 0)
			opened++;
		for (int i = 0; i < 20; i++) {
			if (fd >= 0 && pwrite(fd, &evil, 8, (off_t)(uintptr_t)&p->path) == 8)
				wrote++;
			if (process_vm_writev(pid, &local, 1, &remote, 1, 0) == 8)
				wrote++;
		}
		if (fd >= 0)
			close(fd);
		count(pid);
	}
	fprintf(stderr, "race: %ld memories opened, %ld writes\n", opened, wrote);
}

// After a program was verified, another process changes its arguments.
static void late_mem(void)
{
	struct page *p = new_page(0);
	long opened = 0, wrote = 0;

	p->argv[2] = "watch";
	while (more()) {
		pid_t pid = fork();
		char name[64], stat[1024];
		int fd = -1;
		uint64_t old = 0;

		if (pid == 0)
			run(p);
		for (int i = 0; i < 2000; i++) {
			int f;
			ssize_t n;
			char *s;
			unsigned long start = 0;

			snprintf(name, sizeof name, "/proc/%d/stat", pid);
			if ((f = open(name, O_RDONLY)) < 0)
				break;
			n = read(f, stat, sizeof stat - 1);
			close(f);
			if (n <= 0)
				break;
			stat[n] = 0;
			if (!(s = strrchr(stat, ')')))
				break;
			if (s[2] == 'Z')
				break;
			for (int field = 2; field < 48 && s; field++)
				s = strchr(s + 1, ' ');
			if (s)
				start = strtoul(s, NULL, 10);
			if (!old)
				old = start;
			if (!start || start == old)
				continue;
			snprintf(name, sizeof name, "/proc/%d/mem", pid);
			if ((fd = open(name, O_RDWR)) >= 0) {
				opened++;
				wrote += pwrite(fd, "unsafe", 6, (off_t)(start + 4)) == 6;
				close(fd);
			}
			break;
		}
		count(pid);
	}
	fprintf(stderr, "race: %ld memories opened, %ld writes\n", opened, wrote);
}

// Many executions at once, all of them allowed.
static void many(void)
{
	struct page *p = new_page(0);
	static pid_t pids[16];

	while (more()) {
		for (int i = 0; i < 16; i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				run(p);
		}
		for (int i = 0; i < 16; i++)
			count(pids[i]);
	}
}

// Different executions, all at once, that wait for a human.
static void crowd(void)
{
	struct page *p = new_page(0);
	long n = max_tries;
	pid_t *pids = calloc(n, sizeof *pids);
	char number[32];

	p->argv[2] = number;
	for (long i = 0; i < n; i++) {
		sprintf(number, "n%ld", i);
		pids[i] = fork();
		if (pids[i] == 0)
			run(p);
	}
	for (long i = 0; i < n; i++)
		count(pids[i]);
}

// The parent of who is held ends.
static void orphan(void)
{
	struct page *p = new_page(0);

	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		broken("prctl");
	while (more()) {
		pid_t parent = fork();

		if (parent == 0) {
			pid_t child = fork();

			if (child == 0)
				run(p);
			p->started = 1;
			_exit(0);
		}
		waitpid(parent, NULL, 0);
		pid_t left = 0;
		siginfo_t info;

		if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0)
			left = info.si_pid;
		count(left);
	}
}

const struct attack memory_attacks[] = {
	{"path-thread", path_thread}, {"arg-thread", arg_thread}, {"pointer-thread", pointer_thread},
	{"env-thread", env_thread}, {"path-vm", path_vm}, {"arg-vm", arg_vm}, {"pointer-vm", pointer_vm},
	{"env-vm", env_vm}, {"path-shared", path_shared}, {"arg-shared", arg_shared},
	{"pointer-shared", pointer_shared}, {"env-shared", env_shared}, {"non-leader", non_leader},
	{"two-threads", two_threads}, {"two-good", two_good}, {"one-fails", one_fails},
	{"signals", signals}, {"proc-mem", proc_mem}, {"late-mem", late_mem}, {"many", many},
	{"crowd", crowd}, {"orphan", orphan}, {0},
};
