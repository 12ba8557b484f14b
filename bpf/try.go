package bpf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

const featureLSM = "BPF LSM"

// Probe tries every kind of program that Load needs by loading and attaching
// a small one that lets everything pass, in a cgroup and a network namespace of
// its own. The error is about trying; what was found out is in Features.
func Probe() (Features, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return Features{}, fmt.Errorf("remove memlock limit: %w", err)
	}
	kernel := btf.NewCache()
	tries := []struct {
		name     string
		required bool
		try      func() error
		hint     string
	}{
		{"kernel BTF", true, func() error { return tryBTF(kernel) }, "a kernel built with CONFIG_DEBUG_INFO_BTF=y"},
		{"ring buffer", true, tryRing, "a kernel from 6.1 on, and CAP_BPF"},
		{"process tracepoints", true, func() error { return tryTracing("sched_process_exec", kernel) }, "a kernel from 6.1 on with CONFIG_BPF_EVENTS=y"},
		{"system call tracepoint", true, func() error { return tryTracing("sys_exit", kernel) }, "a kernel with CONFIG_FTRACE_SYSCALLS=y"},
		{"cgroup socket hooks", true, tryCgroup, "cgroup v2 mounted writable, and CONFIG_CGROUP_BPF=y"},
		{"socket lookup", true, tryLookup, "a kernel from 5.9 on with CONFIG_BPF_SYSCALL=y and network namespaces"},
		{featureLSM, false, func() error { return tryLSM(kernel) }, "CONFIG_BPF_LSM=y and bpf in the lsm= list of the kernel command line"},
	}
	var f Features
	for _, t := range tries {
		err := t.try()
		if err != nil {
			err = fmt.Errorf("%s: %w", t.name, err)
		}
		f.List = append(f.List, Feature{Name: t.name, Required: t.required, Err: err, Hint: t.hint})
	}
	return f, nil
}

// returning loads a program that returns n and does nothing else.
func returning(n int32, spec ebpf.ProgramSpec, kernel *btf.Cache) (*ebpf.Program, error) {
	spec.Instructions = asm.Instructions{asm.Mov.Imm(asm.R0, n), asm.Return()}
	return trying(spec, kernel)
}

// trying loads a program.
func trying(spec ebpf.ProgramSpec, kernel *btf.Cache) (*ebpf.Program, error) {
	const name = "clawjail_try"
	spec.Name = name
	spec.License = "GPL"
	one := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{name: &spec}}
	c, err := ebpf.NewCollectionWithOptions(one, ebpf.CollectionOptions{Cache: kernel})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.DetachProgram(name), nil
}

func tryBTF(kernel *btf.Cache) error {
	_, err := kernel.Kernel()
	return err
}

func tryRing() error {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: uint32(os.Getpagesize())})
	if err != nil {
		return err
	}
	return m.Close()
}

func tryTracing(name string, kernel *btf.Cache) error {
	p, err := returning(0, ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: name}, kernel)
	if err != nil {
		return err
	}
	defer p.Close()
	l, err := link.AttachTracing(link.TracingOptions{Program: p})
	if err != nil {
		return err
	}
	return l.Close()
}

// errNotCalled: without "bpf" among its security modules a kernel loads and
// attaches LSM programs, and never runs them.
var errNotCalled = errors.New("programs attach to LSM hooks, and the kernel does not call them")

// tryLSM has a program refuse this thread something, and looks whether it is
// refused: that a hook can be attached to says nothing.
func tryLSM(kernel *btf.Cache) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tid := unix.Gettid()
	p, err := trying(ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "task_getpgid", Instructions: asm.Instructions{
		asm.FnGetCurrentPidTgid.Call(),
		asm.LoadImm(asm.R1, int64(os.Getpid())<<32|int64(tid), asm.DWord),
		asm.JNE.Reg(asm.R0, asm.R1, "pass"),
		asm.Mov.Imm(asm.R0, -int32(unix.EPERM)),
		asm.Return(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("pass"),
		asm.Return(),
	}}, kernel)
	if err != nil {
		return err
	}
	defer p.Close()
	l, err := link.AttachLSM(link.LSMOptions{Program: p})
	if err != nil {
		return err
	}
	// kernel/sys.c:do_getpgid asks for the process that is named, also for this one.
	_, asked := unix.Getpgid(tid)
	if err := l.Close(); err != nil {
		return err
	}
	if !errors.Is(asked, unix.EPERM) {
		return errNotCalled
	}
	return nil
}

func tryCgroup() (err error) {
	mount, err := cgroupMount()
	if err != nil {
		return err
	}
	dir := filepath.Join(mount, "clawjail-try-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(dir)) }()
	cg, err := openCgroup(dir)
	if err != nil {
		return err
	}
	defer cg.dir.Close()
	p, err := returning(1, ebpf.ProgramSpec{Type: ebpf.CGroupSockAddr, AttachType: ebpf.AttachCGroupInet4Connect}, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	l, err := attachCgroup(cg, p, ebpf.AttachCGroupInet4Connect)
	if err != nil {
		return err
	}
	return l.Close()
}

// tryLookup works on a thread that it leaves to die, since the thread ends up
// in a new network namespace. Never on the main thread: that one stays, and its
// namespace is what others see as the process's.
func tryLookup() error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The main thread is held here, so the next goroutine gets another.
			result <- tryLookup()
			runtime.UnlockOSThread()
			return
		}
		result <- tryLookupHere()
	}()
	return <-result
}

func tryLookupHere() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	ns, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer ns.Close()
	p, err := returning(1, ebpf.ProgramSpec{Type: ebpf.SkLookup, AttachType: ebpf.AttachSkLookup}, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	l, err := link.AttachNetNs(int(ns.Fd()), p)
	if err != nil {
		return err
	}
	return l.Close()
}
