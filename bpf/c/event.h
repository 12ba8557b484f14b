/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * What goes through the ring. Package wire decodes it; a test compares every
 * offset and every enum value with the BTF of the committed object.
 */
#ifndef CLAWJAIL_EVENT_H
#define CLAWJAIL_EVENT_H

#include "kernel.h"

enum class {
	CLASS_EXEC = 1,
	CLASS_EXIT,
	CLASS_FORK,
	CLASS_OPEN_WRITE,
	CLASS_UNLINK,
	CLASS_RENAME,
	CLASS_TRUNCATE,
	CLASS_CONNECT,
	CLASS_SEND,
	CLASS_SOCK,
	CLASS_OPEN,
	CLASS_EXEC_REFUSED,
	CLASS_MAX = 16,
};

enum mark {
	MARK_PATH_EXACT = 1,	 /* the path is made of kernel objects only */
	MARK_PATH_TRUNCATED = 2, /* too deep, too long or unreadable */
	MARK_ARGV_TRUNCATED = 4, /* longer than ARGV_MAX, or unreadable */
	MARK_DIR = 8,		 /* rmdir */
	MARK_DENIED = 16,	 /* refused here */
	MARK_KILLED = 32,	 /* SIGKILL was sent to the process */
};

/* Why an execution was refused: flags of CLASS_EXEC_REFUSED. */
enum reason {
	REASON_NONE,	   /* it was not refused */
	REASON_NO_TOKEN,   /* nobody let it through */
	REASON_EXPIRED,	   /* too late */
	REASON_REUSED,	   /* the token was for an execution before */
	REASON_INODE,	   /* another file, or the file was changed */
	REASON_ARGC,	   /* the number of arguments */
	REASON_ARGV,	   /* their bytes */
	REASON_ENV,	   /* the bytes of the environment */
	REASON_CWD,	   /* another working directory, or one that others can change */
	REASON_UNREADABLE, /* arguments or environment could not be read */
	REASON_UNSEEN,	   /* a check before this one did not run */
	REASON_MAPPED,	   /* another program mapped it as code */
};

#define EVENT_VERSION 1
#define PATH_MAX 4096
#define ARGV_MAX 8192
#define COMPONENTS_MAX 256

/*
 * The fixed part. Behind it, without padding: base_len bytes of path components
 * leaf first, each ended by a NUL; text_len bytes of caller's text; the same for
 * a second path; argv_len bytes of arguments, each ended by a NUL.
 */
struct event {
	u64 time, jail, cgroup, start, dev, ino;
	u32 size, exec_count;
	s32 pid, tid, ppid;
	u32 uid;
	s32 ret, exit_code;
	u32 flags;
	enum mark marks;
	u16 base_len, text_len, base2_len, text2_len;
	u32 argv_len;
	u16 family, port;
	u32 addr[4];
	enum class class;
	u8 proto, version;
	u16 pad;
	char comm[16];
};

#endif
