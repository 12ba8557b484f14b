//go:build kernel

package bpf

import (
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// TestTierIsTheOnePromised: on a kernel that is said to have a tier, that tier is
// what Probe finds and what Load loads.
func TestTierIsTheOnePromised(t *testing.T) {
	found, err := Probe()
	if err != nil {
		t.Fatal(err)
	}
	p := loadProbes(t, Options{})
	if p.Tier() != found.Tier() {
		t.Errorf("Load loaded %s, Probe found %s", p.Tier(), found.Tier())
	}
	if want := os.Getenv("CLAWJAIL_TEST_TIER"); want != "" && p.Tier() != want {
		t.Errorf("the tier is %s, this kernel must have %s", p.Tier(), want)
	}
}

// TestEveryHookOrNone: if one program of a tier does not attach, nothing of its
// set stays attached, and whoever asked for it is told.
func TestEveryHookOrNone(t *testing.T) {
	p := loadProbes(t, Options{Linger: -1})
	sets := map[string]*tracing{"processes": &p.processes, "files": &p.files, "gates": &p.gates, "codes": &p.codes}
	for name, set := range sets {
		for i := range set.programs {
			good := set.programs[i]
			broken, err := good.prog.Clone()
			if err != nil {
				t.Fatal(err)
			}
			if err := broken.Close(); err != nil {
				t.Fatal(err)
			}
			set.programs[i].prog = broken
			if err := set.attach(); err == nil {
				t.Errorf("%s: %s did not attach, and nobody said so", name, good.prog)
			}
			if len(set.links) > 0 {
				t.Errorf("%s: without %s, %d links stay", name, good.prog, len(set.links))
			}
			set.programs[i] = good
		}
		if err := set.attach(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := set.detach(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMissingHookIsFatal: a kernel that lacks any one of the hooks loads nothing
// of the object that wants it.
func TestMissingHookIsFatal(t *testing.T) {
	p := loadProbes(t, Options{Linger: -1})
	objects := map[string]func() (*ebpf.CollectionSpec, error){"core": loadCore, "notify": loadNotify, "verify": loadVerify}
	if p.Tier() == TierLSM {
		objects = map[string]func() (*ebpf.CollectionSpec, error){"core": loadCore, "notify": loadNotify, "gate": loadGate, "lsm": loadLsm, "code": loadCode}
	}
	kernel := btf.NewCache()
	for object, load := range objects {
		spec, err := load()
		if err != nil {
			t.Fatal(err)
		}
		for name, program := range spec.Programs {
			if program.Type != ebpf.LSM && program.Type != ebpf.Tracing {
				continue
			}
			one, err := load()
			if err != nil {
				t.Fatal(err)
			}
			// The others are left out: they would only be loaded and dropped.
			for other := range one.Programs {
				if other != name {
					delete(one.Programs, other)
				}
			}
			one.Programs[name].AttachTo = "no_such_hook"
			c, err := p.collection(object, one, p.core.Maps, DefaultRingBytes, kernel)
			if err == nil {
				c.Close()
				t.Errorf("%s: %s loads without its hook", object, name)
			}
		}
	}
	// The one that may be missing is named.
	if p.Tier() == TierLSM && !slices.Contains([]int{5, 6}, len(p.lsm.Programs)) {
		t.Errorf("%d programs watch files", len(p.lsm.Programs))
	}
}
