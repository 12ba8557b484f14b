package show

import (
	"strings"
	"unicode/utf8"

	"clawjail/audit/escape"
)

// Words gives a command line as shell words.
func Words(argv []string) string { return words(argv, false) }

// Word gives one argument as a shell word: itself, 'quoted', or $'escaped'.
func Word(s string) string { return word(s, false) }

func words(argv []string, color bool) string {
	out := make([]string, len(argv))
	for i, w := range argv {
		out[i] = word(w, color)
	}
	return strings.Join(out, " ")
}

func word(s string, color bool) string {
	switch {
	case hidden(s) > 0:
		w := strings.ReplaceAll(escape.String(s), "'", `\'`)
		if color {
			w = mark(w)
		}
		return "$'" + w + "'"
	case s != "" && strings.IndexFunc(s, special) < 0:
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// special reports what a shell might not take as it stands.
func special(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_@%+=:,./-", r) || r >= utf8.RuneSelf)
}

// hidden counts the characters of s that are shown as escapes.
func hidden(s string) int {
	escaped := escape.String(s)
	if len(escaped) == len(s) {
		return 0 // nothing grew, so nothing was replaced
	}
	n := 0
	for i := 0; i < len(escaped); i++ {
		if escaped[i] != '\\' {
			continue
		}
		i++
		if escaped[i] != '\\' {
			n++
		}
	}
	return n
}

// text gives a single text that is no command line: a path, a host, a claim.
func text(s string, color bool) string {
	s = escape.String(s)
	if color {
		s = mark(s)
	}
	return s
}

const (
	markOn  = "\x1b[1;31m"
	boldOn  = "\x1b[1m"
	dimOn   = "\x1b[2m"
	allOff  = "\x1b[0m"
	warning = "\x1b[1;33m"
)

// mark colours the escapes of an escaped text, but for doubled backslashes.
func mark(escaped string) string {
	var b strings.Builder
	for i := 0; i < len(escaped); {
		if escaped[i] != '\\' || i+1 == len(escaped) {
			b.WriteByte(escaped[i])
			i++
			continue
		}
		n := 2
		switch escaped[i+1] {
		case 'x':
			n = 4
		case 'u':
			n = 6
		case 'U':
			n = 10
		}
		seq := escaped[i:min(i+n, len(escaped))]
		if c := escaped[i+1]; c == '\\' || c == '\'' || c == '"' {
			b.WriteString(seq)
		} else {
			b.WriteString(markOn + seq + allOff)
		}
		i += len(seq)
	}
	return b.String()
}
