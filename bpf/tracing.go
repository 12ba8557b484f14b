package bpf

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// tracing is a set of programs that watch the whole host, and are attached and
// detached together. links are kept: one that is collected is a detached probe.
type tracing struct {
	programs []traced
	links    []link.Link
}

// traced is a program with the loss class under which its skipped runs count.
type traced struct {
	prog *ebpf.Program
	loss string
}

// groupTracing sorts the loaded programs into the sets.
func (p *Probes) groupTracing() {
	p.processes.programs = []traced{
		{p.core.Programs[coreProgProcessExec], "exec_skipped"},
		{p.core.Programs[coreProgProcessExit], "exit_skipped"},
		{p.core.Programs[coreProgProcessFork], "fork_skipped"},
	}
	p.files.programs = []traced{{p.notify.Programs[notifyProgFileExit], "file_skipped"}}
	if p.lsm != nil {
		for _, prog := range p.lsm.Programs {
			p.files.programs = append(p.files.programs, traced{prog, "file_skipped"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.gate.Programs)) {
		p.gates.programs = append(p.gates.programs, traced{p.gate.Programs[name], "gate_skipped"})
	}
}

// attach attaches all or none. Attached already is fine.
func (t *tracing) attach() error {
	if len(t.links) > 0 {
		return nil
	}
	for _, one := range t.programs {
		l, err := attachTraced(one.prog)
		if err != nil {
			return errors.Join(fmt.Errorf("attach %s: %w", one.prog, err), t.detach())
		}
		t.links = append(t.links, l)
	}
	return nil
}

func (t *tracing) detach() error {
	var errs []error
	for _, l := range t.links {
		errs = append(errs, l.Close())
	}
	t.links = nil
	return errors.Join(errs...)
}

func attachTraced(prog *ebpf.Program) (link.Link, error) {
	if prog.Type() == ebpf.LSM {
		return link.AttachLSM(link.LSMOptions{Program: prog})
	}
	return link.AttachTracing(link.TracingOptions{Program: prog})
}

// rest detaches after the linger what no jail needs then. The caller holds p.mu,
// or is Load.
func (p *Probes) rest() error {
	switch {
	case p.linger < 0:
		return p.detachUnused()
	case p.idle != nil:
		p.idle.Reset(p.linger)
		return nil
	}
	p.idle = time.AfterFunc(p.linger, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.closed {
			return
		}
		if err := p.detachUnused(); err != nil {
			p.log.Error("detach tracing programs", "err", err)
		}
	})
	return nil
}

func (p *Probes) detachUnused() error {
	processes, files, gates, codes := p.needed()
	var errs []error
	if !processes {
		errs = append(errs, p.processes.detach())
	}
	if !files {
		errs = append(errs, p.files.detach())
	}
	if !gates {
		errs = append(errs, p.gates.detach())
	}
	if !codes {
		errs = append(errs, p.codes.detach())
	}
	return errors.Join(errs...)
}

// needed says which sets the jails want.
func (p *Probes) needed() (processes, files, gates, codes bool) {
	for _, j := range p.jails {
		processes = true
		files = files || j.files
		gates = gates || j.gated
		codes = codes || len(j.code) > 0
	}
	return processes, files, gates, codes
}
