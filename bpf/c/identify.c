// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * Who a file is that user space holds open, in the terms in which the verifier
 * will see it. Some file systems tell stat(2) another device and inode (overlayfs),
 * or another device (btrfs).
 */
#include "token.h"

struct identity {
	s32 tgid;
	u32 fd;
	u64 found;
	struct file_id id;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct identity);
} identities SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_iter__task_file {
	__bpf_md_ptr(void *, meta);
	__bpf_md_ptr(struct task_struct *, task);
	u32 fd;
	__bpf_md_ptr(struct file *, file);
};

#pragma clang attribute pop

SEC("iter/task_file")
int identify(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct identity *want;
	struct inode *inode;
	u32 zero = 0;

	want = bpf_map_lookup_elem(&identities, &zero);
	if (!want || !task || !file || task->tgid != want->tgid || ctx->fd != want->fd)
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	want->id.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	want->id.ino = BPF_CORE_READ(inode, i_ino);
	want->id.size = BPF_CORE_READ(inode, i_size);
	want->id.ctime = ctime_of(inode);
	want->found = 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
