package policy

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatchProgram(t *testing.T) {
	for _, c := range []struct {
		pattern, program string
		want             bool
	}{
		{"git", "/usr/bin/git", true},
		{"git", "/home/ada/bin/git", true},
		{"git", "/usr/bin/git-lfs", false},
		{"git*", "/usr/bin/git-lfs", true},
		{"mkfs.*", "/usr/sbin/mkfs.ext4", true},
		{"mkfs.*", "/usr/sbin/mkfs", false},
		{"*", "/anything/at/all", true},
		{"/usr/bin/git", "/usr/bin/git", true},
		{"/usr/bin/git", "/usr/local/bin/git", false},
		{"/bin/su", "/usr/bin/su", true},
		{"/usr/bin/su", "/bin/su", true},
		{"/bin/su", "/opt/bin/su", false},
		{"/lib64/ld-linux-x86-64.so.2", "/usr/lib64/ld-linux-x86-64.so.2", true},
		{"/opt/*/run", "/opt/a/run", true},
		{"/opt/*/run", "/opt/a/b/run", false},
		{"/opt/**/run", "/opt/a/b/run", true},
		{"/opt/**", "/opt/a/b/run", true},
		{"/opt/**", "/opt", false},
		{`a\*b`, "/x/a*b", true},
		{`a\*b`, "/x/aXb", false},
		{"git", "", false},
		{"", "/usr/bin/git", false},
		{`bad\`, "/usr/bin/bad", false},
	} {
		if got := MatchProgram(c.pattern, c.program); got != c.want {
			t.Errorf("MatchProgram(%q, %q) = %v", c.pattern, c.program, got)
		}
	}
}

func TestMatchArgs(t *testing.T) {
	words := strings.Fields
	for _, c := range []struct {
		patterns []string
		args     string
		want     bool
	}{
		{nil, "", true},
		{nil, "any thing", true},
		{[]string{}, "", true},
		{[]string{}, "x", false},
		{words("push ..."), "push", true},
		{words("push ..."), "push origin main", true},
		{words("push ..."), "pull", false},
		{words("push ..."), "-C . push", false},
		{words("... -rf ..."), "-rf", true},
		{words("... -rf ..."), "-v -rf /x", true},
		{words("... -rf ..."), "-r -f /x", false},
		{words("-*r*"), "-fr", true},
		{words("-*r*"), "a-fr", false},
		{words("... --force"), "push --force", true},
		{words("... --force"), "push --force main", false},
		{words("..."), "a b c", true},
		{[]string{`\...`}, "...", true},
		{[]string{`\...`}, "anything", false},
	} {
		if got := MatchArgs(c.patterns, words(c.args)); got != c.want {
			t.Errorf("MatchArgs(%q, %q) = %v", c.patterns, c.args, got)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"git", "git", true},
		{"*", "git*", true},
		{"git*", "git-*", true},
		{"git-*", "git*", false},
		{"git", "git*", false},
		{"*.*", "mkfs.*", true},
		{"git", "/usr/bin/git", true},
		{"/usr/bin/git", "git", false},
		{"/**", "git", true},
		{"/bin/*", "/usr/bin/git", true},
		{"/usr/*", "/usr/**", false},
		{"/usr/**", "/usr/*", true},
		{"*", "/opt/**", true},
		{"x*", "/opt/**", false},
	} {
		if got := CoversProgram(c.a, c.b); got != c.want {
			t.Errorf("CoversProgram(%q, %q) = %v", c.a, c.b, got)
		}
	}
	words := strings.Fields
	for _, c := range []struct {
		a, b []string
		want bool
	}{
		{nil, words("push"), true},
		{words("push ..."), words("push origin"), true},
		{words("push ..."), words("push ..."), true},
		{words("push"), words("push ..."), false},
		{words("... x ..."), words("a x b"), true},
		{words("..."), nil, true},
		{words("a ..."), nil, false},
		{[]string{}, words("..."), false},
	} {
		if got := CoversArgs(c.a, c.b); got != c.want {
			t.Errorf("CoversArgs(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

// asRegexp is another reading of the same language.
func asRegexp(pattern string, path bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\':
			i++
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		case strings.HasPrefix(pattern[i:], "**"):
			i++
			b.WriteString(`.*`)
		case pattern[i] == '*' && path:
			b.WriteString(`[^/]*`)
		case pattern[i] == '*':
			b.WriteString(`.*`)
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	return regexp.MustCompile(b.String() + `$`)
}

func genPattern() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "/", "*", "**", ".", `\*`, `\\`}), 0, 8).Draw(t, "parts")
		return strings.Join(parts, "")
	})
}

func TestGlobMeansWhatItsRegexpMeans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := genPattern().Draw(t, "pattern")
		text := rapid.StringOfN(rapid.SampledFrom([]rune(`ab/.*\`)), 0, 10, -1).Draw(t, "text")
		path := rapid.Bool().Draw(t, "path")
		if got, want := matchGlob(pattern, text, path), asRegexp(pattern, path).MatchString(text); got != want {
			t.Fatalf("matchGlob(%q, %q, %v) = %v, the regexp says %v", pattern, text, path, got, want)
		}
	})
}

func TestCoveringIsNeverWrong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genPattern().Draw(t, "a"), genPattern().Draw(t, "b")
		path := rapid.Bool().Draw(t, "path")
		text := rapid.StringOfN(rapid.SampledFrom([]rune(`ab/.*\`)), 0, 10, -1).Draw(t, "text")
		if !coversGlob(a, a, path) {
			t.Fatalf("%q does not cover itself", a)
		}
		if coversGlob(a, b, path) && matchGlob(b, text, path) && !matchGlob(a, text, path) {
			t.Fatalf("%q is said to cover %q, and only the latter matches %q", a, b, text)
		}
	})
}

func TestGlobIsNotExponential(t *testing.T) {
	pattern := strings.Repeat("*a", MaxPattern/2)
	if matchGlob(pattern, strings.Repeat("a", 64<<10)+"b", false) {
		t.Error("matched")
	}
}

// A rule that is said to cover another matches whatever the other matches:
// this is what calling a rule unreachable rests on.
func TestCoveringRulesAreNeverWrong(t *testing.T) {
	name := rapid.SampledFrom([]string{"a", "b", "*", "a*", "/usr/bin/a", "/bin/a", "/usr/**", "/usr/bin/*", "/**"})
	arg := rapid.SampledFrom([]string{"x", "y", "x*", "*", AnyArgs})
	rule := rapid.Custom(func(t *rapid.T) ExecRule {
		r := ExecRule{Run: rapid.SliceOfN(name, 0, 3).Draw(t, "run"), SHA256: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "sha")}
		if rapid.Bool().Draw(t, "args?") {
			r.Args = rapid.SliceOfN(arg, 0, 3).Draw(t, "args")
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := rule.Draw(t, "a"), rule.Draw(t, "b")
		program := rapid.SampledFrom([]string{"/usr/bin/a", "/bin/a", "/opt/b", "/usr/bin/ab", "/usr/x/a"}).Draw(t, "program")
		argv := append([]string{"argv0"}, rapid.SliceOfN(rapid.SampledFrom([]string{"x", "xy", "y", "..."}), 0, 3).Draw(t, "argv")...)
		sha := rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "content")
		if a.Covers(b) && b.Matches(program, argv, sha) && !a.Matches(program, argv, sha) {
			t.Fatalf("%+v is said to cover %+v", a, b)
		}
	})
	host := rapid.SampledFrom([]string{"a.org", "*.a.org", "b.a.org", "*.b.a.org", "c.b.a.org", "org.a"})
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) NetRule {
			return NetRule{Host: host.Draw(t, label), Port: rapid.Uint16Range(0, 2).Draw(t, label+" port")}
		}
		a, b := draw("a"), draw("b")
		name := rapid.SampledFrom([]string{"a.org", "b.a.org", "c.b.a.org", "x.a.org", "org.a"}).Draw(t, "name")
		port := rapid.Uint16Range(1, 2).Draw(t, "port")
		byA, byB := a.matches(name, netip.Addr{}, port), b.matches(name, netip.Addr{}, port)
		if a.Covers(b) && byB && !byA {
			t.Fatalf("%+v is said to cover %+v", a, b)
		}
		if byA && byB && !a.Overlaps(b) {
			t.Fatalf("%+v and %+v are said to be apart", a, b)
		}
	})
}
