/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Maps shared by all objects: core's are created, the others are replaced by
 * core's when they load.
 */
#ifndef CLAWJAIL_MAPS_H
#define CLAWJAIL_MAPS_H

#include "event.h"

#define JAILS_MAX 1024
#define ALLOW_MAX 16384
#define DATA_MAX 32768 /* power of two: offsets are masked with it */
#define SCRATCH_PER_CPU 4

enum jail_flag {
	JAIL_FAILED_READS = 1, /* report opens for reading that failed */
	JAIL_NO_FILES = 2,     /* no file events */
	JAIL_GATED = 4,	       /* executions need a token */
};

/* The rest of the flags: how many filters the runtime's own tasks have. */
#define JAIL_FILTERS_SHIFT 16

struct jail {
	u32 flags;
	u32 urgent; /* bit per class: wake the reader at once */
};

/* Addresses are 16 bytes in network order; IPv4 is v4-mapped. */
struct prefix {
	u32 net[4];
	u32 mask[4];
};

struct netconf {
	u64 jail; /* 0: not configured yet, everything is refused */
	struct prefix virtual[2];
};

struct allow {
	u64 jail;
	u32 addr[4];
	u16 port; /* host order, 0: any */
	u16 proto;
	u32 pad;
};

struct tally {
	u64 events[CLASS_MAX];
	u64 denied[CLASS_MAX];
	u64 truncated[CLASS_MAX];
	u64 lost[CLASS_MAX];
};

/*
 * An event under construction. used is kept here and not on a stack: what is
 * loaded from a map is unknown to the verifier, and its walk over the loops that
 * advance used ends. Room behind data: an argv may start at any masked offset.
 */
struct build {
	u32 busy, used;
	struct event e;
	u8 data[DATA_MAX + ARGV_MAX];
};

/* What became of a task's last execution. */
struct judged {
	u64 exec;   /* self_exec_id of the execution */
	enum reason reason; /* not REASON_NONE: the task must not go on */
	u32 pending;
	s32 tid; /* of the caller, whose token it is */
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct judged);
} judgements SEC(".maps");

/*
 * Processes that must not go on, by the execution that was refused. Task storage
 * cannot be read in cgroup programs before 6.2. Only has to outlast a process with a
 * SIGKILL waiting.
 */
struct process {
	u64 start;
	s32 pid;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct process);
	__type(value, u64);
} poisoned SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, JAILS_MAX);
	__type(key, u64);
	__type(value, struct jail);
} jails SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ALLOW_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct allow);
	__type(value, u8);
} allowed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tally);
} counters SEC(".maps");

/* Resized to SCRATCH_PER_CPU times the possible CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SCRATCH_PER_CPU);
	__type(key, u32);
	__type(value, struct build);
} scratch SEC(".maps");

/* Bytes in the ring at which the reader is woken; set by the loader. */
const volatile u64 wake_bytes = 1 << 20;

#endif
