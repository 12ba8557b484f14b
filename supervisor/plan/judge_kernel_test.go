//go:build kernel

package plan

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"clawjail/bpf"
)

// TestJudgesAgree puts random policies and requests before all judges, the kernel's
// programs among them.
func TestJudgesAgree(t *testing.T) {
	programs, err := bpf.NewJudge()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer programs.Close()
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	made, judged := &filters{}, 0
	asked := func(p Probe) reach {
		if err := programs.Configure(bpf.JailConfig{Name: p.Name, AllowUDPDNS: p.AllowUDPDNS, VirtualV4: p.VirtualV4, VirtualV6: p.VirtualV6, AllowAddrs: p.AllowAddrs}); err != nil {
			t.Fatal(err)
		}
		model := modelled(p)
		return func(to netip.AddrPort, proto uint16) bool {
			ok, err := programs.Reaches(to, proto)
			if err != nil {
				t.Fatal(err)
			}
			if want := model(to, proto); ok != want {
				t.Errorf("%s by protocol %d: the program says %v, its model %v, for %+v", to, proto, ok, want, p)
			}
			return ok
		}
	}
	for range rounds {
		data := make([]byte, 160)
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		if judge(t, data, made, asked) {
			judged++
		}
	}
	t.Logf("%d of %d were policies", judged, rounds)
	if judged < rounds/4 {
		t.Errorf("only %d of %d were policies", judged, rounds)
	}
}

// TestArgumentsAgree: the verifier takes a program's arguments for those of its
// token exactly when they are.
func TestArgumentsAgree(t *testing.T) {
	programs, err := bpf.NewJudge()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer programs.Close()
	rnd := rand.New(rand.NewPCG(rand.Uint64(), 3))
	word := func() string {
		b := make([]byte, rnd.IntN(90))
		for i := range b {
			b[i] = byte(1 + rnd.IntN(255))
		}
		return string(b)
	}
	for range 2000 {
		argv := []string{word()}
		for range rnd.IntN(12) {
			argv = append(argv, word())
		}
		other := append([]string(nil), argv...)
		switch i := rnd.IntN(len(other)); rnd.IntN(4) {
		case 0: // a byte
			if b := []byte(other[i]); len(b) > 0 {
				b[rnd.IntN(len(b))] ^= byte(1 << rnd.IntN(8))
				other[i] = string(b)
			}
		case 1: // the order
			j := rnd.IntN(len(other))
			other[i], other[j] = other[j], other[i]
		case 2: // where one ends and the next begins
			if i+1 < len(other) && len(other[i]) > 0 {
				other[i+1] = other[i][len(other[i])-1:] + other[i+1]
				other[i] = other[i][:len(other[i])-1]
			}
		}
		for i, w := range other { // a NUL ends a string: it cannot be in one
			if i < len(argv) && len(w) > 0 {
				b := []byte(w)
				for k := range b {
					b[k] = max(b[k], 1)
				}
				other[i] = string(b)
			}
		}
		want := fmt.Sprintf("%q", argv) == fmt.Sprintf("%q", other)
		got, err := programs.Same(argv, other)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Fatalf("%q and %q: the program says %v", argv, other, got)
		}
	}
}
