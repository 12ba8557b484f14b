package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// maxOutput bounds what is kept of one test's output; the rest is cut.
const maxOutput = 64 << 10

type key struct{ pkg, test string }

// tally adds up one stream.
type tally struct {
	out     io.Writer
	prefix  string // printed before package names
	noskip  bool
	verbose bool
	passed  int
	failed  int
	skipped int
	outputs map[key]*strings.Builder
	guilty  map[string]bool // packages whose failure a failed test explains
}

func main() {
	t := tally{out: os.Stdout, outputs: map[key]*strings.Builder{}, guilty: map[string]bool{}}
	flag.StringVar(&t.prefix, "prefix", "", "printed before package names")
	flag.BoolVar(&t.noskip, "noskip", false, "a skipped test is a failure")
	flag.BoolVar(&t.verbose, "v", false, "name every test that passed")
	flag.Parse()
	if err := t.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(2)
	}
	if !t.close() {
		os.Exit(1)
	}
}

// read consumes events until end of file. A line that is no event (a compiler's
// message, a runner's own words) is shown as it is.
func (t *tally) read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			var e event
			if line[0] != '{' || json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(t.out, line)
			} else {
				t.add(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read test events: %w", err)
		}
	}
}

func (t *tally) add(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "output":
		t.keep(k, e.Output)
	case "build-output":
		fmt.Fprint(t.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.endPackage(e)
		} else {
			t.endTest(e)
		}
	}
}

// keep remembers output under the test it came from and under its parent, so
// that a failing parent shows what its parts said.
func (t *tally) keep(k key, s string) {
	if name, _, sub := strings.Cut(k.test, "/"); sub {
		k.test = name
	}
	b := t.outputs[k]
	if b == nil {
		b = &strings.Builder{}
		t.outputs[k] = b
	}
	if b.Len() < maxOutput {
		b.WriteString(s)
	}
}

func (t *tally) endTest(e event) {
	if strings.Contains(e.Test, "/") {
		if e.Action == "skip" && t.noskip {
			fmt.Fprintf(t.out, "FAIL  %s%s %s: skipped, and a skip is a failure here\n", t.prefix, e.Package, e.Test)
			t.failed++
			t.guilty[e.Package] = true
		}
		return
	}
	k := key{e.Package, e.Test}
	switch {
	case e.Action == "pass":
		t.passed++
		if t.verbose {
			fmt.Fprintf(t.out, "ok    %s%s %s (%.2fs)\n", t.prefix, e.Package, e.Test, e.Elapsed)
		}
	case e.Action == "skip" && !t.noskip:
		t.skipped++
	default:
		t.failed++
		t.guilty[e.Package] = true
		fmt.Fprintf(t.out, "%sFAIL  %s%s %s (%s)\n", t.output(k), t.prefix, e.Package, e.Test, e.Action)
	}
	delete(t.outputs, k)
}

// endPackage judges a package as a whole: it may fail without a failed test (a
// build error, a panic, a time-out, TestMain).
func (t *tally) endPackage(e event) {
	k := key{e.Package, ""}
	switch e.Action {
	case "pass":
		fmt.Fprintf(t.out, "ok    %s%s (%.1fs)\n", t.prefix, e.Package, e.Elapsed)
	case "fail":
		if !t.guilty[e.Package] {
			t.failed++
		}
		unfinished := ""
		for o := range t.outputs {
			if o.pkg == e.Package && o.test != "" {
				unfinished += fmt.Sprintf("--- unfinished: %s\n%s", o.test, t.output(o))
			}
		}
		fmt.Fprintf(t.out, "%s%sFAIL  %s%s (%.1fs)\n", unfinished, t.output(k), t.prefix, e.Package, e.Elapsed)
	}
	for o := range t.outputs {
		if o.pkg == e.Package {
			delete(t.outputs, o)
		}
	}
}

func (t *tally) output(k key) string {
	if b := t.outputs[k]; b != nil {
		return b.String()
	}
	return ""
}

// close prints the totals and reports whether the run was a success.
func (t *tally) close() bool {
	if t.passed+t.failed == 0 {
		fmt.Fprintln(t.out, "FAIL  no test ran")
		t.failed++
	}
	fmt.Fprintf(t.out, "%d passed, %d failed", t.passed, t.failed)
	if t.skipped > 0 {
		fmt.Fprintf(t.out, ", %d skipped", t.skipped)
	}
	fmt.Fprintln(t.out)
	return t.failed == 0
}
