package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/policy/skill"
	"clawjail/policy/skill/stream"
	"clawjail/policy/skill/tree"
)

func archive(t *testing.T, name string, members map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := stream.WriteArchive(&b, name); err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(&b)
	for n, text := range members {
		w, err := z.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func judge(t *testing.T, in []byte) skill.Report {
	t.Helper()
	var out bytes.Buffer
	if err := run(context.Background(), false, bytes.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	var r skill.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

const skillMD = "---\nname: weather\ndescription: Says how the weather is.\n---\n# Weather\nSay it.\n"

func TestDirectoryAndArchiveAreJudgedAlike(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "weather")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "SKILL.md"), []byte(skillMD), 0o644)); err != nil {
		t.Fatal(err)
	}
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var b bytes.Buffer
	w := stream.NewWriter(&b, "weather")
	if err := errors.Join(stream.Walk(context.Background(), d, tree.StreamLimits(), w.Write), w.Close()); err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string][]byte{"directory": b.Bytes(), "archive": archive(t, "weather.zip", map[string]string{"weather/SKILL.md": skillMD})} {
		if r := judge(t, in); r.Name != "weather" || r.Verdict != skill.Approved || r.Files != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestBrokenArchivesHaveAReport(t *testing.T) {
	bomb := archive(t, "bomb.zip", map[string]string{"SKILL.md": skillMD, "big": strings.Repeat("0", 80<<20)})
	var none bytes.Buffer
	_ = stream.WriteArchive(&none, "none.zip")
	for name, in := range map[string][]byte{"bomb": bomb, "none": none.Bytes(), "cut": archive(t, "a.zip", map[string]string{"SKILL.md": skillMD})[:60]} {
		if r := judge(t, in); r.Verdict == skill.Approved || len(r.Findings) == 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if err := run(context.Background(), true, bytes.NewReader(in), io.Discard); err == nil {
			t.Errorf("%s is unpacked", name)
		}
	}
}

func TestUnpack(t *testing.T) {
	var out bytes.Buffer
	in := archive(t, "weather.zip", map[string]string{"weather/SKILL.md": skillMD, "weather/a/b": "text"})
	if err := run(context.Background(), true, bytes.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	r, err := stream.NewReader(&out)
	if err != nil || r.Name != "weather" {
		t.Fatalf("%v, name %q", err, r.Name)
	}
	got := map[string]string{}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got[e.Path] = string(e.Data)
	}
	if len(got) != 2 || got["SKILL.md"] != skillMD || got["a/b"] != "text" {
		t.Errorf("%q", got)
	}
	slip := archive(t, "slip.zip", map[string]string{"SKILL.md": skillMD, "../up": "x"})
	if err := run(context.Background(), true, bytes.NewReader(slip), io.Discard); err == nil || !strings.Contains(err.Error(), "leaves the archive") {
		t.Errorf("a member that leaves the archive: %v", err)
	}
}

func TestGarbage(t *testing.T) {
	for _, in := range []string{"", "x", "clawjail-skill 1\n", "clawjail-archive 1\n\xff\xff\xff\xff\xff"} {
		if err := run(context.Background(), false, bufio.NewReader(strings.NewReader(in)), io.Discard); err == nil {
			t.Errorf("%q is a skill", in)
		}
	}
}
