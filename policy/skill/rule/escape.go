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
	var b strings.Builder
	const more = "…"
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		piece := text[i : i+n]
		switch {
		case r == utf8.RuneError && n == 1:
			piece = `\x` + hex2(text[i])
		case r == '\n':
			piece = `\n`
		case r == '\t':
			piece = `\t`
		case r == '\r':
			piece = `\r`
		case r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Zs, r) && r != ' ' || unicode.Is(unicode.Variation_Selector, r) || r == 0x3164 || r == 0x115f || r == 0x1160 || r == 0xffa0:
			piece = `\u{` + strconv.FormatInt(int64(r), 16) + `}`
		}
		if b.Len()+len(piece) > limit-len(more) && len(text)-i > limit-b.Len() || b.Len()+len(piece) > limit {
			b.WriteString(more)
			break
		}
		b.WriteString(piece)
		i += n
	}
	return b.String()
}

func hex2(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}
