package flow

import (
	"math"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// binaryExpr evaluates a chain of operators in a loop: it nests to the left as
// deep as somebody likes.
func (m *machine) binaryExpr(f *frame, e *ir.Expr) *value {
	var spine []*ir.Expr
	x := e
	for ; x != nil && x.Op == ir.Binary && len(spine) < ir.MaxNodes; x = x.X {
		spine = append(spine, x)
	}
	v := m.eval(f, x)
	var texts []*value
	flush := func() {
		if len(texts) > 1 {
			v = concat(texts...)
		}
		texts = nil
	}
	for i := len(spine) - 1; i >= 0; i-- {
		if m.stopped {
			return unknown()
		}
		b := spine[i]
		r := m.eval(f, b.Y)
		// A run of additions to a string is joined once.
		if b.Text == "+" && (len(texts) > 0 || v.kind == kString && v.kind != kAlt) && (r.kind == kString || r.kind == kUnknown || f.unit.Lang != skill.Python && r.kind == kNum) {
			if len(texts) == 0 {
				texts = append(texts, v)
			}
			texts = append(texts, r)
			continue
		}
		flush()
		m.compared(f, b, v, r)
		v = m.binary(f, b.Text, v, r)
	}
	flush()
	return v
}

func (m *machine) binary(f *frame, op string, a, b *value) *value {
	switch op {
	case "+":
		return m.plus(f, a, b)
	case "and", "or", "&&", "||", "??":
		return logical(f, op, a, b)
	case "==", "===", "!=", "!==", "<", ">", "<=", ">=", "is", "is not", "in", "not in", "instanceof", "<>":
		return compare(op, a, b)
	case "%":
		if s, ok := pick(a).text(); ok && pick(a).kind == kString {
			return percent(s, pick(a), b)
		}
	case "/":
		if f.unit.Lang == skill.Python && (pick(a).kind == kString || pick(b).kind == kString) {
			return concat(trimSlash(pick(a)), str("/"), pick(b))
		}
	case "*":
		if v := times(pick(a), pick(b)); v != nil {
			return v
		}
	case "|":
		if a, b := pick(a), pick(b); a.kind == kObject && b.kind == kObject {
			d := newObject()
			m.spreadInto(d, a)
			m.spreadInto(d, b)
			return d
		}
	}
	x, ok1 := pick(a).number()
	y, ok2 := pick(b).number()
	marks := joinMarks(allMarks(a), allMarks(b))
	if ok1 && ok2 {
		if n, ok := arithmetic(f, op, x, y); ok {
			return num(n).withMarks(marks)
		}
	}
	return unknown(marks...)
}

func trimSlash(v *value) *value {
	if s, ok := v.text(); ok && strings.HasSuffix(s, "/") {
		return str(strings.TrimRight(s, "/")).withMarks(v.marks)
	}
	return v
}

func (m *machine) plus(f *frame, a, b *value) *value {
	a, b = pick(a), pick(b)
	if a.kind == kList && b.kind == kList && f.unit.Lang == skill.Python {
		return list(append(append([]*value{}, a.items...), b.items...)...).withMarks(joinMarks(a.marks, b.marks))
	}
	if a.kind == kList && b.kind != kString && f.unit.Lang == skill.Python {
		return list(append(append([]*value{}, a.items...), m.element(b))...)
	}
	x, ok1 := a.number()
	y, ok2 := b.number()
	if ok1 && ok2 && a.kind != kString && b.kind != kString {
		return num(x + y).withMarks(joinMarks(a.marks, b.marks))
	}
	if a.kind == kString || b.kind == kString || f.unit.Lang == skill.Shell {
		return concat(a, b)
	}
	if f.unit.Lang != skill.Python {
		s, ok1 := scriptString(a, 0)
		t, ok2 := scriptString(b, 0)
		if ok1 && ok2 {
			return concat(str(s), str(t)).withMarks(joinMarks(a.marks, b.marks))
		}
	}
	return unknown(joinMarks(allMarks(a), allMarks(b))...)
}

// scriptString is what JavaScript makes of a value in string context.
func scriptString(v *value, depth int) (string, bool) {
	if depth > 8 {
		return "", false
	}
	switch v.kind {
	case kList:
		var parts []string
		for _, x := range v.items {
			s, ok := scriptString(x, depth+1)
			if !ok {
				return "", false
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, ","), true
	case kNull:
		return "undefined", true
	}
	return v.text()
}

func logical(f *frame, op string, a, b *value) *value {
	if t, known := a.truth(); known && f.loop > 0 {
		switch {
		case op == "and" || op == "&&":
			if !t {
				return a
			}
			return b
		case t:
			return a
		default:
			return b
		}
	}
	if a.kind == kNull && op != "and" && op != "&&" {
		return b
	}
	return join(a, b)
}

func compare(op string, a, b *value) *value {
	s, ok1 := a.text()
	t, ok2 := b.text()
	if !ok1 || !ok2 {
		return unknown()
	}
	x, n1 := a.number()
	y, n2 := b.number()
	numeric := n1 && n2 && (a.kind != kString || b.kind != kString)
	c := strings.Compare(s, t)
	if numeric {
		c = int(math.Copysign(1, x-y))
		if x == y {
			c = 0
		}
	}
	switch op {
	case "==", "===", "is":
		return boolean(c == 0)
	case "!=", "!==", "is not", "<>":
		return boolean(c != 0)
	case "<":
		return boolean(c < 0)
	case ">":
		return boolean(c > 0)
	case "<=":
		return boolean(c <= 0)
	case ">=":
		return boolean(c >= 0)
	case "in":
		if a.kind == kString && b.kind == kString {
			return boolean(strings.Contains(t, s))
		}
	}
	return unknown()
}

func arithmetic(f *frame, op string, x, y float64) (float64, bool) {
	script := f.unit.Lang != skill.Python
	switch op {
	case "-":
		return x - y, true
	case "*":
		return x * y, true
	case "/":
		return x / y, y != 0
	case "//":
		return math.Floor(x / y), y != 0
	case "%":
		if y == 0 {
			return 0, false
		}
		r := math.Mod(x, y)
		if !script && r != 0 && (r < 0) != (y < 0) {
			r += y
		}
		return r, true
	case "**":
		return math.Pow(x, y), true
	}
	if math.Abs(x) > 1<<53 || math.Abs(y) > 1<<53 {
		return 0, false
	}
	i, j := int64(x), int64(y)
	if script {
		i, j = int64(int32(i)), int64(int32(j))
	}
	var n int64
	switch op {
	case "&":
		n = i & j
	case "|":
		n = i | j
	case "^":
		n = i ^ j
	case "<<":
		n = i << (uint64(j) & 31)
	case ">>":
		n = i >> (uint64(j) & 63)
	case ">>>":
		n = int64(uint32(i) >> (uint64(j) & 31))
		return float64(n), true
	default:
		return 0, false
	}
	if script {
		n = int64(int32(n))
	}
	return float64(n), true
}

// times repeats a string or a list.
func times(a, b *value) *value {
	if b.kind == kString || b.kind == kList {
		a, b = b, a
	}
	n, ok := b.number()
	if !ok || n < 0 || b.kind == kString {
		return nil
	}
	if s, known := a.text(); known && a.kind == kString {
		if len(s)*int(n) > maxText {
			return unknown(a.marks...)
		}
		out := str(strings.Repeat(s, int(n))).withMarks(a.marks)
		out.raw = a.raw
		return out
	}
	if a.kind == kList && len(a.items)*int(n) <= maxItems {
		out := list()
		for range int(n) {
			out.items = append(out.items, a.items...)
		}
		return out
	}
	return nil
}

// percent is Python's string formatting with %.
func percent(format string, v, args *value) *value {
	list := []*value{args}
	if args.kind == kList {
		list = args.items
	}
	var parts []*value
	rest := format
	for {
		i := strings.IndexByte(rest, '%')
		if i < 0 || i+1 == len(rest) {
			break
		}
		parts = append(parts, str(rest[:i]))
		rest = rest[i+1:]
		if rest[0] == '%' {
			parts = append(parts, str("%"))
			rest = rest[1:]
			continue
		}
		if rest[0] == '(' {
			if n := strings.IndexByte(rest, ')'); n > 0 {
				key := rest[1:n]
				rest = rest[n+1:]
				if args.kind == kObject && args.obj.fields[key] != nil {
					parts = append(parts, args.obj.fields[key])
				} else {
					parts = append(parts, unknown(allMarks(args)...))
				}
			}
		} else if len(list) > 0 {
			parts = append(parts, list[0])
			list = list[1:]
		} else {
			parts = append(parts, unknown(allMarks(args)...))
		}
		end := strings.IndexAny(rest, "sdrixXfgeacuo")
		if end < 0 {
			break
		}
		rest = rest[end+1:]
	}
	parts = append(parts, str(rest))
	return concat(parts...).withMarks(v.marks)
}

func (m *machine) unary(f *frame, e *ir.Expr) *value {
	switch e.Text {
	case "++", "--", "post++", "post--":
		old := m.eval(f, e.X)
		v := m.binary(f, e.Text[len(e.Text)-1:], numeric(old), num(1))
		m.assign(f, e.X, v, false)
		if strings.HasPrefix(e.Text, "post") {
			return old
		}
		return v
	}
	v := m.eval(f, e.X)
	p := pick(v)
	switch e.Text {
	case "!", "not":
		if p.kind == kList || p.kind == kObject {
			return boolean(f.unit.Lang == skill.Python && len(p.items) == 0 && p.kind == kList)
		}
		if t, known := v.truth(); known {
			return boolean(!t)
		}
		return unknown()
	case "-", "+", "~":
		n, ok := p.number()
		if p.kind == kList && len(p.items) == 0 {
			n, ok = 0, true
		}
		if !ok {
			return unknown(allMarks(v)...)
		}
		switch e.Text {
		case "-":
			n = -n
		case "~":
			n = float64(^int64(n))
		}
		return num(n).withMarks(v.marks)
	case "void", "delete":
		return null()
	case "typeof":
		return unknown()
	}
	return unknown()
}

func numeric(v *value) *value {
	if n, ok := pick(v).number(); ok {
		return num(n)
	}
	return unknown()
}
