package bpf

import "encoding/binary"

// words puts an address in network order into the four words of a BPF struct,
// whose bytes in memory are the address.
func words(a [16]byte) [4]uint32 {
	var w [4]uint32
	for i := range w {
		w[i] = binary.NativeEndian.Uint32(a[i*4:])
	}
	return w
}

func maskBytes(bits int) [16]byte {
	var m [16]byte
	for i := range bits {
		m[i/8] |= 0x80 >> (i % 8)
	}
	return m
}
