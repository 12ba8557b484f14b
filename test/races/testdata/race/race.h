// Attacks on the gate, made from inside a jail. See main.c.
#ifndef RACE_H
#define RACE_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// What came of all tries.
struct tally {
	long tries, good, killed, refused, busy, other, wins;
};

extern struct tally tally;
extern long max_tries;

// Says whether to go on: neither the tries nor the time are used up.
int more(void);
// Waits for a child that was to execute something and counts what came of it.
void count(pid_t child);
// Ends a child whose execve came back.
void failed(void) __attribute__((noreturn));
// Gives up: the attack itself is broken.
void broken(const char *what) __attribute__((noreturn));
// Starts a process that runs fn and dies with us.
pid_t helper(void (*fn)(void *), void *arg, int flags);
void end_helper(pid_t pid);
void spin(unsigned n);
unsigned dice(unsigned n);

struct attack {
	const char *name;
	void (*run)(void);
};

extern const struct attack memory_attacks[], swap_attacks[], door_attacks[], file_attacks[],
	peer_attacks[];

// What is in memory and changes while the kernel looks at it.
struct page {
	union {
		uint64_t word;
		char text[8];
	} path, arg, env;
	char *argv[4], *envp[3];
	volatile uint64_t *at; // what is flipped, between a and b
	uint64_t a, b;
	volatile int started;
};

struct page *new_page(int shared);
uint64_t word(const char *text);
void flip(void *page);

#endif
