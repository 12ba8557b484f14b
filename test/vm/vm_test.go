package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/test/vm/job"
)

func TestArchiveIsCpio(t *testing.T) {
	var b bytes.Buffer
	a := &archive{w: bufio.NewWriter(&b)}
	a.add("init", 0o100755, []byte("hello"))
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	got := b.Bytes()
	if !bytes.HasPrefix(got, []byte("070701")) || len(got)%4 != 0 {
		t.Fatalf("%d bytes that begin with %q", len(got), got[:6])
	}
	// The header is 110 bytes, the name and its NUL fill up to 116.
	if string(got[110:114]) != "init" || string(got[116:121]) != "hello" {
		t.Errorf("name %q, body %q", got[110:114], got[116:121])
	}
	if !bytes.Contains(got, []byte("TRAILER!!!")) {
		t.Error("no trailer")
	}
}

func TestModuleName(t *testing.T) {
	for path, want := range map[string]string{
		"/x/virtio_pci.ko": "virtio_pci", "/x/9pnet-virtio.ko.xz": "9pnet_virtio", "/x/a.ko.zst": "a",
	} {
		if got := moduleName(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// TestReportNeverForgets: whatever the guest left undone is a failure.
func TestReportNeverForgets(t *testing.T) {
	const passed = "\x16=== RUN   TestA\n\x16--- PASS: TestA (0.00s)\n\x16PASS\n"
	tests := []struct{ name, out, rc, want string }{
		{"all is well", passed, "0", `"Action":"pass"`},
		{"no output at all", "", "", "no result of TestA"},
		{"the test never ended", "\x16=== RUN   TestA\n", "2", "no result of TestA"},
		{"it passed and the binary failed after", passed, "3", "exit status 3"},
		{"the exit code is missing", passed, "", "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			binary := testBinary{pkg: "p", tests: []string{"TestA"}}
			if tt.out != "" {
				put(t, filepath.Join(dir, "p"+job.OutSuffix), tt.out)
			}
			if tt.rc != "" {
				put(t, filepath.Join(dir, "p"+job.RCSuffix), tt.rc)
			}
			var b strings.Builder
			if err := report(&b, dir, "", []testBinary{binary}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(b.String(), tt.want) {
				t.Errorf("%q is not in %s", tt.want, b.String())
			}
			if failed := strings.Contains(b.String(), `"Action":"fail"`); failed == (tt.rc == "0") {
				t.Errorf("failed is %v: %s", failed, b.String())
			}
		})
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
