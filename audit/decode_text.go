package audit

import (
	"strconv"
	"unicode/utf8"
)

// str reads a string and undoes appendString.
func (p *parser) str() string {
	p.lit(`"`)
	start := p.i
	for p.err == nil && p.i < len(p.b) {
		switch c := p.b[p.i]; {
		case c == '"':
			raw := p.b[start:p.i]
			p.i++
			if !utf8.Valid(raw) {
				p.fail("invalid UTF-8")
			}
			return string(raw)
		case c == '\\':
			return p.escaped(start)
		default:
			p.i++
		}
	}
	p.fail("string without an end")
	return ""
}

// escaped reads the rest of a string in which an escape was found.
func (p *parser) escaped(start int) string {
	out := append([]byte(nil), p.b[start:p.i]...)
	if !utf8.Valid(out) {
		p.fail("invalid UTF-8")
	}
	for p.err == nil && p.i < len(p.b) {
		c := p.b[p.i]
		switch {
		case c == '"':
			p.i++
			return string(out)
		case c != '\\':
			r, size := utf8.DecodeRune(p.b[p.i:])
			if r == utf8.RuneError && size == 1 {
				p.fail("invalid UTF-8")
			}
			out = append(out, p.b[p.i:p.i+size]...)
			p.i += size
		default:
			out = p.escape(out)
		}
	}
	p.fail("string without an end")
	return ""
}

// escape reads one escape and appends what it stands for.
func (p *parser) escape(out []byte) []byte {
	if p.i+1 >= len(p.b) {
		p.fail("escape without an end")
		return out
	}
	c := p.b[p.i+1]
	switch c {
	case '"', '\\':
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return p.unicode(out)
	default:
		p.fail("unknown escape")
	}
	p.i += 2
	return append(out, c)
}

func (p *parser) unicode(out []byte) []byte {
	r, ok := p.hex4(p.i)
	switch {
	case !ok:
		p.fail("bad \\u escape")
		return out
	case r >= 0xdc80 && r <= 0xdcff: // a byte that is not UTF-8
		p.i += 6
		return append(out, byte(r-0xdc00))
	case r >= 0xd800 && r < 0xdc00:
		low, ok := p.hex4(p.i + 6)
		if !ok || low < 0xdc00 || low > 0xdfff {
			p.fail("half of a surrogate pair")
			return out
		}
		r = 0x10000 + (r-0xd800)<<10 + low - 0xdc00
		p.i += 6
	case r >= 0xdc00 && r <= 0xdfff:
		p.fail("half of a surrogate pair")
		return out
	}
	p.i += 6
	return utf8.AppendRune(out, r)
}

// hex4 reads \uXXXX at offset i.
func (p *parser) hex4(i int) (rune, bool) {
	if i+6 > len(p.b) || p.b[i] != '\\' || p.b[i+1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(p.b[i+2:i+6]), 16, 16)
	return rune(v), err == nil
}
