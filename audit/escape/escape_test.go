package escape

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestString(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text is itself", "/usr/bin/git", "/usr/bin/git"},
		{"other scripts are themselves", "Größe 日本語 हिन्दी 👍", "Größe 日本語 हिन्दी 👍"},
		{"a backslash is doubled", `C:\n`, `C:\\n`},
		{"lines stay one line", "a\nb\r\tc", `a\nb\r\tc`},
		{"a colour sequence is shown", "\x1b[31mred", `\x1b[31mred`},
		{"delete and NUL are shown", "\x7f\x00", `\x7f\x00`},
		{"a C1 control is a character", "\u009b31m", `\u009b31m`},
		{"the same byte alone is a byte", "\x9b31m", `\x9b31m`},
		{"bidi override is shown", "gnp\u202eexe.png", `gnp\u202eexe.png`},
		{"bidi isolate is shown", "\u2066a\u2069", `\u2066a\u2069`},
		{"zero width is shown", "a\u200bb\ufeffc\u200dd", `a\u200bb\ufeffc\u200dd`},
		{"soft hyphen is shown", "a\u00adb", `a\u00adb`},
		{"no-break space is shown", "a\u00a0b", `a\u00a0b`},
		{"line separators are shown", "a\u2028b\u2029", `a\u2028b\u2029`},
		{"variation selector is shown", "a\ufe0f", `a\ufe0f`},
		{"Hangul filler is shown", "\u3164\uffa0\u115f", `\u3164\uffa0\u115f`},
		{"braille blank is shown", "\u2800", `\u2800`},
		{"tag characters are shown", "\U000e0041", `\U000e0041`},
		{"private use is shown", "\ue000", `\ue000`},
		{"noncharacter is shown", "\uffff", `\uffff`},
		{"a real replacement character is itself", "\ufffd", "\ufffd"},
		{"invalid UTF-8 is bytes", "a\xff\xc3(", `a\xff\xc3(`},
		{"an encoded surrogate is bytes", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"a mark with nothing below is shown", "\u0301a", `\u0301a`},
		{"a few marks stay", "a\u0301\u0302", "a\u0301\u0302"},
		{"a pile of marks is cut", "a" + strings.Repeat("\u0301", 6), "a" + strings.Repeat("\u0301", 4) + `\u0301\u0301`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := String(tt.in); got != tt.want {
				t.Errorf("String(%q) = %s, want %s", tt.in, got, tt.want)
			}
		})
	}
}

func TestArgv(t *testing.T) {
	tests := []struct {
		name string
		in   []string
		want string
	}{
		{"words", []string{"git", "push", "--force"}, "git push --force"},
		{"an empty word", []string{"a", "", "b"}, `a "" b`},
		{"a blank inside", []string{"sh", "-c", "rm -rf /"}, `sh -c "rm -rf /"`},
		{"a quote inside", []string{`say "hi"`}, `"say \"hi\""`},
		{"a new line inside", []string{"a\nb"}, `a\nb`},
		{"nothing", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Argv(tt.in); got != tt.want {
				t.Errorf("Argv(%q) = %s, want %s", tt.in, got, tt.want)
			}
		})
	}
}

func TestClip(t *testing.T) {
	tests := []struct {
		name, in string
		limit    int
		want     string
	}{
		{"short is whole", "abc", 3, "abc"},
		{"long is cut", "abcd", 3, "ab…"},
		{"an escape is not halved", "ab\x1bcd", 5, "ab…"},
		{"an escape that just fits", "a\x1b", 5, `a\x1b`},
		{"an escape that just does not", "a\x1bb", 5, `a…`},
		{"characters, not bytes", "äöü", 3, "äöü"},
		{"one place", "äöü", 1, "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Clip(tt.in, tt.limit); got != tt.want {
				t.Errorf("Clip(%q, %d) = %s, want %s", tt.in, tt.limit, got, tt.want)
			}
		})
	}
}

// TestEveryRune: nothing that Unicode calls a control, format, separator or
// unassigned character passes, and all that passes is graphic.
func TestEveryRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || Hidden(r) {
			continue
		}
		if !unicode.IsGraphic(r) || unicode.In(r, unicode.Cf, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Co) || unicode.Is(unicode.Zs, r) && r != ' ' {
			t.Errorf("%U is let through", r)
		}
	}
}

func TestUnescapeRefuses(t *testing.T) {
	for _, in := range []string{`\`, `\q`, `\x1`, `\u12`, `\ud800`, `\Uffffffff`, `\xzz`} {
		if got, err := Unescape(in); err == nil {
			t.Errorf("Unescape(%s) = %q, want an error", in, got)
		}
	}
}

func FuzzString(f *testing.F) {
	f.Add("plain", 10)
	f.Add("\x1b]0;title\a\u202e\xff\\n", 7)
	f.Add("a\u0301\u0301\u0301\u0301\u0301\u0301", 3)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		out := String(s)
		checkSafe(t, out)
		if len(out) > MaxExpansion*len(s) {
			t.Errorf("%d bytes became %d", len(s), len(out))
		}
		back, err := Unescape(out)
		if err != nil || back != s {
			t.Errorf("%q came back as %q, %v", s, back, err)
		}
		word := string(AppendWord(nil, s))
		checkSafe(t, word)
		if limit > 0 {
			clip := Clip(s, limit)
			checkSafe(t, clip)
			if n := utf8.RuneCountInString(clip); n > limit {
				t.Errorf("Clip(%q, %d) has %d characters", s, limit, n)
			}
		}
	})
}

func checkSafe(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%q is not UTF-8", s)
	}
	for _, r := range s {
		if Hidden(r) {
			t.Errorf("%q holds %U", s, r)
		}
	}
}

func BenchmarkString(b *testing.B) {
	for _, s := range []string{"/usr/lib/node_modules/openclaw/dist/index.js", "/tmp/\x1b[31m\u202ename"} {
		b.Run("", func(b *testing.B) {
			var dst []byte
			for b.Loop() {
				dst = Append(dst[:0], s)
			}
		})
	}
}
