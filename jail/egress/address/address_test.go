package address

import (
	"net/netip"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	table := New()
	const ok, private, never = "ok", "private", "never"
	for text, want := range map[string]string{
		"192.0.2.1":              ok,
		"203.0.113.9":            ok,
		"8.8.8.8":                ok,
		"2001:db8::1":            ok,
		"2606:4700::1111":        ok,
		"64:ff9b::8.8.8.8":       ok,
		"2002:0808:0808::1":      ok,
		"::ffff:8.8.8.8":         ok,
		"127.0.0.1":              private,
		"127.255.255.254":        private,
		"10.0.0.1":               private,
		"172.16.0.1":             private,
		"172.31.255.255":         private,
		"172.32.0.1":             ok,
		"192.168.1.1":            private,
		"169.254.169.254":        private,
		"168.63.129.16":          private,
		"100.64.0.1":             private,
		"100.100.100.200":        private,
		"100.128.0.1":            ok,
		"::1":                    private,
		"fe80::1":                private,
		"fc00::1":                private,
		"fd00:ec2::254":          private,
		"fec0::1":                private,
		"64:ff9b:1::a00:1":       private,
		"::ffff:127.0.0.1":       private,
		"::ffff:169.254.169.254": private,
		"64:ff9b::7f00:1":        private,
		"64:ff9b::a9fe:a9fe":     private,
		"2002:0a00:0001::":       private,
		"2002:7f00:0001::1":      private,
		"0.0.0.0":                never,
		"0.1.2.3":                never,
		"::":                     never,
		"::ffff:0.0.0.0":         never,
		"::127.0.0.1":            never,
		"224.0.0.1":              never,
		"239.255.255.255":        never,
		"255.255.255.255":        never,
		"240.0.0.1":              never,
		"198.18.0.1":             never,
		"198.19.255.255":         never,
		"192.0.0.192":            never,
		"fd63:6c61:776a::5":      never,
		"ff02::1":                never,
		"2001:0:1::1":            never,
		"64:ff9b::c612:1":        never,
		"2002:c612:0001::1":      never,
		"100::1":                 never,
		"4000::1":                never,
		"fe80::1%eth0":           never,
	} {
		a := netip.MustParseAddr(text)
		got := never
		if table.Check(a, false) == nil {
			got = ok
		} else if table.Check(a, true) == nil {
			got = private
		}
		if got != want {
			t.Errorf("%s is %s, want %s (%v)", text, got, want, table.Check(a, true))
		}
	}
	if err := table.Check(netip.Addr{}, true); err == nil {
		t.Error("the zero address passes")
	}
	if err := table.Check(netip.MustParseAddr("169.254.169.254"), false); !strings.Contains(err.Error(), "metadata") {
		t.Errorf("error does not say metadata: %v", err)
	}
}
