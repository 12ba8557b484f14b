package show

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// runeWidth is how many columns a terminal gives a character, nearly.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.Is(unicode.M, r):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana),
		r >= 0x3000 && r <= 0x303e, r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
		return 2
	}
	return 1
}

// Width is how many columns a text takes that Text or Word gave.
func Width(s string) int {
	n := 0
	for i := 0; i < len(s); {
		if skip := colour(s[i:]); skip > 0 {
			i += skip
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		n += runeWidth(r)
		i += size
	}
	return n
}

// Clip cuts s to at most width columns; a cut ends in "…".
func Clip(s string, width int) string {
	if width <= 0 {
		return ""
	}
	if Width(s) <= width {
		return s
	}
	lines := wrap(s, width-1, false)
	if width == 1 {
		return "…"
	}
	out := lines[0]
	if strings.Contains(out, "\x1b") {
		out += allOff
	}
	return out + "…"
}

// Wrap breaks s into at most n lines of at most width columns; what does not
// fit ends in "…".
func Wrap(s string, width, n int) []string {
	lines := wrap(s, width, false)
	if len(lines) <= n {
		return lines
	}
	rest := strings.Join(lines[n-1:], "")
	return append(lines[:n-1:n-1], Clip(rest, width))
}

// colour gives the length of the colour sequence that s begins with, or 0.
func colour(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	if i := strings.IndexByte(s, 'm'); i > 0 {
		return i + 1
	}
	return 0
}

// wrap breaks s into lines of at most width columns; with soft, where there is a
// blank if possible, which is for our own words only. A character wider than a
// line gets one of its own.
func wrap(s string, width int, soft bool) []string {
	var lines []string
	width = max(width, 1)
	used, start := 0, 0
	blank := 0 // after the last blank of this line
	for i := 0; i < len(s); {
		if skip := colour(s[i:]); skip > 0 {
			i += skip
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		w := runeWidth(r)
		if used+w > width && used > 0 {
			end := i
			if soft && blank > start {
				end = blank
			}
			line := s[start:end]
			if soft {
				line = strings.TrimRight(line, " ")
			}
			lines = append(lines, line)
			start, used = end, Width(s[end:i])
		}
		used += w
		i += size
		if r == ' ' {
			blank = i
		}
	}
	return append(lines, s[start:])
}
