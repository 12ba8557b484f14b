package bpf

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// hashKey is drawn at every Load. Only root can read it, so nobody can search
// for other arguments with the same hash.
type hashKey [2]uint64

func newHashKey() (hashKey, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return hashKey{}, fmt.Errorf("draw a key: %w", err)
	}
	return hashKeyOf(b), nil
}

func hashKeyOf(b [16]byte) hashKey {
	return hashKey{binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])}
}

// sum is SipHash-2-4 with 64 bits of result (Aumasson, Bernstein 2012), the same
// as in c/siphash.h.
func (k hashKey) sum(b []byte) uint64 {
	h := sipState{
		k[0] ^ 0x736f6d6570736575, k[1] ^ 0x646f72616e646f6d,
		k[0] ^ 0x6c7967656e657261, k[1] ^ 0x7465646279746573,
	}
	length := uint64(len(b))
	for ; len(b) >= 8; b = b[8:] {
		h.word(binary.LittleEndian.Uint64(b))
	}
	var last [8]byte
	copy(last[:], b)
	h.word(binary.LittleEndian.Uint64(last[:]) | length<<56)
	h[2] ^= 0xff
	for range 4 {
		h.round()
	}
	return h[0] ^ h[1] ^ h[2] ^ h[3]
}

type sipState [4]uint64

func (v *sipState) word(w uint64) {
	v[3] ^= w
	v.round()
	v.round()
	v[0] ^= w
}

func (v *sipState) round() {
	v[0] += v[1]
	v[1] = bits.RotateLeft64(v[1], 13) ^ v[0]
	v[0] = bits.RotateLeft64(v[0], 32)
	v[2] += v[3]
	v[3] = bits.RotateLeft64(v[3], 16) ^ v[2]
	v[0] += v[3]
	v[3] = bits.RotateLeft64(v[3], 21) ^ v[0]
	v[2] += v[1]
	v[1] = bits.RotateLeft64(v[1], 17) ^ v[2]
	v[2] = bits.RotateLeft64(v[2], 32)
}
