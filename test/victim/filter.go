package main

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// allowAll returns the address of a struct sock_fprog that allows everything.
func (a *arena) allowAll() uintptr {
	insn := binary.NativeEndian.AppendUint16(nil, unix.BPF_RET|unix.BPF_K)
	insn = append(insn, 0, 0)
	insn = binary.NativeEndian.AppendUint32(insn, unix.SECCOMP_RET_ALLOW)
	prog := binary.NativeEndian.AppendUint64(nil, 1) // len, and padding
	prog = binary.NativeEndian.AppendUint64(prog, uint64(a.bytes(insn)))
	return a.bytes(prog)
}
