package bpf

import "testing"

// The vectors of the authors' reference implementation: key 00 01 .. 0f, and the
// inputs "", 00, 00 01, and so on.
func TestSipHashVectors(t *testing.T) {
	var key [16]byte
	var in []byte
	for i := range key {
		key[i] = byte(i)
	}
	k := hashKeyOf(key)
	want := map[int]uint64{
		0: 0x726fdb47dd0e0e31, 1: 0x74f839c593dc67fd, 2: 0x0d6c8009d9a94f5a, 3: 0x85676696d7fb7e2d,
		7: 0xab0200f58b01d137, 8: 0x93f5f5799a932462, 15: 0xa129ca6149be45e5, 63: 0x958a324ceb064572,
	}
	for n := range 64 {
		if sum, ok := want[n]; ok && k.sum(in) != sum {
			t.Errorf("%d bytes: %#x, want %#x", n, k.sum(in), sum)
		}
		in = append(in, byte(n))
	}
}
