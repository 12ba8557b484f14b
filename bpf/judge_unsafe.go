//go:build kernel

package bpf

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// outside copies bytes to memory that stays where it is while a program reads it.
func outside(b []byte) (at uint64, release func(), err error) {
	m, err := unix.Mmap(-1, 0, len(b)+1, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return 0, nil, fmt.Errorf("map %d bytes: %w", len(b), err)
	}
	copy(m, b)
	return uint64(uintptr(unsafe.Pointer(&m[0]))), func() { _ = unix.Munmap(m) }, nil
}
