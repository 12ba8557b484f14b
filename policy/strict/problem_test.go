package strict

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"clawjail/policy"
)

func TestDidYouMean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"alow", "allow"}, {"alolw", "allow"}, {"ALLOW", "allow"}, {"dney", "deny"}, {"aks", "ask"}, {"kil", "kill"},
		{"permit", ""}, {"", ""}, {strings.Repeat("a", 1000), ""},
	} {
		if got := Closest(c.in, policy.Verdicts()); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{0,5}`)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		if distance(a, b) != distance(b, a) || (distance(a, b) == 0) != (a == b) {
			t.Fatalf("%q %q: %d %d", a, b, distance(a, b), distance(b, a))
		}
		// Swaps that overlap cost the triangle inequality one step.
		if distance(a, c) > 2*(distance(a, b)+distance(b, c)) {
			t.Fatalf("%q %q %q", a, b, c)
		}
	})
}

func TestNamesOfFilesAreEscaped(t *testing.T) {
	for name, want := range map[string]string{
		"a b/ü.yaml": "a b/ü.yaml: x", "a\nb": `"a\nb": x`, "\x1b[2J": `"\x1b[2J": x`, "\xff": `"\xff": x`,
	} {
		if got := (Problem{File: name, Msg: "x"}).String(); got != want {
			t.Errorf("%q: %s", name, got)
		}
	}
}
