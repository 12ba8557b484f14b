// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * The exec gate where BPF LSM cannot be used. At this tracepoint the old program
 * is gone, the new one is complete in memory of its own, its one thread has not
 * run an instruction, and no other thread is left. What differs from its token
 * dies here.
 *
 * Since tracing programs are preemptible (7.x), the kernel skips one that is
 * under way already on the same CPU. So there are copies of the program: to be
 * skipped by all, an execution must meet one in the middle of each. The first
 * that runs does the work, with preemption off where the kernel lets us; the
 * others find it done, see to it that it was for this very execution, and kill
 * again what had to be killed.
 */
#include "token.h"

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

#define COPIES 4

/* Compares in the order of what is cheap. */
static __always_inline u32 verify(struct token *t, struct task_struct *task,
				  struct linux_binprm *bprm)
{
	struct mm_struct *mm = task->mm;
	u64 argv = mm->arg_start, argv_len = mm->arg_end - argv;
	u64 env = mm->env_start, env_len = mm->env_end - env;
	u32 last = t->files_len - 1, reason;

	if (bpf_ktime_get_boot_ns() > t->expires)
		return REASON_EXPIRED;
	if (last >= CHAIN_MAX || !is_file(BPF_CORE_READ(bprm, file), &t->files[last]))
		return REASON_INODE;
	if (t->flags & TOKEN_ANY_ARGS)
		return REASON_NONE;
	if (BPF_CORE_READ(bprm, argc) != t->argc)
		return REASON_ARGC;
	if (!is_cwd(task, t))
		return REASON_CWD;
	if (argv_len != t->argv_len)
		return REASON_ARGV;
	if (env_len != t->env_len)
		return REASON_ENV;
	reason = compare(argv, argv_len, t->argv_hash, 0, REASON_ARGV);
	if (reason)
		return reason;
	return compare(env, env_len, t->env_hash, 0, REASON_ENV);
}

/* Remembers the refusal, kills, and tells once. */
static __always_inline void refuse(struct scope *scope, struct task_struct *task,
				   struct linux_binprm *bprm, u32 reason)
{
	struct judged *j = bpf_task_storage_get(&judgements, task, NULL,
						BPF_LOCAL_STORAGE_GET_F_CREATE);
	u64 exec = task->self_exec_id;
	struct mm_struct *mm = task->mm;
	long err = kill_now();

	poison(task);
	if (j && j->exec == exec && j->reason)
		return;
	if (j) {
		j->exec = exec;
		j->reason = reason;
	}
	report_refused(scope, bprm, reason, err, mm->arg_start, mm->arg_end - mm->arg_start);
}

static __always_inline int judge_exec(u32 copy, struct task_struct *task, int old_pid,
				      struct linux_binprm *bprm)
{
	struct token_key key = {.tgid = task->tgid, .tid = old_pid};
	u64 exec = task->self_exec_id, start = task->start_boottime;
	u32 bit = 1u << copy, before, reason;
	struct scope scope;
	struct token *t;

	if (!is_gated(task, &scope))
		return 0;
	t = bpf_map_lookup_elem(&tokens, &key);
	if (!t || t->jail != scope.jail) {
		reason = REASON_NO_TOKEN;
		goto judged;
	}
	before = __sync_fetch_and_or(&t->used, bit);
	if (!before) {
		t->start = start;
		t->exec = exec;
		/* What is not finished is refused. */
		t->reason = REASON_UNSEEN;
		t->reason = verify(t, task, bprm);
		reason = read_once(&t->reason);
	} else if (!(before & bit) && t->start == start && t->exec == exec) {
		reason = read_once(&t->reason);
	} else {
		reason = REASON_REUSED;
	}
judged:
	if (reason)
		refuse(&scope, task, bprm, reason);
	return 0;
}

static __noinline int guarded(u32 copy, struct task_struct *task, int old_pid,
			      struct linux_binprm *bprm)
{
	/* Since 6.10. Before, tracing programs are not preempted at all. */
	int guard = bpf_preempt_disable && bpf_preempt_enable;

	if (guard)
		bpf_preempt_disable();
	judge_exec(copy, task, old_pid, bprm);
	if (guard)
		bpf_preempt_enable();
	return 0;
}

#define COPY(n)                                                                            \
	SEC("tp_btf/sched_process_exec")                                                   \
	int BPF_PROG(exec_verify_##n, struct task_struct *task, int old_pid,               \
		     struct linux_binprm *bprm)                                            \
	{                                                                                  \
		return guarded(n, task, old_pid, bprm);                                    \
	}

COPY(0)
COPY(1)
COPY(2)
COPY(3)

char LICENSE[] SEC("license") = "GPL";
