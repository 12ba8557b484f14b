/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * A token says what one execution must turn out to be. User space writes it
 * before it lets the held call go on; here it is compared with what the kernel
 * is about to run. It is keyed by the process and the thread that called: when
 * that is not the leader it gets the leader's id before the tracepoint.
 */
#ifndef CLAWJAIL_TOKEN_H
#define CLAWJAIL_TOKEN_H

#include "path.h"
#include "siphash.h"

#define CHAIN_MAX 8 /* the kernel stops at six files */
#define TOKENS_MAX 65536

struct file_id {
	u64 dev, ino;
	s64 ctime, size;
};

struct token_key {
	s32 tgid, tid;
};

enum token_flag {
	TOKEN_ANY_ARGS = 1, /* argv, environment and working directory are not compared */
};

struct token {
	u64 jail, expires; /* nanoseconds of CLOCK_BOOTTIME */
	u64 argv_hash, env_hash;
	u64 argv_len, env_len;
	u64 cwd_dev, cwd_ino;
	struct file_id files[CHAIN_MAX];
	u32 files_len, argc;
	/* Below: written here. */
	u32 used;   /* a bit for each copy of the verifier; lsm tier: 1 */
	u32 next;   /* lsm tier: files that were met */
	u64 start;  /* the execution that used it */
	u64 exec;
	u32 reason; /* how it came out */
	enum token_flag flags; /* not written here */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TOKENS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct token_key);
	__type(value, struct token);
} tokens SEC(".maps");

/* The runtime's own tasks have no system call filter but those that their
 * parents had, which a service manager gives them, and are not judged: the jail's
 * filter is one more, and filters are never taken back. */
static __always_inline int is_gated(struct task_struct *task, struct scope *s)
{
	return in_jail(s) && (s->conf->flags & JAIL_GATED) &&
	       task->seccomp.filter_count.counter > (int)(s->conf->flags >> JAIL_FILTERS_SHIFT);
}

static __always_inline s64 ctime_of(struct inode *inode)
{
	struct inode___split_ctime *split = (void *)inode;

	if (bpf_core_field_exists(((struct inode___ctime *)0)->i_ctime)) {
		struct inode___ctime *old = (void *)inode;

		return BPF_CORE_READ(old, i_ctime.tv_sec) * 1000000000 +
		       BPF_CORE_READ(old, i_ctime.tv_nsec);
	}
	if (bpf_core_field_exists(((struct inode___hidden_ctime *)0)->__i_ctime)) {
		struct inode___hidden_ctime *hidden = (void *)inode;

		return BPF_CORE_READ(hidden, __i_ctime.tv_sec) * 1000000000 +
		       BPF_CORE_READ(hidden, __i_ctime.tv_nsec);
	}
	/* No kernel without one of the three: the load fails then. The top bit is
	 * a mark since 6.13, include/linux/fs.h:I_CTIME_QUERIED. */
	return BPF_CORE_READ(split, i_ctime_sec) * 1000000000 +
	       (BPF_CORE_READ(split, i_ctime_nsec) & 0x7fffffff);
}

static __always_inline int is_file(struct file *file, const struct file_id *want)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	return BPF_CORE_READ(inode, i_ino) == want->ino &&
	       BPF_CORE_READ(inode, i_sb, s_dev) == want->dev &&
	       BPF_CORE_READ(inode, i_size) == want->size && ctime_of(inode) == want->ctime;
}

/*
 * A process that shares its idea of the working directory (CLONE_FS) can have it
 * changed at any time, so nothing can be said about it.
 */
static __always_inline int is_cwd(struct task_struct *task, const struct token *t)
{
	struct fs_struct *fs = task->fs;
	struct inode *inode = BPF_CORE_READ(fs, pwd.dentry, d_inode);

	return BPF_CORE_READ(fs, users) == 1 && BPF_CORE_READ(inode, i_ino) == t->cwd_ino &&
	       BPF_CORE_READ(inode, i_sb, s_dev) == t->cwd_dev;
}

/* Bytes, all of them, by their keyed hash. */
static __always_inline u32 compare(u64 at, u64 len, u64 want, int sleeps, u32 differs)
{
	u64 sum = 0;

	if (hash_user(at, len, sleeps, &sum))
		return REASON_UNREADABLE;
	return sum == want ? REASON_NONE : differs;
}

/*
 * What comes out of a map is any number to the verifier. A reason that it knows
 * makes it walk all that follows once for each.
 */
static __always_inline u32 read_once(const u32 *from)
{
	return *(const volatile u32 *)from;
}

/* Sends SIGKILL to the current process, and says so in the event, if any. */
static __always_inline long kill_now(void)
{
	return bpf_send_signal(SIGKILL);
}

static __always_inline u32 put_args(struct build *s, u64 start, u64 len, u32 *marks)
{
	u32 used = s->used & (DATA_MAX - 1);

	if (len > ARGV_MAX) {
		len = ARGV_MAX;
		*marks |= MARK_ARGV_TRUNCATED;
	}
	barrier_var(len);
	if (len > ARGV_MAX || bpf_probe_read_user(&s->data[used], len, (void *)start)) {
		*marks |= MARK_ARGV_TRUNCATED;
		return 0;
	}
	s->used = used + len;
	return len;
}

/* What was refused, as it stands before us; argv from and to: 0 if not known. */
static __always_inline void report_refused(struct scope *scope, struct linux_binprm *bprm,
					   u32 reason, long killed, u64 argv, u64 argv_len)
{
	u32 marks = MARK_PATH_EXACT | MARK_DENIED;
	struct file *file = BPF_CORE_READ(bprm, file);
	struct build *s;

	count(COUNT_DENIED, CLASS_EXEC_REFUSED);
	s = claim(CLASS_EXEC_REFUSED);
	if (!s)
		return;
	begin(&s->e, CLASS_EXEC_REFUSED, scope);
	put_inode(&s->e, BPF_CORE_READ(file, f_inode));
	s->e.base_len = put_path(s, BPF_CORE_READ(file, f_path.mnt),
				 BPF_CORE_READ(file, f_path.dentry), &marks);
	s->e.text2_len = put_text(s, BPF_CORE_READ(bprm, filename), 0, &marks);
	if (argv_len)
		s->e.argv_len = put_args(s, argv, argv_len, &marks);
	s->e.flags = reason;
	s->e.ret = killed;
	if (!killed)
		marks |= MARK_KILLED;
	s->e.marks = marks;
	emit(s, scope->conf->urgent);
}

#endif
