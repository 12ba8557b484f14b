package vaddr

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
)

func newTable(t *testing.T, jail, v4 string) *Table {
	t.Helper()
	table, err := New(jail, netip.MustParsePrefix(v4), netip.MustParsePrefix("fd63:6c61:776a::/64"))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestFullTable(t *testing.T) {
	for _, prefix := range []string{"198.18.0.0/15", "198.18.0.0/18"} {
		table := newTable(t, "j", prefix)
		dns := table.DNS()
		if dns.V4.String() != "198.18.0.1" || dns.V6.String() != "fd63:6c61:776a::1" {
			t.Fatalf("DNS at %v", dns)
		}
		seen := map[netip.Addr]bool{dns.V4: true, dns.V6: true}
		for i := range MaxNames {
			name := fmt.Sprintf("n%d.test", i)
			p, err := table.Assign(name)
			if err != nil {
				t.Fatal(err)
			}
			if !table.Virtual(p.V4) || !table.Virtual(p.V6) || !p.V4.Is4() || !p.V6.Is6() {
				t.Fatalf("%v lies outside", p)
			}
			if seen[p.V4] || seen[p.V6] {
				t.Fatalf("%v given twice", p)
			}
			seen[p.V4], seen[p.V6] = true, true
			for _, a := range []netip.Addr{p.V4, p.V6} {
				if got, ok := table.Name(a); !ok || got != name {
					t.Fatalf("Name(%s) = %q, %v", a, got, ok)
				}
			}
			if again, err := table.Assign(name); err != nil || again != p {
				t.Fatalf("second time %v, %v", again, err)
			}
		}
		if _, err := table.Assign("one.more"); !errors.Is(err, ErrFull) {
			t.Errorf("full table: %v", err)
		}
		if _, err := table.Assign("n0.test"); err != nil {
			t.Errorf("known name in a full table: %v", err)
		}
	}
}

func TestSameAfterRestartAndOwnPerJail(t *testing.T) {
	a, b, c := newTable(t, "j", "198.18.0.0/15"), newTable(t, "j", "198.18.0.0/15"), newTable(t, "k", "198.18.0.0/15")
	b.Assign("other.test")
	pa, _ := a.Assign("x.test")
	pb, _ := b.Assign("x.test")
	pc, _ := c.Assign("x.test")
	if pa != pb {
		t.Errorf("%v, then %v", pa, pb)
	}
	if pa == pc {
		t.Errorf("two jails have %v", pa)
	}
}

func TestBadPrefixes(t *testing.T) {
	good4, good6 := netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("fd63:6c61:776a::/64")
	for _, bad := range []string{"198.18.0.0/24", "198.18.0.1/15", "0.0.0.0/0", "::/64", "fd00::/48", "fd00::/120", "fd00::1/64"} {
		p := netip.MustParsePrefix(bad)
		if p.Addr().Is4() {
			if _, err := New("j", p, good6); err == nil {
				t.Errorf("%s accepted", bad)
			}
		} else if _, err := New("j", good4, p); err == nil && bad != "::/64" {
			t.Errorf("%s accepted", bad)
		}
		if _, err := New("j", good6, good4); err == nil {
			t.Error("families swapped")
		}
	}
}
