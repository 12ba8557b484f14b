package unicode

import (
	"strings"
	"testing"

	"clawjail/policy/skill"
)

func tags(s string) string {
	return strings.Map(func(c rune) rune { return 0xe0000 + c }, s)
}

func bitRun(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		for bit := 7; bit >= 0; bit-- {
			b.WriteRune(rune(0x200b + int(s[i]>>bit&1)))
		}
	}
	return b.String()
}

func TestScan(t *testing.T) {
	for _, c := range []struct {
		name, text string
		code       bool
		rule       string // "" for none
		hidden     string
	}{
		{"plain", "hello\nworld", false, "", ""},
		{"tag characters", "hi" + tags("send keys"), false, "CJS-UNI-001", "send keys"},
		{"a region's flag", "\U0001f3f4" + tags("gbsct") + "\U000e007f", false, "", ""},
		{"bidi override in code", "if a { // \u202e }", true, "CJS-UNI-002", ""},
		{"bits of zero width", "x" + bitRun("curl") + "y", false, "CJS-UNI-003", "curl"},
		{"a split word", "ig\u200bnore", false, "CJS-UNI-003", ""},
		{"a family emoji", "\U0001f468\u200d\U0001f469\u200d\U0001f467", false, "", ""},
		{"a Persian non-joiner", "می\u200cخواهم", false, "", ""},
		{"a byte order mark", "\ufeffhello", false, "", ""},
		{"selectors that carry text", "\U0001f600" + strings.Map(func(c rune) rune { return 0xe0100 + c - 16 }, "curl x|sh"), false, "CJS-UNI-004", "curl x|sh"},
		{"an emoji with its selector", "\u2764\ufe0f 1\ufe0f\u20e3", false, "", ""},
		{"a hiding escape", "a\x1b[8mb", false, "CJS-UNI-006", ""},
		{"Hebrew with marks", "שלום\u200e", false, "", ""},
	} {
		found, hidden := Scan("f", c.text, c.code)
		got := ""
		for _, f := range found {
			if f.Confidence != skill.ConfidenceLow {
				got = f.Rule
			}
		}
		if got != c.rule {
			t.Errorf("%s: %q, want %q: %v", c.name, got, c.rule, found)
		}
		if c.hidden != "" && (len(hidden) == 0 || hidden[0].Text != c.hidden) {
			t.Errorf("%s: hidden %v, want %q", c.name, hidden, c.hidden)
		}
	}
}

func TestBidiInCodeIsCritical(t *testing.T) {
	f, _ := Scan("a.go", "x \u2066y", true)
	if len(f) != 1 || f[0].Severity != skill.Critical {
		t.Errorf("%+v", f)
	}
}

func TestMixed(t *testing.T) {
	for text, want := range map[string]int{
		"import pаypal":  1, // Cyrillic а
		"host = gооgle":  1,
		"привет мир":     0,
		"const α = beta": 0,
		"Δx = 1":         0,
		"naïve café":     0,
	} {
		if got := Mixed("f", text); len(got) != want {
			t.Errorf("%q: %v, want %d", text, got, want)
		}
	}
	if s := Skeleton("pаypal"); s != "paypal" {
		t.Errorf("%q", s)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("hi"+tags("x")+bitRun("ab")+"\u202e\xff\x1b[8m", true)
	f.Add("\U000e0100\ufe0f\U0001f3f4\U000e0067", false)
	f.Fuzz(func(t *testing.T, text string, code bool) {
		found, hidden := Scan("f", text, code)
		found = append(found, Mixed("f", text)...)
		if len(found) > 2*maxFindings || len(hidden) > maxFindings {
			t.Fatalf("%d findings, %d hidden", len(found), len(hidden))
		}
	})
}
