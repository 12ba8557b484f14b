/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#ifndef CLAWJAIL_PATH_H
#define CLAWJAIL_PATH_H

#include "emit.h"

/*
 * Walks from a dentry to the top of the mount tree and writes the names it
 * passes, leaf first: nothing has to be moved, the reader turns them round.
 * bpf_d_path exists only in some hooks; this works in all of them, and gives the
 * path as the jail sees it because the jail's root is the top of its mount tree.
 */
struct walk {
	struct build *s;
	struct dentry *dentry, *root; /* root: of mnt */
	struct mount *mnt;
	u32 end; /* at most this offset */
	u32 top; /* 1: arrived */
};

static long walk_step(u32 i, struct walk *w)
{
	/* Locals: BPF_CORE_READ would relocate accesses to our own struct too. */
	struct dentry *dentry = w->dentry, *parent;
	struct mount *mnt = w->mnt, *up;
	struct build *s = w->s;
	const unsigned char *name;
	u32 used = s->used;
	long n;

	if (dentry == w->root) {
		up = BPF_CORE_READ(mnt, mnt_parent);
		if (up == mnt) {
			w->top = 1;
			return 1;
		}
		w->dentry = BPF_CORE_READ(mnt, mnt_mountpoint);
		w->root = BPF_CORE_READ(up, mnt.mnt_root);
		w->mnt = up;
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	if (parent == dentry || used >= w->end)
		return 1;
	name = BPF_CORE_READ(dentry, d_name.name);
	used &= DATA_MAX - 1;
	n = bpf_probe_read_kernel_str(&s->data[used], 256, name);
	if (n <= 1) /* no name is empty: it is being changed */
		return 1;
	s->used = used + n;
	w->dentry = parent;
	return 0;
}

/*
 * Appends the components of a path and returns their bytes. *marks loses
 * MARK_PATH_EXACT when the walk does not end at the root of the task's mount
 * namespace (a pipe, a memfd, an unmounted tree), and gains MARK_PATH_TRUNCATED
 * when it was too long.
 */
static __always_inline u32 put_path(struct build *s, struct vfsmount *mnt, struct dentry *dentry,
				    u32 *marks)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mount *root = BPF_CORE_READ(task, nsproxy, mnt_ns, root);
	u32 start = s->used;
	struct walk w = {
		.s = s,
		.dentry = dentry,
		.root = BPF_CORE_READ(mnt, mnt_root),
		.mnt = (void *)mnt - bpf_core_field_offset(struct mount, mnt),
		.end = start + PATH_MAX - 256,
	};

	bpf_loop(COMPONENTS_MAX, walk_step, &w, 0);
	dentry = w.dentry;
	if (!w.top && dentry != BPF_CORE_READ(dentry, d_parent))
		*marks |= MARK_PATH_TRUNCATED;
	if (!w.top || w.mnt != root)
		*marks &= ~MARK_PATH_EXACT;
	return s->used - start;
}

/* Appends text, and returns its bytes. Unreadable text is truncated text. */
static __always_inline u32 put_text(struct build *s, const char *text, int user, u32 *marks)
{
	u32 used = s->used & (DATA_MAX - 1);
	long n;

	if (user)
		n = bpf_probe_read_user_str(&s->data[used], PATH_MAX, text);
	else
		n = bpf_probe_read_kernel_str(&s->data[used], PATH_MAX, text);
	if (n <= 0) {
		*marks |= MARK_PATH_TRUNCATED;
		return 0;
	}
	if (n == PATH_MAX)
		*marks |= MARK_PATH_TRUNCATED;
	s->used = used + n;
	return n;
}

static __always_inline void put_inode(struct event *e, struct inode *inode)
{
	e->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	e->ino = BPF_CORE_READ(inode, i_ino);
}

#endif
