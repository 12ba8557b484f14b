// What other tasks do to the one that is held: they share its memory, trace it,
// take its number when it is gone, or are so many that a probe misses one. And an
// address that changes while connect looks at it.
#include "race.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

static void run(struct page *p)
{
	execve(p->path.text, p->argv, p->envp);
	failed();
}

static void *flip_thread(void *p)
{
	flip(p);
	return NULL;
}

static struct page *flipped_path(int shared)
{
	struct page *p = new_page(shared);

	p->at = &p->path.word, p->a = word("./good"), p->b = word("./evil");
	return p;
}

// The parent is suspended while its child borrows its memory; its thread is not.
static void by_vfork(struct page *p)
{
	pthread_t t;

	if (pthread_create(&t, NULL, flip_thread, p))
		broken("pthread_create");
	while (!p->started)
		spin(16);
	while (more()) {
		pid_t pid = vfork();

		if (pid == 0)
			run(p);
		count(pid);
	}
}

static void path_vfork(void) { by_vfork(flipped_path(0)); }

static void arg_vfork(void)
{
	struct page *p = new_page(0);

	p->at = &p->arg.word, p->a = word("safe"), p->b = word("unsafe");
	by_vfork(p);
}

static void env_vfork(void)
{
	struct page *p = new_page(0);

	p->at = &p->env.word, p->a = word("K=safe"), p->b = word("K=evil");
	by_vfork(p);
}

// A tracer would write to the caller's memory and registers.
static void by_ptrace(void)
{
	struct page *p = new_page(0);
	long traced = 0;

	while (more()) {
		pid_t pid = fork();

		if (pid == 0) {
			if (dice(2))
				ptrace(PTRACE_TRACEME, 0, 0, 0);
			spin(dice(40000));
			run(p);
		}
		for (int i = 0; i < 10; i++) {
			int failed = ptrace(i % 2 ? PTRACE_SEIZE : PTRACE_ATTACH, pid, 0, 0) != 0;

			if (failed)
				continue;
			traced++;
			ptrace(PTRACE_POKEDATA, pid, &p->path, word("./evil"));
			ptrace(PTRACE_DETACH, pid, 0, 0);
		}
		count(pid);
	}
	fprintf(stderr, "race: %ld times traced\n", traced);
	tally.wins += traced;
}

// Many executions at once, with a path that changes: what the probes skip for
// want of time must not run.
static void storm(void)
{
	enum { AT_ONCE = 16 };
	struct page *p = flipped_path(1);
	pid_t other = helper(flip, p, 0), pids[AT_ONCE];

	while (more()) {
		for (int i = 0; i < AT_ONCE; i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				run(p);
		}
		for (int i = 0; i < AT_ONCE; i++)
			count(pids[i]);
	}
	end_helper(other);
}

// Callers that are held, or were just allowed, die, and others come that have
// their numbers. A namespace may have more numbers than the machine, so that what
// is used up are the machine's, and nobody here knows which one is met again.
static pid_t maybe(struct page *p, int now)
{
	pid_t pid = vfork();

	if (pid == 0) {
		if (now)
			run(p);
		_exit(3);
	}
	return pid;
}

static void pid_reuse(void)
{
	enum { HELD = 48, NUMBERS = 32768 - 300, AROUND = 500 };
	struct page *good = new_page(0), *changing = flipped_path(1);
	pid_t other = helper(flip, changing, 0), pids[HELD];
	long rounds = 0;

	while (more()) {
		for (int i = 0; i < HELD; i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				run(good);
		}
		usleep(dice(20000));
		for (int i = 0; i < HELD; i++) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
		}
		for (int n = 0; n < NUMBERS + AROUND; n++) {
			int now = n > NUMBERS - AROUND;
			pid_t pid = maybe(changing, now);

			if (now)
				count(pid);
			else
				waitpid(pid, NULL, 0);
		}
		rounds++;
	}
	fprintf(stderr, "race: %ld times through all numbers\n", rounds);
	end_helper(other);
}

static void *serve(void *fd)
{
	for (;;) {
		int s = accept(*(int *)fd, NULL, NULL);

		if (s >= 0)
			close(s);
	}
	return NULL;
}

// An address that may be reached and one that may not, at the same place.
static void by_sockaddr(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, there = {.sin_family = AF_INET};
	socklen_t len = sizeof here;
	struct page *p = new_page(1);
	static int server;
	pthread_t t;
	pid_t other;

	server = socket(AF_INET, SOCK_STREAM, 0);
	if (server < 0 || bind(server, (void *)&here, sizeof here) || listen(server, 1024) ||
	    getsockname(server, (void *)&here, &len) || pthread_create(&t, NULL, serve, &server))
		broken("listen");
	there.sin_port = here.sin_port;
	there.sin_addr.s_addr = inet_addr("203.0.113.7");
	p->at = &p->path.word;
	memcpy(&p->a, &here, 8);
	memcpy(&p->b, &there, 8);
	*p->at = p->a;
	other = helper(flip, p, 0);
	while (more()) {
		struct sockaddr_in peer = {0};
		struct linger now = {1, 0};
		int s = socket(AF_INET, dice(4) ? SOCK_STREAM : SOCK_DGRAM, 0);

		if (s < 0)
			broken("socket");
		setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
		tally.tries++;
		len = sizeof peer;
		// path and arg are 16 bytes, as long as an address.
		if (connect(s, (void *)&p->path, sizeof peer))
			errno == EPERM ? tally.refused++ : errno == ECONNREFUSED ? tally.other++ : tally.busy++;
		else if (getpeername(s, (void *)&peer, &len))
			tally.busy++;
		else if (peer.sin_addr.s_addr == here.sin_addr.s_addr)
			tally.good++;
		else
			tally.wins++;
		close(s);
	}
	end_helper(other);
}

const struct attack peer_attacks[] = {
	{"path-vfork", path_vfork}, {"arg-vfork", arg_vfork}, {"env-vfork", env_vfork}, {"ptrace", by_ptrace},
	{"storm", storm}, {"pid-reuse", pid_reuse}, {"sockaddr", by_sockaddr}, {0},
};
