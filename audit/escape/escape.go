package escape

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxExpansion bounds the growth of String and Append: a control byte becomes
// four, a two-byte character six, a four-byte one ten.
const MaxExpansion = 4

// maxMarks is how many combining marks in a row are shown: enough for every
// orthography in use, too few to paint over the lines above and below.
const maxMarks = 4

const hexDigits = "0123456789abcdef"

// Hidden reports whether r must not reach a screen as it is: control, format
// and bidirectional characters, separators of lines, unassigned and private
// ones, and everything that takes a place but shows nothing.
func Hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	if !unicode.IsPrint(r) { // Cc, Cf, Co, Cs, Cn, Zl, Zp and the spaces other than U+0020
		return true
	}
	// What Unicode counts as a letter, mark or symbol and no eye sees.
	return unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) ||
		r == 0x2800 || // BRAILLE PATTERN BLANK
		r == 0x1D159 || // MUSICAL SYMBOL NULL NOTEHEAD
		r == 0x303F || // IDEOGRAPHIC HALF FILL SPACE
		r == 0x16FE4 // KHITAN SMALL SCRIPT FILLER
}

// String gives s as one safe line.
func String(s string) string {
	if plain(s) {
		return s
	}
	return string(Append(nil, s))
}

// plain reports whether s is printable ASCII without a backslash.
func plain(s string) bool {
	for i := range len(s) {
		if !visible(s[i]) {
			return false
		}
	}
	return true
}

// visible reports whether a byte is an ASCII character that shows as itself.
func visible(c byte) bool {
	return c >= ' ' && c < 0x7f && c != '\\'
}

// Append appends s, escaped, to dst.
func Append(dst []byte, s string) []byte {
	return appendUnits(dst, s, 0, false)
}

// Clip is String cut, between two characters, to at most limit characters; a
// cut ends in "…", which counts. The limit must be positive.
func Clip(s string, limit int) string {
	if len(s) <= limit && plain(s) {
		return s
	}
	return string(appendUnits(nil, s, limit, false))
}

// Argv gives a command line as one safe line. A word that is empty or holds a
// blank, a quote or a character that a shell would treat stands in double
// quotes, so that where each word ends can always be seen.
func Argv(argv []string) string {
	var b []byte
	for i, w := range argv {
		if i > 0 {
			b = append(b, ' ')
		}
		b = AppendWord(b, w)
	}
	return string(b)
}

// AppendWord appends one word of a command line, quoted when it must be.
func AppendWord(dst []byte, w string) []byte {
	if w != "" && !strings.ContainsAny(w, " \"'`$&|;<>()*?[]{}#~!") {
		return appendUnits(dst, w, 0, false)
	}
	dst = append(dst, '"')
	dst = appendUnits(dst, w, 0, true)
	return append(dst, '"')
}

// appendUnits appends s escaped, a double quote too when quoted. A positive
// limit bounds the characters appended.
func appendUnits(dst []byte, s string, limit int, quoted bool) []byte {
	marks := maxMarks // so that a mark with nothing to stand on is escaped
	shown, safe := 0, len(dst)
	for i := 0; i < len(s); {
		start := len(dst)
		if limit <= 0 && visible(s[i]) && !(quoted && s[i] == '"') {
			dst = append(dst, s[i])
			marks = 0
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = appendByte(dst, s[i])
			marks = maxMarks
		case r == '"' && quoted:
			dst = append(dst, '\\', '"')
			marks = 0
		case unicode.Is(unicode.M, r) && marks >= maxMarks || Hidden(r) || r == '\\':
			dst = appendRune(dst, r)
			marks = maxMarks
		default:
			dst = append(dst, s[i:i+size]...)
			if unicode.Is(unicode.M, r) {
				marks++
			} else {
				marks = 0
			}
		}
		i += size
		if limit <= 0 {
			continue
		}
		shown += utf8.RuneCount(dst[start:])
		if shown > limit || shown == limit && i < len(s) {
			return append(dst[:safe], "…"...)
		}
		if shown < limit {
			safe = len(dst)
		}
	}
	return dst
}

// appendByte appends the escape of a byte that is no part of a character.
func appendByte(dst []byte, c byte) []byte {
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}

// appendRune appends the escape of a character.
func appendRune(dst []byte, r rune) []byte {
	switch {
	case r == '\\':
		return append(dst, '\\', '\\')
	case r == '\n':
		return append(dst, '\\', 'n')
	case r == '\r':
		return append(dst, '\\', 'r')
	case r == '\t':
		return append(dst, '\\', 't')
	case r < utf8.RuneSelf:
		return appendByte(dst, byte(r))
	}
	digits := 4
	if r > 0xffff {
		dst, digits = append(dst, '\\', 'U'), 8
	} else {
		dst = append(dst, '\\', 'u')
	}
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[r>>shift&15])
	}
	return dst
}
