//go:build kernel

package limit

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"clawjail/test/kernel"
)

// TestFullDiskDenies fills the disk while units are taken: takes fail, nothing
// is granted that is not reserved, and it goes on when there is room again.
func TestFullDiskDenies(t *testing.T) {
	dir := kernel.SmallDisk(t, 1<<20)
	db, err := bolt.Open(dir+"/state.db", 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	clock := newMachine()
	s, err := New(db, clock)
	if err != nil {
		t.Fatal(err)
	}
	l := Limit{Max: 100_000, Per: time.Hour}
	if ok, _, err := s.Take("before", l, 1); !ok || err != nil {
		t.Fatal(err)
	}
	kernel.Fill(t, dir+"/full")
	// What was reserved is still granted; more is not, at the latest when the
	// file has to grow.
	granted := int64(1)
	var denied error
	for i := range 200_000 {
		clock.pass(time.Millisecond) // entries of their own, so that the record grows
		ok, used, err := s.Take("before", l, 1)
		if err != nil {
			denied = err
			break
		}
		if granted++; !ok || used != granted {
			t.Fatalf("take %d: %v, %d used", i, ok, used)
		}
		if granted == l.Max {
			break
		}
	}
	for i := 0; denied == nil && i < MaxKeys-1; i++ {
		_, _, denied = s.Take(fmt.Sprintf("%0200d", i), l, 1)
	}
	if !errors.Is(denied, unix.ENOSPC) {
		t.Fatalf("after %d units: %v", granted, denied)
	}
	if err := os.Remove(dir + "/full"); err != nil {
		t.Fatal(err)
	}
	if ok, _, err := s.Take("after", l, 1); !ok || err != nil {
		t.Errorf("with room again: %v %v", ok, err)
	}
	used, err := s.Used("before", l)
	if err != nil || used != granted {
		t.Errorf("%d used, %d granted, %v", used, granted, err)
	}
}
