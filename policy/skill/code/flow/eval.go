package flow

import (
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// eval is what the machine knows about the value of e, with the effects of
// evaluating it. It never answers nil.
func (m *machine) eval(f *frame, e *ir.Expr) *value {
	if e == nil || !m.tick(f) {
		return unknown()
	}
	m.evalDepth++
	defer func() { m.evalDepth-- }()
	if m.evalDepth > maxEval {
		return unknown()
	}
	if v := m.simple(f, e); v != nil {
		return v
	}
	if v := m.compound(f, e); v != nil {
		return v
	}
	if v := m.shellExpr(f, e); v != nil {
		return v
	}
	return unknown()
}

// simple evaluates literals, names and members.
func (m *machine) simple(f *frame, e *ir.Expr) *value {
	switch e.Op {
	case ir.Str:
		return m.literal(f, e.Text)
	case ir.Bytes:
		return rawStr(e.Text)
	case ir.Num:
		return num(e.Num)
	case ir.Bool:
		return boolean(e.Num != 0)
	case ir.Null:
		return null()
	case ir.Regex:
		return &value{kind: kRef, ref: "regex", parts: []part{{text: e.Text}}}
	case ir.Ident:
		return m.ident(f, e)
	case ir.Attr:
		return m.attr(f, m.eval(f, e.X), e.Text, e.Pos)
	case ir.Index:
		return m.index(f, m.eval(f, e.X), m.eval(f, e.Y), e.Pos)
	case ir.Slice:
		return m.sliceExpr(f, e)
	case ir.Bad:
		return unknown()
	}
	return nil
}

// compound evaluates what is made of other expressions.
func (m *machine) compound(f *frame, e *ir.Expr) *value {
	switch e.Op {
	case ir.Call:
		return m.callExpr(f, e)
	case ir.New:
		return m.newExpr(f, e)
	case ir.Binary:
		return m.binaryExpr(f, e)
	case ir.Unary:
		return m.unary(f, e)
	case ir.Cond:
		c := m.eval(f, e.X)
		if t, known := c.truth(); known && f.loop > 0 {
			if t {
				return m.eval(f, e.Y)
			}
			return m.eval(f, e.Z)
		}
		return join(m.eval(f, e.Y), m.eval(f, e.Z))
	case ir.List, ir.Tuple:
		return list(m.exprs(f, e.Args)...)
	case ir.Dict:
		return m.dict(f, e)
	case ir.Format:
		return concat(m.exprs(f, e.Args)...)
	case ir.Lambda:
		return m.closure(f, e.Func)
	case ir.ClassExpr:
		return m.makeClass(f, e.Class)
	case ir.Await:
		return m.eval(f, e.X)
	case ir.Yield:
		v := m.eval(f, e.X)
		if len(f.yields) < maxItems {
			f.yields = append(f.yields, v)
		}
		return unknown()
	case ir.Assign:
		return m.assignExpr(f, e)
	case ir.Comp:
		return m.comprehension(f, e)
	case ir.Spread, ir.DictSpread, ir.KeyArg:
		return m.eval(f, e.X)
	case ir.Seq:
		out := unknown()
		for _, x := range e.Args {
			out = m.eval(f, x)
		}
		return out
	}
	return nil
}

// literal makes a string of text that may hold placeholders for holes.
func (m *machine) literal(f *frame, text string) *value {
	if len(f.holes) == 0 || !strings.Contains(text, holeStart) {
		return str(text)
	}
	return fillHoles(text, f.holes)
}

func (m *machine) exprs(f *frame, list []*ir.Expr) []*value {
	out := make([]*value, 0, len(list))
	for _, e := range list {
		v := m.eval(f, e)
		if e != nil && e.Op == ir.Spread {
			if items, ok := pick(v).elements(); ok && v.kind != kObject {
				out = append(out, items...)
				continue
			}
			v = m.element(v)
		}
		out = append(out, v)
		if len(out) > maxItems {
			break
		}
	}
	return out
}

func (m *machine) dict(f *frame, e *ir.Expr) *value {
	d := newObject()
	for _, a := range e.Args {
		if a.Op != ir.Pair {
			m.spreadInto(d, m.eval(f, a))
			continue
		}
		k := m.eval(f, a.X)
		v := unknown()
		if a.Y != nil {
			v = m.eval(f, a.Y)
		}
		if name, ok := k.text(); ok {
			d.obj.set(name, v)
		} else {
			d.obj.any = join(d.obj.any, v.withMarks(k.marks))
		}
	}
	return d
}

func (m *machine) spreadInto(d, v *value) {
	v = pick(v)
	if v.kind == kObject {
		for _, k := range v.obj.order {
			d.obj.set(k, v.obj.fields[k])
		}
		d.obj.any = join(d.obj.any, v.obj.any)
		d.marks = joinMarks(d.marks, v.marks)
		return
	}
	d.obj.any = join(d.obj.any, v)
	d.marks = joinMarks(d.marks, allMarks(v))
}

func (m *machine) ident(f *frame, e *ir.Expr) *value {
	if f.unit.Lang == skill.Shell {
		return m.shellVar(f, e)
	}
	switch e.Text {
	case "this":
		if f.this != nil {
			return f.this
		}
		return ref("this")
	case "self", "cls":
		if _, v := f.scope.find(e.Text); v == nil && f.this != nil {
			return f.this
		}
	case "__file__", "__dirname", "__filename":
		return str("./" + map[string]string{"__dirname": ""}[e.Text]).withMarks(nil)
	case "__name__":
		return unknown()
	case "undefined", "NaN":
		return null()
	}
	if _, v := f.scope.find(e.Text); v != nil {
		return v
	}
	return ref(e.Text)
}

// assignExpr evaluates "x = y" where it is an expression.
func (m *machine) assignExpr(f *frame, e *ir.Expr) *value {
	v := m.eval(f, e.Y)
	switch e.Text {
	case "=":
	case "||=", "&&=", "??=":
		v = join(m.eval(f, e.X), v)
	default:
		v = m.binary(f, e.Text[:len(e.Text)-1], m.eval(f, e.X), v)
	}
	m.assign(f, e.X, v, false)
	return v
}

// assign stores v in the target. fresh says that names are declared here.
func (m *machine) assign(f *frame, t *ir.Expr, v *value, fresh bool) {
	if t == nil || !m.tick(f) {
		return
	}
	switch t.Op {
	case ir.Ident, ir.Str:
		m.assignName(f, t.Text, v, fresh)
	case ir.Attr:
		m.setField(f, m.eval(f, t.X), str(t.Text), v, t.Pos)
	case ir.Index:
		m.setField(f, m.eval(f, t.X), m.eval(f, t.Y), v, t.Pos)
	case ir.Tuple, ir.List:
		m.unpack(f, t, v, fresh)
	case ir.Dict:
		m.unpackDict(f, t, v, fresh)
	case ir.Assign: // a default
		m.assign(f, t.X, join(v, m.eval(f, t.Y)), fresh)
	case ir.Spread:
		m.assign(f, t.X, v, fresh)
	}
}

func (m *machine) assignName(f *frame, name string, v *value, fresh bool) {
	s := f.scope
	if !fresh {
		if at, old := f.scope.find(name); at != nil {
			if at != f.scope && f.unit.Lang == skill.Python {
				m.put(at, name, join(old, v)) // global, nonlocal or a new local
			} else {
				s = at
			}
		}
	}
	m.put(s, name, v)
}

func (m *machine) unpack(f *frame, t *ir.Expr, v *value, fresh bool) {
	v = pick(v)
	items, ok := v.elements()
	for i, x := range t.Args {
		switch {
		case x != nil && x.Op == ir.Spread && ok && i < len(items):
			m.assign(f, x.X, list(items[i:]...).withMarks(v.marks), fresh)
		case ok && i < len(items):
			m.assign(f, x, items[i], fresh)
		default:
			m.assign(f, x, m.index(f, v, num(float64(i)), t.Pos), fresh)
		}
	}
}

func (m *machine) unpackDict(f *frame, t *ir.Expr, v *value, fresh bool) {
	for _, p := range t.Args {
		if p.Op != ir.Pair {
			m.assign(f, p.X, v, fresh)
			continue
		}
		key := m.eval(f, p.X)
		m.assign(f, p.Y, m.index(f, v, key, p.Pos), fresh)
	}
}

func (m *machine) comprehension(f *frame, e *ir.Expr) *value {
	g := *f
	g.scope = &scope{vars: map[string]*value{}, up: f.scope}
	out := list()
	d := newObject()
	m.clauses(&g, e, 0, func() {
		x := m.eval(&g, e.X)
		if e.Y != nil {
			y := m.eval(&g, e.Y)
			if k, ok := x.text(); ok {
				d.obj.set(k, y)
			} else {
				d.obj.any = join(d.obj.any, y.withMarks(x.marks))
			}
			return
		}
		if len(out.items) < maxItems {
			out.items = append(out.items, x)
		}
	})
	f.yields = g.yields
	if e.Y != nil {
		return d
	}
	return out
}

func (m *machine) clauses(f *frame, e *ir.Expr, n int, body func()) {
	if n == len(e.Clauses) {
		body()
		return
	}
	c := e.Clauses[n]
	over := m.eval(f, c.X)
	items, ok := m.iterate(over, false)
	if !ok {
		items = []*value{m.element(over)}
	}
	for _, x := range items {
		if !m.tick(f) {
			return
		}
		m.assign(f, c.Target, x, true)
		skip := false
		for _, cond := range c.Conds {
			if t, known := m.eval(f, cond).truth(); known && !t && ok {
				skip = true
			}
		}
		if !skip {
			m.clauses(f, e, n+1, body)
		}
	}
}
