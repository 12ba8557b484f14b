/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#ifndef CLAWJAIL_SCOPE_H
#define CLAWJAIL_SCOPE_H

#include "maps.h"

/* A jail deeper than this below the cgroup root is refused by the loader. */
#define LEVELS_MAX 16

struct scope {
	u64 jail;
	u64 cgroup;
	struct jail *conf;
};

/*
 * The jail of the current task, found by any ancestor of its cgroup, so that a
 * sub-cgroup is inside too. The innermost cgroup is tried first, it is the jail
 * nearly always; level 0 is the root, which is never a jail.
 */
static __always_inline int in_jail(struct scope *s)
{
	s->cgroup = bpf_get_current_cgroup_id();
	s->jail = s->cgroup;
	s->conf = bpf_map_lookup_elem(&jails, &s->jail);
	if (s->conf)
		return 1;
	for (int level = 1; level < LEVELS_MAX; level++) {
		s->jail = bpf_get_current_ancestor_cgroup_id(level);
		if (!s->jail || s->jail == s->cgroup)
			return 0;
		s->conf = bpf_map_lookup_elem(&jails, &s->jail);
		if (s->conf)
			return 1;
	}
	return 0;
}

static __always_inline struct process process_of(struct task_struct *task)
{
	return (struct process){.start = task->group_leader->start_boottime, .pid = task->tgid};
}

/*
 * A task that must not go on: its execution was refused. It has a SIGKILL waiting;
 * this is for what it might still reach when that could not be sent.
 */
static __always_inline int is_poisoned(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct process key = process_of(task);
	u64 *exec = bpf_map_lookup_elem(&poisoned, &key);

	return exec && *exec == task->self_exec_id;
}

static __always_inline void poison(struct task_struct *task)
{
	struct process key = process_of(task);
	u64 exec = task->self_exec_id;

	bpf_map_update_elem(&poisoned, &key, &exec, BPF_ANY);
}

#endif
