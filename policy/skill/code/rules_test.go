package code

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/policy/skill"
)

func language(name string) skill.Lang {
	switch filepath.Ext(name) {
	case ".sh":
		return skill.Shell
	case ".py":
		return skill.Python
	case ".js", ".mjs":
		return skill.JavaScript
	case ".ts", ".tsx":
		return skill.TypeScript
	}
	return skill.Unknown
}

// unit reads one file of the fixtures. They are text to look at; nothing runs
// them.
func unit(t testing.TB, dir, name string) skill.Unit {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return skill.Unit{File: filepath.ToSlash(name), Lang: language(name), Text: string(b), Line: 1, Column: 1, Told: true}
}

func declared() skill.Manifest {
	return skill.Manifest{File: "SKILL.md", Hosts: []skill.Declared{{Value: "api.vendor.test"}}, Env: []skill.Declared{{Value: "VENDOR_API_KEY"}, {Value: "VENDOR_TOKEN"}}}
}

// about are the findings of a rule that are more than a remark.
func about(findings []skill.Finding, id string, remarks bool) []skill.Finding {
	var out []skill.Finding
	for _, f := range findings {
		if f.Rule == id && (remarks || f.Severity <= skill.Medium && f.Confidence < skill.ConfidenceLow) {
			out = append(out, f)
		}
	}
	return out
}

// TestRules reads testdata/RULE/bad* and good*: each bad file makes a finding
// of the rule, with its line, and no good file does.
func TestRules(t *testing.T) {
	files, err := filepath.Glob("testdata/CJS-*/*")
	if err != nil || len(files) < 200 {
		t.Fatalf("fixtures: %d, %v", len(files), err)
	}
	for _, path := range files {
		dir, name := filepath.Split(path)
		id := filepath.Base(dir)
		t.Run(id+"/"+name, func(t *testing.T) {
			u := unit(t, dir, name)
			findings, _ := Analyze(context.Background(), []skill.Unit{u}, declared(), Options{})
			bad := strings.HasPrefix(name, "bad")
			got := about(findings, id, bad)
			if bad != (len(got) > 0) {
				t.Errorf("%s in a %s file: %v\nall: %+v", id, name, got, findings)
			}
			for _, f := range got {
				if f.Line < 1 || f.File != name || f.Evidence == "" && id != "CJS-COV-001" {
					t.Errorf("finding without its place or evidence: %+v", f)
				}
			}
		})
	}
}

// TestFlowsOverFiles reads testdata/cross: skills whose attack is split over
// files, arguments, variables, pipes and imports.
func TestFlowsOverFiles(t *testing.T) {
	cases, err := filepath.Glob("testdata/cross/*")
	if err != nil || len(cases) < 7 {
		t.Fatalf("cases: %d, %v", len(cases), err)
	}
	for _, dir := range cases {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var units []skill.Unit
			err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					rel, _ := filepath.Rel(dir, p)
					units = append(units, unit(t, dir, rel))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			findings, _ := Analyze(context.Background(), units, skill.Manifest{}, Options{})
			got := about(findings, "CJS-FLOW-001", false)
			if len(got) == 0 {
				t.Fatalf("not seen: %+v", findings)
			}
			if len(got[0].Flow) < 2 {
				t.Errorf("no flow: %+v", got[0])
			}
		})
	}
}

func fixtures(t testing.TB) ([]skill.Unit, int) {
	t.Helper()
	files, err := filepath.Glob("testdata/CJS-*/*")
	if err != nil {
		t.Fatal(err)
	}
	var units []skill.Unit
	total := 0
	for _, p := range files {
		u := unit(t, "testdata", strings.TrimPrefix(p, "testdata/"))
		units = append(units, u)
		total += len(u.Text)
	}
	return units, total
}

// languages are those in which a rule over code must have an example for it and
// one against it: s is shell, p Python, j JavaScript or TypeScript. A rule that
// is not named has to have all three.
var languages = map[string]string{
	"CJS-COV-001":  "p",  // a parser's complaint, whichever it is
	"CJS-EXEC-003": "pj", // programs that a shell starts are capabilities only
	"CJS-EXEC-004": "pj", "CJS-EXEC-005": "pj", "CJS-EXEC-006": "p",
	"CJS-FS-006":   "s",
	"CJS-FLOW-010": "",                                          // over several files: see testdata/cross
	"CJS-OBF-001":  "pj", "CJS-OBF-003": "", "CJS-OBF-004": "s", // the first has its own in ../audit
	"CJS-SEC-002": "s",
}

// TestEveryRuleInEveryLanguage: a rule that was never seen to find something in a
// language, or to leave something alone, does not support it.
func TestEveryRuleInEveryLanguage(t *testing.T) {
	endings := map[rune][]string{'s': {".sh"}, 'p': {".py"}, 'j': {".js", ".mjs", ".ts", ".tsx"}}
	dirs, err := filepath.Glob("testdata/CJS-*")
	if err != nil || len(dirs) < 40 {
		t.Fatalf("rules: %d, %v", len(dirs), err)
	}
	for _, dir := range dirs {
		id := filepath.Base(dir)
		want, listed := languages[id]
		if !listed {
			want = "spj"
		}
		for _, l := range want {
			for _, kind := range []string{"bad", "good"} {
				found := false
				for _, end := range endings[l] {
					files, err := filepath.Glob(filepath.Join(dir, kind+"*"+end))
					found = found || err == nil && len(files) > 0
				}
				if !found {
					t.Errorf("%s has no %s fixture in language %c", id, kind, l)
				}
			}
		}
	}
}
