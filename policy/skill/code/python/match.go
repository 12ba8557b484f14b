package python

import (
	"strings"

	"clawjail/policy/skill/code/ir"
)

// match parses a match statement, or answers nil where "match" is a name.
func (p *parser) match() *ir.Stmt {
	from := p.at
	pos := p.cur().pos
	problems := len(p.file.Problems)
	p.at++
	if t := p.cur(); t.kind == tNewline || t.kind == tOp && strings.Contains("= . ) ] } , : ; += -= or and", t.text) && t.text != "(" {
		p.at = from
		return nil
	}
	x := p.testlist()
	if p.bad || !p.is(":") || p.ahead(1).kind != tNewline || p.ahead(2).kind != tIndent || p.ahead(3).text != "case" {
		p.bad = false
		p.file.Problems = p.file.Problems[:min(problems, len(p.file.Problems))]
		p.at = from
		return nil
	}
	p.at += 3
	s := &ir.Stmt{Kind: ir.Block, Pos: pos, Body: []*ir.Stmt{{Kind: ir.Do, Pos: pos, X: x}}}
	for p.is("case") {
		s.Body = append(s.Body, p.matchCase(x))
	}
	p.acceptKind(tDedent)
	return s
}

func (p *parser) matchCase(subject *ir.Expr) *ir.Stmt {
	pos := p.cur().pos
	p.at++
	s := &ir.Stmt{Kind: ir.If, Pos: pos, X: &ir.Expr{Op: ir.Bad, Pos: pos}}
	p.noCond = true
	pattern := p.testlist()
	p.noCond = false
	for p.accept("as") || p.accept("if") {
		p.named()
	}
	ir.Walk([]*ir.Stmt{{X: pattern}}, func(e *ir.Expr) bool {
		if e.Op == ir.Ident && e.Text != "_" {
			s.Body = append(s.Body, &ir.Stmt{Kind: ir.Let, Pos: pos, Targets: []*ir.Expr{e}, X: subject})
		}
		return e.Op != ir.Attr
	})
	s.Body = append(s.Body, p.suite()...)
	return s
}
