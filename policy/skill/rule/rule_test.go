package rule

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"clawjail/policy/skill"
)

func TestTableIsComplete(t *testing.T) {
	all := All()
	if len(all) != 90 {
		t.Errorf("%d rules, want 90", len(all))
	}
	seen := map[string]bool{}
	id := regexp.MustCompile(`^CJS-[A-Z]+-\d{3}$`)
	for _, r := range all {
		switch {
		case !id.MatchString(r.ID) || seen[r.ID]:
			t.Errorf("%q: malformed or twice", r.ID)
		case r.Title == "" || r.Why == "" || r.Bad == "" || r.Good == "" || r.Fix == "":
			t.Errorf("%s: a text is missing", r.ID)
		case len(r.CWE) == 0 || len(r.OWASP) == 0:
			t.Errorf("%s: no CWE or OWASP identifier", r.ID)
		}
		for _, c := range r.CWE {
			if !regexp.MustCompile(`^CWE-\d+$`).MatchString(c) {
				t.Errorf("%s: %q", r.ID, c)
			}
		}
		for _, o := range r.OWASP {
			if !regexp.MustCompile(`^ASI(0[1-9]|10)$`).MatchString(o) {
				t.Errorf("%s: %q", r.ID, o)
			}
		}
		seen[r.ID] = true
		if got, ok := Find(r.ID); !ok || got.Title != r.Title {
			t.Errorf("Find(%q) does not find it", r.ID)
		}
	}
}

// TestSourcesNameOnlyKnownRules looks every identifier up that stands in the
// sources of the audit.
func TestSourcesNameOnlyKnownRules(t *testing.T) {
	id := regexp.MustCompile(`"CJS-[A-Z]+-\d{3}"`)
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range id.FindAllString(string(text), -1) {
			if _, ok := Find(strings.Trim(m, `"`)); !ok {
				t.Errorf("%s names %s, which is not in the table", path, m)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewWithoutARuleIsTheWorst(t *testing.T) {
	f := New("CJS-NOPE-001", skill.Place{}, "x", "")
	if f.Severity != skill.Critical || f.Class != skill.Threat || f.Confidence != skill.ConfidenceHigh {
		t.Errorf("%+v", f)
	}
}

func TestNewRedactsAndEscapes(t *testing.T) {
	token := "ghp_" + strings.Repeat("aB3", 12)
	f := New("CJS-SEC-001", skill.Place{File: "a"}, "token "+token, "x\x1b[2J"+token+"\u202e"+strings.Repeat("é", 300))
	if strings.Contains(f.Message+f.Evidence, token) || strings.ContainsAny(f.Evidence, "\x1b\u202e") || len(f.Evidence) > skill.MaxEvidence {
		t.Errorf("%q %q", f.Message, f.Evidence)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"plain", "\x1b]0;x\a", "\u202e\U000e0041", "\xff\xfe", strings.Repeat("長", 100)} {
		f.Add(s, 50)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = 10 + (limit&0xff+256)%256
		got := Escape(s, limit)
		if len(got) > limit {
			t.Fatalf("%d bytes, limit %d", len(got), limit)
		}
		for _, c := range got {
			if !unicode.IsGraphic(c) {
				t.Fatalf("%q holds %U", got, c)
			}
		}
		if Escape(got, limit) != got {
			t.Fatalf("escaping %q again changes it to %q", got, Escape(got, limit))
		}
	})
}
