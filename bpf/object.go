package bpf

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// collection loads one object, with the maps it shares taken from core. The maps
// come first, which also tells the verifier what the constants are, and then the
// programs side by side: nearly all of the time is the verifier's, and it uses
// one processor for each.
func (p *Probes) collection(name string, spec *ebpf.CollectionSpec, shared map[string]*ebpf.Map, ringBytes int, kernel *btf.Cache) (*ebpf.Collection, error) {
	if err := spec.Variables[coreVarWakeBytes].Set(uint64(ringBytes / 4)); err != nil {
		return nil, fmt.Errorf("%s object: %w", name, err)
	}
	replace := make(map[string]*ebpf.Map)
	for m := range spec.Maps {
		if have, ok := shared[m]; ok && m != ".rodata" {
			replace[m] = have
			// Sizes were set for core; a replacement must agree with its spec.
			spec.Maps[m].MaxEntries = have.MaxEntries()
		}
	}
	only := *spec
	only.Programs = nil
	c, err := ebpf.NewCollectionWithOptions(&only, ebpf.CollectionOptions{MapReplacements: replace, Cache: kernel})
	if err != nil {
		return nil, fmt.Errorf("%s object: %w", name, err)
	}
	var mu sync.Mutex // of c.Programs
	names := slices.Sorted(maps.Keys(spec.Programs))
	err = beside(len(names), func(i int) error {
		prog, err := program(spec, names[i], c.Maps, kernel)
		if err != nil {
			return fmt.Errorf("%s object: %w", name, err)
		}
		mu.Lock()
		defer mu.Unlock()
		c.Programs[names[i]] = prog
		return nil
	})
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// program loads one program of an object whose maps exist.
func program(spec *ebpf.CollectionSpec, name string, have map[string]*ebpf.Map, kernel *btf.Cache) (*ebpf.Program, error) {
	one := *spec
	one.Programs = map[string]*ebpf.ProgramSpec{name: spec.Programs[name]}
	one.Variables = nil
	c, err := ebpf.NewCollectionWithOptions(&one, ebpf.CollectionOptions{MapReplacements: have, Cache: kernel})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.DetachProgram(name), nil
}

// beside does n things at the same time and waits for all.
func beside(n int, do func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}
