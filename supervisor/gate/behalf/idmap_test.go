package behalf

import (
	"fmt"
	"testing"

	"clawjail/jail/root"
)

// TestMapIsTheJails: owners must look the same through both mounts.
func TestMapIsTheJails(t *testing.T) {
	for _, id := range []uint32{1, 2, 1000, 54321, 1<<32 - 2} {
		got := ""
		for _, m := range ids(id) {
			got += fmt.Sprintf("%d %d %d\n", m.ContainerID, m.HostID, m.Size)
		}
		if want := root.Map(id); got != want {
			t.Errorf("%d: %q, the jail's mounts have %q", id, got, want)
		}
	}
}

func TestRel(t *testing.T) {
	for _, c := range []struct {
		root, path, rel string
		in              bool
	}{
		{"/work", "/work", "", true},
		{"/work", "/work/a/b", "a/b", true},
		{"/work", "/workshop", "", false},
		{"/work", "/", "", false},
		{"/", "/a", "a", true},
		{"/", "/", "", true},
	} {
		r := &Root{jail: c.root}
		if rel, in := r.Rel(c.path); in != c.in || in && rel != c.rel {
			t.Errorf("%q in %q: %q %v", c.path, c.root, rel, in)
		}
	}
}
