package script

import "clawjail/policy/skill/code/ir"

func (p *parser) moduleName() string {
	t := p.tok
	if t.kind != jStr {
		p.fail("expected the name of a module")
		return ""
	}
	p.next()
	if p.word("with") || p.word("assert") && !p.tok.nl {
		p.next()
		p.skipBraces()
	}
	return t.text
}

// skipBraces skips a balanced pair of braces.
func (p *parser) skipBraces() {
	level := 0
	for !p.bad && p.tok.kind != jEnd {
		if p.is("{") {
			level++
		}
		if p.is("}") {
			level--
		}
		if p.tok.kind == jTemplate {
			p.templateType()
			continue
		}
		p.next()
		if level == 0 {
			return
		}
	}
}

func (p *parser) importStmt(pos ir.Pos) *ir.Stmt {
	p.next()
	spec := &ir.ImportSpec{}
	s := &ir.Stmt{Kind: ir.Import, Pos: pos, Import: spec}
	if p.tok.kind == jStr {
		spec.Module = p.moduleName()
		p.semicolon()
		return s
	}
	if p.word("type") {
		if n := p.peek(); n.text != "from" && n.text != "," && n.text != "=" {
			p.next()
		}
	}
	if p.tok.kind == jName {
		name := p.name()
		if p.accept("=") { // import x = require("y")
			x := p.assign()
			p.semicolon()
			return &ir.Stmt{Kind: ir.Let, Pos: pos, Targets: []*ir.Expr{{Op: ir.Ident, Pos: pos, Text: name}}, X: x, Text: "let"}
		}
		spec.Names = append(spec.Names, ir.ImportName{Name: "default", As: name})
		p.accept(",")
	}
	if p.accept("*") {
		if !p.acceptWord("as") {
			p.fail("expected as")
		}
		spec.As = p.name()
	}
	if p.is("{") {
		spec.Names = append(spec.Names, p.names()...)
	}
	if !p.acceptWord("from") {
		p.fail("expected from")
	}
	spec.Module = p.moduleName()
	p.semicolon()
	return s
}

// names parses "{a, b as c, type d}".
func (p *parser) names() []ir.ImportName {
	p.expect("{")
	var out []ir.ImportName
	for !p.is("}") && !p.bad && p.tok.kind != jEnd {
		if p.word("type") {
			if n := p.peek(); n.kind == jName && n.text != "as" || n.kind == jStr {
				p.next()
			}
		}
		n := ir.ImportName{Name: p.tok.text}
		if p.tok.kind != jName && p.tok.kind != jStr {
			p.fail("expected a name")
		}
		p.next()
		n.As = n.Name
		if p.acceptWord("as") {
			n.As = p.tok.text
			p.next()
		}
		out = append(out, n)
		if !p.accept(",") {
			break
		}
	}
	p.expect("}")
	return out
}

func (p *parser) exportStmt(pos ir.Pos) *ir.Stmt {
	p.next()
	s := &ir.Stmt{Kind: ir.Export, Pos: pos}
	if p.word("type") && p.peek().text == "*" {
		p.next()
	}
	if p.acceptWord("as") { // export as namespace X
		p.next()
		p.name()
		p.semicolon()
		return nil
	}
	switch {
	case p.acceptWord("default"):
		s.Text = "default"
		p.exportDefault(s)
	case p.is("*"):
		p.next()
		spec := &ir.ImportSpec{Reexport: true, Names: []ir.ImportName{{Name: "*"}}}
		if p.acceptWord("as") {
			spec.As = p.tok.text
			p.next()
		}
		if !p.acceptWord("from") {
			p.fail("expected from")
		}
		spec.Module = p.moduleName()
		p.semicolon()
		return &ir.Stmt{Kind: ir.Import, Pos: pos, Import: spec}
	case p.is("{") || p.word("type") && p.peek().text == "{":
		p.acceptWord("type")
		return p.exportNames(s)
	case p.accept("="):
		s.Text = "default"
		s.X = p.expr()
		p.semicolon()
	default:
		if d := p.statement(); d != nil {
			s.Body = []*ir.Stmt{d}
		}
	}
	return s
}

func (p *parser) exportNames(s *ir.Stmt) *ir.Stmt {
	names := p.names()
	if p.acceptWord("from") {
		spec := &ir.ImportSpec{Reexport: true, Names: names, Module: p.moduleName()}
		p.semicolon()
		return &ir.Stmt{Kind: ir.Import, Pos: s.Pos, Import: spec}
	}
	p.semicolon()
	d := &ir.Expr{Op: ir.Dict, Pos: s.Pos}
	for _, n := range names {
		d.Args = append(d.Args, &ir.Expr{Op: ir.Pair, Pos: s.Pos, X: &ir.Expr{Op: ir.Str, Pos: s.Pos, Text: n.As}, Y: &ir.Expr{Op: ir.Ident, Pos: s.Pos, Text: n.Name}})
	}
	s.X = d
	s.Text = "names"
	return s
}

func (p *parser) exportDefault(s *ir.Stmt) {
	pos := p.pos()
	decorators := p.decorators()
	p.acceptWord("abstract")
	switch {
	case p.word("class"):
		s.X = p.node(&ir.Expr{Op: ir.ClassExpr, Pos: pos, Class: p.class(decorators)})
		if s.X.Class.Name != "" {
			s.Body = []*ir.Stmt{{Kind: ir.ClassDef, Pos: pos, Class: s.X.Class}}
		}
	case p.word("function") || p.word("async") && p.peek().text == "function":
		p.acceptWord("async")
		p.next()
		p.accept("*")
		name := ""
		if p.tok.kind == jName {
			name = p.name()
		}
		f := p.function(pos, name)
		if f == nil {
			return
		}
		s.X = p.node(&ir.Expr{Op: ir.Lambda, Pos: pos, Func: f})
		if name != "" {
			s.Body = []*ir.Stmt{{Kind: ir.Def, Pos: pos, Func: f}}
		}
	case p.word("interface"):
		p.typed("interface", pos)
	default:
		s.X = p.assign()
		p.semicolon()
	}
}
