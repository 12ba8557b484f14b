package script

import "clawjail/policy/skill/code/ir"

// arrow parses an arrow function, or answers nil and stays where it is.
func (p *parser) arrow(pos ir.Pos) *ir.Expr {
	t := p.tok
	if t.kind == jName {
		n := p.peek()
		switch {
		case n.text == "=>" && n.kind == jOp && !n.nl:
			f := &ir.Func{Pos: pos, Params: []ir.Param{{Target: &ir.Expr{Op: ir.Ident, Pos: pos, Text: t.text}}}}
			p.next()
			return p.arrowBody(f)
		case t.text == "async" && !n.nl && n.kind == jName && n.text != "function":
			p.next()
			if p.peek().text == "=>" {
				return p.arrow(pos)
			}
			p.fail("expected =>")
			return nil
		case t.text != "async" || n.text != "(" && n.text != "<":
			return nil
		}
	} else if t.kind != jOp || t.text != "(" && t.text != "<" {
		return nil
	}
	if p.arrows[t.start] {
		return nil
	}
	var out *ir.Expr
	ok := p.try(func() bool {
		if t.kind == jName {
			p.next()
		}
		if p.is("<") && !p.typeParameters() {
			return false
		}
		f := &ir.Func{Pos: pos}
		if !p.is("(") {
			return false
		}
		f.Params = p.params()
		if p.accept(":") {
			p.typ()
		}
		if p.bad || !p.is("=>") || p.tok.nl {
			return false
		}
		out = &ir.Expr{Func: f}
		return true
	})
	if !ok {
		p.arrows[t.start] = true
		return nil
	}
	return p.arrowBody(out.Func)
}

// arrowBody parses what follows the parameters, beginning with "=>".
func (p *parser) arrowBody(f *ir.Func) *ir.Expr {
	p.expect("=>")
	in := p.noIn
	if p.is("{") {
		p.noIn = false
		f.Body = p.block()
		p.noIn = in
	} else {
		x := p.assign()
		f.Body = []*ir.Stmt{{Kind: ir.Return, Pos: x.Pos, X: x}}
	}
	return p.node(&ir.Expr{Op: ir.Lambda, Pos: f.Pos, Func: f})
}

// function parses parameters and body. It answers nil where there is no body:
// an overload, an abstract method, a declaration.
func (p *parser) function(pos ir.Pos, name string) *ir.Func {
	f := &ir.Func{Pos: pos, Name: name}
	in := p.noIn
	p.noIn = false
	defer func() { p.noIn = in }()
	if p.is("<") {
		p.typeParameters()
	}
	f.Params = p.params()
	if p.accept(":") {
		p.typ()
	}
	if !p.is("{") {
		p.accept(";")
		return nil
	}
	f.Body = p.block()
	return f
}

func (p *parser) params() []ir.Param {
	p.expect("(")
	var out []ir.Param
	for !p.is(")") && !p.bad && p.tok.kind != jEnd {
		p.decorators()
		for p.tok.kind == jName && isModifier(p.tok.text) {
			if n := p.peek(); n.kind != jName && n.text != "{" && n.text != "[" {
				break
			}
			p.next()
		}
		var q ir.Param
		q.Rest = p.accept("...")
		q.Target = p.binding()
		p.accept("?")
		if p.accept(":") {
			p.typ()
		}
		if p.accept("=") {
			q.Default = p.assign()
		}
		if q.Target.Text != "this" {
			out = append(out, q)
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return out
}

func isModifier(w string) bool {
	switch w {
	case "public", "private", "protected", "readonly", "override", "abstract", "declare", "static", "accessor":
		return true
	}
	return false
}

// binding is a name or a pattern.
func (p *parser) binding() *ir.Expr {
	pos := p.pos()
	switch {
	case p.is("{"):
		return p.object(pos)
	case p.is("["):
		return p.array(pos)
	}
	return p.node(&ir.Expr{Op: ir.Ident, Pos: pos, Text: p.name()})
}

func (p *parser) class(decorators []*ir.Expr) *ir.Class {
	c := &ir.Class{Pos: p.pos(), Decorators: decorators}
	if !p.acceptWord("class") {
		p.fail("expected class")
		return c
	}
	if p.tok.kind == jName && p.tok.text != "extends" && p.tok.text != "implements" {
		c.Name = p.name()
	}
	if p.is("<") {
		p.typeParameters()
	}
	if p.acceptWord("extends") {
		c.Bases = append(c.Bases, p.postfix(p.primary()))
		if p.is("<") {
			p.typeArguments()
		}
	}
	if p.acceptWord("implements") {
		for !p.bad {
			p.typ()
			if !p.accept(",") {
				break
			}
		}
	}
	if !p.enter() {
		return c
	}
	defer p.leave()
	p.expect("{")
	for !p.is("}") && !p.bad && p.tok.kind != jEnd {
		if s := p.classMember(); s != nil {
			c.Body = append(c.Body, s)
		}
	}
	p.expect("}")
	return c
}

func (p *parser) classMember() *ir.Stmt {
	if p.accept(";") {
		return nil
	}
	pos := p.pos()
	decorators := p.decorators()
	static := false
	for p.tok.kind == jName && (isModifier(p.tok.text) || p.tok.text == "async" || p.tok.text == "get" || p.tok.text == "set") {
		n := p.peek()
		if n.kind == jOp && n.text != "[" && n.text != "*" && n.text != "{" || n.kind == jEnd {
			break
		}
		if n.text == "{" && n.kind == jOp && p.tok.text != "static" {
			break
		}
		static = static || p.tok.text == "static"
		p.next()
	}
	if static && p.is("{") {
		return &ir.Stmt{Kind: ir.Block, Pos: pos, Body: p.block()}
	}
	p.accept("*")
	if p.is("[") && p.indexSignature() {
		return nil
	}
	name := p.tok.text
	key := p.propertyName()
	p.accept("?")
	p.accept("!")
	if p.is("(") || p.is("<") {
		f := p.function(pos, name)
		if f == nil {
			return nil
		}
		f.Static = static
		f.Decorators = decorators
		if key.Op != ir.Str {
			f.Name = ""
		}
		return &ir.Stmt{Kind: ir.Def, Pos: pos, Func: f, X: key}
	}
	if p.accept(":") {
		p.typ()
	}
	s := &ir.Stmt{Kind: ir.Let, Pos: pos, Text: "field", Targets: []*ir.Expr{key}}
	if p.accept("=") {
		s.X = p.assign()
	}
	p.semicolon()
	return s
}

// indexSignature skips "[key: string]: T".
func (p *parser) indexSignature() bool {
	return p.try(func() bool {
		p.next()
		if p.tok.kind != jName {
			return false
		}
		p.next()
		if !p.accept(":") {
			return false
		}
		p.typ()
		p.expect("]")
		if !p.accept(":") {
			return false
		}
		p.typ()
		p.semicolon()
		return true
	})
}
