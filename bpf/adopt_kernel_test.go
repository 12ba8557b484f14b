//go:build kernel

package bpf

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"clawjail/bpf/wire"
)

func leave(t *testing.T, p *Probes) {
	t.Helper()
	if err := p.Leave(); err != nil {
		t.Fatal(err)
	}
}

func TestProbesOutliveWhoLoadedThem(t *testing.T) {
	before := inventory(t)
	t.Run("all", func(t *testing.T) {
		o := Options{RingBytes: testRing, Linger: -1}
		first := loadProbes(t, o)
		f := newFixture(t, first, jailConfig())
		if err := f.jail.Gate(true); err != nil {
			t.Fatal(err)
		}
		kept, err := f.jail.Kept()
		if err != nil {
			t.Fatal(err)
		}
		defer closeAll(kept)
		id, handover := f.jail.id, first.Handover()
		leave(t, first)

		// Meanwhile everything is refused as before, and reported.
		out, pid := f.victim("net", "connect tcp 203.0.113.9:80")
		if !strings.Contains(out, "EPERM") {
			t.Errorf("without anybody: %q", out)
		}
		second, err := Adopt(o, handover, kept)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := second.Close(); err != nil {
				t.Error(err)
			}
		})
		j, err := second.AdoptJail(jailConfig(), f.cgroup, kept)
		if err != nil {
			t.Fatal(err)
		}
		if j.ID() != id || !j.gated {
			t.Errorf("jail %d, gated %v", j.ID(), j.gated)
		}
		denied := false
		for _, e := range until(t, second, "what happened in between", exitOf(pid)) {
			denied = denied || e.Class == wire.Connect && e.Denied
		}
		if !denied {
			t.Error("the refusal was not reported")
		}
		if err := second.Sweep(); err != nil {
			t.Fatal(err)
		}
		again, err := j.Kept()
		if err != nil {
			t.Fatal(err)
		}
		defer closeAll(again)
		for name := range maps.Keys(kept) {
			if again[name] == nil {
				t.Errorf("%s is not handed on", name)
			}
		}
		if len(again) != len(kept) {
			t.Errorf("%d files, then %d", len(kept), len(again))
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	settled(t, before)
}

func TestJailsThatNobodyAdoptsAreSwept(t *testing.T) {
	o := Options{RingBytes: testRing, Linger: -1}
	first := loadProbes(t, o)
	stays := newFixture(t, first, jailConfig())
	gone := newFixture(t, first, jailConfig())
	kept, err := stays.jail.Kept()
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(kept)
	leave(t, first)
	second, err := Adopt(o, first.Handover(), kept)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := second.AdoptJail(jailConfig(), stays.cgroup, kept); err != nil {
		t.Fatal(err)
	}
	if err := second.Sweep(); err != nil {
		t.Fatal(err)
	}
	var conf coreJail
	if err := second.core.Maps[coreMapJails].Lookup(stays.jail.id, &conf); err != nil {
		t.Errorf("the adopted jail is out of scope: %v", err)
	}
	if err := second.core.Maps[coreMapJails].Lookup(gone.jail.id, &conf); err == nil {
		t.Error("the other one is in scope")
	}
}

func TestForeignProbesAreNotAdopted(t *testing.T) {
	o := Options{RingBytes: testRing, Linger: -1}
	p := loadProbes(t, o)
	f := newFixture(t, p, jailConfig())
	kept, err := f.jail.Kept()
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(kept)
	other := p.Handover()
	other.Build = "other"
	if _, err := Adopt(o, other, kept); !errors.Is(err, ErrOtherBuild) {
		t.Errorf("%v, want ErrOtherBuild", err)
	}
	less := maps.Clone(kept)
	delete(less, "p/core/net_connect4")
	if _, err := Adopt(o, p.Handover(), less); err == nil || !strings.Contains(err.Error(), "net_connect4") {
		t.Errorf("%v", err)
	}
}
