//go:build kernel

package bpf

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// trapExec puts all threads under a filter that hands executions to whoever has
// the returned listener.
func trapExec() (int, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, os.NewSyscallError("prctl", err)
	}
	const retNotify, retAllow = 0x7fc00000, 0x7fff0000
	insns := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 2, K: unix.SYS_EXECVE},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: unix.SYS_EXECVEAT},
		{Code: unix.BPF_RET | unix.BPF_K, K: retAllow},
		{Code: unix.BPF_RET | unix.BPF_K, K: retNotify},
	}
	prog := unix.SockFprog{Len: uint16(len(insns)), Filter: &insns[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV|
			unix.SECCOMP_FILTER_FLAG_TSYNC|unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(insns)
	if errno != 0 {
		return -1, os.NewSyscallError("seccomp", errno)
	}
	return int(fd), nil
}

// flipper executes a program again and again, with arguments in memory that it
// shares with its children and in which another thread changes one byte without
// pause: from 'a' to 'b' and back.
type flipper struct {
	page       []byte
	path       uintptr
	argv, envp uintptr
	stop       atomic.Bool
}

const flipAt = 256

// newFlipper lays out "path", argv {"p", "a"} and an empty environment.
func newFlipper(path string) (*flipper, error) {
	page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, err
	}
	base := uintptr(unsafe.Pointer(&page[0]))
	copy(page, path)
	copy(page[flipAt:], "a\x00")
	words := unsafe.Slice((*uintptr)(unsafe.Pointer(&page[1024])), 4)
	words[0], words[1], words[2], words[3] = base, base+flipAt, 0, 0
	return &flipper{page: page, path: base, argv: base + 1024, envp: base + 1024 + 24}, nil
}

func (f *flipper) flip() {
	runtime.LockOSThread()
	for i := byte(0); !f.stop.Load(); i ^= 1 {
		f.page[flipAt] = 'a' + i
	}
}

// run forks n times, and executes in the child. It counts how they ended.
func (f *flipper) run(n int) error {
	runtime.LockOSThread()
	ended := make(map[string]int)
	for range n {
		pid := f.fork()
		if pid < 0 {
			return unix.EAGAIN
		}
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
			return err
		}
		switch {
		case status.Signaled():
			ended[status.Signal().String()]++
		default:
			ended[fmt.Sprint("exit ", status.ExitStatus())]++
		}
	}
	f.stop.Store(true)
	fmt.Print("\n")
	for how, n := range ended {
		fmt.Println(how, n)
	}
	return nil
}

// fork makes a child that does nothing but execute: no Go code may run in it.
//
//go:norace
//go:nosplit
func (f *flipper) fork() int {
	path, argv, envp := f.path, f.argv, f.envp
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return -1
	}
	if pid != 0 {
		return int(pid)
	}
	unix.RawSyscall(unix.SYS_EXECVE, path, argv, envp)
	for {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 9, 0, 0)
	}
}

// rawExec executes without the runtime's lock, which lets only one thread in.
func rawExec(argv, env []string) error {
	path, err := unix.BytePtrFromString(argv[0])
	if err != nil {
		return err
	}
	argp, err := syscall.SlicePtrFromStrings(argv)
	if err != nil {
		return err
	}
	envp, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)),
		uintptr(unsafe.Pointer(&argp[0])), uintptr(unsafe.Pointer(&envp[0])))
	return errno
}
