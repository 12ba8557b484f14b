package script

import "clawjail/policy/skill/code/ir"

func (p *parser) primary() *ir.Expr {
	if !p.enter() {
		return &ir.Expr{Op: ir.Bad}
	}
	defer p.leave()
	t, pos := p.tok, p.pos()
	switch t.kind {
	case jStr:
		p.next()
		return p.node(&ir.Expr{Op: ir.Str, Pos: pos, Text: t.text})
	case jNum:
		p.next()
		return p.node(&ir.Expr{Op: ir.Num, Pos: pos, Num: number(t.text)})
	case jTemplate:
		return p.template()
	case jName:
		return p.nameExpr(t.text, pos)
	case jOp:
		if x := p.bracketed(t.text, pos); x != nil {
			return x
		}
	}
	p.fail("unexpected text")
	return &ir.Expr{Op: ir.Bad, Pos: pos}
}

func (p *parser) bracketed(op string, pos ir.Pos) *ir.Expr {
	in := p.noIn
	p.noIn = false
	defer func() { p.noIn = in }()
	switch op {
	case "(":
		p.next()
		x := p.expr()
		p.expect(")")
		return x
	case "[":
		return p.array(pos)
	case "{":
		return p.object(pos)
	case "/", "/=":
		p.regex()
		t := p.tok
		p.next()
		return p.node(&ir.Expr{Op: ir.Regex, Pos: pos, Text: t.text})
	case "<":
		return p.jsx(pos)
	case "@":
		list := p.decorators()
		return p.node(&ir.Expr{Op: ir.ClassExpr, Pos: pos, Class: p.class(list)})
	}
	return nil
}

func (p *parser) nameExpr(w string, pos ir.Pos) *ir.Expr {
	switch w {
	case "null":
		p.next()
		return p.node(&ir.Expr{Op: ir.Null, Pos: pos})
	case "true", "false":
		p.next()
		n := 0.0
		if w == "true" {
			n = 1
		}
		return p.node(&ir.Expr{Op: ir.Bool, Pos: pos, Num: n})
	case "function":
		return p.funcExpr(pos)
	case "async":
		if n := p.peek(); n.kind == jName && n.text == "function" && !n.nl {
			p.next()
			return p.funcExpr(pos)
		}
	case "class":
		return p.node(&ir.Expr{Op: ir.ClassExpr, Pos: pos, Class: p.class(nil)})
	case "new":
		return p.newExpr(pos)
	case "if", "else", "for", "while", "do", "return", "switch", "case", "break", "continue", "try", "catch", "finally", "throw", "var", "const", "in", "instanceof", "export", "extends", "default", "with":
		p.fail("unexpected word")
		return &ir.Expr{Op: ir.Bad, Pos: pos}
	}
	p.next()
	return p.node(&ir.Expr{Op: ir.Ident, Pos: pos, Text: w})
}

func (p *parser) funcExpr(pos ir.Pos) *ir.Expr {
	p.next()
	p.accept("*")
	name := ""
	if p.tok.kind == jName {
		name = p.name()
	}
	f := p.function(pos, name)
	if f == nil {
		p.fail("expected a body")
		return &ir.Expr{Op: ir.Bad, Pos: pos}
	}
	return p.node(&ir.Expr{Op: ir.Lambda, Pos: pos, Func: f})
}

func (p *parser) newExpr(pos ir.Pos) *ir.Expr {
	p.next()
	if p.accept(".") { // new.target
		p.next()
		return p.node(&ir.Expr{Op: ir.Bad, Pos: pos})
	}
	x := p.primary()
	for !p.bad {
		switch {
		case p.is(".") || p.is("?."):
			p.next()
			x = p.member(x)
			continue
		case p.is("["):
			x = p.index(x)
			continue
		case p.is("<") && p.ts:
			p.try(func() bool { return p.typeArguments() && p.is("(") })
		}
		break
	}
	e := p.node(&ir.Expr{Op: ir.New, Pos: pos, X: x})
	if p.is("(") {
		e.Args = p.arguments()
	}
	return e
}

func (p *parser) array(pos ir.Pos) *ir.Expr {
	p.next()
	l := p.node(&ir.Expr{Op: ir.List, Pos: pos})
	for !p.is("]") && !p.bad && p.tok.kind != jEnd {
		if p.is(",") {
			p.next()
			l.Args = append(l.Args, p.node(&ir.Expr{Op: ir.Null, Pos: pos}))
			continue
		}
		l.Args = append(l.Args, p.spread())
		if !p.accept(",") {
			break
		}
	}
	p.expect("]")
	return l
}

func (p *parser) object(pos ir.Pos) *ir.Expr {
	p.next()
	d := p.node(&ir.Expr{Op: ir.Dict, Pos: pos})
	for !p.is("}") && !p.bad && p.tok.kind != jEnd {
		d.Args = append(d.Args, p.property())
		if !p.accept(",") {
			break
		}
	}
	p.expect("}")
	return d
}

func (p *parser) property() *ir.Expr {
	pos := p.pos()
	if p.accept("...") {
		return p.node(&ir.Expr{Op: ir.DictSpread, Pos: pos, X: p.assign()})
	}
	t := p.tok
	if t.kind == jName && (t.text == "get" || t.text == "set" || t.text == "async") {
		if n := p.peek(); n.kind != jOp || n.text == "[" || n.text == "*" {
			p.next()
		}
	}
	p.accept("*")
	t = p.tok
	key := p.propertyName()
	pair := p.node(&ir.Expr{Op: ir.Pair, Pos: pos, X: key})
	switch {
	case p.accept(":"):
		pair.Y = p.assign()
	case p.is("(") || p.is("<"):
		if f := p.function(pos, t.text); f != nil {
			pair.Y = p.node(&ir.Expr{Op: ir.Lambda, Pos: pos, Func: f})
		}
	case t.kind == jName:
		pair.Y = p.node(&ir.Expr{Op: ir.Ident, Pos: pos, Text: t.text})
		if p.accept("=") {
			pair.Y = p.node(&ir.Expr{Op: ir.Assign, Pos: pos, Text: "=", X: pair.Y, Y: p.assign()})
		}
	default:
		p.fail("expected :")
	}
	return pair
}

func (p *parser) propertyName() *ir.Expr {
	t, pos := p.tok, p.pos()
	switch t.kind {
	case jName, jStr:
		p.next()
		return p.node(&ir.Expr{Op: ir.Str, Pos: pos, Text: t.text})
	case jNum:
		p.next()
		return p.node(&ir.Expr{Op: ir.Num, Pos: pos, Num: number(t.text)})
	}
	if p.accept("[") {
		x := p.assign()
		p.expect("]")
		return x
	}
	p.fail("expected a name")
	return &ir.Expr{Op: ir.Bad, Pos: pos}
}
