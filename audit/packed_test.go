package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func packedLog(t *testing.T) (string, *Log) {
	t.Helper()
	dir := t.TempDir()
	l, err := Open(dir, Options{MaxBytes: 2000, Sync: SyncNever, Boot: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		if _, err := l.Append(Record{Time: time.Date(2026, 11, 23, 0, 0, i, 0, time.UTC), Gate: GateExec, Subject: Subject{Op: "exec", Path: "/usr/bin/true"}}); err != nil {
			t.Fatal(err)
		}
	}
	return dir, l
}

func TestPackedSegmentsReadTheSame(t *testing.T) {
	dir, l := packedLog(t)
	defer l.Close()
	n, err := Pack(context.Background(), dir, 1)
	if err != nil || n < 2 {
		t.Fatalf("packed %d, %v", n, err)
	}
	plain, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(plain) != 2 {
		t.Errorf("plain segments left: %v, %v", plain, err)
	}
	for _, f := range []Filter{{}, {Limit: 35}} {
		var seq uint64
		for r, err := range Query(dir, f) {
			if err != nil {
				t.Fatal(err)
			}
			seq = r.Seq
		}
		if seq != 40 {
			t.Errorf("the last record is %d", seq)
		}
	}
	if n, err := Pack(context.Background(), dir, 1); n != 0 || err != nil {
		t.Errorf("a second time packed %d, %v", n, err)
	}
}

func TestWriterGoesOnInAPackedSegment(t *testing.T) {
	dir, l := packedLog(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Pack(context.Background(), dir, 0); err != nil {
		t.Fatal(err)
	}
	plain, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(plain) != 1 {
		t.Fatalf("%v, %v", plain, err)
	}
	if err := os.Remove(plain[0]); err != nil { // lost with the machine
		t.Fatal(err)
	}
	l, err = Open(dir, Options{MaxBytes: 2000, Sync: SyncNever, Boot: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Append(Record{Gate: GateExec}); err != nil {
		t.Fatal(err)
	}
	for _, err := range Query(dir, Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPackKeepsThePlainSegmentWhenItCannotWrite(t *testing.T) {
	dir, l := packedLog(t)
	defer l.Close()
	if err := os.Mkdir(filepath.Join(dir, packingName), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Pack(context.Background(), dir, 0); err == nil || !strings.Contains(err.Error(), "compress audit segment") {
		t.Errorf("packed into a directory: %v", err)
	}
	for _, err := range Query(dir, Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A compressed segment that was damaged costs what it held, and nothing else.
func TestADamagedPackedSegmentIsSaid(t *testing.T) {
	dir, l := packedLog(t)
	defer l.Close()
	if _, err := Pack(context.Background(), dir, 1); err != nil {
		t.Fatal(err)
	}
	packed, err := filepath.Glob(filepath.Join(dir, "*"+packedSuffix))
	if err != nil || len(packed) < 2 {
		t.Fatalf("%v, %v", packed, err)
	}
	b, err := os.ReadFile(packed[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(packed[0], b[:len(b)-20], 0o640); err != nil {
		t.Fatal(err)
	}
	var last uint64
	corrupt := 0
	for r, err := range Query(dir, Filter{}) {
		var c *CorruptError
		switch {
		case errors.As(err, &c):
			corrupt++
		case err != nil:
			t.Fatal(err)
		default:
			last = r.Seq
		}
	}
	if corrupt != 1 || last != 40 {
		t.Errorf("%d places, the last record is %d", corrupt, last)
	}
}

func TestTheNewestAreFoundFromTheEnd(t *testing.T) {
	dir, l := packedLog(t)
	defer l.Close()
	for _, limit := range []int{1, 3, 10, 39, 40, 41} {
		var got []uint64
		for r, err := range Query(dir, Filter{Limit: limit}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.Seq)
		}
		if want := min(limit, 40); len(got) != want || got[0] != uint64(41-want) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
}
