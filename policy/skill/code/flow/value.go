package flow

import (
	"math"
	"strconv"
	"strings"
)

type kind uint8

const (
	kUnknown kind = iota
	kString
	kNum
	kBool
	kNull
	kList
	kObject
	kFunc
	kRef // something of a library, by its dotted name
	kAlt // one of several values
)

// Limits of values. What is over them is forgotten, and its marks stay.
const (
	maxAlts   = 6
	maxItems  = 16 << 10
	maxFields = 4 << 10
	maxParts  = 64
	maxText   = 1 << 20
)

// value is what the machine knows about a value of the program. Values are not
// changed once made, but for the items of a list and the fields of an object.
type value struct {
	kind  kind
	parts []part // kString
	num   float64
	items []*value
	obj   *object
	fn    *closure
	ref   string
	recv  *value // of a method: what it was taken from
	alts  []*value
	marks []*mark
	// raw says that a string is bytes: one element a byte.
	raw bool
	// built says that a constant was put together and not written down.
	built bool
}

// part of a string: text, or a hole that holds a value without known text.
type part struct {
	text string
	hole *value
}

type object struct {
	fields map[string]*value
	order  []string
	class  *class
	// any joins what was stored under names nobody knows.
	any *value
}

func unknown(marks ...*mark) *value { return &value{marks: joinMarks(nil, marks)} }

func str(s string) *value { return &value{kind: kString, parts: []part{{text: s}}} }

func rawStr(s string) *value { return &value{kind: kString, parts: []part{{text: s}}, raw: true} }

func num(n float64) *value { return &value{kind: kNum, num: n} }

func boolean(b bool) *value {
	v := &value{kind: kBool}
	if b {
		v.num = 1
	}
	return v
}

func null() *value { return &value{kind: kNull} }

func list(items ...*value) *value {
	return &value{kind: kList, items: items[:min(len(items), maxItems)]}
}

func ref(name string) *value { return &value{kind: kRef, ref: name} }

func newObject() *value {
	return &value{kind: kObject, obj: &object{fields: map[string]*value{}}}
}

func (o *object) set(name string, v *value) {
	if _, ok := o.fields[name]; !ok {
		if len(o.order) >= maxFields {
			o.any = join(o.any, v)
			return
		}
		o.order = append(o.order, name)
	}
	o.fields[name] = v
}

// text is the string's content where all of it is known.
func (v *value) text() (string, bool) {
	if v == nil {
		return "", false
	}
	switch v.kind {
	case kString:
		if len(v.parts) == 1 && v.parts[0].hole == nil {
			return v.parts[0].text, true
		}
		var b strings.Builder
		for _, p := range v.parts {
			if p.hole != nil {
				return "", false
			}
			b.WriteString(p.text)
		}
		return b.String(), true
	case kNum:
		return formatNum(v.num), true
	case kBool:
		if v.num != 0 {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

func formatNum(n float64) string {
	if n == math.Trunc(n) && math.Abs(n) < 1e15 {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatFloat(n, 'g', -1, 64)
}

// known is the text, or "".
func (v *value) known() string {
	s, _ := v.text()
	return s
}

// shape is the text with * for what is not known; it is for matching and for
// showing.
func (v *value) shape() string {
	if v == nil {
		return "*"
	}
	switch v.kind {
	case kString:
		var b strings.Builder
		for _, p := range v.parts {
			if p.hole != nil {
				b.WriteString("*")
			} else {
				b.WriteString(p.text)
			}
		}
		return b.String()
	case kNum, kBool:
		return v.known()
	}
	return "*"
}

// each calls f with the alternatives of v, or with v.
func (v *value) each(f func(*value)) {
	if v == nil {
		return
	}
	if v.kind == kAlt {
		for _, a := range v.alts {
			f(a.withMarks(v.marks))
		}
		return
	}
	f(v)
}

// withMarks is v with more marks.
func (v *value) withMarks(marks []*mark) *value {
	if len(marks) == 0 {
		return v
	}
	if v == nil {
		return unknown(marks...)
	}
	c := *v
	c.marks = joinMarks(v.marks, marks)
	return &c
}

// join is one of two values.
func join(a, b *value) *value {
	if a == nil || a == b {
		return b
	}
	if b == nil {
		return a
	}
	var alts []*value
	add := func(v *value) {
		for i, w := range alts {
			if same(v, w) {
				alts[i] = w.withMarks(v.marks)
				return
			}
		}
		if len(alts) < maxAlts {
			alts = append(alts, v)
			return
		}
		alts[maxAlts-1] = unknown(joinMarks(allMarks(alts[maxAlts-1]), allMarks(v))...)
	}
	a.each(add)
	b.each(add)
	if len(alts) == 1 {
		return alts[0]
	}
	return &value{kind: kAlt, alts: alts}
}

func same(a, b *value) bool {
	if a == b {
		return true
	}
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case kString:
		s, ok1 := a.text()
		t, ok2 := b.text()
		return ok1 && ok2 && s == t && a.raw == b.raw
	case kNum, kBool:
		return a.num == b.num
	case kNull, kUnknown:
		return true
	case kObject:
		return a.obj == b.obj
	case kFunc:
		return a.fn == b.fn
	case kRef:
		return a.ref == b.ref && a.recv == b.recv
	}
	return false
}

// concat joins strings; what is no string becomes a hole.
func concat(list ...*value) *value {
	out := &value{kind: kString, built: len(list) > 1}
	size := 0
	var text strings.Builder // what stands since the last hole
	flush := func() {
		if text.Len() > 0 {
			out.push(part{text: text.String()})
			text.Reset()
		}
	}
	for _, v := range list {
		if v == nil {
			continue
		}
		out.raw = out.raw || v.raw
		if v.kind == kAlt {
			v = pick(v)
		}
		parts := []part{{hole: v}}
		if s, ok := v.text(); ok {
			parts = []part{{text: s}}
			out.marks = joinMarks(out.marks, v.marks)
		} else if v.kind == kString {
			parts = v.parts
			out.marks = joinMarks(out.marks, v.marks)
		}
		for _, p := range parts {
			size += len(p.text)
			if p.hole == nil {
				text.WriteString(p.text)
				continue
			}
			flush()
			out.push(p)
		}
		if size > maxText {
			return unknown(allMarks(out)...)
		}
	}
	flush()
	if len(out.parts) == 0 {
		out.parts = []part{{}}
	}
	return out
}

func (v *value) push(p part) {
	n := len(v.parts)
	if n > 0 && p.hole == nil && v.parts[n-1].hole == nil {
		v.parts[n-1].text += p.text
		return
	}
	if n >= maxParts {
		return
	}
	v.parts = append(v.parts, p)
}

// pick chooses the alternative that says most: a known text before others.
func pick(v *value) *value {
	if v == nil || v.kind != kAlt {
		return v
	}
	best := v.alts[0]
	for _, a := range v.alts {
		if s, ok := a.text(); ok && (best.known() == "" || len(s) > len(best.known())) {
			best = a
		} else if best.kind == kUnknown || best.kind == kNull {
			best = a
		}
	}
	return best.withMarks(allMarks(v))
}

// truth is what an if makes of v, where that is known.
func (v *value) truth() (bool, bool) {
	if v == nil {
		return false, false
	}
	switch v.kind {
	case kBool, kNum:
		return v.num != 0, true
	case kNull:
		return false, true
	case kString:
		s, ok := v.text()
		return s != "", ok
	}
	return false, false
}

func (v *value) number() (float64, bool) {
	if v == nil {
		return 0, false
	}
	switch v.kind {
	case kNum, kBool:
		return v.num, true
	case kString:
		s, ok := v.text()
		if !ok {
			return 0, false
		}
		s = strings.TrimSpace(s)
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return n, true
		}
		n, err := strconv.ParseInt(s, 0, 64)
		return float64(n), err == nil
	}
	return 0, false
}

// elements are the members of a list or the characters of a known string.
func (v *value) elements() ([]*value, bool) {
	switch {
	case v == nil:
		return nil, false
	case v.kind == kList:
		out := v.items
		if len(v.marks) > 0 {
			out = make([]*value, len(v.items))
			for i, x := range v.items {
				out[i] = x.withMarks(v.marks)
			}
		}
		return out, true
	case v.kind == kString:
		s, ok := v.text()
		if !ok || len(s) > maxItems {
			return nil, false
		}
		var out []*value
		if v.raw {
			for i := range len(s) {
				out = append(out, num(float64(s[i])).withMarks(v.marks))
			}
			return out, true
		}
		for _, r := range s {
			out = append(out, str(string(r)).withMarks(v.marks))
		}
		return out, true
	case v.kind == kObject:
		var out []*value
		for _, k := range v.obj.order {
			out = append(out, str(k).withMarks(v.marks))
		}
		return out, len(out) > 0
	}
	return nil, false
}
