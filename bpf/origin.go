package bpf

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// Origin is what a process was when it was looked at: two are equal if and only
// if they are of one process which has executed nothing between them.
type Origin struct {
	TGID  int32
	Start uint64    // when the process began
	Image [2]uint64 // its executions, or where its arguments are
}

// putter is the program that puts tokens; nil where the kernel has no use for it.
type putter struct{ objects *ebpf.Collection }

// loadPutter loads it. Without it everything works, slower.
func (p *Probes) loadPutter(ringBytes int, kernel *btf.Cache) error {
	spec, err := loadPut()
	if err != nil {
		return fmt.Errorf("put object: %w", err)
	}
	shared := map[string]*ebpf.Map{putMapTokens: p.gate.Maps[verifyMapTokens]}
	for name, m := range p.core.Maps {
		shared[name] = m
	}
	p.putter.objects, err = p.collection("put", spec, shared, ringBytes, kernel)
	if err != nil {
		p.log.Debug("executions are let through the slower way", "error", err)
	}
	return nil
}

// run runs the program, if there is one.
func (p putter) run(r *put) (ok bool, err error) {
	if p.objects == nil {
		return false, nil
	}
	return true, r.run(p.objects.Programs[putProgPutToken].FD())
}

func (p putter) close() {
	if p.objects != nil {
		p.objects.Close()
	}
}

// Origin looks at the process of a thread.
func (p *Probes) Origin(tid int32) (Origin, error) {
	r := put{TID: tid}
	if ok, err := p.putter.run(&r); ok {
		return r.origin(), err
	}
	return originOf(tid)
}

func (r *put) origin() Origin {
	return Origin{TGID: r.TGID, Start: r.Start, Image: [2]uint64{r.Exec}}
}

// originOf reads it from /proc/PID/stat, fs/proc/array.c:do_task_stat. The kernel
// chooses anew for each execution where arguments are.
func originOf(tid int32) (Origin, error) {
	tgid, err := processOf(tid)
	if err != nil {
		return Origin{}, err
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(int(tgid)) + "/stat")
	if err != nil {
		return Origin{}, err
	}
	// The second field is the program's name, which may hold anything; what
	// follows its last parenthesis is numbers.
	i := bytes.LastIndexByte(b, ')')
	fields := bytes.Fields(b[i+1:])
	const start, argStart, envEnd = 22 - 3, 48 - 3, 51 - 3 // field 3 is fields[0]
	if i < 0 || len(fields) <= envEnd {
		return Origin{}, fmt.Errorf("/proc/%d/stat has %d fields", tgid, len(fields))
	}
	var n [3]uint64
	for i, field := range [...]int{start, argStart, envEnd} {
		if n[i], err = strconv.ParseUint(string(fields[field]), 10, 64); err != nil {
			return Origin{}, fmt.Errorf("/proc/%d/stat: %w", tgid, err)
		}
	}
	return Origin{TGID: tgid, Start: n[0], Image: [2]uint64{n[1], n[2]}}, nil
}

// processOf gives the process of a thread, which mostly is its first.
func processOf(tid int32) (int32, error) {
	if unix.Tgkill(int(tid), int(tid), 0) == nil {
		return tid, nil
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(int(tid)) + "/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(b, []byte("\nTgid:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.ParseInt(string(line), 10, 32)
	return int32(n), err
}
