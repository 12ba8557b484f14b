package launch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindWorkspace(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", link); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, in, want, err string }{
		{"a link is what it leads to", link, filepath.Join(dir, "real"), ""},
		{"a missing directory", filepath.Join(dir, "none"), "", "does not exist"},
		{"a file", file, "", "not a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := findWorkspace(tt.in)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestSetEnv(t *testing.T) {
	o := Options{Environ: []string{"TOKEN=obviously-fake", "EMPTY="}}
	tests := []struct{ name, in, want, err string }{
		{"a value", "A=b=c", "A=b=c", ""},
		{"an empty value", "A=", "A=", ""},
		{"the caller's value", "TOKEN", "TOKEN=obviously-fake", ""},
		{"the caller's empty value", "EMPTY", "EMPTY=", ""},
		{"a variable that is not set", "MISSING", "", "not set here"},
		{"no name", "=x", "", "needs a name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o.Env = []string{tt.in}
			got, err := setEnv(o)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || string(got[0]) != tt.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
