// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * The exec gate where BPF LSM can be used. LSM programs are never skipped, so one
 * of each is enough.
 *
 *   bprm_check_security    every file of a chain, the script first: EPERM, and the
 *                          caller lives
 *   bprm_committed_creds   the arguments at their place in the new memory: too late
 *                          for an error, so the process is killed
 *   mmap_file              no code is mapped into a process whose arguments were
 *                          not found right: the program cannot be loaded even if
 *                          the signal was not sent
 */
#include "token.h"

#define JUDGED_FILES 1 /* judged.pending */

static __always_inline u32 check_file(struct token *t, struct scope *scope, struct file *file)
{
	u32 next;

	if (!t || t->jail != scope->jail)
		return REASON_NO_TOKEN;
	if (bpf_ktime_get_boot_ns() > t->expires)
		return REASON_EXPIRED;
	if (t->reason)
		return t->reason;
	next = t->next;
	/* Between two executions with one token the arguments were judged. */
	if (t->exec)
		return REASON_REUSED;
	if (next >= t->files_len || next >= CHAIN_MAX)
		return REASON_INODE;
	if (!is_file(file, &t->files[next]))
		return REASON_INODE;
	t->next = next + 1;
	return REASON_NONE;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(gate_check, struct linux_binprm *bprm, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct token_key key = {.tgid = task->tgid, .tid = task->pid};
	struct judged *j;
	struct scope scope;
	struct token *t;
	u32 reason;

	if (ret || !is_gated(task, &scope))
		return ret;
	t = bpf_map_lookup_elem(&tokens, &key);
	if (t)
		t->used = 1;
	reason = check_file(t, &scope, BPF_CORE_READ(bprm, file));
	j = bpf_task_storage_get(&judgements, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* Nothing to remember it by, or a task that must not go on. */
	if (!reason && (!j || is_poisoned()))
		reason = REASON_UNSEEN;
	if (j && !reason) {
		j->exec = task->self_exec_id;
		j->pending = JUDGED_FILES;
		j->reason = REASON_NONE;
		j->tid = task->pid;
		return 0;
	}
	if (t && reason != REASON_REUSED)
		t->reason = reason;
	/* No signal is sent, which could fail with EPERM: the caller goes on. */
	report_refused(&scope, bprm, reason, -EACCES, 0, 0);
	return -EPERM;
}

/*
 * The strings stand at bprm->p, where the kernel has copied them: argv, the
 * environment, and at bprm->exec the file's name. The memory is the task's own by
 * now, and nobody else's.
 */
static __always_inline u32 check_args(struct token *t, struct linux_binprm *bprm,
				      struct task_struct *task)
{
	u64 at = BPF_CORE_READ(bprm, p), end = BPF_CORE_READ(bprm, exec);
	u64 argv_len = t->argv_len, env_len = t->env_len;
	u32 reason;

	if (t->next != t->files_len)
		return REASON_INODE;
	if (t->flags & TOKEN_ANY_ARGS)
		return REASON_NONE;
	if (BPF_CORE_READ(bprm, argc) != t->argc)
		return REASON_ARGC;
	if (!is_cwd(task, t))
		return REASON_CWD;
	if (end - at < argv_len)
		return REASON_ARGV;
	reason = compare(at, argv_len, t->argv_hash, 1, REASON_ARGV);
	if (reason)
		return reason;
	if (end - at - argv_len != env_len)
		return REASON_ENV;
	return compare(at + argv_len, env_len, t->env_hash, 1, REASON_ENV);
}

SEC("lsm.s/bprm_committed_creds")
int BPF_PROG(gate_committed, struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 at, len, exec = task->self_exec_id;
	struct token_key key = {.tgid = task->tgid};
	struct token *t = NULL;
	struct judged *j;
	struct scope scope;
	u32 reason = REASON_UNSEEN;
	long err;

	if (!is_gated(task, &scope)) {
		/* What was judged before the gate was turned off. */
		j = bpf_task_storage_get(&judgements, task, NULL, 0);
		if (j)
			j->pending = 0;
		return 0;
	}
	j = bpf_task_storage_get(&judgements, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (j && j->pending == JUDGED_FILES) {
		key.tid = j->tid;
		t = bpf_map_lookup_elem(&tokens, &key);
	}
	if (t && t->jail == scope.jail && !t->exec) {
		t->exec = exec;
		t->start = task->start_boottime;
		reason = check_args(t, bprm, task);
		t->reason = reason;
	}
	if (j) {
		j->exec = exec;
		j->pending = 0;
		j->reason = reason;
	}
	if (!reason)
		return 0;
	err = kill_now();
	poison(task);
	at = BPF_CORE_READ(bprm, p);
	len = BPF_CORE_READ(bprm, exec) - at;
	if (t && len > t->argv_len)
		len = t->argv_len;
	report_refused(&scope, bprm, reason, err, at, len);
	return 0;
}

/*
 * pending with an execution that has happened meanwhile: bprm_committed_creds has
 * not run. self_exec_id is counted up after the point of no return.
 */
SEC("lsm/mmap_file")
int BPF_PROG(gate_mmap, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct judged *j;

	if (ret || !(prot & PROT_EXEC))
		return ret;
	j = bpf_task_storage_get(&judgements, task, NULL, 0);
	if (!j)
		return 0;
	if (j->reason && j->exec == task->self_exec_id)
		return -EPERM;
	if (j->pending && j->exec != task->self_exec_id)
		return -EPERM;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
