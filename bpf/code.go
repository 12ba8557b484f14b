package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/btf"
)

// MaxClosedCode bounds the programs of one jail that may not be mapped; 65536 in
// all (bpf/c/code.c).
const MaxClosedCode = 4096

// ErrNoLSM is returned for what only the lsm tier can do.
var ErrNoLSM = errors.New("the notify tier cannot do this")

// ErrTooManyClosed is returned by CloseCode at MaxClosedCode.
var ErrTooManyClosed = errors.New("too many programs are closed already")

// CloseCode keeps a program from running without an execution: in this jail only
// a process that was started from the file may map it executable, as the exec gate
// judged. Which content the file has does not matter, nor does its name.
func (j *Jail) CloseCode(id FileID) error {
	p := j.probes
	p.mu.Lock()
	defer p.mu.Unlock()
	if j.closed || p.closed {
		return ErrClosed
	}
	if p.code == nil {
		return fmt.Errorf("close code: %w", ErrNoLSM)
	}
	key := codeClosedKey{Jail: j.id, Dev: id.Dev, Ino: id.Ino}
	if _, already := j.code[key]; already {
		return nil
	}
	if len(j.code) >= MaxClosedCode {
		return fmt.Errorf("close code: %d programs: %w", MaxClosedCode, ErrTooManyClosed)
	}
	if err := p.codes.attach(); err != nil {
		return fmt.Errorf("close code: %w", errors.Join(err, p.rest()))
	}
	if err := p.code.Maps[codeMapClosed].Put(key, uint8(1)); err != nil {
		return fmt.Errorf("close code: %w", errors.Join(err, p.rest()))
	}
	if j.code == nil {
		j.code = make(map[codeClosedKey]struct{})
	}
	j.code[key] = struct{}{}
	return nil
}

// openCode forgets what was closed in a jail.
func (j *Jail) openCode() error {
	var errs []error
	for key := range j.code {
		if err := j.probes.code.Maps[codeMapClosed].Delete(key); err != nil {
			errs = append(errs, fmt.Errorf("open code: %w", err))
		}
	}
	j.code = nil
	return errors.Join(errs...)
}

// loadMappings loads the programs that look at mappings. They are attached while
// something is closed: mapping files is what every program begins with.
func (p *Probes) loadMappings(ringBytes int, kernel *btf.Cache) error {
	spec, err := loadCode()
	if err != nil {
		return fmt.Errorf("code object: %w", err)
	}
	p.code, err = p.collection("code", spec, p.core.Maps, ringBytes, kernel)
	if err != nil {
		return err
	}
	for _, prog := range p.code.Programs {
		p.codes.programs = append(p.codes.programs, traced{prog, "gate_skipped"})
	}
	return nil
}

// closeCode unloads them.
func (p *Probes) closeCode() error {
	err := p.codes.detach()
	if p.code != nil {
		p.code.Close()
	}
	return err
}
