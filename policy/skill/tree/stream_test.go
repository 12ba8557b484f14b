package tree

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clawjail/policy/skill/stream"
)

// A stream says the same of a directory as the directory itself.
func TestStreamIsTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "weather")
	for name, text := range map[string]string{"SKILL.md": "---\nname: weather\n---\n", "scripts/get.sh": "echo\n", "empty": "", "a\u202eb": "x", "Readme": "1", "README": "2"} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("/etc", filepath.Join(dir, "link")), os.Link(filepath.Join(dir, "Readme"), filepath.Join(dir, "hard")),
		os.Truncate(filepath.Join(dir, "empty"), MaxFile+1), os.MkdirAll(filepath.Join(dir, strings.Repeat("d/", MaxDepth+1)), 0o755)); err != nil {
		t.Fatal(err)
	}
	want, err := ReadDir(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var buf bytes.Buffer
	w := stream.NewWriter(&buf, "weather")
	if err := errors.Join(stream.Walk(context.Background(), d, StreamLimits(), w.Write), w.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := stream.NewReader(&buf)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadStream(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Problems, want.Problems) {
		t.Errorf("problems:\n got %+v\nwant %+v", got.Problems, want.Problems)
	}
	if !reflect.DeepEqual(got.Files, want.Files) || got.Name != want.Name {
		t.Errorf("files:\n got %+v\nwant %+v", got.Files, want.Files)
	}
}
