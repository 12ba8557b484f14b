package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/audit/seal"
)

// host is a host's directories, with a log of some records.
type host struct {
	t      *testing.T
	dir    string
	key    seal.Private
	id     *age.X25519Identity
	sealer *seal.Sealer
	log    *audit.Log
}

func newHost(t *testing.T, records int) *host {
	t.Helper()
	h := &host{t: t, dir: t.TempDir()}
	for _, d := range []string{"lib/clawjail/audit", "lib/clawjail/keys", "lib/clawjail/logs", "lib/clawjail/incidents/x", "etc/clawjail/policies", "run"} {
		if err := os.MkdirAll(filepath.Join(h.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if h.id, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	h.write("lib/clawjail/state.db", "open")
	h.write("lib/clawjail/logs/a", "left out")
	h.write("lib/clawjail/incidents/x/incident.json", "{}")
	h.write("etc/clawjail/config.yaml", "version: 1\n")
	if err := os.Symlink("/nowhere/at/all", filepath.Join(h.etc(), "policies", "link")); err != nil {
		t.Fatal(err)
	}
	h.open()
	h.append(records)
	return h
}

func (h *host) lib() string { return filepath.Join(h.dir, "lib/clawjail") }
func (h *host) etc() string { return filepath.Join(h.dir, "etc/clawjail") }

func (h *host) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o640); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) open() {
	h.t.Helper()
	var err error
	if h.log, err = audit.Open(filepath.Join(h.lib(), "audit"), audit.Options{Boot: "b"}); err != nil {
		h.t.Fatal(err)
	}
	if h.sealer, err = seal.Open(filepath.Join(h.lib(), "audit"), filepath.Join(h.lib(), "keys"), seal.Options{Boot: "b"}); err != nil {
		h.t.Fatal(err)
	}
	if h.key, err = seal.Load(filepath.Join(h.lib(), "keys")); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) append(n int) {
	h.t.Helper()
	for i := range n {
		if _, err := h.log.Append(audit.Record{Gate: audit.GateFile, Subject: audit.Subject{Path: fmt.Sprint("/", i)}}); err != nil {
			h.t.Fatal(err)
		}
	}
	if err := h.sealer.Seal(h.log); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) close() {
	h.t.Helper()
	if err := errors.Join(h.sealer.Close(), h.log.Close()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) save() []byte {
	h.t.Helper()
	var b bytes.Buffer
	m, err := Write(h.t.Context(), &b, Source{State: h.lib(), Config: h.etc(), Version: "v"}, []age.Recipient{h.id.Recipient()}, h.key)
	if err != nil || len(m.Entries) < 10 {
		h.t.Fatalf("%d entries, %v", len(m.Entries), err)
	}
	return b.Bytes()
}

func (h *host) target() Target {
	return Target{State: h.lib(), Config: h.etc(), Lock: filepath.Join(h.dir, "run/lock")}
}

func (h *host) restore(b []byte, t Target, id age.Identity) (Restored, error) {
	return Restore(h.t.Context(), bytes.NewReader(b), t, []age.Identity{id})
}

// tree is every file of a host with its content.
func tree(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for _, dir := range dirs {
		err := filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
			if err != nil {
				return err
			}
			text := info.Mode().String()
			switch {
			case info.Mode().IsRegular():
				b, err := os.ReadFile(p)
				if err != nil {
					return err
				}
				text += string(b)
			case info.Mode()&os.ModeSymlink != 0:
				target, err := os.Readlink(p)
				if err != nil {
					return err
				}
				text += target
			}
			rel, err := filepath.Rel(filepath.Dir(dir), p)
			out[rel] = text
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func same(t *testing.T, want, got map[string]string) {
	t.Helper()
	for name, text := range want {
		if got[name] != text && !strings.HasPrefix(name, "clawjail/logs") {
			t.Errorf("%s is %.60q, not %.60q", name, got[name], text)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

func TestThereAndBack(t *testing.T) {
	h := newHost(t, 100)
	b := h.save()
	if bytes.Contains(b, []byte("version: 1")) || bytes.Contains(b, []byte("PRIVATE KEY")) {
		t.Error("something can be read")
	}
	h.close()
	want := tree(t, h.lib(), h.etc())
	// Onto a new machine.
	n := &host{t: t, dir: t.TempDir(), id: h.id}
	if err := os.MkdirAll(filepath.Join(n.dir, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(n.dir, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := n.restore(b, n.target(), h.id)
	if err != nil || !r.Log.OK || r.Log.Last != 100 || !r.OwnKeys || len(r.Before) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	same(t, want, tree(t, n.lib(), n.etc()))
	// And the log goes on there.
	n.open()
	n.append(3)
	n.close()
	// Onto the old one again, whose log is the beginning of what is in the backup.
	n.open()
	b = n.save()
	n.close()
	if r, err = h.restore(b, h.target(), n.id); err != nil || len(r.Before) != 2 || r.OwnKeys {
		t.Fatalf("%+v, %v", r, err)
	}
	same(t, tree(t, n.lib(), n.etc()), tree(t, h.lib(), h.etc()))
	if got := tree(t, r.Before[0]); len(got) == 0 {
		t.Error("what was there is gone")
	}
}

func TestRefusals(t *testing.T) {
	h := newHost(t, 50)
	b := h.save()
	h.append(10)
	h.close()
	other, wrong := newHost(t, 60), newHost(t, 1)
	foreign := other.save()
	other.close()
	wrong.close()
	before := tree(t, h.lib(), h.etc())
	cases := []struct {
		name string
		do   func() error
		want string
	}{
		{"without the key", func() error { _, err := h.restore(b, h.target(), wrong.id); return err }, "decrypt"},
		{"cut off", func() error { _, err := h.restore(b[:len(b)/2], h.target(), h.id); return err }, ""},
		{"altered", func() error {
			c := bytes.Clone(b)
			c[len(c)/2] ^= 1
			_, err := h.restore(c, h.target(), h.id)
			return err
		}, ""},
		{"nothing", func() error { _, err := h.restore(nil, h.target(), h.id); return err }, "decrypt"},
		{"older than what is there", func() error { _, err := h.restore(b, h.target(), h.id); return err }, "would be lost"},
		{"another host's", func() error { _, err := h.restore(foreign, h.target(), other.id); return err }, "not trusted here"},
		{"another chain, by a key that is trusted", func() error {
			t := h.target()
			t.Keys = []seal.Public{other.key.Public()}
			_, err := h.restore(foreign, t, other.id)
			return err
		}, "another one"},
		{"while a supervisor runs", func() error {
			f, err := os.Create(filepath.Join(h.dir, "run/lock"))
			if err != nil {
				return err
			}
			defer f.Close()
			if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
				return err
			}
			_, err = h.restore(b, h.target(), h.id)
			return err
		}, "a supervisor is running"},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.do(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			same(t, before, tree(t, h.lib(), h.etc()))
			left, err := filepath.Glob(filepath.Join(h.dir, "*", ".clawjail-restore-*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	force := h.target()
	force.Force = true
	if r, err := h.restore(b, force, h.id); err != nil || len(r.Before) != 2 {
		t.Errorf("by force: %+v, %v", r, err)
	}
}

// TestHostileBackups: what is encrypted well and is no backup of ours.
func TestHostileBackups(t *testing.T) {
	h := newHost(t, 1)
	h.close()
	force := h.target()
	force.Force = true
	before := tree(t, h.lib(), h.etc())
	for _, tt := range []struct {
		name string
		hs   []tar.Header
	}{
		{"outside", []tar.Header{{Name: "../../etc/passwd", Typeflag: tar.TypeReg}}},
		{"absolute", []tar.Header{{Name: "/etc/passwd", Typeflag: tar.TypeReg}}},
		{"another place", []tar.Header{{Name: "bin/sh", Typeflag: tar.TypeReg}}},
		{"through a link", []tar.Header{{Name: "state", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, {Name: "state/passwd", Typeflag: tar.TypeReg}}},
		{"twice", []tar.Header{{Name: "state/", Typeflag: tar.TypeDir}, {Name: "state/a", Typeflag: tar.TypeReg}, {Name: "state/a", Typeflag: tar.TypeReg}}},
		{"a device", []tar.Header{{Name: "state/", Typeflag: tar.TypeDir}, {Name: "state/a", Typeflag: tar.TypeChar}}},
		{"a hard link", []tar.Header{{Name: "state/", Typeflag: tar.TypeDir}, {Name: "state/a", Typeflag: tar.TypeLink, Linkname: "/etc/shadow"}}},
		{"no manifest", []tar.Header{{Name: "state/", Typeflag: tar.TypeDir}}},
		{"an empty manifest", []tar.Header{{Name: "manifest.json", Typeflag: tar.TypeReg}, {Name: "manifest.sig", Typeflag: tar.TypeReg}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			enc, err := age.Encrypt(&b, h.id.Recipient())
			if err != nil {
				t.Fatal(err)
			}
			zw, err := zstd.NewWriter(enc)
			if err != nil {
				t.Fatal(err)
			}
			tw := tar.NewWriter(zw)
			for _, hd := range tt.hs {
				hd.Mode = 0o700
				if err := tw.WriteHeader(&hd); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(tw.Close(), zw.Close(), enc.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := h.restore(b.Bytes(), force, h.id); err == nil {
				t.Error("no error")
			}
			same(t, before, tree(t, h.lib(), h.etc()))
		})
	}
}

// TestBesideAWriter: a backup that is made while the log is written, rotated and
// packed verifies.
func TestBesideAWriter(t *testing.T) {
	h := newHost(t, 10)
	h.close()
	var err error
	if h.log, err = audit.Open(filepath.Join(h.lib(), "audit"), audit.Options{Boot: "b", MaxBytes: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	defer h.log.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ctx.Err() == nil; n++ {
			_, _ = h.log.Append(audit.Record{Gate: audit.GateFile, Subject: audit.Subject{Path: strings.Repeat("x", 3000)}})
			if n%1000 == 0 {
				_, _ = audit.Pack(ctx, filepath.Join(h.lib(), "audit"), 1)
			}
		}
	}()
	for range 3 {
		b := h.save()
		n := &host{t: t, dir: t.TempDir()}
		for _, d := range []string{"lib", "etc"} {
			if err := os.MkdirAll(filepath.Join(n.dir, d), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if r, err := n.restore(b, n.target(), h.id); err != nil || !r.Log.OK {
			t.Errorf("%+v, %v", r.Log, err)
		}
	}
	cancel()
	<-done
}
