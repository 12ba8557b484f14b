/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#ifndef CLAWJAIL_EMIT_H
#define CLAWJAIL_EMIT_H

#include "scope.h"

enum counter { COUNT_EVENT, COUNT_DENIED, COUNT_TRUNCATED, COUNT_LOST };

/* Atomic: programs of newer kernels run preemptibly, also on per-CPU values. */
static __always_inline void count(enum counter what, u32 class)
{
	u32 zero = 0;
	struct tally *c = bpf_map_lookup_elem(&counters, &zero);

	if (!c || class >= CLASS_MAX)
		return;
	switch (what) {
	case COUNT_EVENT:
		__sync_fetch_and_add(&c->events[class], 1);
		break;
	case COUNT_DENIED:
		__sync_fetch_and_add(&c->denied[class], 1);
		break;
	case COUNT_TRUNCATED:
		__sync_fetch_and_add(&c->truncated[class], 1);
		break;
	case COUNT_LOST:
		__sync_fetch_and_add(&c->lost[class], 1);
		break;
	}
}

/*
 * A buffer to build an event of variable size in. Per-CPU maps will not do: a
 * preempted program's buffer would be written by the next one on that CPU. So a
 * buffer is claimed, and given back by emit() or drop().
 */
static __always_inline struct build *claim(u32 class)
{
	u32 first = bpf_get_smp_processor_id() * SCRATCH_PER_CPU;

	for (u32 i = 0; i < SCRATCH_PER_CPU; i++) {
		u32 key = first + i;
		struct build *s = bpf_map_lookup_elem(&scratch, &key);

		if (s && __sync_val_compare_and_swap(&s->busy, 0, 1) == 0) {
			s->used = 0;
			return s;
		}
	}
	count(COUNT_LOST, class);
	return NULL;
}

static __always_inline void drop(struct build *s)
{
	__sync_lock_test_and_set(&s->busy, 0);
}

/*
 * Waking a sleeping reader costs ten times the event itself, so it is woken for
 * what was refused, for classes its jail calls urgent, and when enough waits.
 * For the rest the reader looks by itself.
 */
static __always_inline u64 wake_flag(struct event *e, u32 urgent)
{
	u64 waiting;

	if ((e->marks & MARK_DENIED) || (urgent & (1u << (e->class & 31))))
		return BPF_RB_FORCE_WAKEUP;
	waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	if (waiting >= wake_bytes && waiting < wake_bytes + ARGV_MAX)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/* The facts about the current process, and zeroes. */
static __always_inline void begin(struct event *e, u32 class, struct scope *s)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 id = bpf_get_current_pid_tgid();

	__builtin_memset(e, 0, sizeof(*e));
	e->version = EVENT_VERSION;
	e->class = class;
	e->time = bpf_ktime_get_boot_ns();
	e->jail = s->jail;
	e->cgroup = s->cgroup;
	/*
	 * Not task->group_leader->start_boottime: for every step from a trusted
	 * pointer to the next the verifier looks through all of the kernel's
	 * types by name (6.18: btf_nested_type_is_trusted), on each way here.
	 */
	e->start = BPF_CORE_READ(task, group_leader, start_boottime);
	e->exec_count = task->self_exec_id;
	e->pid = id >> 32;
	e->tid = id;
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
}

/* Sends the header and what was put behind it, and gives the buffer back. */
static __always_inline void emit(struct build *s, u32 urgent)
{
	u32 class = s->e.class;
	u64 size = s->used;

	if (size > DATA_MAX)
		size = DATA_MAX;
	size += sizeof(s->e);
	s->e.size = size;
	if (s->e.marks & (MARK_PATH_TRUNCATED | MARK_ARGV_TRUNCATED))
		count(COUNT_TRUNCATED, class);
	if (bpf_ringbuf_output(&ring, &s->e, size, wake_flag(&s->e, urgent)))
		count(COUNT_LOST, class);
	else
		count(COUNT_EVENT, class);
	drop(s);
}

#endif
