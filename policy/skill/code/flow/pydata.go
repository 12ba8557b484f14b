package flow

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/decode"
)

func pyChr(m *machine, f *frame, c *call) *value {
	n, ok := orUnknown(c.arg(0)).number()
	if !ok || n < 0 || n > 0x10ffff {
		return unknown(c.marks()...)
	}
	return builtText(string(rune(int(n))), c.arg(0).marks)
}

func pyOrd(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0))
	s, ok := pick(v).text()
	if !ok || s == "" {
		return unknown(c.marks()...)
	}
	for _, r := range s {
		return num(float64(r)).withMarks(v.marks)
	}
	return unknown()
}

func pyHex(m *machine, f *frame, c *call) *value {
	n, ok := orUnknown(c.arg(0)).number()
	if !ok {
		return unknown(encode(c.marks(), f.place(c.at), "encoded as hex")...)
	}
	return builtText("0x"+strconv.FormatInt(int64(n), 16), nil)
}

func pyReversed(m *machine, f *frame, c *call) *value {
	v := pick(orUnknown(c.arg(0)))
	items, ok := v.elements()
	if !ok {
		return unknown(allMarks(v)...)
	}
	out := list()
	for i := len(items) - 1; i >= 0; i-- {
		out.items = append(out.items, items[i])
	}
	return out
}

func pyReversedNone(m *machine, f *frame, c *call) *value {
	v := pick(orUnknown(c.arg(0)))
	total := 0.0
	items, ok := v.elements()
	for _, x := range items {
		n, known := x.number()
		ok = ok && known
		total += n
	}
	if !ok || len(items) == 0 {
		return unknown(mask(c.marks())...)
	}
	return num(total)
}

func pyRange(m *machine, f *frame, c *call) *value {
	var n [3]int
	for i, a := range c.args[:min(3, len(c.args))] {
		x, ok := a.number()
		if !ok {
			return unknown()
		}
		n[i] = int(x)
	}
	lo, hi, by := 0, n[0], 1
	if len(c.args) > 1 {
		lo, hi = n[0], n[1]
	}
	if len(c.args) > 2 {
		by = n[2]
	}
	if by == 0 || (hi-lo)/by > 4096 {
		return unknown()
	}
	out := list()
	for i := lo; by > 0 && i < hi || by < 0 && i > hi; i += by {
		out.items = append(out.items, num(float64(i)))
	}
	return out
}

func pyZip(m *machine, f *frame, c *call) *value {
	var cols [][]*value
	n := maxItems
	for _, a := range c.args {
		items, ok := m.iterate(a, false)
		if !ok {
			if a.kind == kRef && strings.HasPrefix(a.ref, "itertools.cycle") && a.recv != nil {
				items, ok = a.recv.elements()
			}
			if !ok || len(items) == 0 {
				return unknown(c.marks()...)
			}
			for len(items) < n && len(items) < 4096 {
				items = append(items, items...)
			}
		}
		cols = append(cols, items)
		n = min(n, len(items))
	}
	out := list()
	for i := range n {
		row := list()
		for _, col := range cols {
			row.items = append(row.items, col[i])
		}
		out.items = append(out.items, row)
	}
	return out
}

func pyEnumerate(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0))
	items, ok := m.iterate(v, false)
	if !ok {
		return list(list(unknown(), m.element(v)))
	}
	out := list()
	for i, x := range items {
		out.items = append(out.items, list(num(float64(i)), x))
	}
	return out
}

func pyList(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0))
	if items, ok := pick(v).elements(); ok {
		return list(append([]*value{}, items...)...)
	}
	if c.arg(0) == nil {
		return list()
	}
	return v
}

// pyBytes makes bytes of a list of numbers or of a text.
func pyBytes(m *machine, f *frame, c *call) *value {
	v := pick(orUnknown(c.arg(0)))
	if v.kind != kList {
		if s, ok := v.text(); ok && v.kind == kString {
			w := rawStr(s)
			w.marks, w.built = v.marks, v.built
			return w
		}
		return unknown(c.marks()...)
	}
	var b strings.Builder
	marks := v.marks
	for _, x := range v.items {
		n, ok := x.number()
		if !ok {
			return unknown(c.marks()...)
		}
		marks = joinMarks(marks, x.marks)
		b.WriteByte(byte(int(n)))
	}
	w := rawStr(b.String())
	w.marks, w.built = marks, true
	return w
}

func pyInt(m *machine, f *frame, c *call) *value {
	s, ok := pick(orUnknown(c.arg(0))).text()
	if !ok {
		return unknown(c.marks()...)
	}
	base := 10
	if b, ok := c.arg(1, "base").number(); ok && b >= 0 && b <= 36 && b != 1 {
		base = int(b)
	}
	s = strings.TrimSpace(s)
	if base == 16 {
		s = strings.TrimPrefix(s, "0x")
	}
	if base == 2 {
		s = strings.TrimPrefix(s, "0b")
	}
	n, err := strconv.ParseInt(s, base, 64)
	if err != nil {
		x, ok := pick(c.arg(0)).number()
		if !ok {
			return unknown(c.marks()...)
		}
		return num(float64(int64(x)))
	}
	return num(float64(n)).withMarks(c.marks())
}

func pyCodecs(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0))
	how := strings.ToLower(strings.ReplaceAll(pickText(c.arg(1, "encoding")), "_", "-"))
	encodesIt := c.name == "codecs.encode"
	switch how {
	case "rot13", "rot-13":
		return m.decodeWith(f, c.at, v, "rot13", false, func(s string) (string, bool) { return decode.Rot13(s), true })
	case "base64", "base64-codec":
		if encodesIt {
			return unknown(encode(allMarks(v), f.place(c.at), "encoded as base64")...)
		}
		return m.decodeWith(f, c.at, v, "base64", true, decode.Base64)
	case "hex", "hex-codec":
		if encodesIt {
			return unknown(encode(allMarks(v), f.place(c.at), "encoded as hex")...)
		}
		return m.decodeWith(f, c.at, v, "hex", true, decode.Hex)
	case "zlib", "zip", "zlib-codec":
		return m.decodeWith(f, c.at, v, "zlib", true, decode.Inflate)
	case "unicode-escape":
		return m.decodeWith(f, c.at, v, "escapes", false, func(s string) (string, bool) { return decode.Escapes(s), true })
	}
	return v
}

func pathJoin(m *machine, f *frame, c *call) *value {
	var parts []*value
	for i, a := range c.args {
		a = pick(a)
		s, ok := a.text()
		if ok && (strings.HasPrefix(s, "/") || strings.HasPrefix(s, "~")) && f.unit.Lang == skill.Python {
			parts = nil // an absolute part starts anew
		}
		if len(parts) > 0 && i > 0 {
			parts = append(parts, str("/"))
		}
		parts = append(parts, a)
	}
	v := concat(parts...)
	v.built = false
	return v
}

func pathDir(m *machine, f *frame, c *call) *value {
	if s, ok := pick(orUnknown(c.arg(0))).text(); ok {
		return str(path.Dir(s))
	}
	return pass(m, f, c)
}

func pathBase(m *machine, f *frame, c *call) *value {
	if s, ok := pick(orUnknown(c.arg(0))).text(); ok {
		return str(path.Base(s))
	}
	return unknown(mask(c.marks())...)
}

// pathExpand puts the home directory, or variables, into a path.
func pathExpand(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0))
	if s, ok := pick(v).text(); ok {
		for _, h := range []string{"$HOME", "${HOME}", "%USERPROFILE%"} {
			s = strings.ReplaceAll(s, h, "~")
		}
		return str(s).withMarks(v.marks)
	}
	return v
}

// flags note what a unit did, where two things together mean something.
func (s *store) flag(f *frame, what string) { s.made[flagKey(f, what)] = event{f: f} }

func (s *store) flagged(f *frame, what string) bool {
	_, ok := s.made[flagKey(f, what)]
	return ok
}

func flagKey(f *frame, what string) string { return fmt.Sprintf("\x00%s\x00%s", f.unit.File, what) }

func pyLen(m *machine, f *frame, c *call) *value {
	v := pick(orUnknown(c.arg(0)))
	if items, ok := v.elements(); ok && v.kind != kObject {
		return num(float64(len(items)))
	}
	return masked(m, f, c)
}
