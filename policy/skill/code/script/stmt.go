package script

import "clawjail/policy/skill/code/ir"

func (p *parser) statement() *ir.Stmt {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	t, pos := p.tok, p.pos()
	switch {
	case t.kind == jOp && t.text == "{":
		return &ir.Stmt{Kind: ir.Block, Pos: pos, Body: p.block()}
	case t.kind == jOp && t.text == ";":
		p.next()
		return nil
	case t.kind == jOp && t.text == "@":
		return p.decorated(pos)
	case t.kind == jName:
		if s, ok := p.keyword(t.text, pos); ok {
			return s
		}
		if s, ok := p.typed(t.text, pos); ok {
			return s
		}
	}
	return p.exprStmt(pos)
}

func (p *parser) exprStmt(pos ir.Pos) *ir.Stmt {
	x := p.expr()
	if x.Op == ir.Ident && p.is(":") { // a label
		p.next()
		return p.statement()
	}
	p.semicolon()
	return &ir.Stmt{Kind: ir.Do, Pos: pos, X: x}
}

func (p *parser) keyword(w string, pos ir.Pos) (*ir.Stmt, bool) {
	switch w {
	case "var", "const":
		return p.varStmt(pos), true
	case "let", "using":
		if n := p.peek(); n.kind == jName && n.text != "in" && n.text != "of" || n.text == "{" && w == "let" || n.text == "[" && w == "let" {
			return p.varStmt(pos), true
		}
	case "function":
		return p.defStmt(pos), true
	case "async":
		if n := p.peek(); n.kind == jName && n.text == "function" && !n.nl {
			p.next()
			return p.defStmt(pos), true
		}
	case "class":
		return &ir.Stmt{Kind: ir.ClassDef, Pos: pos, Class: p.class(nil)}, true
	case "if":
		return p.ifStmt(pos), true
	case "for":
		return p.forStmt(pos), true
	case "while":
		p.next()
		s := &ir.Stmt{Kind: ir.While, Pos: pos, X: p.parenExpr()}
		s.Body = p.body()
		return s, true
	case "do":
		return p.doStmt(pos), true
	case "return", "throw":
		return p.jump(w, pos), true
	case "break", "continue":
		p.next()
		if p.tok.kind == jName && !p.tok.nl {
			p.next()
		}
		p.semicolon()
		k := ir.Break
		if w == "continue" {
			k = ir.Continue
		}
		return &ir.Stmt{Kind: k, Pos: pos}, true
	case "try":
		return p.tryStmt(pos), true
	case "switch":
		return p.switchStmt(pos), true
	case "import":
		if n := p.peek(); n.text != "(" && n.text != "." {
			return p.importStmt(pos), true
		}
	case "export":
		return p.exportStmt(pos), true
	case "with":
		p.next()
		x := p.parenExpr()
		return &ir.Stmt{Kind: ir.Block, Pos: pos, Body: append([]*ir.Stmt{{Kind: ir.Do, Pos: pos, X: x}}, p.body()...)}, true
	case "debugger":
		p.next()
		p.semicolon()
		return nil, true
	}
	return nil, false
}

func (p *parser) jump(w string, pos ir.Pos) *ir.Stmt {
	p.next()
	s := &ir.Stmt{Kind: ir.Return, Pos: pos}
	if w == "throw" {
		s.Kind = ir.Throw
	}
	if !p.tok.nl && !p.is(";") && !p.is("}") && p.tok.kind != jEnd {
		s.X = p.expr()
	}
	p.semicolon()
	return s
}

func (p *parser) body() []*ir.Stmt {
	if p.is("{") {
		return p.block()
	}
	if s := p.statement(); s != nil {
		return []*ir.Stmt{s}
	}
	return nil
}

func (p *parser) parenExpr() *ir.Expr {
	p.expect("(")
	x := p.expr()
	p.expect(")")
	return x
}

func (p *parser) ifStmt(pos ir.Pos) *ir.Stmt {
	p.next()
	first := &ir.Stmt{Kind: ir.If, Pos: pos, X: p.parenExpr()}
	first.Body = p.body()
	for last := first; !p.bad && p.word("else"); {
		p.next()
		if !p.word("if") {
			last.Else = p.body()
			break
		}
		s := &ir.Stmt{Kind: ir.If, Pos: p.pos()}
		p.next()
		s.X = p.parenExpr()
		s.Body = p.body()
		last.Else = []*ir.Stmt{s}
		last = s
	}
	return first
}

func (p *parser) doStmt(pos ir.Pos) *ir.Stmt {
	p.next()
	s := &ir.Stmt{Kind: ir.While, Pos: pos, Text: "do", Body: p.body()}
	if !p.acceptWord("while") {
		p.fail("expected while")
	}
	s.X = p.parenExpr()
	p.accept(";")
	return s
}

// varStmt parses "const a = 1, b" and the semicolon.
func (p *parser) varStmt(pos ir.Pos) *ir.Stmt {
	s := p.vars(pos)
	p.semicolon()
	return s
}

func (p *parser) vars(pos ir.Pos) *ir.Stmt {
	p.next()
	if p.word("enum") {
		return p.enum(pos)
	}
	block := &ir.Stmt{Kind: ir.Block, Pos: pos}
	for !p.bad {
		at := p.pos()
		target := p.binding()
		p.accept("!")
		if p.accept(":") {
			p.typ()
		}
		s := &ir.Stmt{Kind: ir.Let, Pos: at, Targets: []*ir.Expr{target}, Text: "let"}
		if p.accept("=") {
			s.X = p.assign()
		}
		block.Body = append(block.Body, s)
		if !p.accept(",") {
			break
		}
	}
	if len(block.Body) == 1 {
		return block.Body[0]
	}
	return block
}

func (p *parser) defStmt(pos ir.Pos) *ir.Stmt {
	p.next()
	p.accept("*")
	name := p.name()
	f := p.function(pos, name)
	if f == nil { // an overload or a declaration
		return nil
	}
	return &ir.Stmt{Kind: ir.Def, Pos: pos, Func: f}
}

func (p *parser) forStmt(pos ir.Pos) *ir.Stmt {
	p.next()
	p.acceptWord("await")
	p.expect("(")
	var first *ir.Stmt
	at := p.pos()
	p.noIn = true
	switch {
	case p.is(";"):
	case p.word("var") || p.word("const") || p.word("let") && p.peek().kind != jOp || p.word("let") && (p.peek().text == "{" || p.peek().text == "["):
		first = p.vars(at)
	default:
		first = &ir.Stmt{Kind: ir.Do, Pos: at, X: p.expr()}
	}
	p.noIn = false
	if p.word("of") || p.word("in") {
		over := p.tok.text
		p.next()
		s := &ir.Stmt{Kind: ir.For, Pos: pos, Text: over, X: p.expr()}
		switch {
		case first == nil:
		case len(first.Targets) > 0:
			s.Targets = first.Targets
		case first.X != nil:
			s.Targets = []*ir.Expr{first.X}
		}
		p.expect(")")
		s.Body = p.body()
		return s
	}
	p.expect(";")
	s := &ir.Stmt{Kind: ir.While, Pos: pos}
	if !p.is(";") {
		s.X = p.expr()
	}
	p.expect(";")
	if !p.is(")") {
		s.Post = p.expr()
	}
	p.expect(")")
	s.Body = p.body()
	if first == nil {
		return s
	}
	return &ir.Stmt{Kind: ir.Block, Pos: pos, Body: []*ir.Stmt{first, s}}
}

func (p *parser) tryStmt(pos ir.Pos) *ir.Stmt {
	p.next()
	s := &ir.Stmt{Kind: ir.Try, Pos: pos, Body: p.block()}
	if p.acceptWord("catch") {
		b := &ir.Stmt{Kind: ir.Block, Pos: pos}
		if p.accept("(") {
			b.Body = append(b.Body, &ir.Stmt{Kind: ir.Let, Pos: pos, Text: "let", Targets: []*ir.Expr{p.binding()}, X: &ir.Expr{Op: ir.Bad, Pos: pos}})
			if p.accept(":") {
				p.typ()
			}
			p.expect(")")
		}
		b.Body = append(b.Body, p.block()...)
		s.Else = append(s.Else, b)
	}
	if p.acceptWord("finally") {
		s.Else = append(s.Else, &ir.Stmt{Kind: ir.Block, Pos: pos, Body: p.block()})
	}
	return s
}

func (p *parser) switchStmt(pos ir.Pos) *ir.Stmt {
	p.next()
	s := &ir.Stmt{Kind: ir.Switch, Pos: pos, X: p.parenExpr()}
	p.expect("{")
	for !p.is("}") && !p.bad && p.tok.kind != jEnd {
		c := &ir.Stmt{Kind: ir.If, Pos: p.pos()}
		if p.acceptWord("case") {
			c.X = p.expr()
		} else if !p.acceptWord("default") {
			p.fail("expected case")
		}
		p.expect(":")
		for !p.is("}") && !p.word("case") && !(p.word("default") && p.peek().text == ":") && !p.bad && p.tok.kind != jEnd {
			c.Body = append(c.Body, p.step()...)
		}
		s.Body = append(s.Body, c)
	}
	p.expect("}")
	return s
}

func (p *parser) decorated(pos ir.Pos) *ir.Stmt {
	list := p.decorators()
	if p.acceptWord("export") {
		p.acceptWord("default")
	}
	p.acceptWord("abstract")
	if !p.word("class") {
		p.fail("expected class")
		return nil
	}
	return &ir.Stmt{Kind: ir.ClassDef, Pos: pos, Class: p.class(list)}
}

func (p *parser) decorators() []*ir.Expr {
	var out []*ir.Expr
	for p.is("@") && !p.bad {
		p.next()
		out = append(out, p.unary())
	}
	return out
}
