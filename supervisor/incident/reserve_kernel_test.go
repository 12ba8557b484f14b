//go:build kernel

package incident

import (
	"path/filepath"
	"testing"

	"clawjail/test/kernel"
)

// TestARecordHasRoomOnAFullDisk: a hold and its release are durable there, many
// times over.
func TestARecordHasRoomOnAFullDisk(t *testing.T) {
	dir := filepath.Join(kernel.SmallDisk(t, 1<<20), "incidents")
	s := open(t, dir)
	kernel.Fill(t, filepath.Join(dir, "ballast"))
	for range 12 {
		in := begin(t, s, "j", "claude", HoldJail)
		if _, err := s.Step(in.ID, "clawjail", Contain, "", ""); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
		if _, held := s.BlocksJail("j"); !held {
			t.Fatal("the hold is gone")
		}
		if _, err := s.Decide(in.ID, "me", Release, "a test"); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
		if _, held := s.BlocksJail("j"); held {
			t.Fatal("the release is gone")
		}
	}
}
