// race NAME TRIES SECONDS: makes one attack until it has been tried often
// enough, or the time is over, and prints what came of it:
//
//	NAME tries=N good=N killed=N refused=N busy=N other=N wins=N
//
// good: the harmless program ran. killed: what ran was killed before it did
// anything. refused: the call returned EPERM. busy: it returned an error that
// the attack itself provokes. wins: the other program ran.
#include "race.h"

struct tally tally;
long max_tries;
static struct timespec deadline;

int more(void)
{
	struct timespec now;

	dice(2); // a child inherits the state: without this each would throw the same
	if (tally.tries >= max_tries)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec < deadline.tv_sec ||
	       (now.tv_sec == deadline.tv_sec && now.tv_nsec < deadline.tv_nsec);
}

void count(pid_t child)
{
	int status, code;

	if (child < 0)
		broken("fork");
	tally.tries++;
	while (waitpid(child, &status, 0) != child)
		if (errno != EINTR)
			broken("waitpid");
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == SIGKILL)
			tally.killed++;
		else
			tally.other++;
		return;
	}
	code = WEXITSTATUS(status);
	switch (code) {
	case 0:
		tally.good++;
		return;
	case 66:
		tally.wins++;
		return;
	case 101:
		tally.refused++;
		return;
	case 102:
		tally.busy++;
		return;
	}
	if (!tally.other)
		fprintf(stderr, "race: exit status %d\n", code);
	tally.other++;
}

void failed(void)
{
	switch (errno) {
	case EPERM:
		_exit(101);
	case ENOENT:
	case ETXTBSY:
	case ESTALE:
	case ENOEXEC:
	case EACCES:
	case EAGAIN:
	case ELOOP:
	case EINTR:
	case EXDEV: // a mount came or went meanwhile
		_exit(102);
	}
	fprintf(stderr, "race: %s\n", strerror(errno));
	_exit(120);
}

void broken(const char *what)
{
	fprintf(stderr, "race: %s: %s\n", what, strerror(errno));
	exit(99);
}

struct start {
	void (*fn)(void *);
	void *arg;
};

static int begin(void *p)
{
	struct start *s = p;

	s->fn(s->arg);
	return 0;
}

pid_t helper(void (*fn)(void *), void *arg, int flags)
{
	struct start *s = malloc(sizeof *s);
	size_t size = 256 << 10;
	char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (!s || stack == MAP_FAILED)
		broken("helper");
	*s = (struct start){fn, arg};
	pid = clone(begin, stack + size, flags | SIGCHLD, s);
	if (pid < 0)
		broken("clone");
	return pid;
}

void end_helper(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void spin(unsigned n)
{
	while (n--)
		__asm__ volatile("pause");
}

unsigned dice(unsigned n)
{
	static __thread uint32_t x;

	if (!x)
		x = (uint32_t)syscall(SYS_gettid) * 2654435761u | 1;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % n;
}

struct page *new_page(int shared)
{
	struct page *p = mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE,
			      (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		broken("mmap");
	p->path.word = word("./good");
	p->arg.word = word("safe");
	p->env.word = word("K=safe");
	p->argv[0] = "end";
	p->argv[1] = p->arg.text;
	p->envp[0] = p->env.text;
	return p;
}

uint64_t word(const char *text)
{
	uint64_t w = 0;

	memcpy(&w, text, strlen(text)); // at most 7 bytes
	return w;
}

void flip(void *arg)
{
	struct page *p = arg;

	p->started = 1;
	for (;;) {
		*p->at = p->a;
		spin(dice(4) ? dice(64) : dice(8192));
		*p->at = p->b;
		spin(dice(4) ? dice(64) : dice(8192));
	}
}

// interpret is what the interpreter of a script does: it opens it by its name.
static int interpret(const char *name)
{
	char text[512] = "";
	int fd = open(name, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
		return 102; // moved away at this moment
	if (!strstr(text, "unsafe"))
		return 0;
	if (write(1, "ESCAPED\n", 8) < 0)
		return 99;
	return 66;
}

// map says whether a file can be made code of this process, in two ways.
static int map(const char *name)
{
	int fd = open(name, O_RDONLY);
	void *m, *later;

	if (fd < 0)
		broken(name);
	m = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	printf("mmap %s\n", m == MAP_FAILED ? strerror(errno) : "done");
	later = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	if (later == MAP_FAILED)
		broken("mmap");
	printf("mprotect %s\n", mprotect(later, 4096, PROT_READ | PROT_EXEC) ? strerror(errno) : "done");
	return 0;
}

int main(int argc, char **argv)
{
	const struct attack *lists[] = {memory_attacks, swap_attacks, door_attacks, file_attacks, peer_attacks};

	if (argc >= 3 && !strcmp(argv[1], "read"))
		return interpret(argv[2]);
	if (argc >= 3 && !strcmp(argv[1], "map"))
		return map(argv[2]);
	if (argc < 4)
		return 2;
	max_tries = atol(argv[2]);
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += atol(argv[3]);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (const struct attack *a = lists[i]; a->name; a++)
			if (!strcmp(a->name, argv[1])) {
				a->run();
				printf("%s tries=%ld good=%ld killed=%ld refused=%ld busy=%ld other=%ld wins=%ld\n",
				       a->name, tally.tries, tally.good, tally.killed, tally.refused,
				       tally.busy, tally.other, tally.wins);
				return 0;
			}
	fprintf(stderr, "race: no attack is called %s\n", argv[1]);
	return 2;
}
