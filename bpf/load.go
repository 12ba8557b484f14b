package bpf

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"
)

// scratchPerCPU is SCRATCH_PER_CPU in maps.h.
const scratchPerCPU = 4

// Load loads every program of the host's tier and attaches the tracing programs,
// which stay attached while a jail exists and a little longer (Options.Linger).
// Anything missing is an error: there is no partial set.
func Load(o Options) (*Probes, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	size, err := ringSize(o.RingBytes)
	if err != nil {
		return nil, fmt.Errorf("load probes: %w", err)
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("load probes: remove memlock limit: %w", err)
	}
	p := &Probes{log: o.Logger, tier: TierNotify, build: buildOf(size), jails: make(map[uint64]*Jail), linger: o.Linger}
	if p.loaded, err = randomName(); err != nil {
		return nil, fmt.Errorf("load probes: %w", err)
	}
	if p.linger == 0 {
		p.linger = DefaultLinger
	}
	// The kernel's types are parsed once for all objects, and then dropped.
	kernel := btf.NewCache()
	if tryLSM(kernel) == nil {
		p.tier = TierLSM
	}
	if err := p.load(size, kernel); err != nil {
		return nil, errors.Join(fmt.Errorf("load probes: %w", err), p.Close())
	}
	return p, nil
}

func (p *Probes) load(ringBytes int, kernel *btf.Cache) error {
	if err := p.loadPrograms(ringBytes, kernel); err != nil {
		return err
	}
	if err := p.prepare(); err != nil {
		return err
	}
	if err := errors.Join(p.processes.attach(), p.files.attach(), p.gates.attach(), p.codes.attach()); err != nil {
		return err
	}
	return p.rest()
}

// loadLookupSpec reads what is loaded for each jail.
func (p *Probes) loadLookupSpec() error {
	spec, err := loadLookup()
	if err != nil {
		return fmt.Errorf("lookup object: %w", err)
	}
	// A SOCKMAP takes no BTF. The library finds that out by trying, and freeing
	// the map that it tried takes the kernel 20 ms, once for each jail.
	targets := spec.Maps[lookupMapTargets]
	targets.Key, targets.Value = nil, nil
	p.lookup = spec
	return nil
}

// ringSize checks what the kernel would refuse with a bare EINVAL.
func ringSize(n int) (int, error) {
	if n == 0 {
		n = DefaultRingBytes
	}
	if n < os.Getpagesize() || n > MaxRingBytes || n&(n-1) != 0 {
		return 0, fmt.Errorf("ring of %d bytes: want a power of two from %d to %d", n, os.Getpagesize(), MaxRingBytes)
	}
	return n, nil
}

func (p *Probes) loadPrograms(ringBytes int, kernel *btf.Cache) error {
	core, err := loadCore()
	if err != nil {
		return fmt.Errorf("core object: %w", err)
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count CPUs: %w", err)
	}
	core.Maps[coreMapRing].MaxEntries = uint32(ringBytes)
	core.Maps[coreMapScratch].MaxEntries = uint32(cpus * scratchPerCPU)
	p.core, err = p.collection("core", core, nil, ringBytes, kernel)
	if err != nil {
		return err
	}
	parts := []func(int, *btf.Cache) error{p.loadNotify, p.loadGate}
	if p.tier == TierLSM {
		parts = append(parts, p.loadLSM, p.loadMappings)
	}
	return beside(len(parts), func(i int) error { return parts[i](ringBytes, kernel) })
}

// loadNotify loads what looks at system calls when they end.
func (p *Probes) loadNotify(ringBytes int, kernel *btf.Cache) error {
	notify, err := loadNotify()
	if err != nil {
		return fmt.Errorf("notify object: %w", err)
	}
	if p.tier == TierLSM {
		if err := notify.Variables[notifyVarFailuresOnly].Set(uint8(1)); err != nil {
			return fmt.Errorf("notify object: %w", err)
		}
	}
	p.notify, err = p.collection("notify", notify, p.core.Maps, ringBytes, kernel)
	return err
}

// loadGate loads the tier's verifier of executions, with a key of its own.
func (p *Probes) loadGate(ringBytes int, kernel *btf.Cache) error {
	name, load := "verify", loadVerify
	if p.tier == TierLSM {
		name, load = "gate", loadGate
	}
	spec, err := load()
	if err != nil {
		return fmt.Errorf("%s object: %w", name, err)
	}
	if p.key, err = newHashKey(); err != nil {
		return err
	}
	if err := spec.Variables[verifyVarHashKey].Set(p.key); err != nil {
		return fmt.Errorf("%s object: %w", name, err)
	}
	if p.gate, err = p.collection(name, spec, p.core.Maps, ringBytes, kernel); err != nil {
		return err
	}
	return p.loadPutter(ringBytes, kernel)
}

func (p *Probes) loadLSM(ringBytes int, kernel *btf.Cache) error {
	lsm, err := loadLsm()
	if err != nil {
		return fmt.Errorf("lsm object: %w", err)
	}
	types, err := kernel.Kernel()
	if err != nil {
		return fmt.Errorf("lsm object: %w", err)
	}
	// The only hook that may be missing; path_truncate does its work then.
	_, err = types.AnyTypeByName("bpf_lsm_" + lsmProgFileTruncate)
	if errors.Is(err, btf.ErrNotFound) {
		delete(lsm.Programs, lsmProgFileTruncate)
	} else if err != nil {
		return fmt.Errorf("lsm object: %w", err)
	}
	p.lsm, err = p.collection("lsm", lsm, p.core.Maps, ringBytes, kernel)
	return err
}

// prepare does what follows the programs, loaded or taken over.
func (p *Probes) prepare() error {
	p.groupTracing()
	if err := p.loadLookupSpec(); err != nil {
		return err
	}
	if err := p.openRing(); err != nil {
		return fmt.Errorf("event ring: %w", err)
	}
	return nil
}
