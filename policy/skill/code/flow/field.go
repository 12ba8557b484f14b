package flow

import (
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// attr is v.name.
func (m *machine) attr(f *frame, v *value, name string, pos ir.Pos) *value {
	switch v.kind {
	case kAlt:
		var out *value
		v.each(func(a *value) { out = join(out, m.attr(f, a, name, pos)) })
		return out
	case kRef:
		return m.refAttr(f, v, name, pos)
	case kObject:
		return m.objectAttr(f, v, name)
	case kFunc:
		return m.funcAttr(v, name)
	case kString:
		if name == "length" {
			if s, ok := v.text(); ok {
				return num(float64(len([]rune(s))))
			}
			return unknown(mask(v.marks)...)
		}
		return &value{kind: kRef, ref: "str." + name, recv: v, marks: v.marks}
	case kList:
		if name == "length" {
			return num(float64(len(v.items)))
		}
		return &value{kind: kRef, ref: "list." + name, recv: v, marks: v.marks}
	case kNum, kBool:
		return &value{kind: kRef, ref: "num." + name, recv: v, marks: v.marks}
	}
	return &value{kind: kRef, ref: "?." + name, recv: v, marks: v.marks}
}

func (m *machine) refAttr(f *frame, v *value, name string, pos ir.Pos) *value {
	full := canonical(f.unit.Lang, v.ref+"."+name)
	if isEnv(v.ref) && !isMethodName(name) {
		return m.envRead(f, name, pos)
	}
	if v.obj != nil {
		if x, ok := v.obj.fields[name]; ok {
			return x
		}
	}
	out := &value{kind: kRef, ref: full, recv: v, marks: v.marks, obj: v.obj}
	if isEnv(full) {
		out.marks = []*mark{{source: envAll, name: full, at: f.place(pos)}}
	}
	if c := constant(full); c != nil {
		return c
	}
	if isArgv(full) {
		return m.argvValue(f, pos)
	}
	return out
}

// isMethodName says that an attribute of the environment is a method of it and
// not a variable: variables are upper case.
func isMethodName(name string) bool { return name == strings.ToLower(name) }

func (m *machine) objectAttr(f *frame, v *value, name string) *value {
	if x, ok := v.obj.fields[name]; ok {
		return x
	}
	if name == "__dict__" {
		return v
	}
	if c := v.obj.class; c != nil {
		if fn := c.method(name); fn != nil {
			return &value{kind: kFunc, fn: fn.bind(v)}
		}
		if base := c.library(); base != "" {
			return &value{kind: kRef, ref: base + "()." + name, recv: v, marks: v.marks}
		}
	}
	out := &value{kind: kRef, ref: "dict." + name, recv: v, marks: v.marks}
	if v.obj.any != nil {
		out.marks = joinMarks(out.marks, allMarks(v.obj.any))
		if name != "get" && v.obj.class == nil && v.obj.any.kind != kUnknown {
			return v.obj.any
		}
	}
	return out
}

func (m *machine) funcAttr(v *value, name string) *value {
	if v.fn.class != nil {
		if x, ok := v.fn.class.static[name]; ok {
			return x
		}
		if fn := v.fn.class.method(name); fn != nil {
			return &value{kind: kFunc, fn: fn}
		}
		if name == "prototype" {
			return v.fn.class.proto()
		}
	}
	return &value{kind: kRef, ref: "func." + name, recv: v, marks: v.marks}
}

// index is v[k].
func (m *machine) index(f *frame, v, k *value, pos ir.Pos) *value {
	if v.kind == kAlt {
		var out *value
		v.each(func(a *value) { out = join(out, m.index(f, a, k, pos)) })
		return out
	}
	k = pick(k)
	if v.kind == kRef && isEnv(v.ref) {
		if name, ok := k.text(); ok {
			return m.envRead(f, name, pos)
		}
		if find(allMarks(k), envAll) != nil {
			return unknown(allMarks(k)...)
		}
		return unknown(&mark{source: envVar, name: "*", at: f.place(pos)})
	}
	name, known := k.text()
	if v.kind == kRef && strings.HasSuffix(v.ref, ".__dict__") {
		v = &value{kind: kRef, ref: strings.TrimSuffix(v.ref, ".__dict__"), recv: v.recv, marks: v.marks}
	}
	switch v.kind {
	case kList:
		return m.listIndex(f, v, k, name, known, pos)
	case kString:
		if n, ok := k.number(); ok && k.kind != kString || ok && isIndex(name) {
			return stringAt(v, int(n))
		}
		if known {
			return m.attr(f, v, name, pos)
		}
	case kObject:
		if known {
			out := m.keyed(f, v, name, pos)
			if hiddenName(k) {
				m.dynamicName(f, out, name, pos)
			}
			return out
		}
		return unknown(allMarks(v)...)
	case kRef:
		if known && !isIndex(name) {
			out := m.refAttr(f, v, name, pos)
			if k.built || find(k.marks, decoded) != nil {
				m.dynamicName(f, out, name, pos)
			}
			return out
		}
		if m.dangerousModule(v.ref) && !known {
			m.unknownMember(f, v, k, pos)
		}
		return &value{kind: kRef, ref: v.ref + "[]", recv: v, marks: joinMarks(v.marks, nil)}
	case kFunc:
		if known {
			return m.funcAttr(v, name)
		}
	}
	return unknown(allMarks(v)...)
}

func isIndex(s string) bool { return s != "" && (s[0] >= '0' && s[0] <= '9' || s[0] == '-') }

func (m *machine) listIndex(f *frame, v, k *value, name string, known bool, pos ir.Pos) *value {
	n, ok := k.number()
	if !ok {
		if name == "@" || name == "*" {
			return v
		}
		if known {
			return m.attr(f, v, name, pos)
		}
		return m.element(v)
	}
	i := int(n)
	if i < 0 {
		i += len(v.items)
	}
	if i < 0 || i >= len(v.items) {
		return unknown(v.marks...)
	}
	return v.items[i].withMarks(v.marks)
}

func (m *machine) keyed(f *frame, v *value, name string, pos ir.Pos) *value {
	if x, ok := v.obj.fields[name]; ok {
		return x.withMarks(v.marks)
	}
	if v.obj.class != nil || f.unit.Lang != skill.Python {
		return m.attr(f, v, name, pos)
	}
	if v.obj.any != nil {
		return v.obj.any.withMarks(v.marks)
	}
	return unknown(v.marks...)
}

func stringAt(v *value, i int) *value {
	s, ok := v.text()
	if !ok {
		return unknown(allMarks(v)...)
	}
	if v.raw {
		if i < 0 {
			i += len(s)
		}
		if i < 0 || i >= len(s) {
			return unknown(v.marks...)
		}
		return num(float64(s[i])).withMarks(v.marks)
	}
	r := []rune(s)
	if i < 0 {
		i += len(r)
	}
	if i < 0 || i >= len(r) {
		return null()
	}
	out := str(string(r[i])).withMarks(v.marks)
	out.built = true
	return out
}

// setField is v[k] = x.
func (m *machine) setField(f *frame, v, k, x *value, pos ir.Pos) {
	v.each(func(v *value) { m.setOne(f, v, k, x, pos) })
}

func (m *machine) setOne(f *frame, v, k, x *value, pos ir.Pos) {
	name, known := k.text()
	switch v.kind {
	case kObject:
		if !known {
			v.obj.any = join(v.obj.any, x.withMarks(k.marks))
			return
		}
		if old, ok := v.obj.fields[name]; ok && len(m.logs) > 0 && f.loop == 0 {
			x = join(old, x)
		}
		v.obj.set(name, x)
	case kList:
		if n, ok := k.number(); ok && n >= 0 && int(n) < maxItems {
			for len(v.items) <= int(n) {
				v.items = append(v.items, unknown())
			}
			v.items[int(n)] = x
			return
		}
		if len(v.items) < maxItems {
			v.items = append(v.items, x)
		}
	case kRef:
		switch {
		case isEnv(v.ref):
			if known {
				m.envWrite(f, name, x, pos)
			}
		case v.obj != nil:
			v.obj.set(name, x)
		default:
			m.refWrite(f, v.ref+"."+name, x, pos)
		}
	case kFunc:
		if v.fn.class != nil && known {
			v.fn.class.static[name] = x
		}
	}
}

func (m *machine) sliceExpr(f *frame, e *ir.Expr) *value {
	v := m.eval(f, e.X)
	var bound [3]*float64
	for i, a := range e.Args {
		if a == nil {
			continue
		}
		n, ok := m.eval(f, a).number()
		if !ok {
			return unknown(allMarks(v)...)
		}
		bound[i] = &n
	}
	var out *value
	v.each(func(a *value) { out = join(out, slice(a, bound[0], bound[1], bound[2])) })
	return orUnknown(out)
}

// slice cuts a list or a string with Python's rules.
func slice(v *value, from, to, by *float64) *value {
	items, ok := v.elements()
	if !ok || v.kind == kObject {
		if from == nil && to != nil && *to >= 0 && *to <= 8 && by == nil {
			return unknown(mask(allMarks(v))...)
		}
		return unknown(allMarks(v)...)
	}
	n := len(items)
	stride := 1
	if by != nil && *by != 0 {
		stride = int(*by)
	}
	lo, hi := 0, n
	if stride < 0 {
		lo, hi = n-1, -1
	}
	if from != nil {
		lo = clampIndex(int(*from), n, stride)
	}
	if to != nil {
		hi = clampIndex(int(*to), n, stride)
	}
	var out []*value
	for i := lo; stride > 0 && i < hi || stride < 0 && i > hi; i += stride {
		if i >= 0 && i < n {
			out = append(out, items[i])
		}
	}
	if v.kind == kList {
		return list(out...)
	}
	return rejoin(v, out)
}

func clampIndex(i, n, stride int) int {
	if i < 0 {
		i += n
		if i < 0 && stride < 0 {
			return -1
		}
	}
	return max(0, min(i, n))
}

// rejoin makes a string of the kind of v out of its elements.
func rejoin(v *value, items []*value) *value {
	var b strings.Builder
	for _, x := range items {
		if v.raw {
			b.WriteByte(byte(x.num))
		} else {
			b.WriteString(x.known())
		}
	}
	out := &value{kind: kString, parts: []part{{text: b.String()}}, raw: v.raw, marks: v.marks, built: true}
	return out
}
