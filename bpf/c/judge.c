// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * What the programs decide with, on questions from user space: the kernel runs
 * this type of program by bpf(BPF_PROG_RUN), and none of those that it attaches to
 * sockets and executions. For tests, which compare the answers with the policy's.
 */
#include "net.h"
#include "siphash.h"

struct destination {
	struct netconf conf;
	u32 addr[4];
	u16 port, proto;
	u32 answer;
};

SEC("syscall")
int judge_destination(struct destination *ctx)
{
	struct destination q = *ctx;

	ctx->answer = may_reach(&q.conf, q.addr, q.port, q.proto);
	return 0;
}

struct strings {
	u64 at, len, hash;
	u64 answer; /* 0: other bytes, 1: the same, 2: unreadable */
};

SEC("syscall")
int judge_strings(struct strings *ctx)
{
	u64 at = ctx->at, len = ctx->len, want = ctx->hash, sum = 0;

	if (hash_user(at, len, 1, &sum))
		ctx->answer = 2;
	else
		ctx->answer = sum == want;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
