/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/* Executions, ends and forks of processes. */
#include "path.h"

/* The arguments of the new program: one run of bytes in its fresh memory. */
static __always_inline u32 put_argv(struct build *s, struct task_struct *task, u32 *marks)
{
	unsigned long start = task->mm->arg_start;
	unsigned long len = task->mm->arg_end - start;
	u32 used = s->used & (DATA_MAX - 1);

	if (len > ARGV_MAX) {
		len = ARGV_MAX;
		*marks |= MARK_ARGV_TRUNCATED;
	}
	/* The verifier must see the bound on the register that is used. */
	barrier_var(len);
	if (len > ARGV_MAX || bpf_probe_read_user(&s->data[used], len, (void *)start)) {
		*marks |= MARK_ARGV_TRUNCATED;
		return 0;
	}
	s->used = used + len;
	return len;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	u32 marks = MARK_PATH_EXACT;
	struct build *s;
	struct scope scope;
	struct file *file;

	if (!in_jail(&scope))
		return 0;
	s = claim(CLASS_EXEC);
	if (!s)
		return 0;
	begin(&s->e, CLASS_EXEC, &scope);
	file = BPF_CORE_READ(bprm, file);
	put_inode(&s->e, BPF_CORE_READ(file, f_inode));
	s->e.base_len = put_path(s, BPF_CORE_READ(file, f_path.mnt),
				 BPF_CORE_READ(file, f_path.dentry), &marks);
	/* What was asked for: kernel memory, the copy that execve made. */
	s->e.text2_len = put_text(s, BPF_CORE_READ(bprm, filename), 0, &marks);
	s->e.argv_len = put_argv(s, task, &marks);
	s->e.marks = marks;
	emit(s, scope.conf->urgent);
	return 0;
}

/* For events without paths: nothing is copied, the record is built in the ring. */
static __always_inline struct event *reserve(u32 class, struct scope *scope)
{
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e) {
		count(COUNT_LOST, class);
		return NULL;
	}
	begin(e, class, scope);
	e->size = sizeof(*e);
	return e;
}

static __always_inline void submit(struct event *e, u32 urgent)
{
	count(COUNT_EVENT, e->class);
	bpf_ringbuf_submit(e, wake_flag(e, urgent));
}

/*
 * Threads that end together all find live at 0. Who comes first reports; the
 * others find it here. Only has to outlast the end of one process.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct process);
	__type(value, u8);
} ended SEC(".maps");

static __always_inline int is_first(struct task_struct *task, struct signal_struct *signal)
{
	struct process key = process_of(task);
	u8 one = 1;

	/* The only one left: who reported before is gone, but not forgotten. */
	if (signal->nr_threads == 1)
		return !bpf_map_lookup_elem(&ended, &key);
	return !bpf_map_update_elem(&ended, &key, &one, BPF_NOEXIST);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	struct scope scope;
	struct event *e;

	/* kernel/exit.c:do_exit counts live down before this tracepoint. */
	if (signal->live.counter != 0 || !in_jail(&scope) || !is_first(task, signal))
		return 0;
	e = reserve(CLASS_EXIT, &scope);
	if (!e)
		return 0;
	if (signal->flags & SIGNAL_GROUP_EXIT)
		e->exit_code = signal->group_exit_code;
	else
		e->exit_code = task->group_leader->exit_code;
	submit(e, scope.conf->urgent);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct scope scope;
	struct event *e;

	if (!in_jail(&scope))
		return 0;
	/* Also the child: both have the signal, or none. */
	if (is_poisoned())
		bpf_send_signal(SIGKILL);
	if (child->pid != child->tgid)
		return 0;
	e = reserve(CLASS_FORK, &scope);
	if (!e)
		return 0;
	e->pid = child->tgid;
	e->tid = e->pid;
	e->ppid = child->real_parent->tgid;
	e->start = child->start_boottime;
	submit(e, scope.conf->urgent);
	return 0;
}
