package rule

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage bounds Finding.Message, in bytes.
const maxMessage = 500

// Escape makes text that a stranger wrote fit for a terminal, a log or a page:
// what is not printable (controls, bidi, tags, zero-width, invalid UTF-8)
// becomes \xNN or \u{NNNN}, and the result is at most limit bytes.
func Escape(text string, limit int) string {
	const more = "…"
	var b strings.Builder
	cut := 0 // the longest beginning that leaves room for the mark
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		piece := escaped(text[i:i+n], r)
		if b.Len()+len(piece) > limit {
			return b.String()[:cut] + more
		}
		b.WriteString(piece)
		if b.Len() <= limit-len(more) {
			cut = b.Len()
		}
		i += n
	}
	return b.String()
}

func escaped(piece string, r rune) string {
	switch {
	case r == utf8.RuneError && len(piece) == 1:
		return `\x` + hex2(piece[0])
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r == ' ':
		return piece
	case !unicode.IsGraphic(r), unicode.Is(unicode.Zs, r), unicode.Is(unicode.Variation_Selector, r), r == 0x3164, r == 0x115f, r == 0x1160, r == 0xffa0:
		return `\u{` + strconv.FormatInt(int64(r), 16) + `}`
	}
	return piece
}

func hex2(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}
