package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"clawjail/test/vm/job"
)

// testBinary is a package with kernel tests.
type testBinary struct {
	pkg   string   // import path
	dir   string   // its directory
	tests []string // names of the tests in *_kernel_test.go
	path  string   // the binary
}

func (t testBinary) name() string { return strings.ReplaceAll(t.pkg, "/", "_") }

var testFunc = regexp.MustCompile(`(?m)^func (Test[A-Z0-9_]\w*)\(`)

// endToEnd are the tests of test/e2e that need no agent from elsewhere: the
// built binaries as a whole, on the lsm tier.
var endToEnd = testBinary{pkg: "clawjail/test/e2e", tests: []string{
	"TestExitCodes", "TestWhatAJailIs", "TestEnvironmentIsClean", "TestFreezeThawKill",
	"TestGitClone", "TestPythonAgent", "TestClockSetBack",
	// What the next supervisor takes over is programs on LSM hooks here.
	"TestHeldCallOutlivesTheDaemon", "TestFreezeAndIncidentOutliveTheDaemon", "TestJailsWithoutASupervisor", "TestTheEndMeanwhile",
}}

// chaos is where the clock can be set; and what is killed there had programs on
// LSM hooks. It is run when it is named: `make chaos`.
var chaos = testBinary{pkg: "clawjail/test/chaos", tests: []string{"TestChaos"}}

// sameEverywhere takes long under emulation and asks the kernel for nothing that
// its version could change: sockets, names, and a configuration. `make kernel` and
// `make e2e` have run it.
const sameEverywhere = "^(TestRealClients|TestManyConnections|TestDNSFloodIsOneStory|TestBadConfigStopsTheDaemon)$"

// races are the attacks that go where the tiers differ: on executions, and on what
// runs code without one.
var races = testBinary{pkg: "clawjail/test/races", tests: []string{
	"TestLoaders", "TestMapping", "TestThreads", "TestVfork", "TestStormOfFlips",
}}

// refusal is what runs on a kernel that is too old, and on no other.
const refusal = "./test/vm/refusal"

// listTests finds the packages with kernel tests among patterns, and adds the tests
// of the binaries as a whole: all without patterns, or those that are among them.
func listTests(patterns []string) ([]testBinary, error) {
	var list []testBinary
	for _, whole := range []testBinary{endToEnd, races, chaos} {
		place := "." + strings.TrimPrefix(whole.pkg, "clawjail")
		if whole.pkg == chaos.pkg && len(patterns) == 0 || len(patterns) > 0 && !slices.Contains(patterns, place) {
			continue
		}
		dir, err := filepath.Abs(place)
		if err != nil {
			return nil, err
		}
		whole.dir = dir
		list = append(list, whole)
	}
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	tags := "kernel"
	if slices.Contains(patterns, refusal) {
		tags = "oldkernel"
	}
	args := append([]string{"list", "-tags", tags, "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles"}, patterns...)
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct {
			ImportPath, Dir           string
			TestGoFiles, XTestGoFiles []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			return list, nil
		} else if err != nil {
			return nil, err
		}
		t := testBinary{pkg: p.ImportPath, dir: p.Dir}
		for _, f := range append(p.TestGoFiles, p.XTestGoFiles...) {
			if !strings.HasSuffix(f, "kernel_test.go") {
				continue
			}
			src, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				return nil, err
			}
			for _, m := range testFunc.FindAllSubmatch(src, -1) {
				if name := string(m[1]); name != "TestMain" {
					t.tests = append(t.tests, name)
				}
			}
		}
		if len(t.tests) > 0 {
			list = append(list, t)
		}
	}
}

// without leaves out the tests whose name matches skip, and what then is empty.
func without(skip string, list []testBinary) ([]testBinary, error) {
	if skip == "" {
		return list, nil
	}
	unwanted, err := regexp.Compile(skip)
	if err != nil {
		return nil, fmt.Errorf("-skip: %w", err)
	}
	for i := range list {
		list[i].tests = slices.DeleteFunc(list[i].tests, unwanted.MatchString)
	}
	return slices.DeleteFunc(list, func(t testBinary) bool { return len(t.tests) == 0 }), nil
}

// buildTests compiles them into work. What does not build is reported as failed
// and left out: it says nothing about the others.
func buildTests(work, skip string, patterns []string) ([]testBinary, error) {
	list, err := listTests(patterns)
	if err != nil {
		return nil, err
	}
	for _, names := range []string{skip, sameEverywhere} {
		if list, err = without(names, list); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no package has kernel tests")
	}
	var built []testBinary
	for _, t := range list {
		t.path = filepath.Join(work, "bin", t.name()+".test")
		out, err := exec.Command("go", "test", "-c", "-tags", "kernel,e2e,oldkernel,vm", "-o", t.path, t.pkg).CombinedOutput()
		if err != nil {
			event(os.Stdout, t.pkg, "fail", fmt.Sprintf("%sbuild the tests: %v", out, err))
			continue
		}
		built = append(built, t)
	}
	return built, nil
}

// testJobs makes one job a binary. The tests learn the tier that this kernel
// must have, so that falling back to the other one is a failure. Emulation is
// slow: -test.short asks them for fewer rounds of the same.
func testJobs(list []testBinary, o options) ([]job.Job, error) {
	var jobs []job.Job
	tier, timeout := boot{lsm: o.lsm}.tier(), o.perTest
	for _, t := range list {
		jobs = append(jobs, job.Job{
			Name: t.name(), Dir: t.dir, Timeout: timeout + 30*time.Second,
			Argv: []string{t.path, "-test.v=test2json", "-test.short", "-test.count=1", "-test.timeout", timeout.String(),
				"-test.run", "^(" + strings.Join(t.tests, "|") + ")$"},
			Env: []string{"CLAWJAIL_TEST_TIER=" + tier, "CLAWJAIL_TEST_VM=1"},
		})
	}
	return jobs, nil
}

// report turns the results into test events. A missing result, a bad exit and
// a test that said nothing are failures.
func report(w io.Writer, dir, label string, list []testBinary) error {
	for _, t := range list {
		pkg := path.Join(label, t.pkg)
		out, outErr := os.ReadFile(filepath.Join(dir, t.name()+job.OutSuffix))
		rcText, rcErr := os.ReadFile(filepath.Join(dir, t.name()+job.RCSuffix))
		rc, convErr := strconv.Atoi(string(rcText))
		c := exec.Command("go", "tool", "test2json", "-p", pkg)
		c.Stdin = bytes.NewReader(out)
		events, err := c.Output()
		if err != nil {
			return fmt.Errorf("test2json: %w", err)
		}
		if _, err := w.Write(events); err != nil {
			return err
		}
		if missing := unreported(t, events); len(missing) > 0 {
			event(w, pkg, "fail", "no result of "+strings.Join(missing, ", "))
		} else if err := errors.Join(outErr, rcErr, convErr); err != nil {
			event(w, pkg, "fail", err.Error())
		} else if rc != 0 && !bytes.Contains(events, []byte(`"Action":"fail"`)) {
			event(w, pkg, "fail", fmt.Sprintf("exit status %d", rc))
		}
	}
	return nil
}

// unreported names the tests without a verdict.
func unreported(t testBinary, events []byte) (missing []string) {
	done := map[string]bool{}
	for line := range bytes.Lines(events) {
		var e struct{ Action, Test string }
		if json.Unmarshal(line, &e) == nil && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip") {
			done[e.Test] = true
		}
	}
	for _, name := range t.tests {
		if !done[name] {
			missing = append(missing, name)
		}
	}
	return missing
}

func event(w io.Writer, pkg, action, output string) {
	for _, e := range []map[string]string{
		{"Action": "output", "Package": pkg, "Output": output + "\n"},
		{"Action": action, "Package": pkg},
	} {
		if b, err := json.Marshal(e); err == nil {
			fmt.Fprintf(w, "%s\n", b)
		}
	}
}
