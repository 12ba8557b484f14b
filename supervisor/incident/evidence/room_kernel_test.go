//go:build kernel

package evidence_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit/seal"
	"clawjail/supervisor/incident/evidence"
	"clawjail/supervisor/incident/evidence/verify"
	"clawjail/test/kernel"
)

// TestWhatHasNoRoomIsNamed: a bundle on a disk that is nearly full is whole, proves
// itself, and says what is missing.
func TestWhatHasNoRoomIsNamed(t *testing.T) {
	key, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(kernel.SmallDisk(t, 1<<20), "e.tar.zst")
	w, err := evidence.Create(path, evidence.Manifest{Incident: "i", Begun: time.Now().UTC()})
	if err != nil {
		t.Fatal(err)
	}
	w.Add("small", []byte("kept"), "", "")
	w.AddReader("memory", bytes.NewReader(make([]byte, 4<<20)), 4<<20, "/proc/7/mem", "")
	w.Add("another", []byte("kept, too"), "", "")
	res, err := w.Close(key, time.Now())
	if err != nil || res.Files != 2 || len(res.Failed) != 1 || !strings.HasPrefix(res.Failed[0], "/proc/7/mem: 4194304 bytes do not fit on the disk") {
		t.Fatalf("%+v, %v", res, err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if m, err := verify.Bundle(f, key.Public(), nil); err != nil || len(m.Failed) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestAFullDiskTakesNoBundle: nothing half-written stays.
func TestAFullDiskTakesNoBundle(t *testing.T) {
	disk := kernel.SmallDisk(t, 1<<20)
	kernel.Fill(t, filepath.Join(disk, "ballast"))
	path := filepath.Join(disk, "e.tar.zst")
	_, err := evidence.Create(path, evidence.Manifest{})
	var no *evidence.NoRoom
	if !errors.As(err, &no) || !errors.Is(err, unix.ENOSPC) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
}
