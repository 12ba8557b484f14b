package shell

import (
	"errors"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"clawjail/policy/skill/code/ir"
)

// MaxBytes bounds the text of one script.
const MaxBytes = 512 << 10

// maxNesting bounds brackets, keywords and operators before parsing. The
// parser's frames for a level are some kilobytes.
const maxNesting = 2000

type lowering struct {
	file  *ir.File
	base  uint // lines before the text that is parsed
	depth int
	nodes int
}

// Parse reads a script. It always answers with a file; what did not parse is in
// its Problems.
func Parse(text string) *ir.File {
	file := &ir.File{}
	if len(text) > MaxBytes {
		file.Report(ir.Problem{Pos: ir.Pos{Line: 1, Col: 1}, Message: "text too long", Limit: true})
		text = text[:MaxBytes]
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\x00", "")
	l := &lowering{file: file}
	for n := 0; text != "" && n < ir.MaxProblems; n++ {
		if nests(text) {
			file.Report(ir.Problem{Pos: ir.Pos{Line: int32(l.base) + 1, Col: 1}, Message: "nested too deep", Limit: true})
			break
		}
		line, err := l.parse(text)
		if err == "" {
			break
		}
		if strings.Contains(err, "arithmetic") && strings.Contains(text, "((") {
			text = skipLines(text, l, line-1)
			text = strings.Replace(text, "((", "( (", 1) // two subshells
			continue
		}
		file.Report(ir.Problem{Pos: ir.Pos{Line: int32(l.base+line) + 0, Col: 1}, Message: err})
		text = skipLines(text, l, line)
	}
	return file
}

// skipLines drops the first n lines.
func skipLines(text string, l *lowering, n uint) string {
	for ; n > 0 && text != ""; n-- {
		_, text, _ = strings.Cut(text, "\n")
		l.base++
	}
	return text
}

// parse lowers the statements of text up to its first error, whose line within
// text and message it returns.
//
// The parser panics on some texts that are no shell; that is an error like any
// other, because the rest of the text must still be read.
func (l *lowering) parse(text string) (line uint, problem string) {
	last := uint(1)
	defer func() {
		if p := recover(); p != nil {
			line, problem = last, "the parser broke off"
		}
	}()
	p := syntax.NewParser(syntax.Variant(syntax.LangBash))
	for s, err := range p.StmtsSeq(strings.NewReader(text)) {
		if err != nil {
			var pe syntax.ParseError
			if errors.As(err, &pe) {
				return max(pe.Pos.Line(), 1), pe.Text
			}
			var le syntax.LangError
			if errors.As(err, &le) {
				return max(le.Pos.Line(), 1), "syntax of another shell"
			}
			return 1, "cannot be read as shell"
		}
		last = max(last, s.Pos().Line())
		l.file.Body = append(l.file.Body, l.stmt(s)...)
		if l.nodes > ir.MaxNodes {
			return 0, "too many expressions"
		}
	}
	return 0, ""
}

// nests says that some construct may be nested too deep to parse. It counts
// without understanding: honest scripts stay far below.
func nests(text string) bool {
	depth, pipes, unary, worst := 0, 0, 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '(', '{', '[', '`':
			depth++
		case ')', '}', ']':
			depth = max(depth-1, 0)
		case '|', '?', '=', '&':
			pipes++
		case '\n':
			pipes, unary = 0, 0
		case '!', '~', '-', '+':
			unary++
		}
		worst = max(worst, depth, pipes, unary/8)
	}
	open := 0
	for _, w := range strings.Fields(text) {
		switch strings.Trim(w, ";") {
		case "if", "while", "until", "for", "case", "select", "time", "coproc", "function":
			open++
		case "fi", "done", "esac":
			open = max(open-1, 0)
		case "!":
			unary++
		}
		worst = max(worst, open, unary/8)
	}
	return worst > maxNesting
}

func (l *lowering) pos(p syntax.Pos) ir.Pos {
	return ir.Pos{Line: int32(p.Line() + l.base), Col: int32(p.Col())}
}

func (l *lowering) node(e *ir.Expr) *ir.Expr {
	l.nodes++
	return e
}

func (l *lowering) enter() bool {
	l.depth++
	if l.depth > ir.MaxDepth {
		l.file.Report(ir.Problem{Pos: ir.Pos{Line: int32(l.base) + 1, Col: 1}, Message: "nested too deep", Limit: true})
		return false
	}
	return true
}

func (l *lowering) leave() { l.depth-- }

func (l *lowering) stmts(list []*syntax.Stmt) []*ir.Stmt {
	var out []*ir.Stmt
	for _, s := range list {
		out = append(out, l.stmt(s)...)
	}
	return out
}

// stmt lowers one statement with its redirections.
func (l *lowering) stmt(s *syntax.Stmt) []*ir.Stmt {
	if s == nil || !l.enter() {
		return nil
	}
	defer l.leave()
	pos := l.pos(s.Pos())
	redirs := l.redirs(s.Redirs)
	switch c := s.Cmd.(type) {
	case *syntax.CallExpr:
		return l.call(c, redirs, pos, s.Background)
	case nil:
		return l.call(&syntax.CallExpr{}, redirs, pos, false)
	}
	body := l.command(s.Cmd, pos)
	if len(redirs) > 0 {
		return []*ir.Stmt{{Kind: ir.Redirect, Pos: pos, Body: body, Redirs: redirs}}
	}
	if s.Background {
		return []*ir.Stmt{{Kind: ir.Detached, Pos: pos, Body: body, Text: "&"}}
	}
	return body
}

func (l *lowering) call(c *syntax.CallExpr, redirs []ir.Redir, pos ir.Pos, background bool) []*ir.Stmt {
	cmd := &ir.Cmd{Redirs: redirs, Assigns: l.assigns(c.Assigns)}
	if len(c.Args) == 0 && len(redirs) == 0 {
		var out []*ir.Stmt
		for _, a := range cmd.Assigns {
			s := &ir.Stmt{Kind: ir.Let, Pos: pos, Targets: []*ir.Expr{{Op: ir.Ident, Pos: pos, Text: a.Name}}, X: a.X}
			if a.Append {
				s.Text = "+="
			}
			out = append(out, s)
		}
		return out
	}
	for _, w := range c.Args {
		cmd.Words = append(cmd.Words, l.words(w)...)
	}
	s := &ir.Stmt{Kind: ir.Do, Pos: pos, X: l.node(&ir.Expr{Op: ir.Command, Pos: pos, Command: cmd})}
	if background {
		return []*ir.Stmt{{Kind: ir.Detached, Pos: pos, Body: []*ir.Stmt{s}, Text: "&"}}
	}
	return []*ir.Stmt{s}
}

func (l *lowering) assigns(list []*syntax.Assign) []ir.Binding {
	var out []ir.Binding
	for _, a := range list {
		if a.Name == nil {
			continue
		}
		b := ir.Binding{Name: a.Name.Value, Append: a.Append}
		switch {
		case a.Array != nil:
			list := &ir.Expr{Op: ir.List, Pos: l.pos(a.Pos())}
			for _, e := range a.Array.Elems {
				if e.Value != nil {
					list.Args = append(list.Args, l.words(e.Value)...)
				}
			}
			b.X = list
		case a.Value != nil:
			b.X = unsplit(l.word(a.Value))
		case !a.Naked:
			b.X = &ir.Expr{Op: ir.Str, Pos: l.pos(a.Pos())}
		}
		out = append(out, b)
	}
	return out
}

// unsplit takes the splitting off a word: assignments do not split.
func unsplit(w *ir.Expr) *ir.Expr {
	for i, a := range w.Args {
		if a.Op == ir.Split {
			w.Args[i] = a.X
		}
	}
	return w
}

func (l *lowering) redirs(list []*syntax.Redirect) []ir.Redir {
	var out []ir.Redir
	for _, r := range list {
		x := r.Word
		if r.Hdoc != nil {
			x = r.Hdoc
		}
		if x == nil {
			continue
		}
		d := ir.Redir{Op: r.Op.String(), X: l.word(x)}
		if r.Hdoc != nil {
			d.Op = "<<"
			d.X = unsplit(d.X)
		}
		if r.N != nil {
			d.FD = r.N.Value
		}
		out = append(out, d)
	}
	return out
}
