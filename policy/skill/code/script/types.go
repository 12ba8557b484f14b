package script

import "clawjail/policy/skill/code/ir"

// typed parses the statements that only TypeScript has. Types vanish.
func (p *parser) typed(w string, pos ir.Pos) (*ir.Stmt, bool) {
	n := p.peek()
	if n.kind != jName && n.kind != jStr && !(w == "global" && n.text == "{") || n.nl && w != "global" {
		return nil, false
	}
	switch w {
	case "interface":
		p.next()
		p.name()
		if p.is("<") {
			p.typeParameters()
		}
		for p.acceptWord("extends") || p.accept(",") {
			p.typ()
		}
		p.skipBraces()
		return nil, true
	case "type":
		p.next()
		p.name()
		if p.is("<") {
			p.typeParameters()
		}
		p.expect("=")
		p.typ()
		p.semicolon()
		return nil, true
	case "enum":
		return p.enum(pos), true
	case "declare":
		p.next()
		p.statement()
		return nil, true
	case "abstract":
		p.next()
		return p.statement(), true
	case "namespace", "module", "global":
		p.next()
		for p.tok.kind == jName || p.tok.kind == jStr || p.is(".") {
			p.next()
		}
		if !p.is("{") {
			p.semicolon()
			return nil, true
		}
		return &ir.Stmt{Kind: ir.Block, Pos: pos, Body: p.block()}, true
	}
	return nil, false
}

func (p *parser) enum(pos ir.Pos) *ir.Stmt {
	p.next()
	name := p.name()
	d := p.node(&ir.Expr{Op: ir.Dict, Pos: pos})
	p.expect("{")
	for !p.is("}") && !p.bad && p.tok.kind != jEnd {
		pair := p.node(&ir.Expr{Op: ir.Pair, Pos: p.pos(), X: p.propertyName()})
		pair.Y = pair.X
		if p.accept("=") {
			pair.Y = p.assign()
		}
		d.Args = append(d.Args, pair)
		if !p.accept(",") {
			break
		}
	}
	p.expect("}")
	return &ir.Stmt{Kind: ir.Let, Pos: pos, Text: "let", Targets: []*ir.Expr{{Op: ir.Ident, Pos: pos, Text: name}}, X: d}
}

// typ skips a type.
func (p *parser) typ() {
	if !p.enter() {
		return
	}
	defer p.leave()
	if p.acceptWord("asserts") {
		if p.tok.kind != jName {
			return
		}
	}
	p.unionType()
	if p.word("is") && !p.tok.nl {
		p.next()
		p.typ()
	}
	if p.word("extends") && !p.tok.nl {
		p.next()
		p.typ()
		if p.accept("?") {
			p.typ()
			p.expect(":")
			p.typ()
		}
	}
}

func (p *parser) unionType() {
	p.accept("|")
	p.accept("&")
	for !p.bad {
		p.postfixType()
		if !p.accept("|") && !p.accept("&") {
			return
		}
	}
}

func (p *parser) postfixType() {
	for p.word("keyof") || p.word("readonly") || p.word("unique") || p.word("infer") || p.word("abstract") {
		if n := p.peek(); n.kind == jOp && n.text != "(" && n.text != "{" && n.text != "[" {
			break
		}
		p.next()
	}
	p.primaryType()
	for p.is("[") && !p.tok.nl && !p.bad {
		p.next()
		if !p.is("]") {
			p.typ()
		}
		p.expect("]")
	}
}

func (p *parser) primaryType() {
	t := p.tok
	switch {
	case t.kind == jStr || t.kind == jNum:
		p.next()
	case t.kind == jTemplate:
		p.templateType()
	case t.kind == jName:
		p.namedType(t.text)
	case p.is("-"):
		p.next()
		p.next()
	case p.is("{"):
		p.skipBraces()
	case p.is("["):
		p.tupleType()
	case p.is("(") || p.is("<"):
		p.functionType()
	default:
		p.fail("expected a type")
	}
}

// templateType skips a template literal type, whose fields hold types.
func (p *parser) templateType() {
	i := p.tok.end
	for i < len(p.text) && p.text[i] != '`' {
		if p.text[i] == '\\' {
			i++
		}
		i++
	}
	p.at = min(i+1, len(p.text))
	p.next()
}

func (p *parser) namedType(w string) {
	switch w {
	case "new":
		p.next()
		p.functionType()
		return
	case "typeof":
		p.next()
		if p.word("import") {
			p.namedType("import")
			return
		}
	case "import":
		p.next()
		p.expect("(")
		p.typ()
		p.expect(")")
		for p.accept(".") {
			p.next()
		}
		if p.is("<") {
			p.typeArguments()
		}
		return
	}
	p.next()
	for p.is(".") && !p.bad {
		p.next()
		p.name()
	}
	if p.is("<") && !p.tok.nl {
		p.typeArguments()
	}
}

func (p *parser) tupleType() {
	p.next()
	for !p.is("]") && !p.bad && p.tok.kind != jEnd {
		p.accept("...")
		if p.tok.kind == jName {
			if n := p.peek(); n.text == ":" || n.text == "?" {
				p.next()
				p.accept("?")
				if p.accept(":") {
					p.typ()
				}
				if !p.accept(",") {
					break
				}
				continue
			}
		}
		p.typ()
		p.accept("?")
		if !p.accept(",") {
			break
		}
	}
	p.expect("]")
}

// functionType skips "(a: T) => U", or a type in brackets.
func (p *parser) functionType() {
	if p.is("<") {
		p.typeParameters()
	}
	start := p.tok.start
	if !p.arrows[-1-start] && p.try(func() bool {
		p.params()
		return p.accept("=>")
	}) {
		p.typ()
		return
	}
	p.arrows[-1-start] = true
	p.expect("(")
	p.typ()
	p.expect(")")
}

// typeArguments skips "<A, B>" and says whether it was one.
func (p *parser) typeArguments() bool {
	if p.is("<<") {
		p.splitOp(1)
	}
	p.expect("<")
	for !p.bad && !p.is(">") {
		p.typ()
		if !p.accept(",") {
			break
		}
	}
	return p.closeAngle()
}

func (p *parser) closeAngle() bool {
	if p.tok.kind == jOp && len(p.tok.text) > 1 && p.tok.text[0] == '>' {
		p.splitOp(1)
	}
	if !p.is(">") {
		p.fail("expected >")
		return false
	}
	p.next()
	return true
}

// typeParameters skips "<const T extends U = V>".
func (p *parser) typeParameters() bool {
	p.expect("<")
	for !p.bad && !p.is(">") {
		for p.word("const") || p.word("in") || p.word("out") {
			p.next()
		}
		p.name()
		if p.acceptWord("extends") {
			p.typ()
		}
		if p.accept("=") {
			p.typ()
		}
		if !p.accept(",") {
			break
		}
	}
	return p.closeAngle()
}
