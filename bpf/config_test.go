package bpf

import (
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"clawjail/bpf/wire"
)

func TestBoundsAreTheObjects(t *testing.T) {
	core, err := loadCore()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]uint32{
		coreMapJails: MaxJails, coreMapAllowed: MaxJails * 16, coreMapRing: DefaultRingBytes, coreMapScratch: scratchPerCPU,
	} {
		if got := core.Maps[name].MaxEntries; got != want {
			t.Errorf("map %s has room for %d, Go says %d", name, got, want)
		}
	}
	if n := len(coreTally{}.Events); n < wire.NumClasses {
		t.Errorf("counters for %d classes of %d", n, wire.NumClasses)
	}
}

// The shared maps must be the same in every object: core's replace the others'.
func TestObjectsAgreeOnTheirMaps(t *testing.T) {
	core, err := loadCore()
	if err != nil {
		t.Fatal(err)
	}
	notify, err := loadNotify()
	if err != nil {
		t.Fatal(err)
	}
	lsm, err := loadLsm()
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []map[string]uint32{sizes(notify.Maps), sizes(lsm.Maps)} {
		for name, size := range other {
			if name != ".rodata" && size != sizes(core.Maps)[name] {
				t.Errorf("map %s is different in core", name)
			}
		}
	}
}

func TestConfigBecomesMapValues(t *testing.T) {
	c := JailConfig{
		VirtualV4:   netip.MustParsePrefix("198.18.5.6/15"),
		VirtualV6:   netip.MustParsePrefix("fd63::/64"),
		AllowUDPDNS: []netip.AddrPort{netip.MustParseAddrPort("198.18.0.1:53")},
		AllowAddrs:  []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:0")},
		FailedReads: true,
		Urgent:      []wire.Class{wire.Exec, wire.Exit},
	}
	if err := c.validate(); err != nil {
		t.Fatal(err)
	}
	if got, want := c.jail(), (coreJail{Flags: jailFailedReads, Urgent: 1<<wire.Exec | 1<<wire.Exit}); got != want {
		t.Errorf("jail %+v, want %+v", got, want)
	}
	n := c.netconf(7)
	net4 := netip.MustParseAddr("::ffff:198.18.0.0").As16()
	mask4 := [16]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}
	if n.Jail != 7 || n.Virtual[0].Net != words(net4) || n.Virtual[0].Mask != words(mask4) {
		t.Errorf("netconf %+v", n)
	}
	dns := words(netip.MustParseAddr("::ffff:198.18.0.1").As16())
	want := []coreAllow{
		{Jail: 7, Addr: dns, Port: 53, Proto: 17}, {Jail: 7, Addr: dns, Port: 53, Proto: 6},
		{Jail: 7, Addr: words(netip.MustParseAddr("2001:db8::1").As16()), Proto: 6},
	}
	if d := cmp.Diff(want, c.allow(7)); d != "" {
		t.Errorf("allowed (-want +got):\n%s", d)
	}
}

func TestNoPrefixIsNoAddress(t *testing.T) {
	if n := (JailConfig{}).netconf(1); n.Virtual[0].Mask != [4]uint32{} || n.Virtual[1].Mask != [4]uint32{} {
		t.Errorf("netconf %+v", n)
	}
}

func TestTierIsWhatWorked(t *testing.T) {
	for err, want := range map[error]string{nil: TierLSM, ErrClosed: TierNotify} {
		if got := (Features{List: []Feature{{Name: featureLSM, Err: err}}}).Tier(); got != want {
			t.Errorf("with %v: %s, want %s", err, got, want)
		}
	}
	if got := (Features{}).Tier(); got != TierNotify {
		t.Errorf("nothing tried: %s", got)
	}
	f := Features{List: []Feature{{Name: featureLSM, Err: ErrClosed}, {Name: "x", Required: true}}}
	if err := f.Err(); err != nil {
		t.Errorf("an optional feature is missing: %v", err)
	}
	f.List[1].Err = ErrClosed
	if f.Err() == nil {
		t.Error("a required feature is missing: no error")
	}
}

func sizes(maps map[string]*ebpf.MapSpec) map[string]uint32 {
	m := make(map[string]uint32)
	for name, spec := range maps {
		m[name] = spec.KeySize<<20 ^ spec.ValueSize ^ uint32(spec.Type)<<10 ^ spec.MaxEntries
	}
	return m
}
