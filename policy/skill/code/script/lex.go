package script

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"clawjail/policy/skill/code/ir"
)

type kind uint8

const (
	jEnd kind = iota
	jName
	jNum
	jStr
	jTemplate // only the opening backquote; the parser reads on
	jOp
	jRegex
)

type token struct {
	kind       kind
	text       string // of strings: the decoded value
	start, end int
	nl         bool // a newline stands before it
}

// tokensPerByte bounds how often the text may be read again by speculation.
const tokensPerByte = 40

func (p *parser) next() {
	p.last = p.tok.end
	p.read++
	if p.read > tokensPerByte*len(p.text)+1000 {
		p.limit("ambiguous text nested too deep")
	}
	nl := p.space()
	p.tok = token{start: p.at, nl: nl}
	if p.at >= len(p.text) {
		p.tok.end = p.at
		return
	}
	p.lex()
	p.tok.end = p.at
}

// space skips white space and comments and says whether a newline was there.
func (p *parser) space() bool {
	nl := p.at == 0
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '\n' || c == '\r':
			nl = true
			p.at++
		case c == ' ' || c == '\t' || c == '\v' || c == '\f':
			p.at++
		case strings.HasPrefix(p.text[p.at:], "//") || p.at == 0 && strings.HasPrefix(p.text, "#!") || strings.HasPrefix(p.text[p.at:], "<!--"):
			n := strings.IndexByte(p.text[p.at:], '\n')
			if n < 0 {
				n = len(p.text) - p.at
			}
			p.at += n
		case strings.HasPrefix(p.text[p.at:], "/*"):
			n := strings.Index(p.text[p.at+2:], "*/")
			if n < 0 {
				p.at = len(p.text)
				return nl
			}
			nl = nl || strings.Contains(p.text[p.at:p.at+2+n], "\n")
			p.at += n + 4
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(p.text[p.at:])
			if r != '\ufeff' && !unicode.IsSpace(r) && r != '\u2028' && r != '\u2029' {
				return nl
			}
			p.at += n
		default:
			return nl
		}
	}
	return nl
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func (p *parser) lex() {
	c := p.text[p.at]
	switch {
	case c == '"' || c == '\'':
		p.str(c)
	case c == '`':
		p.at++
		p.tok.kind = jTemplate
		p.tok.text = "`"
	case isDigit(c) || c == '.' && p.at+1 < len(p.text) && isDigit(p.text[p.at+1]):
		p.number()
	case c == '_' || c == '$' || c == '#' || c == '\\' || isLetter(c) || c >= utf8.RuneSelf:
		p.lexName()
	default:
		p.operator()
	}
}

func (p *parser) lexName() {
	from := p.at
	escaped := false
	p.at++
	if p.text[from] >= utf8.RuneSelf || p.text[from] == '\\' {
		p.at--
	}
	for p.at < len(p.text) {
		if strings.HasPrefix(p.text[p.at:], "\\u") {
			escaped = true
			p.at += 2
			if p.at < len(p.text) && p.text[p.at] == '{' {
				if n := strings.IndexByte(p.text[p.at:], '}'); n >= 0 && n < 10 {
					p.at += n + 1
				}
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(p.text[p.at:])
		if r != '_' && r != '$' && r != '\u200c' && r != '\u200d' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Mc, r) && !unicode.Is(unicode.Nl, r) {
			break
		}
		p.at += n
	}
	if p.at == from {
		p.at++
		p.tok.kind = jOp
		p.tok.text = p.text[from:p.at]
		return
	}
	p.tok.kind = jName
	p.tok.text = p.text[from:p.at]
	if escaped {
		p.tok.text = unescape(p.tok.text)
	}
}

func (p *parser) number() {
	from := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		exp := (c == '+' || c == '-') && p.text[p.at-1]|0x20 == 'e' && !strings.HasPrefix(p.text[from:], "0x") && p.at > from
		if !isDigit(c) && !isLetter(c) && c != '.' && c != '_' && !exp {
			break
		}
		p.at++
	}
	p.tok.kind = jNum
	p.tok.text = p.text[from:p.at]
}

func (p *parser) str(q byte) {
	from := p.at + 1
	i := from
	for i < len(p.text) && p.text[i] != q && p.text[i] != '\n' {
		if p.text[i] == '\\' {
			i++
			if strings.HasPrefix(p.text[min(i, len(p.text)):], "\r\n") {
				i++
			}
		}
		i++
	}
	i = min(i, len(p.text))
	p.tok.kind = jStr
	p.tok.text = unescape(p.text[from:i])
	if i < len(p.text) && p.text[i] == q {
		i++
	}
	p.at = i
}

var operators = []string{
	">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=",
	"=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "**",
}

func (p *parser) operator() {
	rest := p.text[p.at:]
	op := rest[:1]
	for _, o := range operators {
		if strings.HasPrefix(rest, o) {
			if o == "?." && len(rest) > 2 && isDigit(rest[2]) {
				continue
			}
			op = o
			break
		}
	}
	p.tok.kind = jOp
	p.tok.text = op
	p.at += len(op)
}

// regex reads the regular expression that begins at the current token.
func (p *parser) regex() {
	i := p.tok.start + 1
	class := false
	for i < len(p.text) && p.text[i] != '\n' && (class || p.text[i] != '/') {
		switch p.text[i] {
		case '\\':
			i++
		case '[':
			class = true
		case ']':
			class = false
		}
		i++
	}
	i = min(i+1, len(p.text))
	body := p.text[p.tok.start:i]
	for i < len(p.text) && isLetter(p.text[i]) {
		i++
	}
	p.at = i
	p.tok.kind = jRegex
	p.tok.text = body
	p.tok.end = i
}

// splitOp makes ">" of ">>" and ">=" where types end.
func (p *parser) splitOp(n int) {
	p.tok.text = p.tok.text[:n]
	p.at = p.tok.start + n
	p.tok.end = p.at
}

func (p *parser) posAt(at int) ir.Pos {
	lo, hi := 0, len(p.lines)
	for lo+1 < hi {
		if m := (lo + hi) / 2; p.lines[m] <= at {
			lo = m
		} else {
			hi = m
		}
	}
	return ir.Pos{Line: int32(lo) + 1, Col: int32(at-p.lines[lo]) + 1}
}

func lineStarts(text string) []int {
	out := []int{0}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			out = append(out, i+1)
		}
	}
	return out
}
