/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#ifndef CLAWJAIL_FILES_H
#define CLAWJAIL_FILES_H

#include "path.h"

static __always_inline int wants_files(struct scope *s)
{
	return in_jail(s) && !(s->conf->flags & JAIL_NO_FILES);
}

/*
 * Devices, pipes and terminals are opened for writing all the time and keep
 * nothing; a jail's /dev is fixed. Regular files and block devices count.
 */
static __always_inline int keeps_data(struct inode *inode)
{
	u32 type = BPF_CORE_READ(inode, i_mode) & S_IFMT;

	return type == S_IFREG || type == S_IFBLK || type == S_IFDIR;
}

/* An open file: path and inode. */
static __always_inline void put_file(struct build *s, struct file *file, u32 *marks)
{
	put_inode(&s->e, BPF_CORE_READ(file, f_inode));
	s->e.base_len = put_path(s, BPF_CORE_READ(file, f_path.mnt),
				 BPF_CORE_READ(file, f_path.dentry), marks);
}

#endif
