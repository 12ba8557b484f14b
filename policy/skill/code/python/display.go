package python

import (
	"strings"

	"clawjail/policy/skill/code/ir"
)

// strings joins adjacent literals.
func (p *parser) strings() *ir.Expr {
	first := p.literal(p.cur())
	p.at++
	if p.cur().kind != tStr {
		return first
	}
	all := p.node(&ir.Expr{Op: ir.Format, Pos: first.Pos, Args: []*ir.Expr{first}})
	for p.cur().kind == tStr {
		all.Args = append(all.Args, p.literal(p.cur()))
		p.at++
	}
	return mergeLiterals(all)
}

// mergeLiterals makes one literal of adjacent ones of a kind.
func mergeLiterals(f *ir.Expr) *ir.Expr {
	var b strings.Builder
	for _, a := range f.Args {
		if a.Op != f.Args[0].Op || a.Op != ir.Str && a.Op != ir.Bytes {
			return f
		}
		b.WriteString(a.Text)
	}
	return &ir.Expr{Op: f.Args[0].Op, Pos: f.Pos, Text: b.String()}
}

func (p *parser) paren() *ir.Expr {
	pos := p.cur().pos
	p.at++
	if p.accept(")") {
		return p.node(&ir.Expr{Op: ir.Tuple, Pos: pos})
	}
	x := p.starredOrYield()
	if p.is("for") || p.is("async") {
		x = p.comprehension(x, nil)
	} else if p.is(",") {
		x = p.node(&ir.Expr{Op: ir.Tuple, Pos: pos, Args: []*ir.Expr{x}})
		for p.accept(",") && !p.is(")") && !p.bad {
			x.Args = append(x.Args, p.starred())
		}
	}
	p.patternTail()
	p.expect(")")
	return x
}

// patternTail skips "as name" and "| …" inside of patterns of case.
func (p *parser) patternTail() {
	if p.is("as") {
		p.at++
		p.acceptKind(tName)
	}
}

func (p *parser) starredOrYield() *ir.Expr {
	if p.is("yield") {
		return p.test()
	}
	return p.starred()
}

func (p *parser) list() *ir.Expr {
	l := p.node(&ir.Expr{Op: ir.List, Pos: p.cur().pos})
	p.at++
	for !p.is("]") && !p.bad && p.cur().kind != tEnd {
		x := p.starred()
		if p.is("for") || p.is("async") {
			x = p.comprehension(x, nil)
			p.expect("]")
			return x
		}
		p.patternTail()
		l.Args = append(l.Args, x)
		if !p.accept(",") {
			break
		}
	}
	p.expect("]")
	return l
}

func (p *parser) braces() *ir.Expr {
	d := p.node(&ir.Expr{Op: ir.Dict, Pos: p.cur().pos})
	p.at++
	set := false
	for !p.is("}") && !p.bad && p.cur().kind != tEnd {
		t := p.cur()
		if p.accept("**") {
			d.Args = append(d.Args, p.node(&ir.Expr{Op: ir.DictSpread, Pos: t.pos, X: p.binary(5)}))
		} else {
			x := p.starred()
			var y *ir.Expr
			if p.accept(":") {
				y = p.test()
				p.patternTail()
			}
			if p.is("for") || p.is("async") {
				c := p.comprehension(x, y)
				p.expect("}")
				return c
			}
			if y == nil {
				set = true
				d.Args = append(d.Args, x)
			} else {
				d.Args = append(d.Args, p.node(&ir.Expr{Op: ir.Pair, Pos: t.pos, X: x, Y: y}))
			}
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect("}")
	if set {
		d.Op = ir.List
	}
	return d
}
