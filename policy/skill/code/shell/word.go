package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"clawjail/policy/skill/code/ir"
)

const maxBraces = 64

// words lowers a word and expands its braces.
func (l *lowering) words(w *syntax.Word) []*ir.Expr {
	if !strings.Contains(literals(w), ",") || strings.Count(literals(w), "{") > 3 {
		return []*ir.Expr{l.word(w)}
	}
	if !syntax.SplitBraces(w) {
		return []*ir.Expr{l.word(w)}
	}
	for _, p := range w.Parts {
		if b, ok := p.(*syntax.BraceExp); ok && (b.Sequence || nestedBrace(b)) {
			return []*ir.Expr{l.word(w)}
		}
	}
	var out []*ir.Expr
	for e, err := range expand.BracesSeq(nil, w) {
		if err != nil || len(out) == maxBraces {
			break
		}
		x := l.word(e)
		x.Text = "braces"
		out = append(out, x)
	}
	return out
}

func nestedBrace(b *syntax.BraceExp) bool {
	for _, e := range b.Elems {
		for _, p := range e.Parts {
			if _, ok := p.(*syntax.BraceExp); ok {
				return true
			}
		}
	}
	return false
}

// literals are the unquoted letters of a word.
func literals(w *syntax.Word) string {
	var b strings.Builder
	for _, p := range w.Parts {
		if lit, ok := p.(*syntax.Lit); ok {
			b.WriteString(lit.Value)
		}
	}
	return b.String()
}

// word lowers a word to its parts.
func (l *lowering) word(w *syntax.Word) *ir.Expr {
	e := l.node(&ir.Expr{Op: ir.Word, Pos: l.pos(w.Pos()), Text: trick(w)})
	if !l.enter() {
		return e
	}
	defer l.leave()
	for _, p := range w.Parts {
		e.Args = append(e.Args, l.part(p, false)...)
	}
	return e
}

// trick names what hides the word from a reader, or is "".
func trick(w *syntax.Word) string {
	for i, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.SglQuoted:
			if p.Dollar && strings.Contains(p.Value, `\x`) || p.Dollar && strings.Contains(p.Value, `\1`) {
				return "letters as escapes"
			}
			if p.Value == "" && between(w, i) {
				return "empty quotes"
			}
		case *syntax.DblQuoted:
			if len(p.Parts) == 0 && between(w, i) {
				return "empty quotes"
			}
		case *syntax.ParamExp:
			if p.Param != nil && p.Param.Value == "IFS" && len(w.Parts) > 1 {
				return "${IFS}"
			}
			if p.Param != nil && (p.Param.Value == "@" || p.Param.Value == "*") && p.Short && between(w, i) {
				return "empty expansion"
			}
		case *syntax.Lit:
			if escapedLetters(p.Value) >= 2 {
				return "escaped letters"
			}
		}
	}
	return ""
}

// between says that unquoted letters stand on both sides of part i.
func between(w *syntax.Word, i int) bool {
	if i == 0 || i+1 == len(w.Parts) {
		return false
	}
	a, ok1 := w.Parts[i-1].(*syntax.Lit)
	b, ok2 := w.Parts[i+1].(*syntax.Lit)
	return ok1 && ok2 && a.Value != "" && b.Value != "" && isLetter(a.Value[len(a.Value)-1]) && isLetter(b.Value[0])
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// escapedLetters counts letters with a needless backslash inside of the word.
func escapedLetters(s string) int {
	n := 0
	for i := 1; i+1 < len(s); i++ {
		if s[i] == '\\' && isLetter(s[i+1]) && isLetter(s[i-1]) {
			n++
		}
		if s[i] == '\\' {
			i++
		}
	}
	return n
}

func (l *lowering) part(p syntax.WordPart, quoted bool) []*ir.Expr {
	pos := l.pos(p.Pos())
	str := func(s string) []*ir.Expr {
		return []*ir.Expr{l.node(&ir.Expr{Op: ir.Str, Pos: pos, Text: s})}
	}
	switch p := p.(type) {
	case *syntax.Lit:
		return str(unescape(p.Value, quoted))
	case *syntax.SglQuoted:
		if p.Dollar {
			s, _, _ := expand.Format(nil, p.Value, nil)
			return str(s)
		}
		return str(p.Value)
	case *syntax.DblQuoted:
		var out []*ir.Expr
		if len(p.Parts) == 0 {
			return str("")
		}
		for _, q := range p.Parts {
			out = append(out, l.part(q, true)...)
		}
		return out
	case *syntax.ParamExp:
		return l.split(l.param(p, pos), quoted)
	case *syntax.CmdSubst:
		return l.split(l.subst(p.Stmts, pos), quoted)
	case *syntax.ProcSubst:
		return []*ir.Expr{l.node(&ir.Expr{Op: ir.Procs, Pos: pos, Body: l.stmts(p.Stmts), Text: p.Op.String()})}
	case *syntax.ExtGlob:
		return str("*")
	case *syntax.ArithmExp:
		return []*ir.Expr{l.arithm(p.X, pos)}
	}
	return []*ir.Expr{{Op: ir.Bad, Pos: pos}}
}

func (l *lowering) split(e *ir.Expr, quoted bool) []*ir.Expr {
	if quoted {
		return []*ir.Expr{e}
	}
	return []*ir.Expr{l.node(&ir.Expr{Op: ir.Split, Pos: e.Pos, X: e})}
}

// arithm keeps plain numbers.
func (l *lowering) arithm(x syntax.ArithmExpr, pos ir.Pos) *ir.Expr {
	if w, ok := x.(*syntax.Word); ok {
		if n, err := strconv.ParseInt(w.Lit(), 0, 64); err == nil {
			return &ir.Expr{Op: ir.Str, Pos: pos, Text: strconv.FormatInt(n, 10)}
		}
		return unsplit(l.word(w))
	}
	return &ir.Expr{Op: ir.Bad, Pos: pos}
}

// unescape takes the backslashes out of literal text.
func unescape(s string, quoted bool) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) || quoted && strings.IndexByte("$`\"\\\n", s[i+1]) < 0 {
			b.WriteByte(s[i])
			continue
		}
		i++
		if s[i] != '\n' {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// param lowers $x and ${x…}.
func (l *lowering) param(p *syntax.ParamExp, pos ir.Pos) *ir.Expr {
	name := ""
	if p.Param != nil {
		name = p.Param.Value
	}
	x := l.node(&ir.Expr{Op: ir.Ident, Pos: pos, Text: name})
	if !l.enter() {
		return x
	}
	defer l.leave()
	if w, ok := p.Index.(*syntax.Word); ok {
		x = l.node(&ir.Expr{Op: ir.Index, Pos: pos, X: x, Y: unsplit(l.word(w))})
	}
	switch {
	case p.Length:
		return &ir.Expr{Op: ir.Bad, Pos: pos}
	case p.Excl:
		return l.node(&ir.Expr{Op: ir.Slicing, Pos: pos, Text: "indirect", Args: []*ir.Expr{x}})
	case p.Slice != nil:
		e := l.node(&ir.Expr{Op: ir.Slicing, Pos: pos, Text: "slice", Args: []*ir.Expr{x}})
		for _, a := range []syntax.ArithmExpr{p.Slice.Offset, p.Slice.Length} {
			if a != nil {
				e.Args = append(e.Args, l.sliceBound(a, pos))
			}
		}
		return e
	case p.Repl != nil:
		e := l.node(&ir.Expr{Op: ir.Slicing, Pos: pos, Text: "replace", Args: []*ir.Expr{x}})
		for _, w := range []*syntax.Word{p.Repl.Orig, p.Repl.With} {
			if w != nil {
				e.Args = append(e.Args, unsplit(l.word(w)))
			}
		}
		return e
	case p.Exp != nil:
		return l.expansion(x, p.Exp, pos)
	}
	return x
}

func (l *lowering) sliceBound(a syntax.ArithmExpr, pos ir.Pos) *ir.Expr {
	switch a := a.(type) {
	case *syntax.UnaryArithm:
		if x := l.arithm(a.X, pos); x.Op == ir.Str && a.Op == syntax.Minus {
			x.Text = "-" + x.Text
			return x
		}
	case *syntax.ParenArithm:
		if l.enter() {
			defer l.leave()
			return l.sliceBound(a.X, pos)
		}
	}
	return l.arithm(a, pos)
}

func (l *lowering) expansion(x *ir.Expr, e *syntax.Expansion, pos ir.Pos) *ir.Expr {
	var w *ir.Expr
	if e.Word != nil {
		w = unsplit(l.word(e.Word))
	} else {
		w = &ir.Expr{Op: ir.Str, Pos: pos}
	}
	switch op := e.Op.String(); op {
	case "+", ":+": // the word, or nothing
		return l.node(&ir.Expr{Op: ir.Cond, Pos: pos, X: &ir.Expr{Op: ir.Bad, Pos: pos}, Y: w, Z: &ir.Expr{Op: ir.Str, Pos: pos}})
	case "-", ":-", "=", ":=":
		return l.node(&ir.Expr{Op: ir.Cond, Pos: pos, X: &ir.Expr{Op: ir.Bad, Pos: pos}, Y: x, Z: w})
	case "?", ":?":
		return x
	default:
		return l.node(&ir.Expr{Op: ir.Slicing, Pos: pos, Text: op, Args: []*ir.Expr{x, w}})
	}
}
