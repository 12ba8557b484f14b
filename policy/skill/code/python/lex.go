package python

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"clawjail/policy/skill/code/ir"
)

type kind uint8

const (
	tEnd kind = iota
	tName
	tNum
	tStr
	tOp
	tNewline
	tIndent
	tDedent
)

type token struct {
	kind kind
	text string // of strings: with prefix and quotes
	pos  ir.Pos
}

const tabWidth = 8

type lexer struct {
	text    string
	at      int
	line    int32
	start   int // offset of the line's first byte
	base    ir.Pos
	tokens  []token
	indents []int
	depth   int
	file    *ir.File
}

func (l *lexer) pos() ir.Pos { return l.posAt(l.at) }

func (l *lexer) posAt(at int) ir.Pos {
	col := int32(at-l.start) + 1
	if l.line == l.base.Line {
		col += l.base.Col - 1
	}
	return ir.Pos{Line: l.line, Col: col}
}

func (l *lexer) add(k kind, text string, pos ir.Pos) {
	l.tokens = append(l.tokens, token{k, text, pos})
}

func (l *lexer) newline() {
	l.line++
	l.start = l.at
}

// lex cuts text into tokens. Inside of a format string it starts with an open
// bracket, so that newlines mean nothing.
func lex(text string, base ir.Pos, file *ir.File, inline bool) []token {
	l := &lexer{text: text, line: base.Line, base: base, indents: []int{0}, file: file}
	if inline {
		l.depth = 1
	} else {
		l.indent()
	}
	for l.at < len(l.text) {
		if len(l.tokens) > ir.MaxNodes {
			file.Report(ir.Problem{Pos: l.pos(), Message: "too many tokens", Limit: true})
			break
		}
		l.step()
	}
	if !inline {
		l.add(tNewline, "", l.pos())
		for len(l.indents) > 1 {
			l.indents = l.indents[:len(l.indents)-1]
			l.add(tDedent, "", l.pos())
		}
	}
	return l.tokens
}

func (l *lexer) step() {
	c := l.text[l.at]
	switch {
	case c == '\n':
		pos := l.pos()
		l.at++
		l.newline()
		if l.depth <= 0 {
			l.add(tNewline, "", pos)
			l.indent()
		}
	case c == ' ' || c == '\t' || c == '\r' || c == '\f':
		l.at++
	case c == '#':
		l.comment()
	case c == '\\':
		l.at++
		if strings.HasPrefix(l.text[l.at:], "\r\n") {
			l.at++
		}
		if l.at < len(l.text) && l.text[l.at] == '\n' {
			l.at++
			l.newline()
		}
	case c == '"' || c == '\'':
		l.str(l.at)
	case c >= '0' && c <= '9' || c == '.' && l.at+1 < len(l.text) && isDigit(l.text[l.at+1]):
		l.number()
	case c == '_' || c >= utf8.RuneSelf || isLetter(c):
		l.name()
	default:
		l.operator()
	}
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func (l *lexer) comment() {
	if n := strings.IndexByte(l.text[l.at:], '\n'); n >= 0 {
		l.at += n
	} else {
		l.at = len(l.text)
	}
}

// indent measures the next line that holds something and opens or closes
// blocks.
func (l *lexer) indent() {
	width := 0
	for l.at < len(l.text) {
		switch l.text[l.at] {
		case ' ':
			width++
		case '\t':
			width += tabWidth - width%tabWidth
		case '\f', '\r':
		case '\n':
			l.at++
			l.newline()
			width = 0
			continue
		case '#':
			l.comment()
			continue
		case '\ufeff' & 0xff:
		default:
			l.block(width)
			return
		}
		l.at++
	}
}

func (l *lexer) block(width int) {
	top := l.indents[len(l.indents)-1]
	if width > top {
		if len(l.indents) > ir.MaxDepth {
			l.file.Report(ir.Problem{Pos: l.pos(), Message: "blocks nested too deep", Limit: true})
			l.at = len(l.text)
			return
		}
		l.indents = append(l.indents, width)
		l.add(tIndent, "", l.pos())
		return
	}
	for width < l.indents[len(l.indents)-1] {
		l.indents = l.indents[:len(l.indents)-1]
		l.add(tDedent, "", l.pos())
	}
}

func (l *lexer) name() {
	from := l.at
	for l.at < len(l.text) {
		r, n := utf8.DecodeRuneInString(l.text[l.at:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Mc, r) {
			break
		}
		l.at += n
	}
	if l.at == from { // a byte that begins nothing
		l.at++
		return
	}
	if l.at < len(l.text) && (l.text[l.at] == '"' || l.text[l.at] == '\'') && isPrefix(l.text[from:l.at]) {
		l.str(from)
		return
	}
	l.add(tName, l.text[from:l.at], l.posAt(from))
}

func isPrefix(s string) bool {
	switch strings.ToLower(s) {
	case "r", "b", "u", "f", "t", "br", "rb", "fr", "rf", "tr", "rt", "ur":
		return true
	}
	return false
}

func (l *lexer) number() {
	from := l.at
	for l.at < len(l.text) {
		c := l.text[l.at]
		exp := (c == '+' || c == '-') && (l.text[l.at-1]|0x20) == 'e' && !strings.HasPrefix(l.text[from:], "0x") && l.at > from
		if !isDigit(c) && !isLetter(c) && c != '.' && c != '_' && !exp {
			break
		}
		l.at++
	}
	l.add(tNum, l.text[from:l.at], l.posAt(from))
}

// str lexes a string whose prefix begins at from and whose quote is at l.at.
func (l *lexer) str(from int) {
	pos := l.posAt(from)
	prefix := strings.ToLower(l.text[from:l.at])
	end, lines, last := scanString(l.text, l.at, strings.ContainsAny(prefix, "ft"), 0)
	l.add(tStr, l.text[from:end], pos)
	l.at = end
	if lines > 0 {
		l.line += int32(lines)
		l.start = last
	}
}

// scanString finds the end of the string that begins with a quote at i. It
// counts the newlines in it and says where the last line begins. A string of
// one line that is not closed ends with its line.
func scanString(s string, i int, format bool, depth int) (end, lines, last int) {
	quote := s[i : i+1]
	if len(s) >= i+3 && s[i+1] == s[i] && s[i+2] == s[i] {
		quote = s[i : i+3]
	}
	i += len(quote)
	for i < len(s) {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if s[i+1] == '\n' {
				lines, last = lines+1, i+2
			}
			i += 2
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote), lines, last
		case s[i] == '\n':
			if len(quote) == 1 && depth == 0 {
				return i, lines, last
			}
			i++
			lines, last = lines+1, i
		case format && s[i] == '{' && !strings.HasPrefix(s[i:], "{{"):
			var n, at int
			i, n, at = scanField(s, i+1, quote, depth+1)
			if n > 0 {
				lines, last = lines+n, at
			}
		case format && s[i] == '{':
			i += 2
		default:
			i++
		}
	}
	return len(s), lines, last
}

// scanField skips the expression of a replacement field of a format string.
func scanField(s string, i int, quote string, depth int) (end, lines, last int) {
	level := 0
	for i < len(s) {
		switch c := s[i]; {
		case (c == '"' || c == '\'') && depth < 8 && !(strings.HasPrefix(s[i:], quote) && closesHere(s, i, quote)):
			from := i
			for from > 0 && (isLetter(s[from-1])) {
				from--
			}
			var n, at int
			i, n, at = scanString(s, i, isPrefix(s[from:i]) && strings.ContainsAny(s[from:i], "fFtT"), depth)
			if n > 0 {
				lines, last = lines+n, at
			}
		case strings.HasPrefix(s[i:], quote):
			return i, lines, last
		case c == '(' || c == '[' || c == '{':
			level++
			i++
		case c == '}' && level == 0:
			return i + 1, lines, last
		case c == ')' || c == ']' || c == '}':
			level--
			i++
		case c == '\n':
			if len(quote) == 1 && depth == 1 && !strings.Contains(rest(s, i), "}") {
				return i, lines, last
			}
			i++
			lines, last = lines+1, i
		default:
			i++
		}
	}
	return i, lines, last
}

// rest is the text from i, at most a few lines.
func rest(s string, i int) string { return s[i:min(len(s), i+400)] }

// closesHere says that the quote at i ends the format string, because no brace
// follows in its line that would close the field.
func closesHere(s string, i int, quote string) bool {
	line := s[i+len(quote):]
	if n := strings.IndexByte(line, '\n'); n >= 0 && len(quote) == 1 {
		line = line[:n]
	}
	return !strings.Contains(line[:min(len(line), 4096)], "}")
}

var operators = []string{
	"**=", "//=", ">>=", "<<=", "...", ":=", "->", "==", "!=", "<>", "<=", ">=", "**", "//", "<<", ">>",
	"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=",
}

func (l *lexer) operator() {
	pos := l.pos()
	op := l.text[l.at : l.at+1]
	for _, o := range operators {
		if strings.HasPrefix(l.text[l.at:], o) {
			op = o
			break
		}
	}
	switch op {
	case "(", "[", "{":
		l.depth++
	case ")", "]", "}":
		l.depth--
	}
	l.at += len(op)
	l.add(tOp, op, pos)
}
