// Deletions beyond the limit, and writes to what only a human may allow. What
// is gone or changed is counted from outside: p/000 to p/199 hold their own
// numbers, and d/f must stay as it is.
#include "race.h"

enum { FILES = 200, PROCESSES = 8 };

static void name(char *to, int i) { sprintf(to, "./p/%03d", i); }

static void note(int failed)
{
	tally.tries++;
	if (!failed)
		tally.good++;
	else if (errno == EPERM || errno == EDQUOT || errno == EROFS || errno == EACCES)
		tally.refused++;
	else
		tally.busy++;
}

static void junk(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);

	if (fd < 0 || write(fd, "junk", 4) < 0)
		_exit(98);
	close(fd);
}

// Any of these many lengths is less than what the files hold.
#define SHORTER 9

static int truncating(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static int by_descriptor(const char *path)
{
	int fd = open(path, O_RDWR), failed;

	if (fd < 0)
		return 1;
	failed = ftruncate(fd, dice(SHORTER));
	close(fd);
	return failed;
}

static int by_link(const char *path)
{
	char text[64];
	int fd = open(path, O_RDWR), failed;

	if (fd < 0)
		return 1;
	sprintf(text, "/proc/self/fd/%d", fd);
	failed = truncating(text, O_WRONLY | O_TRUNC);
	close(fd);
	return failed;
}

static int over(const char *path)
{
	char text[64];

	sprintf(text, "junk%d", getpid());
	junk(text);
	return rename(text, path);
}

// One of all ways to lose what is in a file.
static int lose(const char *path)
{
	switch (dice(9)) {
	case 0:
		return unlink(path);
	case 1:
		return unlinkat(AT_FDCWD, path, 0);
	case 2:
		return truncate(path, dice(SHORTER));
	case 3:
		return truncating(path, O_WRONLY | O_TRUNC);
	case 4:
		return truncating(path, O_RDONLY | O_TRUNC);
	case 5:
		return (int)syscall(SYS_creat, path, 0644) < 0;
	case 6:
		return by_descriptor(path);
	case 7:
		return by_link(path);
	}
	return over(path);
}

// Many processes, each loop its own, share one count.
static void in_parallel(void (*loop)(int))
{
	struct tally *sum = mmap(NULL, sizeof *sum, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	pid_t pids[PROCESSES];

	max_tries /= PROCESSES;

	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		loop(i);
		__atomic_add_fetch(&sum->tries, tally.tries, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&sum->good, tally.good, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&sum->refused, tally.refused, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&sum->busy, tally.busy, __ATOMIC_SEQ_CST);
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++)
		waitpid(pids[i], NULL, 0); // a helper goes on
	tally = *sum;
}

static void many_loop(int self)
{
	char path[16];

	(void)self;
	while (more()) {
		name(path, dice(FILES));
		note(lose(path));
	}
}

static void delete_many(void) { in_parallel(many_loop); }

// The path changes between what is counted and what is not.
static struct page *flipped;

static void flip_loop(int self)
{
	(void)self;
	while (more()) {
		char path[16];

		close(open("/tmp/zz", O_WRONLY | O_CREAT, 0644));
		name(path, dice(FILES));
		flipped->b = word(path);
		note(lose(flipped->path.text));
	}
}

static void delete_flip(void)
{
	pid_t other;

	flipped = new_page(1);
	flipped->at = &flipped->path.word;
	flipped->a = word("/tmp/zz");
	flipped->b = word("./p/000");
	other = helper(flip, flipped, 0);
	in_parallel(flip_loop);
	end_helper(other);
}

// A link on the way leads to what is counted, or to what is not.
static char way[PATH_MAX + 8];

static void turn_here(void *arg)
{
	(void)arg;
	for (int i = 0;; i ^= 1) {
		unlink("/tmp/next");
		symlink(i ? "/tmp/p" : way, "/tmp/next");
		rename("/tmp/next", "/tmp/way");
		spin(dice(4) ? dice(512) : dice(65536));
	}
}

static void swap_loop(int self)
{
	(void)self;
	while (more()) {
		char path[32], there[32];
		int i = dice(FILES);

		sprintf(there, "/tmp/p/%03d", i);
		close(open(there, O_WRONLY | O_CREAT, 0644));
		sprintf(path, "/tmp/way/%03d", i);
		note(lose(path));
	}
}

static void delete_swap(void)
{
	pid_t other;

	if (!getcwd(way, sizeof way - 3))
		broken("getcwd");
	strcat(way, "/p");
	mkdir("/tmp/p", 0755);
	other = helper(turn_here, NULL, 0);
	in_parallel(swap_loop);
	end_helper(other);
}

// A file comes to where another is renamed to, after it was seen that nothing
// is there.
static void bring(void *arg)
{
	char path[16];

	(void)arg;
	for (;;) {
		name(path, dice(FILES));
		syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, "slot", 1);
		spin(dice(512));
		name(path, dice(FILES));
		syscall(SYS_renameat2, AT_FDCWD, "slot", AT_FDCWD, path, 1);
		spin(dice(512));
	}
}

static void appear_loop(int self)
{
	(void)self;
	while (more())
		note(over("slot"));
}

static void delete_appear(void)
{
	pid_t other = helper(bring, NULL, 0);

	in_parallel(appear_loop);
	end_helper(other);
}

// d/f may be changed when a human says so, a/f at any time.
static int change(const char *path)
{
	int fd, failed;

	switch (dice(8)) {
	case 0:
		fd = open(path, O_WRONLY);
		failed = fd < 0 || write(fd, "ESCAPED", 7) < 0;
		if (fd >= 0)
			close(fd);
		return failed;
	case 1:
		return truncating(path, O_WRONLY | O_TRUNC | O_CREAT);
	case 2:
		return unlink(path);
	case 3:
		return chmod(path, dice(2) ? 0600 : 0640);
	case 4:
		return truncate(path, 1);
	case 5:
		return over(path);
	case 6:
		return utimensat(AT_FDCWD, path, NULL, 0);
	}
	return rename(path, "moved");
}

static void write_loop(int self)
{
	(void)self;
	while (more()) {
		close(open("./a/f", O_WRONLY | O_CREAT, 0644));
		note(change(flipped->path.text));
	}
}

static void write_flip(void)
{
	pid_t other;

	mkdir("a", 0755);
	flipped = new_page(1);
	flipped->at = &flipped->path.word;
	flipped->a = word("./a/f");
	flipped->b = word("./d/f");
	other = helper(flip, flipped, 0);
	in_parallel(write_loop);
	end_helper(other);
}

static void turn_write(void *arg)
{
	(void)arg;
	for (int i = 0;; i ^= 1) {
		unlink("next");
		symlink(i ? "a" : "d", "next");
		rename("next", "w");
		spin(dice(4) ? dice(512) : dice(65536));
	}
}

static void write_swap_loop(int self)
{
	(void)self;
	while (more()) {
		close(open("./a/f", O_WRONLY | O_CREAT, 0644));
		note(change("w/f"));
	}
}

static void write_swap(void)
{
	pid_t other;

	mkdir("a", 0755);
	other = helper(turn_write, NULL, 0);
	in_parallel(write_swap_loop);
	end_helper(other);
}

const struct attack file_attacks[] = {
	{"delete-many", delete_many}, {"delete-flip", delete_flip}, {"delete-swap", delete_swap},
	{"delete-appear", delete_appear}, {"write-flip", write_flip}, {"write-swap", write_swap}, {0},
};
