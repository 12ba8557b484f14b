package service_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/seccomp"
	"clawjail/seccomp/service"
	"clawjail/seccomp/vm"
	"clawjail/test/golden"
)

func TestText(t *testing.T) {
	for _, name := range service.Names() {
		r, err := service.Rules(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		file := "testdata/" + name + ".golden"
		golden.Check(t, file, r.Text())
	}
}

// The embedded bytes mean the rules: otherwise run go generate.
func TestFiltersAreUpToDate(t *testing.T) {
	for _, name := range service.Names() {
		r, err := service.Rules(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := service.Filter(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := vm.Parse(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for nr := int32(0); nr < 1024; nr++ {
			for _, args := range registers(r, int(nr)) {
				for _, c := range []seccomp.Call{
					{Arch: seccomp.Arch(), Nr: nr, Args: args}, {Arch: seccomp.Arch(), Nr: nr | 0x40000000, Args: args},
					{Arch: unix.AUDIT_ARCH_I386, Nr: nr, Args: args},
				} {
					got, err := p.Run(vm.Data{Nr: c.Nr, Arch: c.Arch, Args: c.Args})
					if want := verdict(r.Evaluate(c)); err != nil || got != want {
						t.Fatalf("%s: %+v: %#x, %v; want %#x", name, c, got, err, want)
					}
				}
			}
		}
	}
}

func verdict(a seccomp.Action) uint32 {
	switch a.Kind {
	case seccomp.Allow:
		return unix.SECCOMP_RET_ALLOW
	case seccomp.Errno:
		return unix.SECCOMP_RET_ERRNO | uint32(a.Errno)
	}
	return unix.SECCOMP_RET_KILL_PROCESS
}

// registers just meet each rule's conditions, and just miss them.
func registers(r seccomp.Rules, nr int) [][6]uint64 {
	all := [][6]uint64{{}}
	for _, rule := range r.Rules {
		if rule.Nr != nr {
			continue
		}
		var meets [6]uint64
		for _, a := range rule.Args {
			meets[a.Index] = a.Value | ^a.Mask
		}
		all = append(all, meets)
		for _, a := range rule.Args {
			for bit := uint64(1); bit != 0; bit <<= 1 {
				misses := meets
				misses[a.Index] ^= bit
				all = append(all, misses)
			}
		}
	}
	return all
}

func TestUnknownService(t *testing.T) {
	if err := service.Install("no-such"); err == nil {
		t.Error("installed the filter of nobody")
	}
	if _, err := service.Rules("no-such"); err == nil {
		t.Error("rules of nobody")
	}
}
