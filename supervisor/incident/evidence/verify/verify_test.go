package verify

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"

	"clawjail/audit/seal"
	"clawjail/supervisor/incident/evidence"
)

func bundle(t *testing.T, fill func(*evidence.Writer)) (string, seal.Private, evidence.Result) {
	t.Helper()
	key, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "e.tar.zst")
	w, err := evidence.Create(path, evidence.Manifest{Incident: "i", Begun: time.Now().UTC()})
	if err != nil {
		t.Fatal(err)
	}
	fill(w)
	res, err := w.Close(key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return path, key, res
}

func verify(t *testing.T, path string, key seal.Public, keep func(string, io.Reader) error) (evidence.Manifest, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return Bundle(f, key, keep)
}

// change writes a bundle anew, with each member as f gives it.
func change(t *testing.T, path string, f func(h *tar.Header, b []byte) ([]byte, bool)) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	var out bytes.Buffer
	enc, _ := zstd.NewWriter(&out)
	in, tw := tar.NewReader(dec), tar.NewWriter(enc)
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		body, keep := f(h, body)
		if !keep {
			continue
		}
		h.Size = int64(len(body))
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), enc.Close(), os.WriteFile(path, out.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func TestABundleProvesItself(t *testing.T) {
	fill := func(w *evidence.Writer) {
		w.Add("a", []byte("one"), "/src", "")
		w.Add("b", []byte("two"), "", "")
		w.AddReader("short", strings.NewReader("x"), 5, "/s", "")
		w.AddReader("broken", iotest.ErrReader(errors.New("gone")), 5, "/b", "")
	}
	for _, tt := range []struct {
		name  string
		alter func(h *tar.Header, b []byte) ([]byte, bool)
		want  string
	}{
		{"untouched", func(_ *tar.Header, b []byte) ([]byte, bool) { return b, true }, ""},
		{"a file edited", func(h *tar.Header, b []byte) ([]byte, bool) {
			if h.Name == "a" {
				return []byte("ONE"), true
			}
			return b, true
		}, "a was altered"},
		{"a file removed", func(h *tar.Header, b []byte) ([]byte, bool) { return b, h.Name != "b" }, "b is missing"},
		{"a file renamed", func(h *tar.Header, b []byte) ([]byte, bool) {
			h.Name = strings.Replace(h.Name, "short", "long", 1)
			return b, true
		}, "long was added"},
		{"the manifest edited", func(h *tar.Header, b []byte) ([]byte, bool) {
			return bytes.Replace(b, []byte(`"incident": "i"`), []byte(`"incident": "j"`), 1), true
		}, "the manifest is not proven"},
		{"no manifest", func(h *tar.Header, b []byte) ([]byte, bool) { return b, h.Name != evidence.ManifestName }, "no signed manifest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path, key, res := bundle(t, fill)
			change(t, path, tt.alter)
			m, err := verify(t, path, key.Public(), nil)
			switch {
			case tt.want == "" && (err != nil || len(m.Files) != 4 || len(m.Failed) != 1 || res.Files != 4):
				t.Errorf("%+v, %v", m, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	path, _, _ := bundle(t, fill)
	other, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, path, other.Public(), nil); err == nil {
		t.Error("another key proves it")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Bundle(bytes.NewReader(b[:len(b)-30]), other.Public(), nil); err == nil {
		t.Error("a bundle that was cut off is whole")
	}
}

func TestProcessesAreTakenAsTheyAre(t *testing.T) {
	deleted, err := os.CreateTemp(t.TempDir(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer deleted.Close()
	if _, err := deleted.WriteString("still here"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(deleted.Name()); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("sleep", "1000")
	c.Env, c.ExtraFiles = []string{"TOKEN=fake-secret", "A=b"}, []*os.File{deleted}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	redacted := func(s string) string { return strings.Replace(s, "fake-secret", "[redacted]", 1) }
	path, key, _ := bundle(t, func(w *evidence.Writer) {
		p := evidence.Processes{Redact: redacted, Memory: []int{c.Process.Pid}}
		p.Take(w, []int{c.Process.Pid, 1<<22 + 1})
	})
	members := map[string]string{}
	m, err := verify(t, path, key.Public(), func(name string, r io.Reader) error {
		b, err := io.ReadAll(r)
		members[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := "processes/" + strconv.Itoa(c.Process.Pid) + "/"
	if got := members[dir+"environ"]; got != "TOKEN=[redacted]\x00A=b\x00" {
		t.Errorf("environ %q", got)
	}
	if got := members[dir+"cmdline"]; got != "sleep\x001000\x00" {
		t.Errorf("cmdline %q", got)
	}
	if got := members[dir+"deleted/3"]; got != "still here" {
		t.Errorf("the deleted file is %q", got)
	}
	memory := false
	for name := range members {
		memory = memory || strings.HasPrefix(name, dir+"memory/")
	}
	if !memory {
		t.Error("no memory was taken")
	}
	if !strings.Contains(strings.Join(m.Failed, "\n"), "process 4194305") {
		t.Errorf("a process that is not there was not missed: %q", m.Failed)
	}
}

func TestChangedFilesStayInTheRoot(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a": "text", "big": "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	path, key, _ := bundle(t, func(w *evidence.Writer) {
		var p evidence.Processes
		p.Changed(w, root, []string{"/a", "/link", "/gone"})
	})
	members := map[string]string{}
	if _, err := verify(t, path, key.Public(), func(name string, r io.Reader) error {
		b, err := io.ReadAll(r)
		members[name] = string(b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if members["files/00000"] != "text" || strings.Count(members["files.json"], `"error"`) != 2 {
		t.Errorf("%q", members)
	}
	for name, b := range members {
		if strings.Contains(b, "root:") {
			t.Errorf("%s left the root", name)
		}
	}
}
