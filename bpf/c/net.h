/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * What a jail's sockets may reach. Attached to the jail's cgroup; the rules come
 * with the attachment (cgroup storage), not from whoever runs the call: a socket
 * belongs to the jail that made it. Storage not yet filled in refuses all.
 */
#include "path.h"

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, u64);
	__type(value, struct netconf);
} netconfs SEC(".maps");

static __always_inline int in_prefix(const u32 *addr, const struct prefix *p)
{
	/* An empty prefix is ::/0 in this form, and must match nothing. */
	if (!(p->mask[0] | p->mask[1] | p->mask[2] | p->mask[3]))
		return 0;
	for (int i = 0; i < 4; i++)
		if ((addr[i] & p->mask[i]) != p->net[i])
			return 0;
	return 1;
}

/* ::1, ::, 127.0.0.0/8 and 0.0.0.0, which the kernel takes for loopback. */
static __always_inline int is_loopback(const u32 *addr)
{
	if (addr[0] || addr[1])
		return 0;
	if (addr[2] == bpf_htonl(0xffff))
		return addr[3] == 0 || (addr[3] & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
	return addr[2] == 0 && (addr[3] == 0 || addr[3] == bpf_htonl(1));
}

static __always_inline int is_allowed(u64 jail, const u32 *addr, u16 port, u16 proto)
{
	struct allow key = {.jail = jail, .port = port, .proto = proto};

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	if (bpf_map_lookup_elem(&allowed, &key))
		return 1;
	key.port = 0;
	return bpf_map_lookup_elem(&allowed, &key) != NULL;
}

static __always_inline int may_reach(const struct netconf *c, const u32 *addr, u16 port, u32 proto)
{
	if (!c->jail)
		return 0;
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return 0;
	if (is_loopback(addr) || is_allowed(c->jail, addr, port, proto))
		return 1;
	return proto == IPPROTO_TCP &&
	       (in_prefix(addr, &c->virtual[0]) || in_prefix(addr, &c->virtual[1]));
}

static __always_inline void report(u32 class, u64 jail, const u32 *addr, u16 family, u16 port,
				   u32 proto, u32 flags, int ok)
{
	struct jail *conf = bpf_map_lookup_elem(&jails, &jail);
	struct scope scope = {.jail = jail, .cgroup = bpf_get_current_cgroup_id()};
	struct event *e;

	if (!ok)
		count(COUNT_DENIED, class);
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		count(COUNT_LOST, class);
		return;
	}
	begin(e, class, &scope);
	e->size = sizeof(*e);
	e->family = family;
	e->port = port;
	e->proto = proto;
	e->flags = flags;
	if (addr)
		__builtin_memcpy(e->addr, addr, sizeof(e->addr));
	if (!ok) {
		e->marks = MARK_DENIED;
		e->ret = -1;
	}
	count(COUNT_EVENT, class);
	bpf_ringbuf_submit(e, wake_flag(e, conf ? conf->urgent : 0));
}

static __always_inline int judge(struct bpf_sock_addr *ctx, u32 class, const u32 *addr, u16 family)
{
	struct netconf *c = bpf_get_local_storage(&netconfs, 0);
	u16 port = bpf_ntohs(ctx->user_port);
	u32 proto = ctx->protocol;
	int ok = may_reach(c, addr, port, proto) && !is_poisoned();

	report(class, c->jail, addr, family, port, proto, 0, ok);
	return ok;
}

static __always_inline int judge4(struct bpf_sock_addr *ctx, u32 class)
{
	u32 addr[4] = {0, 0, bpf_htonl(0xffff), ctx->user_ip4};

	return judge(ctx, class, addr, AF_INET);
}

static __always_inline int judge6(struct bpf_sock_addr *ctx, u32 class)
{
	u32 addr[4] = {ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]};

	return judge(ctx, class, addr, AF_INET6);
}

SEC("cgroup/connect4")
int net_connect4(struct bpf_sock_addr *ctx)
{
	return judge4(ctx, CLASS_CONNECT);
}

SEC("cgroup/connect6")
int net_connect6(struct bpf_sock_addr *ctx)
{
	return judge6(ctx, CLASS_CONNECT);
}

SEC("cgroup/sendmsg4")
int net_sendmsg4(struct bpf_sock_addr *ctx)
{
	return judge4(ctx, CLASS_SEND);
}

SEC("cgroup/sendmsg6")
int net_sendmsg6(struct bpf_sock_addr *ctx)
{
	return judge6(ctx, CLASS_SEND);
}

/*
 * Backstop behind the system call filter: only TCP (MPTCP too, its subflows are
 * TCP and pass connect above) and UDP. Ping sockets, raw sockets, UDP-Lite and
 * SCTP send without passing the hooks above. Other families do not come here.
 */
SEC("cgroup/sock_create")
int net_sock_create(struct bpf_sock *ctx)
{
	struct netconf *c = bpf_get_local_storage(&netconfs, 0);
	u32 type = ctx->type, proto = ctx->protocol;

	if (is_poisoned())
		goto refuse;
	if (c->jail && type == SOCK_STREAM && (proto == IPPROTO_TCP || proto == IPPROTO_MPTCP))
		return 1;
	if (c->jail && type == SOCK_DGRAM && proto == IPPROTO_UDP)
		return 1;
refuse:
	report(CLASS_SOCK, c->jail, NULL, ctx->family, 0, proto, type << 16 | proto, 0);
	return 0;
}
