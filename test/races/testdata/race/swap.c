// What a path leads to changes: the file, a link, a directory on the way, or
// what is in the file.
#include "race.h"
#include <sys/mount.h>

static char image[2][65536];
static ssize_t size[2];

static void load(void)
{
	static const char *const names[] = {"good", "evil"};

	for (int i = 0; i < 2; i++) {
		int fd = open(names[i], O_RDONLY);

		size[i] = fd < 0 ? -1 : read(fd, image[i], sizeof image[i]);
		if (size[i] <= 0 || size[i] == sizeof image[i])
			broken(names[i]);
		close(fd);
	}
}

static void store(const char *path, int which)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	if (fd < 0 || write(fd, image[which], size[which]) != size[which])
		broken(path);
	close(fd);
}

// Every 16th try finds the mover stopped where it was: some of those run to
// their end on any machine, however much slower than the mover an answer is.
static void against_with(const char *path, void (*mover)(void *), void *arg)
{
	char *argv[] = {"end", "safe", NULL}, *envp[] = {NULL};
	pid_t other = helper(mover, arg, 0);

	while (more()) {
		int still = tally.tries % 16 == 15 && !kill(other, SIGSTOP);
		pid_t pid;

		if (still)
			waitpid(other, NULL, WUNTRACED);
		pid = vfork();
		if (pid == 0) {
			execve(path, argv, envp);
			failed();
		}
		count(pid);
		if (still)
			kill(other, SIGCONT);
	}
	end_helper(other);
}

static void against(const char *path, void (*mover)(void *)) { against_with(path, mover, NULL); }

static void pausing(void) { spin(dice(4) ? dice(512) : dice(65536)); }

static void exchange(void *arg)
{
	(void)arg;
	for (;;) {
		syscall(SYS_renameat2, AT_FDCWD, "slot", AT_FDCWD, "other", 2);
		pausing();
	}
}

static void by_rename(void)
{
	load();
	store("slot", 0);
	store("other", 1);
	against("./slot", exchange);
}

static void relink(void *arg)
{
	(void)arg;
	for (int i = 0;; i ^= 1) {
		unlink("next");
		symlink(i ? "evil" : "good", "next");
		rename("next", "link");
		pausing();
	}
}

static void by_symlink(void)
{
	symlink("good", "link");
	against("./link", relink);
}

static void hardlink(void *arg)
{
	(void)arg;
	for (int i = 0;; i ^= 1) {
		unlink("next");
		link(i ? "other" : "mine", "next");
		rename("next", "slot");
		pausing();
	}
}

static void by_hardlink(void)
{
	load();
	store("mine", 0);
	store("slot", 0);
	store("other", 1);
	against("./slot", hardlink);
}

static void parents(void *arg)
{
	(void)arg;
	for (;;) {
		syscall(SYS_renameat2, AT_FDCWD, "one", AT_FDCWD, "two", 2);
		pausing();
	}
}

static void by_parent(void)
{
	load();
	mkdir("one", 0755);
	mkdir("two", 0755);
	mkdir("one/in", 0755);
	mkdir("two/in", 0755);
	store("one/in/x", 0);
	store("two/in/x", 1);
	against("./one/in/x", parents);
}

static void edit(void *arg)
{
	(void)arg;
	for (int i = 0;; i ^= 1) {
		int fd = open("slot", O_WRONLY);

		if (fd >= 0) {
			if (pwrite(fd, image[i], size[i], 0) != size[i])
				_exit(1);
			close(fd);
		}
		pausing();
	}
}

static void by_edit(void)
{
	load();
	store("slot", 0);
	against("./slot", edit);
}

// Like by_edit, but through a mapping that stays when the descriptor is gone.
static void map_edit(void *arg)
{
	(void)arg;
	for (int i = 0;; i ^= 1) {
		int fd = open("slot", O_RDWR);
		void *m;

		if (fd >= 0) {
			m = mmap(NULL, size[i], PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			close(fd);
			if (m != MAP_FAILED) {
				memcpy(m, image[i], size[i]);
				pausing();
				munmap(m, size[i]);
			}
		}
		pausing();
	}
}

static void by_map(void)
{
	load();
	store("slot", 0);
	against("./slot", map_edit);
}

// Mounts over the file: from here they are tried, from outside they are made.
static void cover(void *arg)
{
	volatile long *made = arg;

	for (;;) {
		int tree = (int)syscall(428, AT_FDCWD, "other", 1); // open_tree, OPEN_TREE_CLONE

		if (tree >= 0) {
			*made += !syscall(429, tree, "", AT_FDCWD, "in/slot", 4); // move_mount
			close(tree);
		}
		*made += !mount("other", "in/slot", NULL, MS_BIND, NULL);
		*made += !unshare(CLONE_NEWNS) || !unshare(CLONE_NEWUSER | CLONE_NEWNS);
		umount2("in/slot", MNT_DETACH);
		spin(dice(512));
	}
}

static void by_bind(void)
{
	long *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	load();
	mkdir("in", 0755);
	store("in/slot", 0);
	store("other", 1);
	against_with("./in/slot", cover, made);
	fprintf(stderr, "race: %ld mounts made\n", *made);
	tally.wins += *made;
}

// A script whose interpreter changes.
static const char *const lines[] = {"#!./good safe\n", "#!./evil safe\n"};

static void rewrite(void *arg)
{
	(void)arg;
	for (int i = 0;; i ^= 1) {
		int fd = open("script", O_WRONLY);

		if (fd >= 0) {
			if (pwrite(fd, lines[i], strlen(lines[i]), 0) < 0)
				_exit(1);
			close(fd);
		}
		pausing();
	}
}

static void by_interpreter(void)
{
	int fd = open("script", O_WRONLY | O_CREAT | O_TRUNC, 0755);

	if (fd < 0 || write(fd, lines[0], strlen(lines[0])) < 0)
		broken("script");
	close(fd);
	against("./script", rewrite);
}

// A script whose text changes before its interpreter reads it.
static void retext(void *arg)
{
	(void)arg;
	for (;;) {
		syscall(SYS_renameat2, AT_FDCWD, "text", AT_FDCWD, "othertext", 2);
		pausing();
	}
}

static void by_text(void) { against("./text", retext); }

const struct attack swap_attacks[] = {
	{"rename", by_rename}, {"symlink", by_symlink}, {"hardlink", by_hardlink}, {"parent", by_parent},
	{"edit", by_edit}, {"map-edit", by_map}, {"interpreter", by_interpreter}, {"script-text", by_text},
	{"bind", by_bind}, {0},
};
