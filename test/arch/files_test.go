package arch

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	maxFileLines = 500
	maxFuncLines = 80
)

// cgoPackages are the only ones that may link C.
var cgoPackages = []string{"jail/container", "seccomp/compiler"}

func TestNoCgoElsewhere(t *testing.T) {
	for _, p := range goList(t, "-tags", "kernel,e2e", "./...") {
		if len(p.CgoFiles) > 0 && !slices.Contains(cgoPackages, p.short()) {
			t.Errorf("%s has cgo files %v; only %v may", p.ImportPath, p.CgoFiles, cgoPackages)
		}
	}
	for _, s := range sources(t, ".go") {
		if dir := filepath.Dir(s.path); bytes.Contains(s.text, []byte("import \"C\"")) && !strings.HasPrefix(s.path, "test/arch") && !slices.Contains(cgoPackages, dir) {
			t.Errorf("%s imports C", s.path)
		}
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	for _, p := range goList(t, "-tags", "kernel,e2e", "./...") {
		text, err := os.ReadFile(filepath.Join(p.Dir, "doc.go"))
		if err != nil {
			t.Errorf("%s has no doc.go", p.ImportPath)
			continue
		}
		start := "// Package " + p.Name + " "
		if p.Name == "main" {
			start = "// Command " + filepath.Base(p.Dir) + " "
		}
		if !bytes.Contains(text, []byte(start)) {
			t.Errorf("%s/doc.go does not begin with %q", p.short(), start)
		}
		if !bytes.Contains(text, []byte("# Decisions")) {
			t.Errorf("%s/doc.go has no list of decisions", p.short())
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, s := range sources(t, ".go", ".c", ".h", ".sh", "Makefile") {
		if n := bytes.Count(s.text, []byte("\n")); n > maxFileLines {
			t.Errorf("%s has %d lines, at most %d", s.path, n, maxFileLines)
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t, ".go") {
		if s.isTest() {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, s.path, s.text, parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			if n := lines(set, fn) - tableLines(set, fn); n > maxFuncLines {
				t.Errorf("%s: %s has %d lines, at most %d", set.Position(fn.Pos()), fn.Name.Name, n, maxFuncLines)
			}
		}
	}
}

func lines(set *token.FileSet, n ast.Node) int {
	return set.Position(n.End()).Line - set.Position(n.Pos()).Line + 1
}

// tableLines are the lines of the longest composite literal: a table is data.
func tableLines(set *token.FileSet, fn *ast.FuncDecl) int {
	longest := 0
	ast.Inspect(fn, func(n ast.Node) bool {
		if lit, ok := n.(*ast.CompositeLit); ok {
			longest = max(longest, lines(set, lit)-1)
		}
		return true
	})
	return longest
}

func TestUnsafeStaysInItsFiles(t *testing.T) {
	for _, s := range sources(t, ".go") {
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(s.path), ".go"), "_test")
		if strings.HasSuffix(name, "_unsafe") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), s.path, s.text, parser.ImportsOnly)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, i := range f.Imports {
			if i.Path.Value == `"unsafe"` {
				t.Errorf("%s imports unsafe; only *_unsafe.go may", s.path)
			}
		}
	}
}

func TestImportsAreGrouped(t *testing.T) {
	for _, s := range sources(t, ".go") {
		f, err := parser.ParseFile(token.NewFileSet(), s.path, s.text, parser.ImportsOnly)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		last := 0
		for _, i := range f.Imports {
			g := importGroup(strings.Trim(i.Path.Value, `"`))
			if g < last {
				t.Errorf("%s: %s stands after a later group; the order is standard, third-party, clawjail", s.path, i.Path.Value)
			}
			last = max(last, g)
		}
	}
}

func importGroup(path string) int {
	first, _, _ := strings.Cut(path, "/")
	switch {
	case first == module:
		return 2
	case strings.Contains(first, "."):
		return 1
	default:
		return 0
	}
}

// exits are the places that may end the process: main itself, and re-executed
// children whose whole life is one function.
var exitAllowed = regexp.MustCompile(`^(cmd/|test/|jail/container/|jail/shim/|seccomp/service/generate/)`)

func TestNoInitNoExit(t *testing.T) {
	for _, s := range sources(t, ".go") {
		if s.isTest() || strings.HasPrefix(s.path, "test/") {
			continue
		}
		if bytes.Contains(s.text, []byte("\nfunc init()")) && !initAllowed[s.path] {
			t.Errorf("%s has an init function", s.path)
		}
		if bytes.Contains(s.text, []byte("os.Exit(")) && !exitAllowed.MatchString(s.path) {
			t.Errorf("%s ends the process; only main may", s.path)
		}
	}
}

// initAllowed are the init functions that a library or the runtime forces.
var initAllowed = map[string]bool{}

// forbidden is text that must stand nowhere in the tree.
var forbidden = []struct {
	pattern *regexp.Regexp
	why     string
}{
	{regexp.MustCompile(`\b(registry|proxy|sum|deb|security|archive)\.[a-z]+\.(org|com|io)\b`), "names a package registry's host"},
	{regexp.MustCompile(`\b(TODO|FIX` + `ME|XX` + `X)\b`), "marks unfinished work"},
	{regexp.MustCompile(`(?i)co-authored` + `-by`), "carries a trailer"},
}

func TestForbiddenText(t *testing.T) {
	for _, s := range sources(t) {
		if bytes.IndexByte(s.text, 0) >= 0 || s.path == "LICENSE" || strings.HasPrefix(s.path, "test/arch/") {
			continue
		}
		for _, f := range forbidden {
			if loc := f.pattern.FindIndex(s.text); loc != nil {
				line := bytes.Count(s.text[:loc[0]], []byte("\n")) + 1
				t.Errorf("%s:%d: %q %s", s.path, line, s.text[loc[0]:loc[1]], f.why)
			}
		}
	}
}

func TestTopLevelIsFixed(t *testing.T) {
	allowed := []string{"cmd", "supervisor", "bpf", "seccomp", "jail", "policy", "audit", "test",
		"go.mod", "go.sum", "Makefile", "README.md", "Vagrantfile", "LICENSE", "SECURITY.md", "CHANGELOG.md"}
	for _, s := range sources(t) {
		top, _, _ := strings.Cut(s.path, "/")
		if !strings.HasPrefix(top, ".") && !slices.Contains(allowed, top) && top != "staticcheck.conf" {
			t.Errorf("%s: the top level is fixed", top)
		}
	}
}

// A program that a build left behind is no source.
func TestNoProgramsAreCommitted(t *testing.T) {
	const most = 1 << 20
	for _, s := range sources(t) {
		if object := strings.HasPrefix(s.path, "bpf/") && strings.HasSuffix(s.path, ".o"); len(s.text) > most || bytes.HasPrefix(s.text, []byte("\x7fELF")) && !object {
			t.Errorf("%s: %d bytes, or a program: remove it from the tree", s.path, len(s.text))
		}
	}
}
