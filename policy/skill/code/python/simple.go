package python

import (
	"strings"

	"clawjail/policy/skill/code/ir"
)

// simple parses a statement without a body.
func (p *parser) simple() *ir.Stmt {
	t := p.cur()
	if t.kind == tName {
		if s, ok := p.keyword(t); ok {
			return s
		}
	}
	x := p.testlist()
	if p.bad {
		return &ir.Stmt{Kind: ir.Do, Pos: t.pos, X: x}
	}
	if p.accept(":") { // annotation
		p.test()
		if !p.is("=") {
			return nil
		}
	}
	if op := p.cur().text; p.cur().kind == tOp && len(op) > 1 && strings.HasSuffix(op, "=") && !strings.Contains("== != <= >= :=", op) {
		p.at++
		return &ir.Stmt{Kind: ir.Let, Pos: t.pos, Targets: []*ir.Expr{x}, Text: op, X: p.testlist()}
	}
	if !p.is("=") {
		return &ir.Stmt{Kind: ir.Do, Pos: t.pos, X: x}
	}
	s := &ir.Stmt{Kind: ir.Let, Pos: t.pos}
	for p.accept("=") {
		s.Targets = append(s.Targets, x)
		x = p.testlist()
	}
	s.X = x
	return s
}

func (p *parser) keyword(t token) (*ir.Stmt, bool) {
	s := &ir.Stmt{Pos: t.pos}
	switch t.text {
	case "pass":
		p.at++
		return nil, true
	case "break":
		p.at++
		s.Kind = ir.Break
	case "continue":
		p.at++
		s.Kind = ir.Continue
	case "return":
		p.at++
		s.Kind = ir.Return
		if k := p.cur(); k.kind != tNewline && k.text != ";" {
			s.X = p.testlist()
		}
	case "raise":
		p.at++
		s.Kind = ir.Throw
		if k := p.cur(); k.kind != tNewline && k.text != ";" {
			s.X = p.testlist()
			if p.accept("from") {
				p.test()
			}
		}
	case "global", "nonlocal":
		p.at++
		p.testlist()
		return nil, true
	case "del":
		p.at++
		s.Kind = ir.Delete
		s.X = p.testlist()
	case "assert":
		p.at++
		s.Kind = ir.Do
		s.X = p.testlist()
	case "import":
		p.at++
		return p.imports(t.pos), true
	case "from":
		p.at++
		return p.fromImport(t.pos), true
	case "print", "exec":
		return p.python2(t)
	case "type":
		if n := p.ahead(1); n.kind == tName && (p.ahead(2).text == "=" || p.ahead(2).text == "[") {
			p.at++
			return nil, false
		}
		return nil, false
	default:
		return nil, false
	}
	return s, true
}

// python2 reads "print x" and "exec x" as calls.
func (p *parser) python2(t token) (*ir.Stmt, bool) {
	n := p.ahead(1)
	if n.kind != tStr && n.kind != tNum && (n.kind != tName || isInfix(n.text)) {
		return nil, false
	}
	p.at++
	p.accept(">>")
	x := p.testlist()
	if p.accept("in") {
		p.testlist()
	}
	args := []*ir.Expr{x}
	if x.Op == ir.Tuple {
		args = x.Args
	}
	call := p.node(&ir.Expr{Op: ir.Call, Pos: t.pos, X: &ir.Expr{Op: ir.Ident, Pos: t.pos, Text: t.text}, Args: args})
	return &ir.Stmt{Kind: ir.Do, Pos: t.pos, X: call}, true
}

func isInfix(s string) bool {
	switch s {
	case "and", "or", "in", "is", "if", "else", "not", "for":
		return true
	}
	return false
}

func (p *parser) dotted() string {
	var b strings.Builder
	for {
		t := p.cur()
		if !p.acceptKind(tName) {
			p.fail("expected a name")
			return b.String()
		}
		b.WriteString(t.text)
		if !p.accept(".") {
			return b.String()
		}
		b.WriteByte('.')
	}
}

func (p *parser) imports(pos ir.Pos) *ir.Stmt {
	block := &ir.Stmt{Kind: ir.Block, Pos: pos}
	for {
		spec := &ir.ImportSpec{Module: p.dotted()}
		if p.accept("as") {
			spec.As = p.cur().text
			p.acceptKind(tName)
		}
		block.Body = append(block.Body, &ir.Stmt{Kind: ir.Import, Pos: pos, Import: spec})
		if !p.accept(",") || p.bad {
			break
		}
	}
	if len(block.Body) == 1 {
		return block.Body[0]
	}
	return block
}

func (p *parser) fromImport(pos ir.Pos) *ir.Stmt {
	spec := &ir.ImportSpec{}
	for {
		if p.accept(".") {
			spec.Level++
		} else if p.accept("...") {
			spec.Level += 3
		} else {
			break
		}
	}
	if !p.is("import") {
		spec.Module = p.dotted()
	}
	p.expect("import")
	paren := p.accept("(")
	for !p.bad {
		t := p.cur()
		if !p.accept("*") && !p.acceptKind(tName) {
			p.fail("expected a name")
			break
		}
		n := ir.ImportName{Name: t.text, As: t.text}
		if p.accept("as") {
			n.As = p.cur().text
			p.acceptKind(tName)
		}
		spec.Names = append(spec.Names, n)
		if !p.accept(",") || paren && p.is(")") {
			break
		}
	}
	if paren {
		p.expect(")")
	}
	return &ir.Stmt{Kind: ir.Import, Pos: pos, Import: spec}
}
