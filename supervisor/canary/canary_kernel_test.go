//go:build kernel

package canary

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestWhoOpensIsKnownAndRefused: a process that lives for one open only.
func TestWhoOpensIsKnownAndRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "canary")
	if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := Open([]string{path, filepath.Join(dir, "none")})
	if err != nil {
		t.Fatal(err)
	}
	type touch struct {
		pid  int
		path string
		comm string
	}
	touches := make(chan touch, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(func(pid int, path string) bool {
			b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm") // it waits, so it is there
			touches <- touch{pid, path, strings.TrimSpace(string(b))}
			return strings.TrimSpace(string(b)) == "head"
		}, func(err error) { t.Error(err) })
	}()
	if out, err := exec.Command("cat", path).CombinedOutput(); err != nil || string(out) != "x" {
		t.Errorf("somebody else: %s, %v", out, err)
	}
	if got := <-touches; got.comm != "cat" || got.path != path {
		t.Errorf("%+v", got)
	}
	if out, err := exec.Command("head", path).CombinedOutput(); err == nil || !strings.Contains(string(out), "not permitted") {
		t.Errorf("refused: %s, %v", out, err)
	}
	if got := <-touches; got.comm != "head" {
		t.Errorf("%+v", got)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	<-done
	if out, err := exec.Command("head", path).CombinedOutput(); err != nil {
		t.Errorf("after the end: %s, %v", out, err)
	}
}
