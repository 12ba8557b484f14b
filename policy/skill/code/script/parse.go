package script

import (
	"clawjail/policy/skill/code/ir"
)

type parser struct {
	file  *ir.File
	text  string
	lines []int
	ts    bool

	at    int
	tok   token
	last  int // end of the token before
	depth int
	nodes int
	read  int
	bad   bool
	errAt int
	quiet int // speculating: problems are not reported
	noIn  bool
	// arrows and generics remember where speculation failed.
	arrows, generics map[int]bool
}

// Parse reads a script or module. It always answers with a file; what did not
// parse is in its Problems. typed says that it is TypeScript.
func Parse(text string, typed bool) *ir.File {
	file := &ir.File{}
	if len(text) > ir.MaxBytes {
		file.Report(ir.Problem{Pos: ir.Pos{Line: 1, Col: 1}, Message: "text too long", Limit: true})
		text = text[:ir.MaxBytes]
	}
	p := &parser{file: file, text: text, ts: typed, lines: lineStarts(text), arrows: map[int]bool{}, generics: map[int]bool{}}
	p.next()
	for p.tok.kind != jEnd {
		file.Body = append(file.Body, p.step()...)
		if p.read > tokensPerByte*len(text)+1000 {
			break
		}
	}
	return file
}

// step parses one statement, and after an error finds the next.
func (p *parser) step() []*ir.Stmt {
	from := p.tok.start
	s := p.statement()
	if p.bad && p.quiet == 0 {
		p.recover(from)
	}
	if s == nil {
		return nil
	}
	return []*ir.Stmt{s}
}

// recover goes on at the next line that may begin a statement.
func (p *parser) recover(from int) {
	p.bad = false
	p.at = max(p.errAt, from)
	p.tok = token{start: p.at, end: p.at}
	p.next()
	if p.tok.start <= from {
		p.next()
	}
	for n := 0; p.tok.kind != jEnd && !p.bad; n++ {
		if p.tok.nl && n > 0 || p.tok.text == "}" && p.tok.kind == jOp {
			return
		}
		if p.is(";") {
			p.next()
			return
		}
		p.next()
	}
}

func (p *parser) node(e *ir.Expr) *ir.Expr {
	p.nodes++
	if p.nodes > ir.MaxNodes {
		p.limit("too many expressions")
	}
	return e
}

func (p *parser) limit(message string) { p.problem(message, true) }

func (p *parser) problem(message string, limit bool) {
	if p.bad {
		return
	}
	p.bad = true
	p.errAt = p.tok.start
	if p.quiet == 0 || limit {
		p.file.Report(ir.Problem{Pos: p.posAt(p.tok.start), Message: message, Limit: limit})
	}
	p.tok = token{start: p.tok.start, end: p.tok.end}
	p.at = len(p.text)
}

func (p *parser) fail(message string) {
	if p.bad {
		return
	}
	near := p.text[p.tok.start:min(p.tok.end, p.tok.start+40, len(p.text))]
	if near == "" {
		near = "the end"
	}
	p.problem(message+" at "+near, false)
}

func (p *parser) pos() ir.Pos { return p.posAt(p.tok.start) }

func (p *parser) is(op string) bool { return p.tok.kind == jOp && p.tok.text == op }

func (p *parser) word(w string) bool { return p.tok.kind == jName && p.tok.text == w }

func (p *parser) accept(op string) bool {
	if p.is(op) {
		p.next()
		return true
	}
	return false
}

func (p *parser) acceptWord(w string) bool {
	if p.word(w) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(op string) {
	if !p.accept(op) {
		p.fail("expected " + op)
	}
}

func (p *parser) enter() bool {
	p.depth++
	if p.depth > ir.MaxDepth {
		p.limit("nested too deep")
		return false
	}
	return true
}

func (p *parser) leave() { p.depth-- }

// semicolon ends a statement where the grammar inserts one.
func (p *parser) semicolon() {
	if p.accept(";") || p.is("}") || p.tok.nl || p.tok.kind == jEnd {
		return
	}
	p.fail("expected ;")
}

// mark is what try goes back to.
type mark struct {
	at, last, depth int
	tok             token
	noIn            bool
}

// try runs f and goes back where it fails.
func (p *parser) try(f func() bool) bool {
	m := mark{p.at, p.last, p.depth, p.tok, p.noIn}
	p.quiet++
	ok := f() && !p.bad
	p.quiet--
	if !ok {
		over := p.read > tokensPerByte*len(p.text)+1000 || p.nodes > ir.MaxNodes
		p.at, p.last, p.depth, p.tok, p.noIn = m.at, m.last, m.depth, m.tok, m.noIn
		p.bad = false
		if over {
			p.limit("too much text to try")
		}
	}
	return ok
}

// peek is the token after the current one.
func (p *parser) peek() token {
	at, last, tok := p.at, p.last, p.tok
	p.next()
	t := p.tok
	p.at, p.last, p.tok = at, last, tok
	return t
}

func (p *parser) block() []*ir.Stmt {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	p.expect("{")
	var out []*ir.Stmt
	for !p.is("}") && p.tok.kind != jEnd {
		if p.quiet > 0 && p.bad {
			return out
		}
		from := p.tok.start
		out = append(out, p.step()...)
		if p.tok.start == from && p.tok.kind != jEnd {
			p.next()
		}
	}
	p.expect("}")
	return out
}

func (p *parser) name() string {
	t := p.tok
	if t.kind != jName {
		p.fail("expected a name")
		return ""
	}
	p.next()
	return t.text
}
