// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * File events from the LSM hooks: the kernel hands over what it resolved, so
 * every path is exact. They observe, and always return what they were given.
 * A hook comes before the deed: what fails after it is reported twice, here as
 * done and by notify.c as failed.
 */
#include "files.h"

static __always_inline int report_open(struct file *file)
{
	struct scope scope;
	struct build *s;
	u32 marks = MARK_PATH_EXACT;

	/* Making a file is a change, however it is opened then; the flag is still there. */
	if (!(BPF_CORE_READ(file, f_flags) & (O_ACCMODE | O_CREAT | O_TRUNC)) || !wants_files(&scope) ||
	    !keeps_data(BPF_CORE_READ(file, f_inode)))
		return 0;
	s = claim(CLASS_OPEN_WRITE);
	if (!s)
		return 0;
	begin(&s->e, CLASS_OPEN_WRITE, &scope);
	put_file(s, file, &marks);
	s->e.flags = BPF_CORE_READ(file, f_flags);
	s->e.marks = marks;
	emit(s, scope.conf->urgent);
	return 0;
}

static __always_inline int report_entry(u32 class, u32 marks, struct vfsmount *mnt,
					struct dentry *dentry)
{
	struct scope scope;
	struct build *s;

	if (!wants_files(&scope))
		return 0;
	s = claim(class);
	if (!s)
		return 0;
	marks |= MARK_PATH_EXACT;
	begin(&s->e, class, &scope);
	put_inode(&s->e, BPF_CORE_READ(dentry, d_inode));
	s->e.base_len = put_path(s, mnt, dentry, &marks);
	s->e.marks = marks;
	emit(s, scope.conf->urgent);
	return 0;
}

SEC("lsm/file_open")
int BPF_PROG(file_open, struct file *file, int ret)
{
	report_open(file);
	return ret;
}

SEC("lsm/path_unlink")
int BPF_PROG(path_unlink, const struct path *dir, struct dentry *dentry, int ret)
{
	report_entry(CLASS_UNLINK, 0, BPF_CORE_READ(dir, mnt), dentry);
	return ret;
}

SEC("lsm/path_rmdir")
int BPF_PROG(path_rmdir, const struct path *dir, struct dentry *dentry, int ret)
{
	report_entry(CLASS_UNLINK, MARK_DIR, BPF_CORE_READ(dir, mnt), dentry);
	return ret;
}

SEC("lsm/path_truncate")
int BPF_PROG(path_truncate, const struct path *path, int ret)
{
	report_entry(CLASS_TRUNCATE, 0, BPF_CORE_READ(path, mnt), BPF_CORE_READ(path, dentry));
	return ret;
}

/* By descriptor since 6.2; before, path_truncate came here too. Left out there. */
SEC("lsm/file_truncate")
int BPF_PROG(file_truncate, struct file *file, int ret)
{
	report_entry(CLASS_TRUNCATE, 0, BPF_CORE_READ(file, f_path.mnt),
		     BPF_CORE_READ(file, f_path.dentry));
	return ret;
}

SEC("lsm/path_rename")
int BPF_PROG(path_rename, const struct path *old_dir, struct dentry *old_dentry,
	     const struct path *new_dir, struct dentry *new_dentry, unsigned int flags, int ret)
{
	u32 marks = MARK_PATH_EXACT;
	struct scope scope;
	struct build *s;

	if (!wants_files(&scope))
		return ret;
	s = claim(CLASS_RENAME);
	if (!s)
		return ret;
	begin(&s->e, CLASS_RENAME, &scope);
	put_inode(&s->e, BPF_CORE_READ(old_dentry, d_inode));
	s->e.base_len = put_path(s, BPF_CORE_READ(old_dir, mnt), old_dentry, &marks);
	s->e.base2_len = put_path(s, BPF_CORE_READ(new_dir, mnt), new_dentry, &marks);
	s->e.flags = flags;
	s->e.marks = marks;
	emit(s, scope.conf->urgent);
	return ret;
}

char LICENSE[] SEC("license") = "GPL";
