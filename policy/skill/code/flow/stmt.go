package flow

import (
	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// flowOut says how a statement ended.
type flowOut uint8

const (
	goesOn flowOut = iota
	breaks
	continues
	returns
	throws
)

func (m *machine) block(f *frame, body []*ir.Stmt) flowOut {
	m.hoist(f, body)
	for _, s := range body {
		if out := m.stmt(f, s); out != goesOn {
			return out
		}
		if m.stopped {
			return returns
		}
	}
	return goesOn
}

// hoist defines the functions of a block first: JavaScript, and shell scripts
// whose main calls what stands below it.
func (m *machine) hoist(f *frame, body []*ir.Stmt) {
	for _, s := range body {
		if s.Kind == ir.Def && s.X == nil && f.unit.Lang != skill.Python {
			m.put(f.scope, m.funcName(f, s.Func.Name), m.closure(f, s.Func))
		}
		if s.Kind == ir.Export && f.unit.Lang != skill.Python {
			m.hoist(f, s.Body)
		}
	}
}

func (m *machine) funcName(f *frame, name string) string {
	if f.unit.Lang == skill.Shell {
		return "()" + name
	}
	return name
}

func (m *machine) stmt(f *frame, s *ir.Stmt) flowOut {
	if s == nil || !m.tick(f) {
		return goesOn
	}
	m.evalDepth++
	defer func() { m.evalDepth-- }()
	if m.evalDepth > maxEval {
		return goesOn
	}
	switch s.Kind {
	case ir.Do:
		m.eval(f, s.X)
	case ir.Let:
		m.let(f, s)
	case ir.If:
		return m.ifStmt(f, s)
	case ir.For:
		return m.forStmt(f, s)
	case ir.While:
		return m.while(f, s)
	case ir.Switch:
		return m.switchStmt(f, s)
	case ir.Def:
		if f.unit.Lang == skill.Shell && s.Func != nil {
			m.replaced(f, s.Pos, s.Func.Name, "")
		}
		m.def(f, s)
	case ir.ClassDef:
		m.put(f.scope, s.Class.Name, m.makeClass(f, s.Class))
	case ir.Return:
		if s.X != nil {
			f.ret = join(f.ret, m.eval(f, s.X))
		} else {
			f.ret = join(f.ret, null())
		}
		return returns
	case ir.Break:
		return breaks
	case ir.Continue:
		return continues
	case ir.Throw:
		m.eval(f, s.X)
		return throws
	case ir.Delete:
		m.eval(f, s.X)
	default:
		return m.stmtMore(f, s)
	}
	return goesOn
}

func (m *machine) stmtMore(f *frame, s *ir.Stmt) flowOut {
	switch s.Kind {
	case ir.Import:
		m.importStmt(f, s)
	case ir.Export:
		m.export(f, s)
	case ir.Try:
		out := m.block(f, s.Body)
		for _, b := range s.Else {
			if r := m.block(f, b.Body); r == returns && out == goesOn {
				out = goesOn
			}
		}
		if out == throws {
			return goesOn
		}
		return out
	case ir.With:
		for i, x := range s.Args {
			v := m.eval(f, x)
			if i < len(s.Targets) && s.Targets[i] != nil {
				m.assign(f, s.Targets[i], v, false)
			}
		}
		return m.block(f, s.Body)
	case ir.Block:
		return m.block(f, s.Body)
	case ir.Redirect:
		m.redirected(f, s)
	case ir.Detached:
		if s.Text == "&" {
			m.forkBomb(f, s)
		}
		return m.block(f, s.Body)
	}
	return goesOn
}

func (m *machine) let(f *frame, s *ir.Stmt) {
	v := null()
	if s.X != nil {
		v = m.eval(f, s.X)
	}
	for _, t := range s.Targets {
		switch s.Text {
		case "", "=":
			m.assign(f, t, v, false)
		case "let", "field":
			m.assign(f, t, v, true)
		default:
			m.assign(f, t, m.binary(f, s.Text[:len(s.Text)-1], m.eval(f, t), v), false)
		}
	}
}

func (m *machine) def(f *frame, s *ir.Stmt) {
	v := m.closure(f, s.Func)
	for i := len(s.Func.Decorators) - 1; i >= 0; i-- {
		d := m.eval(f, s.Func.Decorators[i])
		if r := m.apply(f, d, &call{args: []*value{v}, at: s.Pos}); r != nil && r.kind == kFunc {
			v = r
		}
	}
	m.put(f.scope, m.funcName(f, s.Func.Name), v)
}

func (m *machine) ifStmt(f *frame, s *ir.Stmt) flowOut {
	cond := m.eval(f, s.X)
	truth, known := cond.truth()
	if known && s.X.Op != ir.Subst && s.X.Op != ir.Command {
		taken, other := s.Body, s.Else
		if !truth {
			taken, other = other, taken
		}
		if f.loop == 0 && len(other) > 0 {
			ret := f.ret
			m.branch(func() { m.block(f, other) })
			f.ret = ret
		}
		return m.block(f, taken)
	}
	var a, b flowOut
	loop := f.loop
	f.loop = 0
	then := m.branch(func() { a = m.block(f, s.Body) })
	otherwise := m.branch(func() { b = m.block(f, s.Else) })
	f.loop = loop
	m.merge(then, otherwise, a != goesOn, b != goesOn)
	if a == b {
		return a
	}
	return goesOn
}

// forStmt runs the body for every element that is known, or twice.
func (m *machine) forStmt(f *frame, s *ir.Stmt) flowOut {
	over := m.eval(f, s.X)
	items, ok := m.iterate(over, s.Text == "in")
	if !ok || len(items) == 0 {
		item := m.element(over)
		items = []*value{item, item}
		if over.kind == kList && len(over.items) == 0 || f.blind > 0 {
			items = items[:1]
		}
		f.blind++
		defer func() { f.blind-- }()
	} else {
		f.loop++
		defer func() { f.loop-- }()
	}
	for i, x := range items {
		if len(s.Targets) > 0 {
			m.assign(f, s.Targets[0], x, s.Text != "")
		}
		out := m.block(f, s.Body)
		if out == returns || out == breaks || m.stopped || m.unitSteps > maxUnitSteps || i > maxLoop {
			break
		}
	}
	return m.block(f, s.Else)
}

// iterate lists what a loop over v sees.
func (m *machine) iterate(v *value, keys bool) ([]*value, bool) {
	v = pick(v)
	if v.kind == kObject && v.obj.class == nil && len(v.obj.order) > 0 {
		return v.elements()
	}
	items, ok := v.elements()
	if ok && keys && v.kind == kList {
		out := make([]*value, len(items))
		for i := range items {
			out[i] = str(formatNum(float64(i))).withMarks(v.marks)
		}
		return out, true
	}
	return items, ok && len(items) <= maxLoop
}

// element is any element of v.
func (m *machine) element(v *value) *value {
	v = pick(v)
	switch v.kind {
	case kList:
		var out *value
		for _, x := range v.items[:min(len(v.items), 64)] {
			out = join(out, x)
		}
		if out == nil {
			return unknown(v.marks...)
		}
		return out.withMarks(v.marks)
	case kRef:
		return &value{kind: kRef, ref: v.ref + "[]", recv: v, marks: v.marks}
	}
	return unknown(allMarks(v)...)
}

func (m *machine) while(f *frame, s *ir.Stmt) flowOut {
	if s.Text == "do" {
		if out := m.block(f, s.Body); out == returns {
			return out
		}
	}
	for n := 0; n < maxLoop && !m.stopped && m.unitSteps < maxUnitSteps; n++ {
		truth, known := true, s.X == nil
		if s.X != nil {
			truth, known = m.eval(f, s.X).truth()
		}
		if s.X != nil && (s.X.Op == ir.Subst || s.X.Op == ir.Command) {
			known = false
		}
		if known && !truth || !known && n >= 2-min(f.blind, 1) {
			break
		}
		if known {
			f.loop++
		} else {
			f.blind++
		}
		out := m.block(f, s.Body)
		if known {
			f.loop--
		} else {
			f.blind--
		}
		if out == returns || out == breaks {
			break
		}
		if s.Post != nil {
			m.eval(f, s.Post)
		}
		// A loop without a condition is left by a break that nobody sees, unless
		// it is the wheel of an obfuscator.
		if endless(s) && n >= 2 && (n > 600 || !wheel(s.Body)) {
			break
		}
	}
	return m.block(f, s.Else)
}

// endless says that a loop has no condition, or a constant one.
func endless(s *ir.Stmt) bool {
	if s.X == nil {
		return true
	}
	x := s.X
	for x.Op == ir.Unary && x.X != nil {
		x = x.X
	}
	return x.Op == ir.Num || x.Op == ir.Bool || x.Op == ir.List || x.Op == ir.Str
}

// wheel says that a body is a switch over a schedule, or turns an array.
func wheel(body []*ir.Stmt) bool {
	for _, s := range body {
		if s.Kind == ir.Switch || s.Kind == ir.Try && len(body) <= 2 {
			return true
		}
	}
	return false
}

// switchStmt runs the arm that fits, where that is known, else all of them.
func (m *machine) switchStmt(f *frame, s *ir.Stmt) flowOut {
	subject := m.eval(f, s.X)
	if want, ok := subject.text(); ok && f.unit.Lang != skill.Shell {
		for i, arm := range s.Body {
			if arm.X != nil {
				if got, ok := m.eval(f, arm.X).text(); !ok || got != want {
					continue
				}
			}
			for _, next := range s.Body[i:] {
				if out := m.block(f, next.Body); out == breaks {
					return goesOn
				} else if out != goesOn {
					return out
				}
			}
			return goesOn
		}
		return goesOn
	}
	before := map[writeKey]*value{}
	for _, arm := range s.Body {
		writes := m.branch(func() { m.block(f, arm.Body) })
		for k, v := range writes {
			before[k] = join(before[k], v)
		}
	}
	m.merge(before, map[writeKey]*value{}, false, false)
	return goesOn
}
