// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
/*
 * Loaded once for each jail and attached to its network namespace: it has no
 * way to tell namespaces apart. TCP to any address but loopback goes to the
 * egress listener, whose getsockname() is then the original destination; DNS
 * goes to the egress resolver.
 */
#include "kernel.h"

enum target { TCP4, TCP6, UDP4, UDP6, TARGETS };

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, TARGETS);
	__type(key, u32);
	__type(value, u64);
} targets SEC(".maps");

static __always_inline int to_loopback(struct bpf_sk_lookup *ctx)
{
	if (ctx->family == AF_INET)
		return (ctx->local_ip4 & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
	return !ctx->local_ip6[0] && !ctx->local_ip6[1] && !ctx->local_ip6[2] &&
	       ctx->local_ip6[3] == bpf_htonl(1);
}

SEC("sk_lookup")
int lookup(struct bpf_sk_lookup *ctx)
{
	u32 key = ctx->family == AF_INET ? TCP4 : TCP6;
	struct bpf_sock *sk;
	long err;

	if (to_loopback(ctx))
		return SK_PASS;
	if (ctx->protocol == IPPROTO_UDP) {
		/* Answers of the resolver to sockets that are not connected. */
		if (ctx->local_port != PORT_DNS)
			return SK_PASS;
		key += UDP4;
	}
	sk = bpf_map_lookup_elem(&targets, &key);
	if (!sk)
		return SK_DROP;
	err = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return err ? SK_DROP : SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
