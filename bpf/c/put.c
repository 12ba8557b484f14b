// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * Puts the token of a held thread, and says what the thread's process is, in one
 * call of the supervisor's (BPF_PROG_RUN). Without it the same takes several files
 * of /proc, for every execution. Loaded where the kernel offers what it needs
 * (bpf_task_from_pid in programs of this type, some releases after 6.2).
 */
#include "token.h"

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;

/* What user space hands over, and gets back. */
struct put {
	s32 tid, tgid;
	u64 start, exec; /* of the process: which image it runs */
	u64 ttl;	 /* 0: only say what the process is */
	u32 here;	 /* the working directory is the thread's, as it is now */
	u32 pad;
	struct token token;
};

static __always_inline int put_for(struct put *p, struct task_struct *task)
{
	struct token_key key = {.tgid = task->tgid, .tid = p->tid};
	struct inode *cwd;
	struct token t;

	p->tgid = key.tgid;
	p->start = task->group_leader->start_boottime;
	p->exec = task->self_exec_id;
	if (!p->ttl)
		return 0;
	__builtin_memcpy(&t, &p->token, sizeof(t));
	t.expires = bpf_ktime_get_boot_ns() + p->ttl;
	if (p->here) {
		cwd = BPF_CORE_READ(task, fs, pwd.dentry, d_inode);
		t.cwd_dev = BPF_CORE_READ(cwd, i_sb, s_dev);
		t.cwd_ino = BPF_CORE_READ(cwd, i_ino);
	}
	return bpf_map_update_elem(&tokens, &key, &t, BPF_ANY);
}

SEC("syscall")
int put_token(struct put *p)
{
	struct task_struct *task = bpf_task_from_pid(p->tid);
	int err;

	if (!task)
		return -ESRCH;
	err = put_for(p, task);
	bpf_task_release(task);
	return err;
}

char LICENSE[] SEC("license") = "GPL";
