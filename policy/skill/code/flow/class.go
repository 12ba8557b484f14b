package flow

import (
	"clawjail/policy/skill/code/ir"
)

// class is a class of the program.
type class struct {
	name    string
	methods map[string]*closure
	static  map[string]*value
	bases   []*value
	protoV  *value
}

func (c *class) method(name string) *closure {
	if fn := c.methods[name]; fn != nil {
		return fn
	}
	for _, b := range c.bases {
		if b.kind == kFunc && b.fn.class != nil && b.fn.class != c {
			if fn := b.fn.class.methods[name]; fn != nil {
				return fn
			}
		}
	}
	return nil
}

// library is the name of a base class that is not the program's.
func (c *class) library() string {
	for _, b := range c.bases {
		if b.kind == kRef {
			return b.ref
		}
	}
	return ""
}

func (c *class) proto() *value {
	if c.protoV == nil {
		c.protoV = newObject()
		c.protoV.obj.class = c
	}
	return c.protoV
}

func (m *machine) makeClass(f *frame, c *ir.Class) *value {
	k := &class{name: c.Name, methods: map[string]*closure{}, static: map[string]*value{}}
	for _, b := range c.Bases {
		if b.Op != ir.KeyArg {
			k.bases = append(k.bases, pick(m.eval(f, b)))
		}
	}
	self := newObject()
	self.obj.class = k
	g := *f
	g.scope = &scope{vars: map[string]*value{}, up: f.scope}
	g.this = self
	out := &value{kind: kFunc, fn: &closure{class: k, unit: f.unit, mod: f.mod}}
	if c.Name != "" {
		m.put(f.scope, c.Name, out)
	}
	for _, s := range c.Body {
		m.member(&g, k, self, s)
	}
	for _, d := range c.Decorators {
		m.apply(f, m.eval(f, d), &call{args: []*value{out}, at: c.Pos})
	}
	k.protoV = self
	return out
}

func (m *machine) member(g *frame, k *class, self *value, s *ir.Stmt) {
	switch s.Kind {
	case ir.Def:
		name := s.Func.Name
		if s.X != nil {
			name = m.eval(g, s.X).known()
		}
		fn := &closure{fn: s.Func, scope: g.scope.up, unit: g.unit, mod: g.mod, this: self, class: k}
		fn.class = nil
		k.methods[name] = fn
		for _, d := range s.Func.Decorators {
			m.apply(g, m.eval(g, d), &call{args: []*value{{kind: kFunc, fn: fn}}, at: s.Pos})
		}
		m.pending = append(m.pending, fn)
	case ir.Let:
		v := null()
		if s.X != nil {
			v = m.eval(g, s.X)
		}
		for _, t := range s.Targets {
			if t.Op == ir.Ident || t.Op == ir.Str {
				k.static[t.Text] = v
				self.obj.set(t.Text, v)
				m.put(g.scope, t.Text, v)
			}
		}
	default:
		m.stmt(g, s)
	}
}

// instantiate makes an object. Fields of the class are copied, so that two
// objects do not share what is written to one.
func (m *machine) instantiate(f *frame, k *class, c *call) *value {
	o := newObject()
	o.obj.class = k
	for _, n := range k.proto().obj.order {
		o.obj.set(n, k.proto().obj.fields[n])
	}
	ctor := k.method("__init__")
	if ctor == nil {
		ctor = k.method("constructor")
	}
	if ctor != nil {
		m.run(f, ctor.bind(o), c)
	} else if len(c.args) > 0 {
		o.obj.any = unknown(c.marks()...)
	}
	// Methods nobody calls see an object that was made like this one.
	for _, n := range o.obj.order {
		p := k.proto().obj
		p.set(n, join(p.fields[n], o.obj.fields[n]))
	}
	if fn := k.method("run"); fn != nil && k.library() != "" {
		m.run(f, fn.bind(o), &call{at: c.at})
	}
	return o
}
