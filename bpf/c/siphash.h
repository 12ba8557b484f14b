/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
#ifndef CLAWJAIL_SIPHASH_H
#define CLAWJAIL_SIPHASH_H

#include "kernel.h"

/*
 * SipHash-2-4 over a run of user memory, in pieces that fit on the stack. The
 * key is drawn at every load and never leaves root's memory, so that nobody can
 * search for other bytes with the same hash.
 */
#define PIECE 64
#define ARGS_MAX (8u << 20)

const volatile u64 hash_key[2] = {};

struct hash {
	u64 v0, v1, v2, v3;
	u64 at;
	u64 failed;
	u64 words[PIECE / 8];
};

static __always_inline u64 rotate(u64 x, int n)
{
	return x << n | x >> (64 - n);
}

static __always_inline void sip_round(struct hash *h)
{
	h->v0 += h->v1;
	h->v1 = rotate(h->v1, 13) ^ h->v0;
	h->v0 = rotate(h->v0, 32);
	h->v2 += h->v3;
	h->v3 = rotate(h->v3, 16) ^ h->v2;
	h->v0 += h->v3;
	h->v3 = rotate(h->v3, 21) ^ h->v0;
	h->v2 += h->v1;
	h->v1 = rotate(h->v1, 17) ^ h->v2;
	h->v2 = rotate(h->v2, 32);
}

static __always_inline void sip_word(struct hash *h, u64 word)
{
	h->v3 ^= word;
	sip_round(h);
	sip_round(h);
	h->v0 ^= word;
}

static __always_inline long read_user(void *to, u32 n, u64 from, int sleeps)
{
	if (sleeps)
		return bpf_copy_from_user(to, n, (void *)from);
	return bpf_probe_read_user(to, n, (void *)from);
}

/* Straight code without branches: the verifier walks it once. */
static __always_inline long hash_piece(struct hash *h, int sleeps)
{
	if (read_user(h->words, PIECE, h->at, sleeps)) {
		h->failed = 1;
		return 1;
	}
	h->at += PIECE;
#pragma unroll
	for (int i = 0; i < PIECE / 8; i++)
		sip_word(h, h->words[i]);
	return 0;
}

static long hash_piece_atomic(u32 i, struct hash *h)
{
	return hash_piece(h, 0);
}

static long hash_piece_sleeping(u32 i, struct hash *h)
{
	return hash_piece(h, 1);
}

static long hash_word(u32 i, struct hash *h)
{
	sip_word(h, h->words[i & (PIECE / 8 - 1)]);
	return 0;
}

/* What is less than a piece; the last word holds the length too. */
static __always_inline void hash_rest(struct hash *h, u64 len, int sleeps)
{
	u32 n = len % PIECE;
	u64 last;

	__builtin_memset(h->words, 0, sizeof(h->words));
	if (n && read_user(h->words, n, h->at, sleeps)) {
		h->failed = 1;
		return;
	}
	bpf_loop(n / 8, hash_word, h, 0);
	last = h->words[n / 8];
	sip_word(h, last | len << 56);
}

/* Returns 0 and the hash, or 1 when a byte could not be read. */
static __always_inline int hash_user(u64 at, u64 len, int sleeps, u64 *sum)
{
	u64 k0 = hash_key[0], k1 = hash_key[1];
	struct hash h = {
		.v0 = k0 ^ 0x736f6d6570736575,
		.v1 = k1 ^ 0x646f72616e646f6d,
		.v2 = k0 ^ 0x6c7967656e657261,
		.v3 = k1 ^ 0x7465646279746573,
		.at = at,
	};

	if (len > ARGS_MAX)
		return 1;
	if (len < PIECE)
		; /* no whole piece */
	else if (sleeps)
		bpf_loop(len / PIECE, hash_piece_sleeping, &h, 0);
	else
		bpf_loop(len / PIECE, hash_piece_atomic, &h, 0);
	if (!h.failed)
		hash_rest(&h, len, sleeps);
	if (h.failed)
		return 1;
	h.v2 ^= 0xff;
	sip_round(&h);
	sip_round(&h);
	sip_round(&h);
	sip_round(&h);
	*sum = h.v0 ^ h.v1 ^ h.v2 ^ h.v3;
	return 0;
}

#endif
