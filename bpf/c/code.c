// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * Code that runs without an execution: a program that the policy refuses, holds or
 * knows by its hash, mapped executable by another program (a loader, a debugger,
 * an interpreter that calls mmap). What is closed may only be mapped by a process
 * that was started from it, which the exec gate has judged.
 *
 *   mmap_file       a mapping that is executable when it is made
 *   file_mprotect   one that becomes executable
 */
#include "path.h"

#define CLOSED_MAX 65536

struct closed_key {
	u64 jail, dev, ino;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CLOSED_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct closed_key);
	__type(value, u8);
} closed SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct vm_area_struct {
	struct file *vm_file;
};

struct mm_struct___code {
	struct file *exe_file;
};

#pragma clang attribute pop

/* exe_file is the new program's before its first mapping, fs/exec.c:begin_new_exec. */
static __always_inline int is_own(struct task_struct *task, struct inode *inode)
{
	struct mm_struct___code *mm = (void *)task->mm;
	struct inode *own = BPF_CORE_READ(mm, exe_file, f_inode);

	return own && BPF_CORE_READ(own, i_ino) == BPF_CORE_READ(inode, i_ino) &&
	       BPF_CORE_READ(own, i_sb, s_dev) == BPF_CORE_READ(inode, i_sb, s_dev);
}

static __always_inline void report_mapped(struct scope *scope, struct file *file)
{
	u32 marks = MARK_PATH_EXACT | MARK_DENIED;
	struct build *s;

	count(COUNT_DENIED, CLASS_EXEC_REFUSED);
	s = claim(CLASS_EXEC_REFUSED);
	if (!s)
		return;
	begin(&s->e, CLASS_EXEC_REFUSED, scope);
	put_inode(&s->e, BPF_CORE_READ(file, f_inode));
	s->e.base_len = put_path(s, BPF_CORE_READ(file, f_path.mnt),
				 BPF_CORE_READ(file, f_path.dentry), &marks);
	s->e.flags = REASON_MAPPED;
	s->e.ret = -EPERM;
	s->e.marks = marks;
	emit(s, scope->conf->urgent);
}

static __always_inline int map_code(struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct closed_key key = {};
	struct scope scope;
	struct inode *inode;

	if (!file || !in_jail(&scope))
		return 0;
	inode = BPF_CORE_READ(file, f_inode);
	key.jail = scope.jail;
	key.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	key.ino = BPF_CORE_READ(inode, i_ino);
	if (!bpf_map_lookup_elem(&closed, &key) || is_own(task, inode))
		return 0;
	report_mapped(&scope, file);
	return -EPERM;
}

SEC("lsm/mmap_file")
int BPF_PROG(code_mmap, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags, int ret)
{
	if (ret || !(prot & PROT_EXEC))
		return ret;
	return map_code(file);
}

SEC("lsm/file_mprotect")
int BPF_PROG(code_mprotect, struct vm_area_struct *vma, unsigned long reqprot,
	     unsigned long prot, int ret)
{
	if (ret || !(prot & PROT_EXEC))
		return ret;
	return map_code(BPF_CORE_READ(vma, vm_file));
}

char LICENSE[] SEC("license") = "GPL";
