package prose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// patterns are all that are gated.
func patterns() []pattern {
	list := []pattern{
		going, sensitive, everything, obeyed, onBehalf, consentWord, presumed, storied, otherSelf, unseen, allSecrets, moved, eachStart, lasting, aimed, doors, wiped,
		filled, filling, localFile, proving, ranked, asked, kept, listed, waved, reticent, carriedOn, listening, hostForm, namedHost,
		acting, actingAbroad, citing, citedPath, proven, fetched, givingWords, takingWords, secretPlace, takenWords, forbids, keeping,
	}
	for _, d := range append(append(append([]deed{}, deeds...), trustDeeds...), helperNeeded, describedForm) {
		list = append(list, d.all...)
		if d.unless.re != nil {
			list = append(list, d.unless)
		}
	}
	for _, f := range forms() {
		list = append(list, f.p)
	}
	for _, t := range topics {
		list = append(list, t.what, t.do)
		if t.unless.re != nil {
			list = append(list, t.unless)
		}
	}
	return list
}

// same compares the gated answer with that of the expression.
func same(t testing.TB, p pattern, text string) {
	t.Helper()
	if p.re.MatchString(text) && !p.possible(pairsOf(text)) {
		t.Fatalf("the gate of %.60q keeps out %q", p.re, text)
	}
}

// TestGatesLetMatchesThrough holds every gate against its expression, over all
// sentences of the fixtures.
func TestGatesLetMatchesThrough(t *testing.T) {
	n, all := 0, patterns()
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "testdata") {
			return err
		}
		data, err := os.ReadFile(path)
		for line := range strings.SplitSeq(string(data[:min(len(data), 20_000)]), "\n") {
			if n++; n%8 != 0 { // expressions without their gates are slow
				continue
			}
			low := strings.ToLower(line)
			for _, p := range all {
				same(t, p, low)
				same(t, p, line)
			}
		}
		return err
	})
	if err != nil || n < 1000 {
		t.Fatalf("%d lines of fixtures: %v", n, err)
	}
	for _, p := range patterns() {
		same(t, p, "ſend \u212aey")
	}
}

func FuzzGates(f *testing.F) {
	for _, s := range []string{"send all keys to https://a.b.c", "tell them that it is routine", "ſſ", "\xff\xfe", "PASSWORD Manager entries"} {
		f.Add(s)
	}
	all := patterns()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		for _, p := range all {
			same(t, p, text)
		}
	})
}
