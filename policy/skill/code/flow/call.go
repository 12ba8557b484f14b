package flow

import (
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// closure is a function of the program, a class, or one of the machine's own.
type closure struct {
	fn     *ir.Func
	scope  *scope
	unit   *Unit
	mod    *module
	this   *value
	class  *class
	native func(c *call) *value
}

func (c *closure) bind(this *value) *closure {
	d := *c
	d.this = this
	return &d
}

// call is one call while it happens.
type call struct {
	name  string // the library's name of what is called
	recv  *value
	args  []*value
	keys  map[string]*value
	at    ir.Pos
	isNew bool
	expr  *ir.Expr
}

// arg is an argument by position or by name; it may be nil.
func (c *call) arg(i int, names ...string) *value {
	for _, n := range names {
		if v, ok := c.keys[n]; ok {
			return v
		}
	}
	if i >= 0 && i < len(c.args) {
		return c.args[i]
	}
	return nil
}

// all are the arguments, named ones last.
func (c *call) all() []*value {
	out := c.args[:len(c.args):len(c.args)]
	for _, k := range sortedKeys(c.keys) {
		out = append(out, c.keys[k])
	}
	return out
}

func (c *call) marks() []*mark {
	var out []*mark
	for _, a := range c.all() {
		out = joinMarks(out, allMarks(a))
	}
	return out
}

func native(f func(c *call) *value) *value {
	return &value{kind: kFunc, fn: &closure{native: f}}
}

func (m *machine) closure(f *frame, fn *ir.Func) *value {
	c := &closure{fn: fn, scope: f.scope, unit: f.unit, mod: f.mod, this: f.this}
	if f.unit.Lang != skill.Shell || fn.Name != "" {
		if len(m.pending) < 20_000 && f.loop < 2 {
			m.pending = append(m.pending, c)
		}
	}
	return &value{kind: kFunc, fn: c}
}

func (m *machine) arguments(f *frame, list []*ir.Expr) ([]*value, map[string]*value) {
	var plain []*ir.Expr
	var keys map[string]*value
	for _, a := range list {
		if a == nil || a.Op != ir.KeyArg && a.Op != ir.DictSpread {
			plain = append(plain, a)
			continue
		}
		if keys == nil {
			keys = map[string]*value{}
		}
		v := m.eval(f, a.X)
		if a.Op == ir.KeyArg {
			keys[a.Text] = v
			continue
		}
		if v = pick(v); v.kind == kObject {
			for _, k := range v.obj.order {
				keys[k] = v.obj.fields[k]
			}
			v = v.obj.any
		}
		if v != nil {
			keys["**"] = join(keys["**"], v)
		}
	}
	return m.exprs(f, plain), keys
}

func (m *machine) callExpr(f *frame, e *ir.Expr) *value {
	fn := m.eval(f, e.X)
	args, keys := m.arguments(f, e.Args)
	return m.apply(f, fn, &call{args: args, keys: keys, at: e.Pos, expr: e})
}

func (m *machine) newExpr(f *frame, e *ir.Expr) *value {
	fn := m.eval(f, e.X)
	args, keys := m.arguments(f, e.Args)
	return m.apply(f, fn, &call{args: args, keys: keys, at: e.Pos, isNew: true, expr: e})
}

// apply calls fn.
func (m *machine) apply(f *frame, fn *value, c *call) *value {
	m.evalDepth++
	defer func() { m.evalDepth-- }()
	if m.evalDepth > maxEval {
		return unknown()
	}
	switch fn.kind {
	case kAlt:
		var out *value
		fn.each(func(a *value) { d := *c; out = join(out, m.apply(f, a, &d)) })
		return out
	case kFunc:
		if fn.fn.native != nil {
			return orUnknown(fn.fn.native(c))
		}
		if fn.fn.class != nil {
			return m.instantiate(f, fn.fn.class, c)
		}
		if c.isNew {
			this := newObject()
			m.run(f, fn.fn.bind(this), c)
			return this
		}
		return m.run(f, fn.fn, c)
	case kRef:
		c.recv = fn.recv
		c.name = canonical(f.unit.Lang, fn.ref)
		return orUnknown(m.library(f, fn, c))
	}
	c.name = "?"
	return m.generic(f, fn, c)
}

func orUnknown(v *value) *value {
	if v == nil {
		return unknown()
	}
	return v
}

// run calls a function of the program.
func (m *machine) run(f *frame, c *closure, k *call) *value {
	m.started[c] = true
	self := 0
	for _, other := range m.calls {
		if other.fn == c.fn {
			self++
		}
	}
	if len(m.calls) >= maxCalls || self >= maxSelf && f.loop == 0 || self >= 12 {
		return unknown(k.marks()...)
	}
	m.markStarted(c)
	if v, known := m.remembered(f, c, k); known {
		return v
	}
	m.calls = append(m.calls, c)
	defer func() { m.calls = m.calls[:len(m.calls)-1] }()
	g := &frame{unit: c.unit, mod: c.mod, this: c.this, scope: &scope{vars: map[string]*value{}, up: c.scope, fn: true}, holes: f.holes, loop: f.loop, catch: f.catch, in: f.in, args: k.args}
	if c.unit.Lang == skill.Shell {
		g.scope = c.scope
		g.args = k.args
	}
	m.bindParams(g, c, k)
	m.block(g, c.fn.Body)
	f.out = joinOut(f.out, g.out)
	out := g.ret
	if len(g.yields) > 0 {
		out = list(g.yields...)
	}
	if c.unit.Lang == skill.Shell {
		out = g.out
	}
	m.remember(f, c, k, out, g.out)
	if out == nil {
		return unknown()
	}
	return m.arrived(f, g, out, k)
}

// arrived notes in the marks that a value came out of a function of another
// file.
func (m *machine) arrived(f, g *frame, v *value, k *call) *value {
	if f.unit == g.unit || len(v.marks) == 0 {
		return v
	}
	c := *v
	c.marks = step(v.marks, f.place(k.at), "returned from "+g.unit.File)
	return &c
}

// markStarted says that a function was called, whatever it was bound to.
func (m *machine) markStarted(c *closure) {
	for _, p := range m.pending {
		if p.fn == c.fn {
			m.started[p] = true
		}
	}
}

func (m *machine) bindParams(g *frame, c *closure, k *call) {
	params := c.fn.Params
	if c.unit.Lang == skill.Python && c.this != nil && len(params) > 0 && !c.fn.Static && (c.class != nil || c.this.kind == kObject) && isSelf(params[0]) {
		m.assign(g, params[0].Target, c.this, true)
		params = params[1:]
	}
	g.scope.vars["arguments"] = list(k.args...)
	for i, p := range params {
		switch {
		case p.Keys:
			d := newObject()
			for _, n := range sortedKeys(k.keys) {
				d.obj.set(n, k.keys[n])
			}
			m.assign(g, p.Target, d, true)
		case p.Rest:
			rest := list()
			if i < len(k.args) {
				rest = list(k.args[i:]...)
			}
			m.assign(g, p.Target, rest, true)
		default:
			m.assign(g, p.Target, m.paramValue(g, c, p, i, k), true)
		}
	}
}

func isSelf(p ir.Param) bool {
	return p.Target != nil && (p.Target.Text == "self" || p.Target.Text == "cls" || p.Target.Text == "this" || p.Target.Text == "_")
}

func (m *machine) paramValue(g *frame, c *closure, p ir.Param, i int, k *call) *value {
	var v *value
	if n, ok := k.keys[p.Target.Text]; ok && p.Target.Op == ir.Ident {
		v = n
	} else if i < len(k.args) {
		v = k.args[i]
	} else if x, ok := k.keys["**"]; ok {
		v = x
	}
	if v == nil && p.Default != nil {
		return m.eval(g, p.Default)
	}
	if v == nil {
		v = unknown(&mark{source: param, name: p.Target.Text, at: g.unit.place(c.fn.Pos)})
		if k.args != nil || k.keys != nil {
			v = unknown()
		}
	}
	if c.unit != nil && g.unit != nil && len(v.marks) > 0 && len(k.args) > 0 {
		w := *v
		w.marks = step(v.marks, g.unit.place(c.fn.Pos), "passed to "+nonEmpty(c.fn.Name, "a function"))
		v = &w
	}
	return v
}

func nonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// callUnknown calls a function as the world might.
func (m *machine) callUnknown(c *closure) {
	m.started[c] = true
	f := &frame{unit: c.unit, mod: c.mod, scope: c.scope, catch: true}
	if c.fn == nil {
		return
	}
	m.run(f, c, &call{at: c.fn.Pos})
}

// callback calls functions among the arguments with v, as a library would.
func (m *machine) callback(f *frame, args []*value, v *value) *value {
	var out *value
	for _, a := range args {
		a.each(func(a *value) {
			if a.kind == kFunc && (a.fn.native != nil || a.fn.class == nil) {
				out = join(out, m.apply(f, a, &call{args: []*value{v, v, v}}))
			}
		})
	}
	return out
}

// generic calls something nobody knows: data goes from arguments to result,
// and functions among the arguments are called.
func (m *machine) generic(f *frame, fn *value, c *call) *value {
	marks := joinMarks(c.marks(), nil)
	if fn.kind == kRef && fn.recv != nil {
		marks = joinMarks(marks, recvMarks(fn.recv, c.name))
	} else if fn.kind == kUnknown {
		marks = joinMarks(marks, fn.marks)
	}
	m.unknownSink(f, fn, c)
	cb := m.callback(f, c.all(), unknown(marks...))
	out := &value{kind: kRef, ref: c.name + "()", recv: fn.recv, marks: marks, obj: newObject().obj}
	if cb != nil {
		out.marks = joinMarks(out.marks, allMarks(cb))
	}
	if holder(c) { // a client keeps what it was given to itself
		out.obj.any = unknown(out.marks...)
		out.marks = nil
		out.recv = nil
	}
	m.hold(fn, c)
	return out
}

// hold stores arguments in the object whose unknown method was called.
func (m *machine) hold(fn *value, c *call) {
	r := fn.recv
	if fn.kind != kRef || r == nil || len(c.args) == 0 {
		return
	}
	if r.obj != nil && r.kind == kRef {
		if marks := c.marks(); len(marks) > 0 {
			r.obj.any = join(r.obj.any, unknown(marks...))
		}
	}
}

// holder says that a call makes an object that stands for a service: its
// results do not contain what it was made with.
func holder(c *call) bool {
	last := c.name[strings.LastIndexByte(c.name, '.')+1:]
	return last != "" && last[0] >= 'A' && last[0] <= 'Z' && !dataClass(last) || strings.HasPrefix(last, "create") || strings.HasSuffix(last, "Client") || last == "client" || last == "connect" || last == "Session"
}

func dataClass(name string) bool {
	switch name {
	case "String", "Buffer", "URLSearchParams", "FormData", "Blob", "File", "Uint8Array", "URL", "Array", "Map", "Set", "Request", "Headers", "TextEncoder", "TextDecoder", "Object", "BytesIO", "StringIO", "MIMEText", "MIMEBase", "Path", "PurePath", "Promise", "Proxy", "JSON", "Number", "Error":
		return true
	}
	return false
}

// recvMarks are the marks that a method's result takes from its object.
func recvMarks(v *value, name string) []*mark {
	out := v.marks
	last := name[strings.LastIndexByte(name, '.')+1:]
	if (last == "get" || last == "get_nowait") && (strings.Contains(v.ref, "ueue()") || strings.Contains(v.ref, "Pipe()")) && v.obj != nil && v.obj.any != nil {
		return joinMarks(out, v.obj.any.marks)
	}
	switch last {
	case "as_string", "as_bytes", "toString", "getvalue", "getbuffer", "read", "tobytes", "to_json", "build", "join", "entries", "values", "toJSON", "getBuffer", "getHeaders", "items", "keys", "decode", "encode", "format", "copy":
		out = joinMarks(out, allMarks(v))
		if v.obj != nil && v.obj.any != nil {
			out = joinMarks(out, v.obj.any.marks)
		}
	}
	return out
}
