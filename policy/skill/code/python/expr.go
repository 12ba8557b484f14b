package python

import (
	"strings"

	"clawjail/policy/skill/code/ir"
)

// testlist is an expression with commas: a tuple where there is one.
func (p *parser) testlist() *ir.Expr {
	pos := p.cur().pos
	x := p.starred()
	if !p.is(",") {
		return x
	}
	list := p.node(&ir.Expr{Op: ir.Tuple, Pos: pos, Args: []*ir.Expr{x}})
	for p.accept(",") {
		if !p.startsExpr() {
			break
		}
		list.Args = append(list.Args, p.starred())
	}
	return list
}

func (p *parser) startsExpr() bool {
	t := p.cur()
	switch t.kind {
	case tName:
		return !isInfix(t.text) || t.text == "not"
	case tNum, tStr:
		return true
	case tOp:
		return strings.Contains("( [ { - + ~ * ** ...", t.text)
	}
	return false
}

func (p *parser) starred() *ir.Expr {
	pos := p.cur().pos
	if p.accept("*") {
		return p.node(&ir.Expr{Op: ir.Spread, Pos: pos, X: p.binary(4)})
	}
	return p.named()
}

// named is a test that may be "name := test".
func (p *parser) named() *ir.Expr {
	pos := p.cur().pos
	x := p.test()
	if p.accept(":=") {
		return p.node(&ir.Expr{Op: ir.Assign, Pos: pos, Text: "=", X: x, Y: p.test()})
	}
	return x
}

func (p *parser) test() *ir.Expr {
	if !p.enter() {
		return &ir.Expr{Op: ir.Bad}
	}
	defer p.leave()
	t := p.cur()
	if t.kind == tName {
		switch t.text {
		case "lambda":
			p.at++
			f := &ir.Func{Pos: t.pos, Params: p.params(":")}
			p.expect(":")
			body := p.test()
			f.Body = []*ir.Stmt{{Kind: ir.Return, Pos: body.Pos, X: body}}
			return p.node(&ir.Expr{Op: ir.Lambda, Pos: t.pos, Func: f})
		case "yield":
			p.at++
			p.accept("from")
			e := p.node(&ir.Expr{Op: ir.Yield, Pos: t.pos})
			if p.startsExpr() {
				e.X = p.testlist()
			}
			return e
		}
	}
	x := p.binary(1)
	if p.is("if") && !p.noCond {
		p.at++
		cond := p.binary(1)
		p.expect("else")
		return p.node(&ir.Expr{Op: ir.Cond, Pos: t.pos, X: cond, Y: x, Z: p.test()})
	}
	return x
}

func (p *parser) infix() (op string, level, tokens int) {
	t := p.cur()
	if t.kind != tOp && t.kind != tName {
		return "", 0, 0
	}
	switch t.text {
	case "or":
		return "or", 1, 1
	case "and":
		return "and", 2, 1
	case "not":
		if p.ahead(1).text == "in" {
			return "not in", 4, 2
		}
	case "is":
		if p.ahead(1).text == "not" {
			return "is not", 4, 2
		}
		return "is", 4, 1
	case "in", "<", ">", "==", ">=", "<=", "!=", "<>":
		return t.text, 4, 1
	case "|":
		return "|", 5, 1
	case "^":
		return "^", 6, 1
	case "&":
		return "&", 7, 1
	case "<<", ">>":
		return t.text, 8, 1
	case "+", "-":
		return t.text, 9, 1
	case "*", "/", "//", "%", "@":
		return t.text, 10, 1
	}
	return "", 0, 0
}

// binary parses operators of this level and higher. A chain of equal level is a
// loop; only rising levels recurse, ten at most.
func (p *parser) binary(level int) *ir.Expr {
	x := p.unary(level)
	for !p.bad {
		op, l, n := p.infix()
		if n == 0 || l < level {
			return x
		}
		pos := p.cur().pos
		p.at += n
		x = p.node(&ir.Expr{Op: ir.Binary, Pos: pos, Text: op, X: x, Y: p.binary(l + 1)})
	}
	return x
}

func (p *parser) unary(level int) *ir.Expr {
	t := p.cur()
	if t.kind == tName && t.text == "not" && level <= 4 {
		if !p.enter() {
			return &ir.Expr{Op: ir.Bad}
		}
		defer p.leave()
		p.at++
		return p.node(&ir.Expr{Op: ir.Unary, Pos: t.pos, Text: "not", X: p.binary(3)})
	}
	if t.kind == tOp && (t.text == "-" || t.text == "+" || t.text == "~") {
		if !p.enter() {
			return &ir.Expr{Op: ir.Bad}
		}
		defer p.leave()
		p.at++
		return p.node(&ir.Expr{Op: ir.Unary, Pos: t.pos, Text: t.text, X: p.unary(11)})
	}
	return p.power()
}

func (p *parser) power() *ir.Expr {
	t := p.cur()
	await := t.kind == tName && t.text == "await" && p.ahead(1).kind != tOp
	if t.kind == tName && t.text == "await" && (p.ahead(1).text == "(" || p.ahead(1).text == "[") {
		await = true
	}
	if await {
		p.at++
	}
	x := p.postfix(p.atom())
	if await {
		x = p.node(&ir.Expr{Op: ir.Await, Pos: t.pos, X: x})
	}
	if p.is("**") {
		if !p.enter() {
			return x
		}
		defer p.leave()
		pos := p.cur().pos
		p.at++
		x = p.node(&ir.Expr{Op: ir.Binary, Pos: pos, Text: "**", X: x, Y: p.unary(11)})
	}
	return x
}

func (p *parser) postfix(x *ir.Expr) *ir.Expr {
	for n := 0; !p.bad; n++ {
		if n > 1000 {
			p.limit("chain too long")
		}
		t := p.cur()
		if t.kind != tOp {
			return x
		}
		switch t.text {
		case ".":
			p.at++
			name := p.cur()
			if !p.acceptKind(tName) {
				p.fail("expected a name")
			}
			x = p.node(&ir.Expr{Op: ir.Attr, Pos: name.pos, X: x, Text: name.text})
		case "(":
			p.at++
			x = p.node(&ir.Expr{Op: ir.Call, Pos: x.Pos, X: x, Args: p.arguments()})
		case "[":
			p.at++
			x = p.subscript(x)
		default:
			return x
		}
	}
	return x
}

// arguments reads what stands between brackets of a call, and the closing one.
func (p *parser) arguments() []*ir.Expr {
	var out []*ir.Expr
	for !p.is(")") && !p.bad && p.cur().kind != tEnd {
		t := p.cur()
		switch {
		case p.accept("**"):
			out = append(out, p.node(&ir.Expr{Op: ir.DictSpread, Pos: t.pos, X: p.test()}))
		case p.accept("*"):
			out = append(out, p.node(&ir.Expr{Op: ir.Spread, Pos: t.pos, X: p.test()}))
		case t.kind == tName && p.ahead(1).kind == tOp && p.ahead(1).text == "=":
			p.at += 2
			out = append(out, p.node(&ir.Expr{Op: ir.KeyArg, Pos: t.pos, Text: t.text, X: p.test()}))
		default:
			x := p.named()
			if p.is("for") || p.is("async") {
				x = p.comprehension(x, nil)
			}
			out = append(out, x)
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return out
}

func (p *parser) subscript(x *ir.Expr) *ir.Expr {
	pos := p.cur().pos
	var items []*ir.Expr
	for !p.is("]") && !p.bad && p.cur().kind != tEnd {
		items = append(items, p.subscriptItem(pos))
		if !p.accept(",") {
			break
		}
	}
	p.expect("]")
	if len(items) == 1 {
		if items[0].Op == ir.Slice {
			items[0].X = x
			return items[0]
		}
		return p.node(&ir.Expr{Op: ir.Index, Pos: pos, X: x, Y: items[0]})
	}
	return p.node(&ir.Expr{Op: ir.Index, Pos: pos, X: x, Y: p.node(&ir.Expr{Op: ir.Tuple, Pos: pos, Args: items})})
}

func (p *parser) subscriptItem(pos ir.Pos) *ir.Expr {
	var first *ir.Expr
	if !p.is(":") {
		first = p.starred()
		if !p.is(":") {
			return first
		}
	}
	s := p.node(&ir.Expr{Op: ir.Slice, Pos: pos, Args: []*ir.Expr{first, nil, nil}})
	for i := 1; i < 3 && p.accept(":"); i++ {
		if p.startsExpr() {
			s.Args[i] = p.test()
		}
	}
	return s
}

func (p *parser) comprehension(x, y *ir.Expr) *ir.Expr {
	c := p.node(&ir.Expr{Op: ir.Comp, Pos: x.Pos, X: x, Y: y})
	for {
		if p.is("async") {
			p.at++
		}
		if !p.accept("for") {
			return c
		}
		clause := ir.Clause{Target: p.targets()}
		p.expect("in")
		clause.X = p.binary(1)
		for p.accept("if") {
			cond := p.binary(1)
			if p.accept(":=") {
				cond = p.node(&ir.Expr{Op: ir.Assign, Pos: cond.Pos, Text: "=", X: cond, Y: p.test()})
			}
			clause.Conds = append(clause.Conds, cond)
		}
		c.Clauses = append(c.Clauses, clause)
		if p.bad {
			return c
		}
	}
}

// target is what can be assigned to, without commas.
func (p *parser) target() *ir.Expr {
	pos := p.cur().pos
	if p.accept("*") {
		return p.node(&ir.Expr{Op: ir.Spread, Pos: pos, X: p.target()})
	}
	return p.postfix(p.atom())
}

func (p *parser) targets() *ir.Expr {
	pos := p.cur().pos
	x := p.target()
	if !p.is(",") {
		return x
	}
	list := p.node(&ir.Expr{Op: ir.Tuple, Pos: pos, Args: []*ir.Expr{x}})
	for p.accept(",") && p.startsExpr() {
		list.Args = append(list.Args, p.target())
	}
	return list
}

func (p *parser) atom() *ir.Expr {
	if !p.enter() {
		return &ir.Expr{Op: ir.Bad}
	}
	defer p.leave()
	t := p.cur()
	switch t.kind {
	case tName:
		return p.nameAtom(t)
	case tNum:
		p.at++
		return p.node(&ir.Expr{Op: ir.Num, Pos: t.pos, Num: number(t.text)})
	case tStr:
		return p.strings()
	case tOp:
		switch t.text {
		case "(":
			return p.paren()
		case "[":
			return p.list()
		case "{":
			return p.braces()
		case "...":
			p.at++
			return p.node(&ir.Expr{Op: ir.Null, Pos: t.pos})
		case "`":
			p.at++
			x := p.testlist()
			p.expect("`")
			return x
		}
	}
	p.fail("unexpected text")
	return &ir.Expr{Op: ir.Bad, Pos: t.pos}
}

func (p *parser) nameAtom(t token) *ir.Expr {
	switch t.text {
	case "None":
		p.at++
		return p.node(&ir.Expr{Op: ir.Null, Pos: t.pos})
	case "True", "False":
		p.at++
		n := 0.0
		if t.text == "True" {
			n = 1
		}
		return p.node(&ir.Expr{Op: ir.Bool, Pos: t.pos, Num: n})
	case "if", "else", "for", "in", "is", "and", "or", "import", "from", "def", "class", "return", "while", "try", "except", "with", "elif", "pass":
		p.fail("unexpected word")
		return &ir.Expr{Op: ir.Bad, Pos: t.pos}
	}
	p.at++
	return p.node(&ir.Expr{Op: ir.Ident, Pos: t.pos, Text: t.text})
}
