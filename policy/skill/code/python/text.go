package python

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"clawjail/policy/skill/code/ir"
)

// literal parses a string token: a Str, Bytes or Format.
func (p *parser) literal(t token) *ir.Expr {
	q := strings.IndexAny(t.text, `"'`)
	prefix := strings.ToLower(t.text[:q])
	body := t.text[q:]
	n := 1
	if len(body) >= 6 && body[1] == body[0] && body[2] == body[0] {
		n = 3
	}
	inner := body[n:]
	if strings.HasSuffix(inner, body[:n]) {
		inner = inner[:len(inner)-n]
	}
	raw := strings.Contains(prefix, "r")
	pos := ir.Pos{Line: t.pos.Line, Col: t.pos.Col + int32(q+n)}
	switch {
	case strings.ContainsAny(prefix, "ft"):
		return p.format(inner, t.pos, pos, raw, 0)
	case strings.Contains(prefix, "b"):
		return p.node(&ir.Expr{Op: ir.Bytes, Pos: t.pos, Text: unescape(inner, raw, true)})
	}
	return p.node(&ir.Expr{Op: ir.Str, Pos: t.pos, Text: unescape(inner, raw, false)})
}

// format parses the inside of a format string.
func (p *parser) format(s string, at, pos ir.Pos, raw bool, depth int) *ir.Expr {
	f := p.node(&ir.Expr{Op: ir.Format, Pos: at})
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			f.Args = append(f.Args, p.node(&ir.Expr{Op: ir.Str, Pos: at, Text: unescape(text.String(), raw, false)}))
			text.Reset()
		}
	}
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "{{"), strings.HasPrefix(s[i:], "}}"):
			text.WriteByte(s[i])
			i += 2
		case s[i] == '{':
			flush()
			end, _, _ := scanField(s, i+1, "\x00", 1)
			field := strings.TrimSuffix(s[i+1:end], "}")
			f.Args = append(f.Args, p.field(field, advance(pos, s[:i+1]), depth)...)
			i = end
		case s[i] == '\\' && i+1 < len(s):
			text.WriteString(s[i : i+2])
			i += 2
		default:
			text.WriteByte(s[i])
			i++
		}
	}
	flush()
	return f
}

// advance is the place after text that begins at pos.
func advance(pos ir.Pos, text string) ir.Pos {
	if n := strings.Count(text, "\n"); n > 0 {
		return ir.Pos{Line: pos.Line + int32(n), Col: int32(len(text)-strings.LastIndexByte(text, '\n')-1) + 1}
	}
	return ir.Pos{Line: pos.Line, Col: pos.Col + int32(len(text))}
}

// field parses "expr!r:spec" of a format string.
func (p *parser) field(s string, pos ir.Pos, depth int) []*ir.Expr {
	if p.depth+depth > ir.MaxDepth || depth > 16 {
		p.limit("format strings nested too deep")
		return nil
	}
	sub := &parser{file: p.file, nodes: p.nodes, depth: p.depth + depth + 4, tokens: lex(s, pos, p.file, true)}
	x := sub.testlist()
	p.nodes = sub.nodes
	out := []*ir.Expr{x}
	if i := specAt(s); i >= 0 && strings.Contains(s[i:], "{") {
		spec := p.format(s[i+1:], pos, advance(pos, s[:i+1]), false, depth+1)
		out = append(out, spec.Args...)
	}
	return out
}

// specAt is the offset of the colon before the format specification, or -1.
func specAt(s string) int {
	level := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '\'':
			end, _, _ := scanString(s, i, false, 1)
			i = end - 1
		case '(', '[', '{':
			level++
		case ')', ']', '}':
			level--
		case ':':
			if level == 0 && !strings.HasPrefix(s[i:], ":=") {
				return i
			}
		}
	}
	return -1
}

// unescape takes the backslashes out of a literal.
func unescape(s string, raw, bytes bool) string {
	if raw || !strings.Contains(s, `\`) {
		return strings.ReplaceAll(s, "\r\n", "\n")
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		i = escape(&b, s, i+1, bytes)
	}
	return b.String()
}

// escape decodes the escape whose letter is at i and returns what follows it.
func escape(b *strings.Builder, s string, i int, bytes bool) int {
	const plain = "abfnrtv\\'\""
	const value = "\a\b\f\n\r\t\v\\'\""
	c := s[i]
	if n := strings.IndexByte(plain, c); n >= 0 {
		b.WriteByte(value[n])
		return i + 1
	}
	digits, base := 0, 16
	switch {
	case c == '\n':
		return i + 1
	case c == '\r':
		return i + 1
	case c == 'x':
		digits = 2
	case c == 'u' && !bytes:
		digits = 4
	case c == 'U' && !bytes:
		digits = 8
	case c >= '0' && c <= '7':
		digits, base = 3, 8
		i--
	default:
		b.WriteByte('\\')
		b.WriteByte(c)
		return i + 1
	}
	i++
	end := i
	for end < len(s) && end < i+digits && strings.IndexByte("0123456789abcdef"[:base], s[end]|0x20&^isDigitBit(s[end])) >= 0 {
		end++
	}
	v, err := strconv.ParseUint(s[i:end], base, 32)
	if err != nil {
		return end
	}
	if bytes || digits < 4 && v > 127 && bytes {
		b.WriteByte(byte(v))
	} else {
		b.WriteString(string(utf8Rune(v)))
	}
	return end
}

func isDigitBit(c byte) byte {
	if isDigit(c) {
		return 0x20
	}
	return 0
}

func utf8Rune(v uint64) rune {
	if v > utf8.MaxRune {
		return utf8.RuneError
	}
	return rune(v)
}

// number is the value of a numeric literal; unknown forms are zero.
func number(s string) float64 {
	s = strings.ToLower(strings.ReplaceAll(s, "_", ""))
	s = strings.TrimRight(s, "jl")
	if n, err := strconv.ParseUint(s, 0, 64); err == nil {
		return float64(n)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return f
}
