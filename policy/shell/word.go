package shell

import (
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// unknown stands in a word's text for what is only known when it runs. No word of
// a shell has a NUL byte.
const unknown = "\x00"

// maxBraces bounds the words that braces make of one.
const maxBraces = 64

// word is one word of a simple command, as far as it can be read.
type word struct {
	text   string // unknown where it cannot
	source string // as it stands there
	at     [2]int // in the whole command
	glob   bool   // has an unquoted * ? or [
	whole  bool   // is one literal without quoting tricks: offsets within it are exact
	inner  int    // where the literal begins, if whole
}

func (w word) known() bool { return !strings.Contains(w.text, unknown) }

// words gives what the words of a command are.
func (w *walker) words(list []*syntax.Word) []word {
	var out []word
	for _, x := range list {
		out = append(out, w.word(x)...)
	}
	return out
}

// word reads one word; braces can make several of it.
func (w *walker) word(x *syntax.Word) []word {
	at := [2]int{w.text.at(int(x.Pos().Offset())), w.text.at(int(x.End().Offset()))}
	base := word{at: at, source: w.text.text[min(int(x.Pos().Offset()), len(w.text.text)):min(int(x.End().Offset()), len(w.text.text))]}
	if len(x.Parts) == 1 {
		base.whole, base.inner = exact(x.Parts[0])
		base.inner = w.text.at(base.inner)
	}
	split := &syntax.Word{Parts: x.Parts}
	braces := syntax.SplitBraces(split)
	texts, globs := w.parts(split.Parts, false, true)
	var out []word
	for i, t := range texts {
		n := base
		n.text, n.glob = t, globs
		if braces || i > 0 {
			n.whole = false
		}
		out = append(out, n)
	}
	return out
}

// exact says whether bytes of the part's value are the bytes of the source, and
// where they begin.
func exact(p syntax.WordPart) (bool, int) {
	switch p := p.(type) {
	case *syntax.Lit:
		return !strings.Contains(p.Value, `\`), int(p.Pos().Offset())
	case *syntax.SglQuoted:
		return !p.Dollar, int(p.Pos().Offset()) + 1
	case *syntax.DblQuoted:
		if len(p.Parts) == 1 {
			if l, ok := p.Parts[0].(*syntax.Lit); ok {
				return !strings.Contains(l.Value, `\`), int(l.Pos().Offset())
			}
		}
	}
	return false, 0
}

// parts reads the parts of a word: every text that braces make of it.
func (w *walker) parts(list []syntax.WordPart, quoted, first bool) (texts []string, glob bool) {
	texts = []string{""}
	for i, p := range list {
		var more []string
		g := false
		if b, ok := p.(*syntax.BraceExp); ok {
			more, g = w.braces(b)
		} else {
			var t string
			t, g = w.part(p, quoted, first && i == 0)
			more = []string{t}
		}
		glob = glob || g
		if len(texts)*len(more) > maxBraces {
			return []string{unknown}, true
		}
		next := make([]string, 0, len(texts)*len(more))
		for _, a := range texts {
			for _, b := range more {
				next = append(next, a+b)
			}
		}
		texts = next
	}
	return texts, glob
}

func (w *walker) braces(b *syntax.BraceExp) (texts []string, glob bool) {
	if b.Sequence {
		return []string{unknown}, false
	}
	for _, e := range b.Elems {
		t, g := w.parts(e.Parts, false, false)
		texts, glob = append(texts, t...), glob || g
		if len(texts) > maxBraces {
			return []string{unknown}, true
		}
	}
	return texts, glob
}

// part reads one part of a word.
func (w *walker) part(p syntax.WordPart, quoted, first bool) (text string, glob bool) {
	switch p := p.(type) {
	case *syntax.Lit:
		text, glob = literal(p.Value, quoted)
		return text, glob
	case *syntax.SglQuoted:
		if p.Dollar {
			s, _, err := expand.Format(nil, p.Value, nil)
			if err != nil {
				return unknown, false
			}
			return strings.ReplaceAll(s, "\x00", ""), false
		}
		return p.Value, false
	case *syntax.DblQuoted:
		texts, _ := w.parts(p.Parts, true, first)
		return texts[0], false
	case *syntax.ParamExp:
		return w.param(p), false
	case *syntax.ExtGlob:
		return unknown, true
	}
	return unknown, false // substitutions and arithmetic
}

// param knows a variable that is a constant, and those that stand for places.
func (w *walker) param(p *syntax.ParamExp) string {
	plain := p.Param != nil && !p.Excl && !p.Length && !p.Width && !p.IsSet && p.Index == nil &&
		p.Slice == nil && p.Repl == nil && p.Exp == nil && p.NestedParam == nil && len(p.Modifiers) == 0
	if !plain {
		return unknown
	}
	if v, ok := w.vars[p.Param.Value]; ok && int(p.Pos().Offset()) > v.from {
		return v.text
	}
	switch p.Param.Value {
	case "HOME":
		return "~"
	case "PWD":
		return "."
	}
	return unknown
}

// literal takes the backslashes out of a literal and says whether a pattern is in
// what was not quoted by one.
func literal(s string, quoted bool) (text string, glob bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (!quoted || strings.IndexByte("$`\"\\\n", s[i+1]) >= 0) {
			if i++; s[i] != '\n' {
				b.WriteByte(s[i])
			}
			continue
		}
		glob = glob || !quoted && strings.IndexByte("*?[", s[i]) >= 0
		b.WriteByte(s[i])
	}
	return b.String(), glob
}

// constant is a variable that has one value from a place on.
type constant struct {
	text string
	from int
}

// constants are the variables that one statement at the top sets, to a literal,
// and that nothing else can set.
func constants(f *syntax.File) map[string]constant {
	if setsNames(f) {
		return nil
	}
	seen := map[string]int{}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Assign:
			if n.Name != nil {
				seen[n.Name.Value]++
			}
		case *syntax.WordIter:
			seen[n.Name.Value] += 2
		case *syntax.ParamExp:
			if n.Param != nil && n.Exp != nil {
				seen[n.Param.Value] += 2 // ${x:=y} sets it
			}
		}
		return true
	})
	out := map[string]constant{}
	reader := &walker{text: scriptText{at: func(n int) int { return n }}}
	for _, s := range f.Stmts {
		call, ok := s.Cmd.(*syntax.CallExpr)
		if !ok || len(call.Args) > 0 || s.Negated || s.Background {
			continue
		}
		for _, a := range call.Assigns {
			if a.Name == nil || a.Append || a.Naked || a.Index != nil || a.Array != nil || seen[a.Name.Value] != 1 {
				continue
			}
			text := ""
			if a.Value != nil {
				texts, _ := reader.parts(a.Value.Parts, true, true)
				text = unescaped(a.Value, texts[0])
			}
			if !strings.Contains(text, unknown) {
				out[a.Name.Value] = constant{text, int(a.End().Offset())}
			}
		}
	}
	return out
}

// unescaped reads the value of an assignment, which is not split: its literals
// lose their backslashes all the same.
func unescaped(w *syntax.Word, text string) string {
	if len(w.Parts) == 1 {
		if l, ok := w.Parts[0].(*syntax.Lit); ok {
			t, _ := literal(l.Value, false)
			return t
		}
	}
	return text
}

// setsNames reports whether something in the text can set any variable by name.
func setsNames(f *syntax.File) bool {
	found := false
	reader := &walker{text: scriptText{at: func(n int) int { return n }}}
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				texts, _ := reader.parts(n.Args[0].Parts, false, true)
				switch texts[0] {
				case "read", "printf", "mapfile", "readarray", "getopts", "unset", "eval", "source", ".", "command", "builtin":
					found = true
				}
			}
		case *syntax.ArithmCmd, *syntax.LetClause, *syntax.ArithmExp, *syntax.CStyleLoop, *syntax.CoprocClause, *syntax.DeclClause:
			found = true
		}
		return !found
	})
	return found
}

// functions are the names that the text itself defines.
func functions(f *syntax.File) map[string]bool {
	out := map[string]bool{}
	syntax.Walk(f, func(n syntax.Node) bool {
		if d, ok := n.(*syntax.FuncDecl); ok && d.Name != nil {
			out[d.Name.Value] = true
		}
		return true
	})
	return out
}
