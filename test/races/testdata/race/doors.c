// Other ways to the same program.
#include "race.h"

static char *argv[] = {"end", "safe", NULL}, *envp[] = {NULL};
static char here[PATH_MAX];

static void by_path(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		execve(path, argv, envp);
		failed();
	}
	count(pid);
}

static void by_fd(int fd, const char *path, int flags)
{
	pid_t pid = fork();

	if (pid == 0) {
		syscall(SYS_execveat, fd, path, argv, envp, flags);
		failed();
	}
	count(pid);
}

static int copy(const char *from, int to)
{
	char b[65536];
	int fd = open(from, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, b, sizeof b);

	if (n <= 0 || to < 0 || write(to, b, n) != n)
		broken(from);
	close(fd);
	return to;
}

static void by_links(const char *name)
{
	char path[PATH_MAX + 64];
	static const char *const before[] = {
		"/proc/self/root", "/proc/thread-self/root", "/proc/self/task/1/root", "/proc/1/root", "/proc/..", "/", "/proc/self/cwd/../../..",
	};

	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		snprintf(path, sizeof path, "%s%s/%s", before[i], here, name);
		by_path(path);
	}
	snprintf(path, sizeof path, "/proc/%d/root%s/%s", getppid(), here, name);
	by_path(path);
	snprintf(path, sizeof path, "/proc/self/cwd/%s", name);
	by_path(path);
	snprintf(path, sizeof path, "/proc/%d/cwd/%s", getpid(), name);
	by_path(path);
}

static void by_descriptors(const char *name)
{
	char path[64];
	int fd = open(name, O_RDONLY), dir = open(".", O_RDONLY | O_DIRECTORY), pinned = open(name, O_PATH);

	if (fd < 0 || dir < 0 || pinned < 0)
		broken(name);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	by_path(path);
	snprintf(path, sizeof path, "/dev/fd/%d", fd);
	by_path(path);
	snprintf(path, sizeof path, "/proc/%d/fd/%d", getpid(), fd);
	by_path(path);
	snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir, name);
	by_path(path);
	by_fd(fd, "", AT_EMPTY_PATH);
	by_fd(pinned, "", AT_EMPTY_PATH);
	by_fd(dir, name, 0);
	by_fd(dir, name, AT_SYMLINK_NOFOLLOW);
	by_fd(AT_FDCWD, name, 0);
	close(fd), close(dir), close(pinned);
}

static void by_copies(const char *name)
{
	char path[64];
	int fd = copy(name, memfd_create("x", 0));

	by_fd(fd, "", AT_EMPTY_PATH);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	by_path(path);
	close(fd);
	unlink("another");
	close(copy(name, open("another", O_WRONLY | O_CREAT, 0755)));
	by_path("./another");
	unlink("another");
	link(name, "another");
	by_path("./another");
	unlink("another");
	symlink(name, "another");
	by_path("./another");
	by_fd(AT_FDCWD, "another", AT_SYMLINK_NOFOLLOW);
	unlink("another");
	close(copy(name, open("another", O_WRONLY | O_CREAT, 0755)));
	fd = open("another", O_RDONLY);
	unlink("another");
	by_fd(fd, "", AT_EMPTY_PATH); // has no name any more
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0755);
	if (fd >= 0) {
		copy(name, fd);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		int reader = open(path, O_RDONLY);

		close(fd);
		by_fd(reader, "", AT_EMPTY_PATH);
		close(reader);
	}
}

static void by_loaders(const char *name)
{
	static const char *const loaders[] = {"/lib64/ld-linux-x86-64.so.2", "/usr/bin/env", "/bin/busybox", "/bin/sh"};
	char text[PATH_MAX + 64];

	for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			snprintf(text, sizeof text, "./%s", name);
			execl(loaders[i], loaders[i], text, (char *)NULL);
			failed();
		}
		count(pid);
	}
	unlink("another");
	int fd = open("another", O_WRONLY | O_CREAT, 0755);

	dprintf(fd, "#!%s/%s\n", here, name);
	close(fd);
	by_path("./another");
	unlink("another");
}

static void doors(void)
{
	if (!getcwd(here, sizeof here))
		broken("getcwd");
	while (more()) {
		by_path("./evil");
		by_links("evil");
		by_descriptors("evil");
		by_copies("evil");
		by_loaders("evil");
	}
}

static void good_doors(void)
{
	if (!getcwd(here, sizeof here))
		broken("getcwd");
	while (more())
		by_descriptors("good");
}

// Makes the executions that the file "requests" asks for, a line each: a path
// and arguments, separated by tabs. Says for each whether it ran.
static void requests(void)
{
	FILE *f = fopen("requests", "r");
	char line[512];

	if (!f)
		broken("requests");
	while (fgets(line, sizeof line, f)) {
		char *words[16] = {0}, *save = NULL;
		long good = tally.good, refused = tally.refused;
		int n = 0;

		line[strcspn(line, "\n")] = 0;
		for (char *w = strtok_r(line, "\t", &save); w && n < 15; w = strtok_r(NULL, "\t", &save))
			words[n++] = w;
		fflush(stdout);
		pid_t pid = fork();

		if (pid == 0) {
			execve(words[0], words, envp);
			failed();
		}
		count(pid);
		puts(tally.good > good ? "= ran" : tally.refused > refused ? "= refused" : "= other");
	}
	fclose(f);
}

const struct attack door_attacks[] = {
	{"doors", doors}, {"good-doors", good_doors}, {"requests", requests}, {0},
};
