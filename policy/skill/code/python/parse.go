package python

import (
	"strings"

	"clawjail/policy/skill/code/ir"
)

type parser struct {
	file   *ir.File
	tokens []token
	at     int
	depth  int
	nodes  int
	bad    bool
	// noCond says that "if" ends the expression: it is the guard of a case.
	noCond bool
}

// Parse reads a module. It always answers with a file; what did not parse is in
// its Problems.
func Parse(text string) *ir.File {
	file := &ir.File{}
	if len(text) > ir.MaxBytes {
		file.Report(ir.Problem{Pos: ir.Pos{Line: 1, Col: 1}, Message: "text too long", Limit: true})
		text = text[:ir.MaxBytes]
	}
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	p := &parser{file: file, tokens: lex(text, ir.Pos{Line: 1, Col: 1}, file, false)}
	for p.at < len(p.tokens) {
		from := p.at
		p.noCond = false
		file.Body = append(file.Body, p.statement()...)
		if p.at == from {
			p.at++
		}
	}
	return file
}

func (p *parser) node(e *ir.Expr) *ir.Expr {
	p.nodes++
	if p.nodes > ir.MaxNodes {
		p.limit("too many expressions")
	}
	return e
}

func (p *parser) limit(message string) {
	if !p.bad {
		p.file.Report(ir.Problem{Pos: p.cur().pos, Message: message, Limit: true})
	}
	p.bad = true
}

func (p *parser) fail(message string) {
	if !p.bad {
		t := p.cur()
		p.file.Report(ir.Problem{Pos: t.pos, Message: message + " at " + quote(t)})
	}
	p.bad = true
}

func quote(t token) string {
	switch t.kind {
	case tEnd:
		return "the end"
	case tNewline, tIndent, tDedent:
		return "the end of the line"
	}
	return "\"" + t.text[:min(len(t.text), 40)] + "\""
}

func (p *parser) cur() token {
	if p.bad || p.at >= len(p.tokens) {
		t := token{}
		if len(p.tokens) > 0 {
			t.pos = p.tokens[min(p.at, len(p.tokens)-1)].pos
		}
		return t
	}
	return p.tokens[p.at]
}

func (p *parser) ahead(n int) token {
	if p.bad || p.at+n >= len(p.tokens) {
		return token{}
	}
	return p.tokens[p.at+n]
}

func (p *parser) is(text string) bool {
	t := p.cur()
	return (t.kind == tOp || t.kind == tName) && t.text == text
}

func (p *parser) accept(text string) bool {
	if p.is(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.fail("expected " + text)
	}
}

func (p *parser) acceptKind(k kind) bool {
	if p.cur().kind == k && k != tEnd {
		p.at++
		return true
	}
	return false
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

// statement parses one logical line, which may hold several statements. After
// an error it goes on with the next line.
func (p *parser) statement() []*ir.Stmt {
	switch p.cur().kind {
	case tNewline, tDedent:
		p.at++
		return nil
	case tIndent: // an indent nobody asked for
		return p.suiteBlock()
	}
	from := p.at
	var out []*ir.Stmt
	if s := p.compound(); s != nil {
		out = []*ir.Stmt{s}
	} else {
		out = p.simpleLine()
	}
	if p.bad {
		p.recover(from)
	}
	return out
}

// recover skips the rest of the line; a block below it is parsed as usual.
func (p *parser) recover(from int) {
	p.bad = false
	p.at = max(p.at, from)
	for p.at < len(p.tokens) && p.tokens[p.at].kind != tNewline {
		if k := p.tokens[p.at].kind; k == tIndent || k == tDedent {
			return
		}
		p.at++
	}
}

func (p *parser) simpleLine() []*ir.Stmt {
	var out []*ir.Stmt
	for {
		if s := p.simple(); s != nil {
			out = append(out, s)
		}
		if !p.accept(";") || p.cur().kind == tNewline {
			break
		}
	}
	if k := p.cur().kind; k != tNewline && k != tEnd && k != tDedent {
		p.fail("unexpected text")
	} else {
		p.acceptKind(tNewline)
	}
	return out
}

// suite is the body of a compound statement after its colon.
func (p *parser) suite() []*ir.Stmt {
	p.expect(":")
	if !p.acceptKind(tNewline) {
		return p.simpleLine()
	}
	if p.cur().kind != tIndent {
		if !p.bad {
			p.fail("expected a block")
		}
		return nil
	}
	return p.suiteBlock()
}

func (p *parser) suiteBlock() []*ir.Stmt {
	if !p.acceptKind(tIndent) || !p.enter() {
		return nil
	}
	defer p.leave()
	var out []*ir.Stmt
	for p.at < len(p.tokens) && p.cur().kind != tDedent {
		from := p.at
		out = append(out, p.statement()...)
		if p.at == from {
			p.at++
		}
	}
	p.acceptKind(tDedent)
	return out
}

func (p *parser) compound() *ir.Stmt {
	t := p.cur()
	if t.kind == tOp && t.text == "@" {
		return p.decorated()
	}
	if t.kind != tName {
		return nil
	}
	switch t.text {
	case "if":
		p.at++
		return p.ifRest(t.pos)
	case "while":
		p.at++
		s := &ir.Stmt{Kind: ir.While, Pos: t.pos, X: p.named()}
		s.Body = p.suite()
		s.Else = p.elseSuite("else")
		return s
	case "for":
		return p.forStmt()
	case "try":
		return p.try()
	case "with":
		return p.with()
	case "def", "class":
		return p.definition(nil)
	case "async":
		if n := p.ahead(1); n.kind == tName && (n.text == "def" || n.text == "for" || n.text == "with") {
			p.at++
			return p.compound()
		}
	case "match":
		return p.match()
	}
	return nil
}

func (p *parser) ifRest(pos ir.Pos) *ir.Stmt {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	s := &ir.Stmt{Kind: ir.If, Pos: pos, X: p.named()}
	s.Body = p.suite()
	// A chain of elif is as long as it likes: no recursion.
	for last := s; ; {
		t := p.cur()
		if p.accept("elif") {
			next := &ir.Stmt{Kind: ir.If, Pos: t.pos, X: p.named()}
			next.Body = p.suite()
			last.Else = []*ir.Stmt{next}
			if len(p.file.Problems) == 0 && p.nodes > ir.MaxNodes {
				return s
			}
			last = next
			continue
		}
		last.Else = p.elseSuite("else")
		return s
	}
}

func (p *parser) elseSuite(word string) []*ir.Stmt {
	if p.accept(word) {
		return p.suite()
	}
	return nil
}

func (p *parser) forStmt() *ir.Stmt {
	s := &ir.Stmt{Kind: ir.For, Pos: p.cur().pos}
	p.at++
	s.Targets = []*ir.Expr{p.targets()}
	p.expect("in")
	s.X = p.testlist()
	s.Body = p.suite()
	s.Else = p.elseSuite("else")
	return s
}

func (p *parser) try() *ir.Stmt {
	s := &ir.Stmt{Kind: ir.Try, Pos: p.cur().pos}
	p.at++
	s.Body = p.suite()
	for {
		pos := p.cur().pos
		switch {
		case p.accept("except"):
			p.accept("*")
			b := &ir.Stmt{Kind: ir.Block, Pos: pos}
			if !p.is(":") {
				x := p.testlist()
				if p.accept("as") {
					b.Body = append(b.Body, &ir.Stmt{Kind: ir.Let, Pos: pos, Targets: []*ir.Expr{p.targets()}, X: &ir.Expr{Op: ir.Bad, Pos: pos}})
				}
				_ = x
			}
			b.Body = append(b.Body, p.suite()...)
			s.Else = append(s.Else, b)
		case p.is("else") || p.is("finally"):
			p.at++
			s.Else = append(s.Else, &ir.Stmt{Kind: ir.Block, Pos: pos, Body: p.suite()})
		default:
			return s
		}
		if p.bad {
			return s
		}
	}
}

func (p *parser) with() *ir.Stmt {
	s := &ir.Stmt{Kind: ir.With, Pos: p.cur().pos}
	p.at++
	paren := p.is("(") && p.withParen()
	if paren {
		p.at++
	}
	for {
		s.Args = append(s.Args, p.test())
		var target *ir.Expr
		if p.accept("as") {
			target = p.target()
		}
		s.Targets = append(s.Targets, target)
		if !p.accept(",") || paren && p.is(")") {
			break
		}
	}
	if paren {
		p.expect(")")
	}
	s.Body = p.suite()
	return s
}

// withParen says that the bracket after "with" encloses all items.
func (p *parser) withParen() bool {
	level := 0
	for i := p.at; i < len(p.tokens); i++ {
		switch t := p.tokens[i]; {
		case t.kind == tNewline:
			return false
		case t.kind != tOp:
		case t.text == "(" || t.text == "[" || t.text == "{":
			level++
		case t.text == ")" || t.text == "]" || t.text == "}":
			level--
			if level == 0 {
				return i+1 < len(p.tokens) && p.tokens[i+1].text == ":"
			}
		}
	}
	return false
}

func (p *parser) decorated() *ir.Stmt {
	var list []*ir.Expr
	for p.accept("@") {
		list = append(list, p.named())
		for p.acceptKind(tNewline) {
		}
	}
	p.accept("async")
	if !p.is("def") && !p.is("class") {
		p.fail("expected def or class")
		return nil
	}
	return p.definition(list)
}

func (p *parser) definition(decorators []*ir.Expr) *ir.Stmt {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	t := p.cur()
	p.at++
	name := p.cur().text
	if !p.acceptKind(tName) {
		p.fail("expected a name")
	}
	if p.is("[") { // type parameters
		p.skipBrackets()
	}
	if t.text == "class" {
		c := &ir.Class{Pos: t.pos, Name: name, Decorators: decorators}
		if p.accept("(") {
			c.Bases = p.arguments()
		}
		c.Body = p.suite()
		return &ir.Stmt{Kind: ir.ClassDef, Pos: t.pos, Class: c}
	}
	f := &ir.Func{Pos: t.pos, Name: name, Decorators: decorators}
	p.expect("(")
	f.Params = p.params(")")
	p.expect(")")
	if p.accept("->") {
		p.test()
	}
	f.Body = p.suite()
	for _, d := range decorators {
		f.Static = f.Static || d.Op == ir.Ident && d.Text == "staticmethod"
	}
	return &ir.Stmt{Kind: ir.Def, Pos: t.pos, Func: f}
}

// skipBrackets skips the brackets at the current token and what they enclose.
func (p *parser) skipBrackets() {
	for level := 0; !p.bad && p.cur().kind != tEnd; {
		switch p.cur().text {
		case "[", "(", "{":
			level++
		case "]", ")", "}":
			level--
		}
		p.at++
		if level == 0 {
			return
		}
	}
}

func (p *parser) params(end string) []ir.Param {
	var out []ir.Param
	for !p.is(end) && !p.bad && p.cur().kind != tEnd {
		var q ir.Param
		t := p.cur()
		switch {
		case p.accept("**"):
			q.Keys = true
		case p.accept("*"):
			q.Rest = true
		case p.accept("/"):
		}
		if p.is("(") { // Python 2: tuple parameters
			q.Target = p.atom()
		} else if n := p.cur(); p.acceptKind(tName) {
			q.Target = p.node(&ir.Expr{Op: ir.Ident, Pos: n.pos, Text: n.text})
		}
		if end != ":" && p.accept(":") {
			p.accept("*")
			p.test()
		}
		if p.accept("=") {
			q.Default = p.test()
		}
		if q.Target != nil {
			out = append(out, q)
		} else if t.text != "*" && t.text != "/" {
			p.fail("expected a parameter")
		}
		if !p.accept(",") {
			break
		}
	}
	return out
}
