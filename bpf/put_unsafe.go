package bpf

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// put is struct put of c/put.c, with the token as the verifier's object has it.
type put struct {
	TID, TGID        int32
	Start, Exec, TTL uint64
	Here             uint32
	_                uint32
	Token            verifyToken
}

// Both are struct put: neither is larger than the other.
const (
	_ = unsafe.Sizeof(put{}) - unsafe.Sizeof(putPut{})
	_ = unsafe.Sizeof(putPut{}) - unsafe.Sizeof(put{})
)

// testRun is the part of union bpf_attr that BPF_PROG_TEST_RUN reads, as far as
// the context.
type testRun struct {
	progFD, retval              uint32
	dataSizeIn, dataSizeOut     uint32
	dataIn, dataOut             uint64
	repeat, duration            uint32
	contextSizeIn, contextOut   uint32
	contextIn, contextOutBuffer uint64
	flags, cpu, batchSize, _    uint32
}

// run runs put_token. The library's Program.Run encodes and decodes by
// reflection, which takes longer than the program.
func (r *put) run(fd int) error {
	var pin runtime.Pinner
	pin.Pin(r)
	defer pin.Unpin()
	attr := testRun{progFD: uint32(fd), contextSizeIn: uint32(unsafe.Sizeof(*r)), contextIn: uint64(uintptr(unsafe.Pointer(r)))}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	switch {
	case errno != 0:
		return os.NewSyscallError("bpf BPF_PROG_TEST_RUN", errno)
	case int32(attr.retval) < 0:
		return unix.Errno(-int32(attr.retval))
	}
	return nil
}
