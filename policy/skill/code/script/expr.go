package script

import (
	"strings"

	"clawjail/policy/skill/code/ir"
)

// expr is an expression with commas.
func (p *parser) expr() *ir.Expr {
	x := p.assign()
	if !p.is(",") {
		return x
	}
	seq := p.node(&ir.Expr{Op: ir.Seq, Pos: x.Pos, Args: []*ir.Expr{x}})
	for p.accept(",") && !p.bad {
		seq.Args = append(seq.Args, p.assign())
	}
	return seq
}

func isAssign(op string) bool {
	switch op {
	case "=", "+=", "-=", "*=", "/=", "%=", "**=", "<<=", ">>=", ">>>=", "&=", "|=", "^=", "&&=", "||=", "??=":
		return true
	}
	return false
}

// assign is an expression without commas: arrow functions, assignments,
// conditionals.
func (p *parser) assign() *ir.Expr {
	if !p.enter() {
		return &ir.Expr{Op: ir.Bad}
	}
	defer p.leave()
	pos := p.pos()
	if p.word("yield") && p.peek().text != "=>" {
		return p.yield(pos)
	}
	if f := p.arrow(pos); f != nil {
		return f
	}
	x := p.conditional()
	if p.tok.kind == jOp && isAssign(p.tok.text) {
		op := p.tok.text
		p.next()
		return p.node(&ir.Expr{Op: ir.Assign, Pos: pos, Text: op, X: x, Y: p.assign()})
	}
	return x
}

func (p *parser) yield(pos ir.Pos) *ir.Expr {
	p.next()
	e := p.node(&ir.Expr{Op: ir.Yield, Pos: pos})
	if p.tok.nl || p.tok.kind == jEnd || p.tok.kind == jOp && strings.Contains(") ] } , ; :", p.tok.text) {
		return e
	}
	p.accept("*")
	e.X = p.assign()
	return e
}

func (p *parser) conditional() *ir.Expr {
	x := p.binary(1)
	if !p.is("?") {
		return x
	}
	p.next()
	in := p.noIn
	p.noIn = false
	e := p.node(&ir.Expr{Op: ir.Cond, Pos: x.Pos, X: x, Y: p.assign()})
	p.noIn = in
	p.expect(":")
	e.Z = p.assign()
	return e
}

func (p *parser) infix() (string, int) {
	t := p.tok
	if t.kind == jName {
		switch t.text {
		case "instanceof":
			return t.text, 8
		case "in":
			if !p.noIn {
				return t.text, 8
			}
		case "as", "satisfies":
			if !t.nl {
				return t.text, 8
			}
		}
		return "", 0
	}
	if t.kind != jOp {
		return "", 0
	}
	switch t.text {
	case "??", "||":
		return t.text, 2
	case "&&":
		return t.text, 3
	case "|":
		return t.text, 4
	case "^":
		return t.text, 5
	case "&":
		return t.text, 6
	case "==", "!=", "===", "!==":
		return t.text, 7
	case "<", ">", "<=", ">=":
		return t.text, 8
	case "<<", ">>", ">>>":
		return t.text, 9
	case "+", "-":
		return t.text, 10
	case "*", "/", "%":
		return t.text, 11
	case "**":
		return t.text, 12
	}
	return "", 0
}

// binary parses operators of this level and higher: a chain of equal level is a
// loop, only rising levels recurse.
func (p *parser) binary(level int) *ir.Expr {
	x := p.unary()
	for !p.bad {
		op, l := p.infix()
		if l == 0 || l < level {
			return x
		}
		p.next()
		switch op {
		case "as", "satisfies":
			p.typ()
			continue
		case "**":
			l--
		}
		x = p.node(&ir.Expr{Op: ir.Binary, Pos: x.Pos, Text: op, X: x, Y: p.binary(l + 1)})
	}
	return x
}

func (p *parser) unary() *ir.Expr {
	t, pos := p.tok, p.pos()
	switch {
	case t.kind == jOp && (t.text == "!" || t.text == "-" || t.text == "+" || t.text == "~" || t.text == "++" || t.text == "--"):
	case t.kind == jName && (t.text == "typeof" || t.text == "void" || t.text == "delete"):
	case t.kind == jName && t.text == "await" && p.awaits():
	case t.kind == jOp && t.text == "<" && p.ts:
		if x := p.assertion(); x != nil {
			return x
		}
		return p.postfix(p.primary())
	default:
		return p.update(p.postfix(p.primary()))
	}
	if !p.enter() {
		return &ir.Expr{Op: ir.Bad}
	}
	defer p.leave()
	p.next()
	x := p.unary()
	if t.text == "await" {
		return p.node(&ir.Expr{Op: ir.Await, Pos: pos, X: x})
	}
	return p.node(&ir.Expr{Op: ir.Unary, Pos: pos, Text: t.text, X: x})
}

// awaits says whether "await" is the operator and not a name.
func (p *parser) awaits() bool {
	n := p.peek()
	return n.kind != jEnd && (n.kind != jOp || strings.Contains("( [ { ! + - / <", n.text)) && !(n.kind == jOp && n.text == "=>")
}

// assertion parses "<Type>value", or goes back.
func (p *parser) assertion() *ir.Expr {
	var x *ir.Expr
	p.try(func() bool {
		p.next()
		p.typ()
		if !p.is(">") {
			return false
		}
		p.next()
		x = p.unary()
		return true
	})
	return x
}

func (p *parser) update(x *ir.Expr) *ir.Expr {
	if (p.is("++") || p.is("--")) && !p.tok.nl {
		op := p.tok.text
		p.next()
		return p.node(&ir.Expr{Op: ir.Unary, Pos: x.Pos, Text: "post" + op, X: x})
	}
	return x
}

const maxChain = 5000

func (p *parser) postfix(x *ir.Expr) *ir.Expr {
	for n := 0; !p.bad; n++ {
		if n > maxChain {
			p.limit("chain too long")
		}
		y := p.postfixOne(x)
		if y == nil {
			return x
		}
		x = y
	}
	return x
}

// postfixOne reads one member, call or tag after x, or answers nil.
func (p *parser) postfixOne(x *ir.Expr) *ir.Expr {
	t := p.tok
	if t.kind == jTemplate {
		parts := p.template()
		return p.node(&ir.Expr{Op: ir.Call, Pos: x.Pos, X: x, Args: append([]*ir.Expr{parts}, parts.Args...)})
	}
	if t.kind != jOp {
		return nil
	}
	switch t.text {
	case ".":
		p.next()
		return p.member(x)
	case "?.":
		p.next()
		switch {
		case p.is("("):
			return p.call(x)
		case p.is("["):
			return p.index(x)
		}
		return p.member(x)
	case "[":
		return p.index(x)
	case "(":
		return p.call(x)
	case "!":
		if !t.nl && p.ts {
			p.next()
			return x
		}
	case "<", "<<":
		if p.ts && !p.generics[t.start] && p.try(func() bool { return p.typeArguments() && p.afterGeneric() }) {
			return x
		}
		p.generics[t.start] = true
	}
	return nil
}

// afterGeneric says whether the current token can follow type arguments in an
// expression, as TypeScript decides it.
func (p *parser) afterGeneric() bool {
	t := p.tok
	if t.kind == jTemplate || t.kind == jEnd {
		return true
	}
	if t.kind != jOp {
		return t.nl
	}
	switch t.text {
	case "<", ">", "+", "-", "{", "[", "!", "~", "++", "--", "/":
		return t.nl
	}
	return true
}

func (p *parser) member(x *ir.Expr) *ir.Expr {
	pos := p.pos()
	return p.node(&ir.Expr{Op: ir.Attr, Pos: pos, X: x, Text: p.name()})
}

func (p *parser) index(x *ir.Expr) *ir.Expr {
	pos := p.pos()
	p.next()
	in := p.noIn
	p.noIn = false
	y := p.expr()
	p.noIn = in
	p.expect("]")
	return p.node(&ir.Expr{Op: ir.Index, Pos: pos, X: x, Y: y})
}

func (p *parser) call(x *ir.Expr) *ir.Expr {
	return p.node(&ir.Expr{Op: ir.Call, Pos: x.Pos, X: x, Args: p.arguments()})
}

func (p *parser) arguments() []*ir.Expr {
	in := p.noIn
	p.noIn = false
	defer func() { p.noIn = in }()
	p.expect("(")
	var out []*ir.Expr
	for !p.is(")") && !p.bad && p.tok.kind != jEnd {
		out = append(out, p.spread())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return out
}

func (p *parser) spread() *ir.Expr {
	pos := p.pos()
	if p.accept("...") {
		return p.node(&ir.Expr{Op: ir.Spread, Pos: pos, X: p.assign()})
	}
	return p.assign()
}

// template parses a template literal whose backquote is the current token.
func (p *parser) template() *ir.Expr {
	f := p.node(&ir.Expr{Op: ir.Format, Pos: p.pos()})
	if !p.enter() {
		return f
	}
	defer p.leave()
	i := p.tok.end
	from := i
	for i < len(p.text) && p.text[i] != '`' {
		switch {
		case p.text[i] == '\\':
			i += 2
		case strings.HasPrefix(p.text[i:], "${"):
			f.Args = append(f.Args, p.piece(from, i))
			p.at = i + 2
			p.next()
			f.Args = append(f.Args, p.expr())
			if !p.is("}") {
				p.fail("expected }")
				return f
			}
			i = p.tok.end
			from = i
		default:
			i++
		}
	}
	i = min(i, len(p.text))
	f.Args = append(f.Args, p.piece(from, i))
	p.at = min(i+1, len(p.text))
	p.tok.end = p.at
	p.next()
	return f
}

func (p *parser) piece(from, to int) *ir.Expr {
	return p.node(&ir.Expr{Op: ir.Str, Pos: p.posAt(from), Text: unescape(p.text[min(from, to):to])})
}
