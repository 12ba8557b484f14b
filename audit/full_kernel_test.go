//go:build kernel

package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/test/kernel"
)

// TestFullDisk: a record is whole or not there, the writer goes on when there
// is space again, and says how much is missing.
func TestFullDisk(t *testing.T) {
	for _, o := range []Options{{}, {MaxBytes: 9000}, {Sync: SyncAlways}} {
		disk := kernel.SmallDisk(t, 256<<10)
		dir := filepath.Join(disk, "log")
		l := openLog(t, dir, o)
		mustAppend(t, l, execRecord("/first"))
		kernel.Fill(t, filepath.Join(disk, "ballast"))
		lost := 0
		for i := 0; lost < 20; i++ {
			if i > 10000 {
				t.Fatal("the disk does not fill")
			}
			if _, err := l.Append(execRecord(strings.Repeat("x", 700))); err != nil {
				if !errors.Is(err, ErrFull) || !errors.Is(err, unix.ENOSPC) {
					t.Fatalf("append on a full disk: %v", err)
				}
				lost++
			}
		}
		checkChain(t, dir) // nothing half-written while it is full
		if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, execRecord("/after"))
		rs := checkChain(t, dir)
		gap := rs[len(rs)-2]
		if gap.Gate != GateGap || gap.Subject.Class != ClassAudit || gap.Subject.Lost != 20 {
			t.Errorf("options %+v: gap %+v", o, gap)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFullDiskCallerCounts: a caller that counts for itself is not counted twice.
func TestFullDiskCallerCounts(t *testing.T) {
	disk := kernel.SmallDisk(t, 128<<10)
	dir := filepath.Join(disk, "log")
	l := openLog(t, dir, Options{})
	kernel.Fill(t, filepath.Join(disk, "ballast"))
	for lost := 0; lost < 3; {
		if _, err := l.Append(execRecord(strings.Repeat("x", 700))); err != nil {
			lost++
		}
	}
	own := Record{Gate: GateGap, Subject: Subject{Class: ClassAudit, Lost: 12}}
	if _, err := l.Append(own); !errors.Is(err, ErrFull) {
		t.Errorf("append on a full disk: %v", err)
	}
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, own, execRecord("/after"))
	gaps := 0
	for _, r := range checkChain(t, dir) {
		if r.Gate == GateGap {
			gaps++
		}
	}
	if gaps != 1 {
		t.Errorf("%d gaps", gaps)
	}
}

// TestOpenOnFullDisk: the log opens, and says later what it had to say.
func TestOpenOnFullDisk(t *testing.T) {
	disk := kernel.SmallDisk(t, 128<<10)
	dir := filepath.Join(disk, "log")
	seg := written(t, dir, Options{}, 15) // nearly two pages of 4 KiB
	kernel.Fill(t, filepath.Join(disk, "ballast"))
	// A torn line that no place is left to save keeps the log closed: it is
	// evidence, and is not cut off for nothing.
	change(t, seg, func(b []byte) []byte { return append(b, "torn"...) })
	before, err := os.ReadFile(seg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrFull) {
		t.Errorf("a torn log on a full disk: %v", err)
	}
	if after, err := os.ReadFile(seg); err != nil || string(after) != string(before) {
		t.Errorf("the segment was touched (%v)", err)
	}
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, dir, Options{})
	mustAppend(t, l, execRecord("/after"))
	if rs := checkChain(t, dir); rs[len(rs)-2].Subject.Class != ClassTorn {
		t.Errorf("no gap: %+v", rs[len(rs)-2])
	}
}

// TestFullDiskBatch: of records that are appended together those are kept for
// which there is room, and the others are counted.
func TestFullDiskBatch(t *testing.T) {
	disk := kernel.SmallDisk(t, 256<<10)
	dir := filepath.Join(disk, "log")
	l := openLog(t, dir, Options{})
	kernel.Fill(t, filepath.Join(disk, "ballast"))
	records := make([]Record, 16)
	for i := range records {
		records[i] = execRecord(strings.Repeat("x", 700))
	}
	written, lost := 0, 0
	for i := 0; lost < 20; i++ {
		if i > 1000 {
			t.Fatal("the disk does not fill")
		}
		n, err := l.AppendAll(records)
		if (err == nil) != (n == len(records)) || err != nil && !errors.Is(err, ErrFull) {
			t.Fatalf("%d records, %v", n, err)
		}
		written, lost = written+n, lost+len(records)-n
	}
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, execRecord("/after"))
	rs := checkChain(t, dir)
	gap := rs[len(rs)-2]
	if len(rs) != written+2 || gap.Gate != GateGap || gap.Subject.Lost != uint64(lost) {
		t.Errorf("%d records written, %d lost; %d in the log, gap %+v", written, lost, len(rs), gap)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
