package flow

import (
	"strings"
	"unicode/utf8"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/decode"
)

// method calls a method of a string, list or object whose content is known. It
// answers nil where there is nothing to know.
func (m *machine) method(f *frame, name string, c *call) *value {
	recv := c.recv
	switch {
	case recv == nil:
		return nil
	case recv.kind == kString:
		return m.stringMethod(f, name, recv, c)
	case recv.kind == kList:
		return m.listMethod(f, name, recv, c)
	case recv.kind == kObject:
		return m.objectMethod(f, name, recv, c)
	case recv.kind == kFunc:
		return m.funcMethod(f, name, recv, c)
	case recv.kind == kNum:
		return numMethod(name, recv, c)
	}
	return nil
}

func numMethod(name string, recv *value, c *call) *value {
	if name != "toString" {
		return nil
	}
	base, ok := c.arg(0).number()
	if !ok {
		base = 10
	}
	if base < 2 || base > 36 {
		return nil
	}
	return builtText(formatBase(int64(recv.num), int(base)), recv.marks)
}

func builtText(s string, marks []*mark) *value {
	v := str(s).withMarks(marks)
	v.built = true
	return v
}

func (m *machine) funcMethod(f *frame, name string, recv *value, c *call) *value {
	switch name {
	case "call", "apply":
		d := *c
		fn := recv
		if len(c.args) > 0 {
			if fn.kind == kFunc && fn.fn.native == nil && fn.fn.class == nil {
				fn = &value{kind: kFunc, fn: fn.fn.bind(c.args[0])}
			}
			d.args = c.args[1:]
		}
		if name == "apply" && len(d.args) > 0 {
			if items, ok := pick(d.args[0]).elements(); ok {
				d.args = items
			}
		}
		return m.apply(f, fn, &d)
	case "bind":
		bound := c.args[min(1, len(c.args)):]
		return native(func(k *call) *value {
			return m.apply(f, recv, &call{args: append(bound[:len(bound):len(bound)], k.args...), keys: k.keys, at: c.at})
		})
	}
	return nil
}

func (m *machine) objectMethod(f *frame, name string, recv *value, c *call) *value {
	o := recv.obj
	switch name {
	case "get", "pop", "setdefault":
		if k, ok := c.arg(0).text(); ok {
			if v := o.fields[k]; v != nil {
				return v
			}
			if o.any != nil {
				return join(o.any, c.arg(1))
			}
			return orUnknown(c.arg(1))
		}
		return unknown(allMarks(recv)...)
	case "items", "entries":
		out := list()
		for _, k := range o.order {
			out.items = append(out.items, list(str(k), o.fields[k]))
		}
		if o.any != nil {
			out.items = append(out.items, list(unknown(o.any.marks...), o.any))
		}
		return out
	case "values", "keys":
		out := list()
		for _, k := range o.order {
			if name == "keys" {
				out.items = append(out.items, str(k))
			} else {
				out.items = append(out.items, o.fields[k])
			}
		}
		if o.any != nil {
			out.items = append(out.items, o.any)
		}
		return out
	case "update", "set", "append":
		if k, ok := c.arg(0).text(); ok && len(c.args) > 1 {
			o.set(k, c.args[1])
		} else if len(c.args) > 0 {
			m.spreadInto(recv, c.args[len(c.args)-1])
		}
		for _, k := range sortedKeys(c.keys) {
			o.set(k, c.keys[k])
		}
		return recv
	case "copy":
		d := newObject()
		m.spreadInto(d, recv)
		return d
	}
	return nil
}

func (m *machine) listMethod(f *frame, name string, recv *value, c *call) *value {
	switch name {
	case "push", "append", "add", "unshift", "extend", "insert", "appendleft":
		return m.listAdd(name, recv, c)
	case "pop", "shift", "popleft":
		return m.listTake(name, recv, c)
	case "reverse", "reversed":
		for i, j := 0, len(recv.items)-1; i < j; i, j = i+1, j-1 {
			recv.items[i], recv.items[j] = recv.items[j], recv.items[i]
		}
		return recv
	case "join":
		return m.joinList(f, recv, c.arg(0))
	case "slice":
		return slice(recv, floatArg(c, 0), floatArg(c, 1), nil)
	case "splice":
		return recv
	case "concat":
		out := list(append([]*value{}, recv.items...)...)
		for _, a := range c.args {
			if a.kind == kList {
				out.items = append(out.items, a.items...)
			} else {
				out.items = append(out.items, a)
			}
		}
		return out
	case "map", "flatMap", "filter", "forEach", "find", "some", "every", "sort", "reduce":
		return m.listEach(f, name, recv, c)
	case "indexOf", "includes", "count", "index":
		return unknown()
	case "flat", "copy", "toString", "keys", "values":
		if name == "toString" {
			return m.joinList(f, recv, nil)
		}
		return recv
	}
	return nil
}

func floatArg(c *call, i int) *float64 {
	if n, ok := c.arg(i).number(); ok {
		return &n
	}
	return nil
}

func (m *machine) listAdd(name string, recv *value, c *call) *value {
	add := c.args
	if name == "extend" && len(add) > 0 {
		if items, ok := pick(add[0]).elements(); ok {
			add = items
		}
	}
	if name == "insert" && len(add) > 1 {
		add = add[1:]
	}
	if len(recv.items)+len(add) > maxItems {
		recv.items = recv.items[:0]
		add = []*value{unknown(joinMarks(allMarks(recv), c.marks())...)}
	}
	if name == "unshift" || name == "appendleft" {
		recv.items = append(append([]*value{}, add...), recv.items...)
	} else {
		recv.items = append(recv.items[:len(recv.items):len(recv.items)], add...)
	}
	return num(float64(len(recv.items)))
}

func (m *machine) listTake(name string, recv *value, c *call) *value {
	if len(recv.items) == 0 {
		return unknown(recv.marks...)
	}
	first := name == "shift" || name == "popleft"
	if n, ok := c.arg(0).number(); ok && n == 0 {
		first = true
	}
	if first {
		v := recv.items[0]
		recv.items = recv.items[1:]
		return v
	}
	v := recv.items[len(recv.items)-1]
	recv.items = recv.items[:len(recv.items)-1]
	return v
}

func (m *machine) listEach(f *frame, name string, recv *value, c *call) *value {
	if len(c.args) == 0 {
		return recv
	}
	items := recv.items
	if len(items) == 0 {
		return recv
	}
	f.loop++
	defer func() { f.loop-- }()
	out := list()
	acc := c.arg(1)
	if name == "reduce" && acc == nil {
		acc, items = items[0], items[1:]
	}
	for i, x := range items {
		if m.stopped || m.unitSteps > maxUnitSteps {
			break
		}
		x = x.withMarks(recv.marks)
		if name == "reduce" {
			acc = m.apply(f, c.args[0], &call{args: []*value{acc, x, num(float64(i))}, at: c.at})
			continue
		}
		v := m.apply(f, c.args[0], &call{args: []*value{x, num(float64(i)), recv}, at: c.at})
		switch name {
		case "map":
			out.items = append(out.items, v)
		case "flatMap":
			out.items = append(out.items, orUnknown(v))
		case "filter":
			if t, known := v.truth(); t || !known {
				out.items = append(out.items, x)
			}
		}
	}
	switch name {
	case "reduce":
		return orUnknown(acc)
	case "find":
		return m.element(recv)
	case "sort":
		return recv
	case "some", "every", "forEach":
		return unknown()
	}
	return out
}

func (m *machine) joinList(f *frame, l, sep *value) *value {
	if sep == nil {
		sep = str(",")
	}
	items, ok := pick(l).elements()
	if !ok {
		return unknown(joinMarks(allMarks(l), sep.marks)...)
	}
	if s, known := sep.text(); known {
		if v := joinKnown(items, s); v != nil {
			return v.withMarks(l.marks)
		}
	}
	var parts []*value
	for i, x := range items {
		if i > 0 {
			parts = append(parts, sep)
		}
		parts = append(parts, x)
	}
	return concat(parts...).withMarks(l.marks)
}

// joinKnown joins known texts in one go.
func joinKnown(items []*value, sep string) *value {
	var b strings.Builder
	var marks []*mark
	for i, x := range items {
		s, ok := x.text()
		if !ok {
			return nil
		}
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(s)
		marks = joinMarks(marks, x.marks)
	}
	return builtText(b.String(), marks)
}

func (m *machine) stringMethod(f *frame, name string, recv *value, c *call) *value {
	s, known := recv.text()
	switch name {
	case "join":
		return m.joinList(f, orUnknown(c.arg(0)), recv)
	case "format":
		return m.formatMethod(recv, c)
	case "encode", "decode", "toString":
		return m.recode(f, recv, c)
	case "then":
		return orUnknown(m.callback(f, c.args, recv))
	case "concat":
		return concat(append([]*value{recv}, c.args...)...)
	}
	if !known {
		if name == "slice" || name == "substring" || name == "substr" {
			if b := floatArg(c, 1); b != nil && *b <= 8 && *b > 0 {
				return unknown(mask(allMarks(recv))...)
			}
		}
		return m.holedMethod(f, name, recv, c)
	}
	v := knownString(name, s, recv, c)
	if v == nil {
		v = m.replaceString(f, name, s, recv, c)
	}
	if v == nil {
		return nil
	}
	out := *v
	out.marks = joinMarks(out.marks, recv.marks)
	if name != "strip" && name != "trim" {
		out.built = true
	}
	return &out
}

// holedMethod keeps the text of a string with holes where the method does not
// change what matters.
func (m *machine) holedMethod(f *frame, name string, recv *value, c *call) *value {
	switch name {
	case "strip", "trim", "rstrip", "lstrip", "trimEnd", "trimStart", "expanduser", "resolve", "absolute", "as_posix", "removesuffix", "removeprefix", "lower", "toLowerCase", "replace", "replaceAll":
		return recv.withMarks(c.marks())
	}
	return nil
}

func (m *machine) formatMethod(recv *value, c *call) *value {
	s, ok := recv.text()
	if !ok {
		return nil
	}
	var parts []*value
	next := 0
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			break
		}
		parts = append(parts, str(strings.ReplaceAll(s[:i], "}}", "}")))
		if strings.HasPrefix(s[i:], "{{") {
			parts = append(parts, str("{"))
			s = s[i+2:]
			continue
		}
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			s = s[i:]
			break
		}
		name, _, _ := strings.Cut(s[i+1:i+end], ":")
		name, _, _ = strings.Cut(name, "!")
		name, _, _ = strings.Cut(name, ".")
		name, _, _ = strings.Cut(name, "[")
		s = s[i+end+1:]
		v := c.keys[name]
		if v == nil {
			n := next
			if isIndex(name) {
				n = int(name[0] - '0')
			} else {
				next++
			}
			v = c.arg(n)
		}
		parts = append(parts, orUnknown(v))
	}
	parts = append(parts, str(strings.ReplaceAll(s, "}}", "}")))
	return concat(parts...).withMarks(recv.marks)
}

// recode is encode, decode and Buffer's toString.
func (m *machine) recode(f *frame, recv *value, c *call) *value {
	enc := strings.ToLower(pickText(c.arg(0, "encoding")))
	s, known := recv.text()
	at := f.place(c.at)
	switch enc {
	case "base64", "base64url", "hex":
		if c.name == "str.toString" && recv.raw || f.unit.Lang != skill.Python {
			return unknown(encode(allMarks(recv), at, "encoded as "+enc)...)
		}
	case "rot13", "rot_13":
		if known {
			return m.decodedText(recv, decode.Rot13(s), false, "rot13", at)
		}
	case "unicode_escape", "unicode-escape", "string_escape":
		if known {
			return m.decodedText(recv, decode.Escapes(s), false, "escapes", at)
		}
	}
	if !known {
		return recv
	}
	switch {
	case c.name == "str.encode":
		v := rawStr(s)
		v.marks, v.built = recv.marks, recv.built
		return v
	default:
		if recv.raw && !utf8.ValidString(s) {
			s = latin1(s)
		}
		v := str(s).withMarks(recv.marks)
		v.built = recv.built
		return v
	}
}

func latin1(s string) string {
	r := make([]rune, 0, len(s))
	for i := range len(s) {
		r = append(r, rune(s[i]))
	}
	return string(r)
}

func pickText(v *value) string {
	if v == nil {
		return ""
	}
	return pick(v).known()
}
