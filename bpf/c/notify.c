// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * File events where BPF LSM cannot be used, and failed calls where it can: one
 * program at the end of every system call. What was opened or cut by descriptor is read from the kernel's
 * file; names that were removed or renamed are gone by then, and are reported as
 * the caller wrote them, below the kernel's idea of their directory.
 *
 * Whoever shares the descriptor table can exchange the descriptor, and whoever
 * shares the memory the text, between the call and this program: these events
 * are a record, nothing is decided by them.
 */
#include "files.h"

/* arch/x86/entry/syscalls/syscall_64.tbl */
enum nr {
	NR_OPEN = 2,
	NR_EXECVE = 59,
	NR_TRUNCATE = 76,
	NR_FTRUNCATE = 77,
	NR_RENAME = 82,
	NR_RMDIR = 84,
	NR_CREAT = 85,
	NR_UNLINK = 87,
	NR_OPENAT = 257,
	NR_UNLINKAT = 263,
	NR_RENAMEAT = 264,
	NR_RENAMEAT2 = 316,
	NR_EXECVEAT = 322,
	NR_OPENAT2 = 437,
};

#define FD_NONE (-1000000)

/* Set by the loader beside the LSM hooks, which do not see what fails early. */
const volatile u8 failures_only = 0;

/* One call, whatever its variant. */
struct call {
	u32 class, flags, marks;
	int fd;	  /* object of the call, or FD_NONE */
	int dir, dir2;
	const char *text, *text2;
};

static __always_inline struct file *file_of(int fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **array, *file = NULL;

	if (fd < 0 || (u32)fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	array = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &array[fd]);
	return file;
}

/* The directory that a relative name starts from. Returns its bytes. */
static __always_inline u32 put_dir(struct build *s, int dir, const char *text, u32 *marks)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct vfsmount *mnt = BPF_CORE_READ(task, fs, pwd.mnt);
	struct dentry *dentry = BPF_CORE_READ(task, fs, pwd.dentry);
	struct file *file;
	char first = 0;

	bpf_probe_read_user(&first, 1, text);
	if (first == '/')
		return 0;
	if (dir != AT_FDCWD) {
		file = file_of(dir);
		if (!file)
			return 0;
		mnt = BPF_CORE_READ(file, f_path.mnt);
		dentry = BPF_CORE_READ(file, f_path.dentry);
	}
	return put_path(s, mnt, dentry, marks);
}

static __always_inline void put_names(struct build *s, struct call *c, u32 *marks)
{
	s->e.base_len = put_dir(s, c->dir, c->text, marks);
	s->e.text_len = put_text(s, c->text, 1, marks);
	if (c->text2) {
		s->e.base2_len = put_dir(s, c->dir2, c->text2, marks);
		s->e.text2_len = put_text(s, c->text2, 1, marks);
	}
	*marks &= ~MARK_PATH_EXACT;
}

static __always_inline int is_write(u32 flags)
{
	return !(flags & O_PATH) && (flags & (O_ACCMODE | O_CREAT | O_TRUNC));
}

static __always_inline void open_call(struct call *c, int dir, const char *text, u32 flags, long ret)
{
	c->class = is_write(flags) ? CLASS_OPEN_WRITE : CLASS_OPEN;
	c->flags = flags;
	c->dir = dir;
	c->text = text;
	if (ret >= 0)
		c->fd = ret;
}

static __always_inline int is_ours(u64 nr)
{
	switch (nr) {
	case NR_OPEN:
	case NR_EXECVE:
	case NR_TRUNCATE:
	case NR_FTRUNCATE:
	case NR_RENAME:
	case NR_RMDIR:
	case NR_CREAT:
	case NR_UNLINK:
	case NR_UNLINKAT:
	case NR_RENAMEAT:
	case NR_RENAMEAT2:
	case NR_EXECVEAT:
	case NR_OPENAT2:
		return 1;
	}
	return 0;
}

/* Fills in c. Returns 0 for calls that are no business of ours. */
static __always_inline int classify(struct call *c, struct pt_regs *regs, long ret)
{
	u64 flags = 0;

	switch (regs->orig_ax) {
	case NR_OPENAT:
		open_call(c, regs->di, (void *)regs->si, regs->dx, ret);
		break;
	case NR_OPEN:
		open_call(c, AT_FDCWD, (void *)regs->di, regs->si, ret);
		break;
	case NR_CREAT:
		open_call(c, AT_FDCWD, (void *)regs->di, O_CREAT | O_TRUNC | 1, ret);
		break;
	case NR_OPENAT2:
		bpf_probe_read_user(&flags, sizeof(flags), (void *)regs->dx);
		open_call(c, regs->di, (void *)regs->si, flags, ret);
		break;
	case NR_UNLINK:
		c->class = CLASS_UNLINK;
		c->text = (void *)regs->di;
		break;
	case NR_RMDIR:
		c->class = CLASS_UNLINK;
		c->text = (void *)regs->di;
		c->marks |= MARK_DIR;
		break;
	case NR_UNLINKAT:
		c->class = CLASS_UNLINK;
		c->dir = regs->di;
		c->text = (void *)regs->si;
		if (regs->dx & AT_REMOVEDIR)
			c->marks |= MARK_DIR;
		break;
	case NR_RENAME:
		c->class = CLASS_RENAME;
		c->text = (void *)regs->di;
		c->text2 = (void *)regs->si;
		break;
	case NR_RENAMEAT:
	case NR_RENAMEAT2:
		c->class = CLASS_RENAME;
		c->dir = regs->di;
		c->text = (void *)regs->si;
		c->dir2 = regs->dx;
		c->text2 = (void *)regs->r10;
		break;
	case NR_TRUNCATE:
		c->class = CLASS_TRUNCATE;
		c->text = (void *)regs->di;
		break;
	case NR_FTRUNCATE:
		c->class = CLASS_TRUNCATE;
		c->fd = regs->di;
		break;
	case NR_EXECVE:
		c->class = CLASS_EXEC;
		c->text = (void *)regs->di;
		break;
	case NR_EXECVEAT:
		c->class = CLASS_EXEC;
		c->dir = regs->di;
		c->text = (void *)regs->si;
		break;
	default:
		return 0;
	}
	return 1;
}

/* Successful reads are the many, and go no further. Nor do searches in PATH. */
static __always_inline int is_quiet(u32 class, long ret)
{
	if (failures_only && ret >= 0)
		return 1;
	/* Interrupted: user space never sees these, the call is made again. */
	if (ret <= -ERESTARTSYS)
		return 1;
	if (class == CLASS_OPEN)
		return ret >= 0;
	if (class == CLASS_EXEC)
		return ret >= 0 || ret == -ENOENT || ret == -ENOTDIR;
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_exit, struct pt_regs *regs, long ret)
{
	struct call c = {.fd = FD_NONE, .dir = AT_FDCWD, .dir2 = AT_FDCWD};
	struct file *file = NULL;
	struct scope scope;
	struct build *s;
	u32 marks;

	/* Of all calls on the host only these go further. */
	if (regs->orig_ax == NR_OPENAT ? ret >= 0 && !is_write(regs->dx) : !is_ours(regs->orig_ax))
		return 0;
	/* The end of the very call whose execution was refused, or a later one. */
	if (is_poisoned())
		bpf_send_signal(SIGKILL);
	if (!classify(&c, regs, ret) || is_quiet(c.class, ret) || !wants_files(&scope))
		return 0;
	if (c.class == CLASS_OPEN && !(scope.conf->flags & JAIL_FAILED_READS))
		return 0;
	if (c.fd != FD_NONE) {
		file = file_of(c.fd);
		if (file ? !keeps_data(BPF_CORE_READ(file, f_inode)) : !c.text)
			return 0;
	}
	s = claim(c.class);
	if (!s)
		return 0;
	begin(&s->e, c.class, &scope);
	s->e.ret = ret < 0 ? ret : 0;
	s->e.flags = c.flags;
	marks = c.marks | MARK_PATH_EXACT;
	if (file)
		put_file(s, file, &marks);
	else
		put_names(s, &c, &marks);
	s->e.marks = marks;
	emit(s, scope.conf->urgent);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
