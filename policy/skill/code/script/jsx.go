package script

import (
	"strings"

	"clawjail/policy/skill/code/ir"
)

// jsx parses an element or fragment: a call of the name "jsx" with what its
// braces hold.
func (p *parser) jsx(pos ir.Pos) *ir.Expr {
	e := p.node(&ir.Expr{Op: ir.Call, Pos: pos, X: &ir.Expr{Op: ir.Ident, Pos: pos, Text: "jsx"}})
	p.element(e)
	return e
}

// element parses from "<" to behind the element's end.
func (p *parser) element(e *ir.Expr) {
	if !p.enter() {
		return
	}
	defer p.leave()
	p.next()
	if p.jsxTag(e) || p.bad {
		p.next()
		return
	}
	for !p.bad {
		p.jsxText()
		switch {
		case p.at >= len(p.text):
			p.fail("expected the end of the element")
		case p.text[p.at] == '{':
			p.next()
			p.next()
			if !p.is("}") {
				e.Args = append(e.Args, p.spread())
			}
			if !p.is("}") {
				p.fail("expected }")
			}
			p.at = p.tok.end
		case strings.HasPrefix(p.text[p.at:], "</"):
			n := strings.IndexByte(p.text[p.at:], '>')
			if n < 0 {
				p.fail("expected >")
				return
			}
			p.at += n + 1
			p.tok.end = p.at
			p.next()
			return
		default:
			p.next()
			child := p.node(&ir.Expr{Op: ir.Call, Pos: p.pos(), X: e.X})
			p.elementChild(child)
			e.Args = append(e.Args, child)
		}
	}
}

// elementChild parses a child and leaves p.at right behind its ">".
func (p *parser) elementChild(e *ir.Expr) {
	p.element(e)
	if !p.bad {
		p.at = p.last
	}
}

// jsxText skips text between tags.
func (p *parser) jsxText() {
	if n := strings.IndexAny(p.text[p.at:], "<{"); n >= 0 {
		p.at += n
	} else {
		p.at = len(p.text)
	}
}

// jsxTag parses name and attributes and says whether the element ends with
// them. Where it goes on, p.at is behind the ">".
func (p *parser) jsxTag(e *ir.Expr) bool {
	for !p.bad && p.tok.kind != jEnd {
		switch {
		case p.is(">"):
			p.at = p.tok.end
			return false
		case p.is("/"):
			p.next()
			if !p.is(">") {
				p.fail("expected >")
			}
			return true
		case p.is("{"):
			p.next()
			e.Args = append(e.Args, p.spread())
			p.expect("}")
		case p.is("="):
			p.jsxValue(e)
		case p.is("<"):
			if !p.typeArguments() {
				return true
			}
		case p.tok.kind == jName || p.is(".") || p.is("-") || p.is(":") || p.is("--"):
			p.next()
		default:
			p.fail("unexpected text")
		}
	}
	return true
}

func (p *parser) jsxValue(e *ir.Expr) {
	p.next()
	switch {
	case p.tok.kind == jStr:
		e.Args = append(e.Args, p.node(&ir.Expr{Op: ir.Str, Pos: p.pos(), Text: p.tok.text}))
		p.next()
	case p.is("{"):
		p.next()
		if p.is("}") { // no value: what compilers refuse and examples have
			p.next()
			return
		}
		e.Args = append(e.Args, p.assign())
		p.expect("}")
	case p.is("<"):
		e.Args = append(e.Args, p.jsx(p.pos()))
	default:
		p.fail("expected a value")
	}
}
