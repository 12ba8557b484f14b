/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The few kernel structures that the probes look into, with only the members
 * they read. Offsets are placeholders: preserve_access_index makes every access
 * a CO-RE relocation against the running kernel's BTF, so one object serves
 * 6.1 and later. A member that a kernel does not have fails the load.
 */
#ifndef CLAWJAIL_KERNEL_H
#define CLAWJAIL_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#ifndef NULL
#define NULL ((void *)0)
#endif

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_MPTCP 262
#define PORT_DNS 53

#define AT_FDCWD (-100)
#define AT_REMOVEDIR 0x200
#define O_ACCMODE 00000003
#define O_CREAT 00000100
#define O_TRUNC 00001000
#define O_PATH 010000000
#define FMODE_WRITE 0x2 /* include/linux/fs.h */
#define S_IFMT 00170000
#define S_IFREG 0100000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define SIGNAL_GROUP_EXIT 0x4 /* include/linux/sched/signal.h */
#define SIGKILL 9
#define PROT_EXEC 4

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EACCES 13
#define ENOTDIR 20
#define ERESTARTSYS 512 /* include/linux/errno.h, and up to 516 */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	const unsigned char *name;
};

struct super_block {
	u32 s_dev;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
	s64 i_size;
	struct super_block *i_sb;
};

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};

/* Where an inode keeps its ctime: until 6.5, until 6.10, and since. */
struct inode___ctime {
	struct timespec64 i_ctime;
};

struct inode___hidden_ctime {
	struct timespec64 __i_ctime;
};

struct inode___split_ctime {
	s64 i_ctime_sec;
	u32 i_ctime_nsec;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct mnt_namespace {
	struct mount *root;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
	struct inode *f_inode;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	int users;
	struct path pwd;
};

struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
	int nr_threads;
	int group_exit_code;
	unsigned int flags;
};

struct seccomp {
	int mode;
	atomic_t filter_count;
};

struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	u64 start_boottime;
	u64 self_exec_id;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct seccomp seccomp;
};

struct linux_binprm {
	unsigned long p, exec;
	int argc;
	struct file *file;
	const char *filename;
};

struct pt_regs {
	unsigned long r10;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
};

#pragma clang attribute pop

#endif
