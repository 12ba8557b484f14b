package tree

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/policy/skill"
)

func rules(t skill.Tree) string {
	var out []string
	for _, f := range t.Problems {
		out = append(out, fmt.Sprintf("%s %s %s: %s", f.Rule, f.Severity, f.File, f.Message))
	}
	return strings.Join(out, "\n")
}

func read(t *testing.T, dir string) skill.Tree {
	t.Helper()
	got, err := ReadDir(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantProblem(t *testing.T, got skill.Tree, rule, part string) {
	t.Helper()
	for _, f := range got.Problems {
		if f.Rule == rule && strings.Contains(f.File+": "+f.Message, part) {
			return
		}
	}
	t.Errorf("no %s with %q in:\n%s", rule, part, rules(got))
}

func TestOrdinarySkillHasNoProblems(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/SKILL.md", "---\nname: x\n---\n")
	write(t, dir+"/scripts/run.py", "print(1)\n")
	write(t, dir+"/run", "#!/usr/bin/env bash\necho\n")
	got := read(t, dir)
	if len(got.Problems) != 0 || len(got.Files) != 3 {
		t.Errorf("%d files, problems:\n%s", len(got.Files), rules(got))
	}
	if f := got.File("run"); f == nil || f.Lang != skill.Shell {
		t.Errorf("the script without an extension is not known by its first line: %+v", f)
	}
}

func TestLinksAndSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/SKILL.md", "x")
	for name, target := range map[string]string{"absolute": "/etc/passwd", "leaving": "../../x", "inside": "SKILL.md", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(dir+"/SKILL.md", dir+"/hard"); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	write(t, other, "x")
	if err := os.Link(other, dir+"/shared"); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/suid", "x")
	if err := os.Chmod(dir+"/suid", 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	got := read(t, dir)
	wantProblem(t, got, "CJS-FILE-001", "absolute: symbolic link to an absolute path")
	wantProblem(t, got, "CJS-FILE-001", "leaving: symbolic link that leaves")
	wantProblem(t, got, "CJS-FILE-001", "inside: symbolic link inside")
	wantProblem(t, got, "CJS-FILE-001", "loop: symbolic link inside")
	wantProblem(t, got, "CJS-FILE-001", "SKILL.md: hard link: the same file has 2 names, all of them in the skill")
	wantProblem(t, got, "CJS-FILE-001", "shared: hard link: the same file has 2 names, and can be changed")
	wantProblem(t, got, "CJS-FILE-008", "fifo: device, fifo or socket")
	wantProblem(t, got, "CJS-FILE-008", "suid: setuid")
	for _, f := range got.Files {
		if f.Link != "" && f.Data != nil {
			t.Errorf("%s: a link was followed", f.Path)
		}
	}
}

func TestNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"README.md", "readme.MD", "caf\u00e9", "cafe\u0301", "a\u202egpj.exe", "b\x01", "c\u200bd", "e\\f"} {
		write(t, filepath.Join(dir, name), "x")
	}
	got := read(t, dir)
	for _, part := range []string{"only by case or normalisation", "bidirectional", "control character", "invisible", "backslash", "normal form C"} {
		wantProblem(t, got, "CJS-FILE-008", part)
	}
}

func TestTooMuch(t *testing.T) {
	dir := t.TempDir()
	for i := range MaxFiles + 5 {
		write(t, fmt.Sprintf("%s/f/%04d", dir, i), "x")
	}
	write(t, dir+"/big", "")
	if err := os.Truncate(dir+"/big", MaxFile+1); err != nil {
		t.Fatal(err)
	}
	deep := dir + strings.Repeat("/d", MaxDepth+2)
	write(t, deep+"/x", "x")
	got := read(t, dir)
	wantProblem(t, got, "CJS-FILE-005", "more than 1000 files")
	wantProblem(t, got, "CJS-FILE-005", "big: larger than")
	wantProblem(t, got, "CJS-FILE-005", "nested deeper")
	if len(got.Files) > MaxFiles+1 {
		t.Errorf("%d files were read", len(got.Files))
	}
}

// TestAFloodOfSmallProblemsHidesNoLargeOne has the links come last.
func TestAFloodOfSmallProblemsHidesNoLargeOne(t *testing.T) {
	dir := t.TempDir()
	for i := range maxProblems + 20 {
		write(t, fmt.Sprintf("%s/ a%d", dir, i), "x")
	}
	if err := os.Symlink("/etc/passwd", dir+"/z"); err != nil {
		t.Fatal(err)
	}
	got := read(t, dir)
	wantProblem(t, got, "CJS-COV-001", "more than 200 problems")
	if len(got.Problems) != maxProblems+1 {
		t.Errorf("%d problems", len(got.Problems))
	}
}

func zipped(t testing.TB, members map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range members {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t testing.TB, headers []tar.Header, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(text))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchivesInside(t *testing.T) {
	inner := zipped(t, map[string]string{"run.sh": "echo inner"})
	for range MaxArchiveDepth {
		inner = zipped(t, map[string]string{"next.zip": string(inner)})
	}
	dir := t.TempDir()
	write(t, dir+"/nested.zip", string(inner))
	write(t, dir+"/slip.zip", string(zipped(t, map[string]string{"../../x": "x", "ok.txt": "fine"})))
	write(t, dir+"/bomb.gz", string(gzipped(t, bytes.Repeat([]byte{0}, 30<<20))))
	write(t, dir+"/picture.png", string(zipped(t, map[string]string{"hidden.sh": "echo"})))
	many := map[string]string{}
	for i := range MaxMembers + 10 {
		many[fmt.Sprint(i)] = "x"
	}
	write(t, dir+"/zmany.zip", string(zipped(t, many)))
	got := read(t, dir)
	wantProblem(t, got, "CJS-FILE-003", "archives nested deeper")
	wantProblem(t, got, "CJS-FILE-003", "slip.zip: member whose name leaves")
	wantProblem(t, got, "CJS-FILE-003", "bomb.gz")
	wantProblem(t, got, "CJS-FILE-003", "more than 1000 members")
	if f := got.File("slip.zip!/ok.txt"); f == nil || string(f.Data) != "fine" {
		t.Error("the member beside the bad one was not read")
	}
	if f := got.File("picture.png!/hidden.sh"); f == nil || f.Lang != skill.Shell {
		t.Error("an archive that is named like a picture was not unpacked")
	}
}

func gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReadArchive(t *testing.T) {
	body := tarred(t, []tar.Header{{Name: "skill/SKILL.md", Typeflag: tar.TypeReg, Mode: 0o644}, {Name: "skill/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		{Name: "skill/dev", Typeflag: tar.TypeChar}, {Name: "/abs", Typeflag: tar.TypeReg}}, "text")
	for name, data := range map[string][]byte{"skill.tar": body, "skill.tgz": gzipped(t, body)} {
		got, err := ReadArchive(t.Context(), name, data)
		if err != nil {
			t.Fatal(err)
		}
		wantProblem(t, got, "CJS-FILE-001", "link: symbolic link to an absolute path")
		wantProblem(t, got, "CJS-FILE-008", "dev: device")
		wantProblem(t, got, "CJS-FILE-003", "leaves the archive")
		if got.File("SKILL.md") == nil || got.Name != "skill" {
			t.Errorf("%s: the top directory was not taken away: %q %+v", name, got.Name, got.Files)
		}
	}
	for name, data := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "7z": []byte("7z\xbc\xaf\x27\x1c"), "cut": body[:700], "zip": []byte("PK\x03\x04xxxx")} {
		if _, err := ReadArchive(t.Context(), name, data); err == nil {
			t.Errorf("%s was taken for an archive", name)
		}
	}
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		path, text string
		want       skill.Lang
	}{
		{"a.sh", "x", skill.Shell}, {"a", "#!/usr/bin/env python3\n", skill.Python}, {"a", "#!/usr/bin/env -S node\n", skill.JavaScript},
		{"a.txt", "#!/bin/sh\n", skill.Shell}, {"a.md", "\x00\x01", skill.Binary}, {"Makefile", "all:", skill.Text}, {"a.rb", "puts", skill.OtherCode},
		{"a.md", "\xff\xfeh\x00i\x00", skill.Markdown}, {"noext", "hello", skill.Unknown}, {"a", "#!/usr/bin/perl\n", skill.OtherCode},
	} {
		if got := Detect(c.path, []byte(c.text)); got != c.want {
			t.Errorf("Detect(%q, %q) = %q, want %q", c.path, c.text, got, c.want)
		}
	}
}

func TestTextDecodesUTF16AndCuts(t *testing.T) {
	if s, _ := Text(skill.File{Data: []byte("\xfe\xff\x00h\x00i")}); s != "hi" {
		t.Errorf("%q", s)
	}
	if s, cut := Text(skill.File{Data: bytes.Repeat([]byte("line\n"), MaxText/4)}); !cut || len(s) > MaxText || !strings.HasSuffix(s, "\n") {
		t.Errorf("cut %v, %d bytes", cut, len(s))
	}
}

func FuzzReadArchive(f *testing.F) {
	f.Add(zipped(f, map[string]string{"SKILL.md": "x", "a/b": "y"}))
	f.Add(tarred(f, []tar.Header{{Name: "a", Typeflag: tar.TypeReg}}, "x"))
	f.Add(gzipped(f, []byte("x")))
	f.Add([]byte("BZh91AY&SY"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ReadArchive(context.Background(), "x", data)
		if err != nil {
			return
		}
		if len(got.Files) > MaxFiles+MaxMembers+1 || len(got.Problems) > maxProblems+1 {
			t.Fatalf("%d files, %d problems", len(got.Files), len(got.Problems))
		}
		for _, file := range got.Files {
			if strings.HasPrefix(file.Path, "/") || strings.HasPrefix(file.Path, "../") {
				t.Fatalf("path %q leaves the skill", file.Path)
			}
		}
	})
}

func FuzzDetect(f *testing.F) {
	f.Add("a.md", []byte("#!/bin/sh"))
	f.Add("a", []byte("\xff\xfea\x00"))
	f.Fuzz(func(t *testing.T, path string, data []byte) {
		Detect(path, data)
		Text(skill.File{Path: path, Data: data})
		Sniff(data)
	})
}
