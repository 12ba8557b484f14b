package supervisor

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOldLogsGoNewOnesStay(t *testing.T) {
	dir := t.TempDir()
	begin := time.Now().Add(-time.Hour)
	for i := range 5 {
		for _, suffix := range []string{".log", ".log.1"} {
			path := filepath.Join(dir, fmt.Sprint(i)+suffix)
			if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			at := begin.Add(time.Duration(i) * time.Minute)
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := trimLogs(dir, 3); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 6 || list[0].Name() != "2.log" {
		t.Errorf("%v, %v", list, err)
	}
	if err := trimLogs(filepath.Join(dir, "none"), 3); err != nil {
		t.Errorf("a directory that is not there: %v", err)
	}
}

// TestOutputIsBounded: the newest bytes are kept, and there are two files at
// most.
func TestOutputIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	o, err := openOutput(path)
	if err != nil {
		t.Fatal(err)
	}
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB
	for range 3*maxLogBytes>>20 + 1 {
		if n, err := o.Write(chunk); n != len(chunk) || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := o.Write([]byte("the end")); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	newest, err := os.ReadFile(path)
	if err != nil || !bytes.HasSuffix(newest, []byte("the end")) {
		t.Errorf("the newest is missing: %d bytes, %v", len(newest), err)
	}
	older, err := os.Stat(path + ".1")
	if err != nil || older.Size() > maxLogBytes || len(newest) > maxLogBytes {
		t.Errorf("%v, %v, and %d bytes", older, err, len(newest))
	}
}
