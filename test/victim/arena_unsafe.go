package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// int80 makes a system call through the 32-bit ABI.
func int80(nr uintptr) uintptr

// badAddress is never mapped: every use by the kernel is EFAULT.
const badAddress = uintptr(1)

// arena is memory outside the heap whose addresses stay valid.
type arena struct {
	b    []byte
	used int
}

func newArena() (*arena, error) {
	b, err := unix.Mmap(-1, 0, 1<<16, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, err
	}
	return &arena{b: b}, nil
}

// bytes copies b, followed by zeroes, and returns its address.
func (a *arena) bytes(b []byte) uintptr {
	start := a.used
	a.used = (a.used + len(b) + 64) &^ 7
	copy(a.b[start:a.used], b)
	return uintptr(unsafe.Pointer(&a.b[start]))
}

func (a *arena) text(s string) uintptr { return a.bytes([]byte(s)) }

// zero returns the address of n zero bytes.
func (a *arena) zero(n int) uintptr { return a.bytes(make([]byte, n)) }
