package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden lists")

const module = "clawjail"

// root is the module's directory, seen from this package's.
const root = "../.."

// goPackage is what go list says about a package.
type goPackage struct {
	Dir, ImportPath, Name string
	Standard              bool
	Imports               []string
	GoFiles, CgoFiles     []string
	TestGoFiles           []string
	XTestGoFiles          []string
	IgnoredGoFiles        []string
}

// short is the import path below the module: "jail/shim", "" for none.
func (p goPackage) short() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

func (p goPackage) ours() bool { return strings.HasPrefix(p.ImportPath, module+"/") }

// goList runs go list in the module's root.
func goList(t *testing.T, args ...string) []goPackage {
	t.Helper()
	c := exec.Command("go", append([]string{"list", "-json=Dir,ImportPath,Name,Standard,Imports,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,IgnoredGoFiles"}, args...)...)
	c.Dir = root
	c.Env = append(os.Environ(), "CGO_ENABLED=1")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list %v: %v: %s", args, err, stderr.String())
	}
	var list []goPackage
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// source is one file of the tree that people wrote.
type source struct {
	path string // below the root
	text []byte
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// sources are the files that git knows or would add, with one of the suffixes;
// generated ones and test data are left out.
func sources(t *testing.T, suffixes ...string) []source {
	t.Helper()
	c := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	c.Dir = root
	out, err := c.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var list []source
	for path := range strings.SplitSeq(string(out), "\x00") {
		if path == "" || strings.Contains(path, "testdata/") || !hasSuffix(path, suffixes) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, path))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if !generated(text) {
			list = append(list, source{path, text})
		}
	}
	if len(list) == 0 {
		t.Fatalf("no files with %v", suffixes)
	}
	return list
}

func hasSuffix(path string, suffixes []string) bool {
	for _, s := range suffixes {
		if strings.HasSuffix(path, s) {
			return true
		}
	}
	return len(suffixes) == 0
}

// generated recognises the mark of `go help generate`, and a BTF dump in C.
func generated(text []byte) bool {
	head := text[:min(len(text), 512)]
	return bytes.Contains(head, []byte("DO NOT EDIT")) || bytes.Contains(head, []byte("#ifndef __VMLINUX_H__"))
}
