package script

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape takes the backslashes out of the inside of a literal.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		i = escape(&b, s, i+1)
	}
	return b.String()
}

// escape decodes the escape whose letter is at i and returns what follows it.
func escape(b *strings.Builder, s string, i int) int {
	const plain = "bfnrtv"
	const value = "\b\f\n\r\t\v"
	c := s[i]
	if n := strings.IndexByte(plain, c); n >= 0 {
		b.WriteByte(value[n])
		return i + 1
	}
	switch {
	case c == '\n':
		return i + 1
	case c == '\r':
		if strings.HasPrefix(s[i:], "\r\n") {
			return i + 2
		}
		return i + 1
	case c == 'x':
		return writeRune(b, s, i+1, 2, 16)
	case c == 'u' && strings.HasPrefix(s[i:], "u{"):
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			return i + 1
		}
		writeRune(b, s, i+2, end-2, 16)
		return i + end + 1
	case c == 'u':
		if hi, ok := hex4(s, i+1); ok && utf16.IsSurrogate(rune(hi)) && strings.HasPrefix(s[i+5:], `\u`) {
			if lo, ok := hex4(s, i+7); ok {
				b.WriteRune(utf16.DecodeRune(rune(hi), rune(lo)))
				return i + 11
			}
		}
		return writeRune(b, s, i+1, 4, 16)
	case c >= '0' && c <= '7':
		end := i
		for end < len(s) && end < i+3 && s[end] >= '0' && s[end] <= '7' {
			end++
		}
		return writeRune(b, s, i, end-i, 8)
	}
	_, n := utf8.DecodeRuneInString(s[i:])
	b.WriteString(s[i : i+n])
	return i + n
}

func hex4(s string, i int) (uint64, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	v, err := strconv.ParseUint(s[i:i+4], 16, 32)
	return v, err == nil
}

func writeRune(b *strings.Builder, s string, i, digits, base int) int {
	end := min(i+digits, len(s))
	v, err := strconv.ParseUint(s[i:end], base, 32)
	if err != nil || v > utf8.MaxRune {
		return i
	}
	b.WriteRune(rune(v))
	return end
}

// number is the value of a numeric literal; unknown forms are zero.
func number(s string) float64 {
	s = strings.ToLower(strings.TrimSuffix(strings.ReplaceAll(s, "_", ""), "n"))
	if n, err := strconv.ParseUint(s, 0, 64); err == nil {
		return float64(n)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return f
}
