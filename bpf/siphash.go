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
	v0, v1 := k[0]^0x736f6d6570736575, k[1]^0x646f72616e646f6d
	v2, v3 := k[0]^0x6c7967656e657261, k[1]^0x7465646279746573
	length := uint64(len(b))
	for ; len(b) >= 8; b = b[8:] {
		word := binary.LittleEndian.Uint64(b)
		v3 ^= word
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= word
	}
	var last [8]byte
	copy(last[:], b)
	word := binary.LittleEndian.Uint64(last[:]) | length<<56
	v3 ^= word
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= word
	v2 ^= 0xff
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return v0 ^ v1 ^ v2 ^ v3
}

// sipRound takes and returns registers, so that it is inlined.
func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 += v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}
