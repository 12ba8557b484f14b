package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/policy/skill"
	"clawjail/policy/skill/stream"
	"clawjail/policy/skill/trust"
)

// skillDir makes a skill.
func skillDir(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "weather")
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, ".sh") {
			mode = 0o755
		}
		if err := os.WriteFile(p, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func ordinary() map[string]string {
	return map[string]string{"SKILL.md": "---\nname: weather\n---\n", "scripts/get.sh": "echo sunny\n", "references/a.md": "text",
		".git/config": "[core]", "skill.sig": "a signature", "_meta.json": "{}", ".clawhub/origin.json": "{}"}
}

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "skills"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Lock(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Unlock()
		_ = removeTree(s.dir)
	})
	return s
}

func from(t testing.TB, dir string) Source {
	t.Helper()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return FromDir(context.Background(), d)
}

func keep(t testing.TB, s *Store, dir string) (trust.Digest, Measured) {
	t.Helper()
	st, err := s.Stage(filepath.Base(dir), from(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := st.Keep(true)
	if err != nil {
		t.Fatal(err)
	}
	return tree, st.Measured
}

func record(tree trust.Digest) Record {
	return Record{Name: "weather", Tree: tree, Policy: "version: 1\n", Permissions: []string{}, Kinds: []string{}, Installed: time.Unix(0, 0).UTC(),
		Report: skill.Report{Schema: skill.Schema, Verdict: skill.Approved}, Approval: Approval{Tree: tree, By: "test", Via: "flag", Verdict: skill.Approved}}
}

func TestKeptAsItWas(t *testing.T) {
	s := open(t)
	dir := skillDir(t, ordinary())
	tree, m := keep(t, s, dir)
	if m.Manifest.Name != "weather" || len(m.Manifest.Files) != 3 || len(m.Signatures) != 1 {
		t.Errorf("%+v", m)
	}
	if err := s.Check(tree); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"SKILL.md": 0o444, "scripts/get.sh": 0o555, "scripts": 0o555 | os.ModeDir} {
		if info, err := os.Lstat(filepath.Join(s.Path(tree), name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	for _, name := range []string{".git", "skill.sig", "_meta.json", ".clawhub"} {
		if _, err := os.Lstat(filepath.Join(s.Path(tree), name)); err == nil {
			t.Errorf("%s was copied", name)
		}
	}
	stored, err := s.Manifest(tree)
	if err != nil || stored.Tree() != tree {
		t.Errorf("manifest: %v", err)
	}
	again, _ := keep(t, s, dir)
	if again != tree {
		t.Error("the same skill has another digest")
	}
}

func TestUnsignedModesAreNotKept(t *testing.T) {
	s := open(t)
	st, err := s.Stage("weather", from(t, skillDir(t, ordinary())))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := st.Keep(false)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(filepath.Join(s.Path(tree), "scripts/get.sh")); err != nil || info.Mode() != 0o444 {
		t.Errorf("%v, %v", info, err)
	}
	if err := s.Check(tree); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeInstalled(t *testing.T) {
	long := strings.Repeat("d/", trust.MaxDepth+1)
	tests := []struct {
		name, say string
		make      func(dir string) error
	}{
		{"a symbolic link", "is a symbolic link", func(d string) error { return os.Symlink("/etc/passwd", filepath.Join(d, "l")) }},
		{"a loop of links", "is a symbolic link", func(d string) error { return os.Symlink(".", filepath.Join(d, "l")) }},
		{"a FIFO", "device, FIFO or socket", func(d string) error { return unix.Mkfifo(filepath.Join(d, "f"), 0o600) }},
		{"a name that is not UTF-8", "is not UTF-8", func(d string) error { return os.WriteFile(filepath.Join(d, "a\xff"), nil, 0o600) }},
		{"a control character", "control character", func(d string) error { return os.WriteFile(filepath.Join(d, "a\x1b[2J"), nil, 0o600) }},
		{"too deep", "directories deep", func(d string) error { return os.MkdirAll(filepath.Join(d, long), 0o700) }},
		{"too large", "beyond the limits", func(d string) error {
			return errors.Join(os.WriteFile(filepath.Join(d, "big"), nil, 0o600), os.Truncate(filepath.Join(d, "big"), Limits().File+1))
		}},
		{"setuid", "setuid or setgid", func(d string) error {
			return errors.Join(os.WriteFile(filepath.Join(d, "s"), nil, 0o600), os.Chmod(filepath.Join(d, "s"), 0o755|os.ModeSetuid))
		}},
		{"nothing", "has no files", func(d string) error { return errors.Join(os.RemoveAll(d), os.Mkdir(d, 0o700)) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			dir := skillDir(t, ordinary())
			if err := tt.make(dir); err != nil {
				t.Fatal(err)
			}
			_, err := s.Stage("weather", from(t, dir))
			if err == nil || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("got %v, want an error with %q", err, tt.say)
			}
			if left, _ := os.ReadDir(filepath.Join(s.dir, stagingDir)); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// What is swapped while the skill is read is seen, or what was read first is
// what is kept: never a mixture that nobody hashed.
func TestSwapDuringVerify(t *testing.T) {
	s := open(t)
	dir := skillDir(t, ordinary())
	inner := from(t, dir)
	src := func(visit func(stream.Entry) error) error {
		return inner(func(e stream.Entry) error {
			if e.Path == "SKILL.md" { // read already: the original changes now
				for name, text := range map[string]string{"SKILL.md": "evil", "scripts/get.sh": "evil", "references/a.md": "evil"} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
						return err
					}
				}
			}
			return visit(e)
		})
	}
	st, err := s.Stage("weather", src)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := st.Keep(true)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(s.Path(tree), "SKILL.md")); err != nil || string(b) == "evil" {
		t.Errorf("%q, %v", b, err)
	}
	if err := s.Check(tree); err != nil {
		t.Errorf("what is kept is not what was measured: %v", err)
	}
}

func TestDamageIsSeen(t *testing.T) {
	loosen := func(p string) error { return os.Chmod(p, 0o755) }
	tests := []struct {
		name, say string
		damage    func(dir string) error
	}{
		{"edited", "not those that were stored", func(d string) error {
			p := filepath.Join(d, "SKILL.md")
			return errors.Join(os.Chmod(p, 0o644), os.WriteFile(p, []byte("other"), 0o644), os.Chmod(p, 0o444))
		}},
		{"made writable", "has become writable", func(d string) error { return os.Chmod(filepath.Join(d, "SKILL.md"), 0o644) }},
		{"added", "not those that were stored", func(d string) error {
			return errors.Join(loosen(d), os.WriteFile(filepath.Join(d, "x"), nil, 0o444), os.Chmod(d, 0o555))
		}},
		{"added where nothing is signed", "was added", func(d string) error {
			return errors.Join(loosen(d), os.WriteFile(filepath.Join(d, "skill.sig"), nil, 0o444), os.Chmod(d, 0o555))
		}},
		{"deleted", "not those that were stored", func(d string) error {
			return errors.Join(loosen(d), os.Remove(filepath.Join(d, "SKILL.md")), os.Chmod(d, 0o555))
		}},
		{"made executable", "not those that were stored", func(d string) error { return os.Chmod(filepath.Join(d, "SKILL.md"), 0o555) }},
		{"replaced by a link", "symbolic link", func(d string) error {
			return errors.Join(loosen(d), os.Remove(filepath.Join(d, "SKILL.md")), os.Symlink("/etc/passwd", filepath.Join(d, "SKILL.md")), os.Chmod(d, 0o555))
		}},
		{"gone", "cannot be opened", removeTree},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			dir := skillDir(t, ordinary())
			tree, _ := keep(t, s, dir)
			if err := tt.damage(s.Path(tree)); err != nil {
				t.Fatal(err)
			}
			var damaged *DamagedError
			if err := s.Check(tree); !errors.As(err, &damaged) || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("got %v, want damage with %q", err, tt.say)
			}
			if err := s.Put(record(tree)); err == nil {
				t.Error("a record of a damaged skill is written")
			}
			if again, _ := keep(t, s, dir); again != tree || s.Check(tree) != nil {
				t.Error("installing again does not mend it")
			}
		})
	}
}

func TestRecords(t *testing.T) {
	s := open(t)
	tree, _ := keep(t, s, skillDir(t, ordinary()))
	other, _ := keep(t, s, skillDir(t, map[string]string{"SKILL.md": "another"}))
	if err := s.Put(record(tree)); err != nil {
		t.Fatal(err)
	}
	r, err := s.Get("weather")
	if err != nil || r.Tree != tree {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := s.Collect(); err != nil {
		t.Fatal(err)
	}
	if s.Check(other) == nil {
		t.Error("a skill that no record names stays")
	}
	list, err := s.List()
	if err != nil || len(list) != 1 || list[0].Problem != nil {
		t.Errorf("%+v, %v", list, err)
	}
	if err := os.WriteFile(s.recordPath("broken"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if list, err = s.List(); err != nil || len(list) != 2 || list[0].Problem == nil {
		t.Errorf("a broken record: %+v, %v", list, err)
	}
	if err := s.Collect(); err != nil || s.Check(tree) != nil {
		t.Error("a broken record makes others lose their skills")
	}
	if err := os.Remove(s.recordPath("broken")); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove("weather"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get("weather"); !errors.Is(err, ErrNotInstalled) || s.Check(tree) == nil {
		t.Errorf("after its removal: %v", err)
	}
	if err := s.Remove("weather"); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("removed twice: %v", err)
	}
	for _, bad := range []string{"../x", "", "a/b", "."} {
		if _, err := s.Get(bad); !errors.Is(err, ErrNotInstalled) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// At every step of an installation that ends there, what was installed before
// is whole, nothing half is installed, and the next one works.
func TestCrash(t *testing.T) {
	dir := skillDir(t, ordinary())
	changed := ordinary()
	changed["SKILL.md"] = "---\nname: weather\nversion: 2\n---\n"
	next := skillDir(t, changed)
	steps := []struct {
		name string
		do   func(*testing.T, *Store)
	}{
		{"staged in part", func(t *testing.T, s *Store) {
			n := 0
			src := from(t, next)
			_, err := s.Stage("weather", func(visit func(stream.Entry) error) error {
				return src(func(e stream.Entry) error {
					if n++; n == 3 {
						panic("killed")
					}
					return visit(e)
				})
			})
			t.Fatalf("not killed: %v", err)
		}},
		{"staged", func(t *testing.T, s *Store) {
			if _, err := s.Stage("weather", from(t, next)); err != nil {
				t.Fatal(err)
			}
		}},
		{"kept", func(t *testing.T, s *Store) { keep(t, s, next) }},
		{"recorded in part", func(t *testing.T, s *Store) {
			keep(t, s, next)
			if err := os.WriteFile(filepath.Join(s.dir, stagingDir, "record-1"), []byte(`{"schema"`), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			s := open(t)
			tree, _ := keep(t, s, dir)
			if err := s.Put(record(tree)); err != nil {
				t.Fatal(err)
			}
			func() {
				defer func() { _ = recover() }()
				step.do(t, s)
			}()
			s.Unlock() // as the kernel does
			again, err := Open(s.dir)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := again.Get("weather"); err != nil || r.Tree != tree || again.Check(tree) != nil {
				t.Errorf("what was installed is not whole: %v", err)
			}
			if err := again.Lock(); err != nil {
				t.Fatal(err)
			}
			defer again.Unlock()
			if left, _ := os.ReadDir(filepath.Join(s.dir, stagingDir)); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			newTree, _ := keep(t, again, next)
			if err := errors.Join(again.Put(record(newTree)), again.Collect()); err != nil {
				t.Error(err)
			}
			if all, _ := os.ReadDir(filepath.Join(s.dir, storeDir)); len(all) != 1 {
				t.Errorf("%d skills are kept", len(all))
			}
		})
	}
}

func TestStoresOfOthersAreRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "somebody else may write") {
		t.Errorf("got %v", err)
	}
	if _, err := Read(filepath.Join(dir, "none")); err == nil {
		t.Error("a store that is not there opens")
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"schema":1,"name":"a","tree":"sha256:` + strings.Repeat("0", 63) + `1","policy":"x"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeRecord(b); err == nil && (!trust.ValidName(r.Name) || r.Policy == "") {
			t.Errorf("%+v", r)
		}
	})
}

func BenchmarkVerify1000(b *testing.B) {
	files := map[string]string{"SKILL.md": "---\nname: weather\n---\n"}
	for i := range 999 {
		files[fmt.Sprintf("d%d/f%d.md", i%20, i)] = strings.Repeat(fmt.Sprintf("line %d\n", i), 500)
	}
	dir := skillDir(b, files)
	for b.Loop() {
		d, err := os.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Measure("weather", FromDir(context.Background(), d)); err != nil {
			b.Fatal(err)
		}
		d.Close()
	}
}
