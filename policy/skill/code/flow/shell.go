package flow

import (
	"path"
	"strings"

	"clawjail/policy/skill/code/ir"
)

// cmdCall is one command of a shell, or a program that another language
// starts.
type cmdCall struct {
	words []*value // the program first
	name  string
	args  []*value // words without the program
	in    *value   // standard input; nil where nothing is fed
	at    ir.Pos
	expr  *ir.Expr
	env   []ir.Binding
	depth int
}

// command is what the machine knows of a program.
type command func(m *machine, f *frame, c *cmdCall) *value

// text is argument i where it is known.
func (c *cmdCall) text(i int) string {
	if i < len(c.args) {
		return pick(c.args[i]).known()
	}
	return ""
}

// has says whether one of the flags is given, also inside of a cluster of short
// ones.
func (c *cmdCall) has(flags ...string) bool {
	for _, a := range c.args {
		s := pick(a).known()
		for _, want := range flags {
			if s == want || strings.HasPrefix(want, "--") && strings.HasPrefix(s, want+"=") {
				return true
			}
			if len(want) == 2 && want[0] == '-' && len(s) > 2 && s[0] == '-' && s[1] != '-' && strings.Contains(s[1:], want[1:]) && len(s) < 8 {
				return true
			}
		}
	}
	return false
}

// value is what follows one of the flags.
func (c *cmdCall) value(flags ...string) *value {
	for i, a := range c.args {
		s := pick(a).known()
		for _, want := range flags {
			if s == want && i+1 < len(c.args) {
				return c.args[i+1]
			}
			if rest, ok := cutShape(a, want+"="); ok && strings.HasPrefix(want, "--") {
				return rest
			}
			if len(want) == 2 && len(s) > 2 && strings.HasPrefix(s, want) {
				return str(s[2:])
			}
		}
	}
	return nil
}

// cutShape takes a known prefix off a value.
func cutShape(v *value, prefix string) (*value, bool) {
	v = pick(v)
	if v.kind != kString || len(v.parts) == 0 || v.parts[0].hole != nil || !strings.HasPrefix(v.parts[0].text, prefix) {
		return nil, false
	}
	c := *v
	c.parts = append([]part{{text: v.parts[0].text[len(prefix):]}}, v.parts[1:]...)
	return &c, true
}

// plain are the arguments that are no flags.
func (c *cmdCall) plain() []*value {
	var out []*value
	for _, a := range c.args {
		if s := pick(a).shape(); !strings.HasPrefix(s, "-") || s == "-" {
			out = append(out, a)
		}
	}
	return out
}

func (c *cmdCall) marks() []*mark {
	var out []*mark
	for _, a := range c.args {
		out = joinMarks(out, allMarks(a))
	}
	return joinMarks(out, allMarks(c.in))
}

// shellExpr evaluates what only shells have.
func (m *machine) shellExpr(f *frame, e *ir.Expr) *value {
	switch e.Op {
	case ir.Command:
		return m.simpleCommand(f, e, f.in)
	case ir.Pipe:
		return m.pipe(f, e)
	case ir.Subst:
		return m.capture(f, e.Body, f.in, e.Text == "cond")
	case ir.Word:
		return m.word(f, e)
	case ir.Split:
		return m.eval(f, e.X)
	case ir.Procs:
		return &value{kind: kRef, ref: "procs", recv: m.capture(f, e.Body, f.in, false)}
	case ir.Slicing:
		return m.slicing(f, e)
	}
	return nil
}

// capture runs statements and answers what they print.
func (m *machine) capture(f *frame, body []*ir.Stmt, in *value, shown bool) *value {
	g := *f
	g.in = in
	g.out = nil
	g.catch = true
	m.block(&g, body)
	if g.out != nil && shown {
		f.out = joinOut(f.out, g.out)
	}
	return orUnknown(g.out)
}

// word joins the parts of a shell word.
func (m *machine) word(f *frame, e *ir.Expr) *value {
	if e.Text != "" && e.Text != "braces" {
		m.wordTrick(f, e)
	}
	if len(e.Args) == 1 {
		return m.eval(f, e.Args[0])
	}
	v := concat(m.exprs(f, e.Args)...)
	v.built = false
	return v
}

// wordTrick reports a word that is written so that nobody can read it.
func (m *machine) wordTrick(f *frame, e *ir.Expr) {
	if e.Text == "escaped letters" {
		// Patterns are full of backslashes; paths and addresses are not.
		s := concat(m.exprs(f, e.Args)...).shape()
		if what, _ := secretPath(s); what == "" && !strings.HasPrefix(s, "/") && !strings.Contains(s, "://") && !programWord(s) {
			return
		}
	}
	m.emit(f, "CJS-OBF-004", e.Pos, "a word is hidden with "+e.Text)
}

// programWord says that a word names a program that attacks hide.
func programWord(s string) bool {
	switch s {
	case "curl", "wget", "bash", "sh", "nc", "ncat", "python", "python3", "eval", "base64", "perl", "node", "zsh", "socat":
		return true
	}
	return false
}

// fields evaluates words with splitting.
func (m *machine) fields(f *frame, words []*ir.Expr) []*value {
	var out []*value
	for _, w := range words {
		v := m.eval(f, w)
		if w.Op == ir.Word && len(w.Args) > 0 && hasSplit(w) {
			sep := ""
			if _, ifs := f.scope.find("IFS"); ifs != nil {
				sep = ifs.known()
			}
			out = append(out, splitWords(v, len(w.Args) == 1, sep)...)
			continue
		}
		if v.kind == kList {
			out = append(out, v.items...)
			continue
		}
		out = append(out, v)
		if len(out) > 4096 {
			break
		}
	}
	return out
}

func hasSplit(w *ir.Expr) bool {
	for _, a := range w.Args {
		if a.Op == ir.Split {
			return true
		}
	}
	return false
}

// splitWords splits what an unquoted expansion gave.
func splitWords(v *value, alone bool, sep string) []*value {
	v = pick(v)
	if v.kind == kList {
		return v.items
	}
	if v.kind != kString {
		return []*value{v}
	}
	text, holes := holed(v)
	fields := strings.Fields(text)
	if strings.Trim(sep, " \t\n") != "" {
		fields = strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(sep+"\n", r) })
	}
	if len(fields) == 0 {
		if alone && len(v.parts) == 1 && v.parts[0].hole == nil {
			return nil
		}
		return []*value{v}
	}
	out := make([]*value, 0, len(fields))
	for _, w := range fields {
		x := *fillHoles(w, holes).withMarks(v.marks)
		x.built = x.built || v.built
		out = append(out, &x)
	}
	return out
}

// shellVar is $NAME.
func (m *machine) shellVar(f *frame, e *ir.Expr) *value {
	name := e.Text
	switch name {
	case "@", "*":
		if _, v := f.scope.find("@"); v != nil {
			return v
		}
		if f.args != nil {
			return list(f.args...)
		}
		return m.argvValue(f, e.Pos)
	case "#", "?", "$", "!", "-", "_":
		return unknown()
	case "0", "BASH_SOURCE":
		return str("./" + path.Base(f.unit.File))
	}
	if name != "" && name[0] >= '1' && name[0] <= '9' {
		n := int(name[0] - '1')
		if _, v := f.scope.find("@"); v != nil && v.kind == kList && n < len(v.items) {
			return v.items[n]
		}
		if len(name) == 1 && n < len(f.args) {
			return f.args[n]
		}
		if f.args != nil && len(m.calls) > 0 {
			return unknown()
		}
		return m.argvValue(f, e.Pos)
	}
	if _, v := f.scope.find(name); v != nil {
		return v
	}
	return m.envRead(f, name, e.Pos)
}

// slicing is ${x:1:2}, ${x/a/b}, ${x#y}, ${!x}.
func (m *machine) slicing(f *frame, e *ir.Expr) *value {
	v := m.eval(f, e.Args[0])
	var args []*value
	for _, a := range e.Args[1:] {
		args = append(args, m.eval(f, a))
	}
	s, known := pick(v).text()
	switch e.Text {
	case "indirect":
		if known {
			return m.shellVar(f, &ir.Expr{Op: ir.Ident, Pos: e.Pos, Text: s})
		}
		return unknown(allMarks(v)...)
	case "slice":
		from, ok := number(args, 0)
		to, ok2 := number(args, 1)
		if !known || !ok {
			if ok && ok2 && *to >= 0 && *to <= 8 {
				return unknown(mask(allMarks(v))...)
			}
			return unknown(allMarks(v)...)
		}
		if ok2 && *to >= 0 {
			n := *from + *to
			if *from < 0 {
				n += float64(len(s))
			}
			to = &n
		}
		return slice(pick(v), from, to, nil)
	case "replace":
		if known && len(args) > 0 {
			if old, ok := args[0].text(); ok && old != "" && !strings.ContainsAny(old, "*?[") {
				with := ""
				if len(args) > 1 {
					with = args[1].known()
				}
				return builtText(strings.ReplaceAll(s, old, with), v.marks)
			}
		}
	case "#", "##", "%", "%%":
		if known && len(args) > 0 {
			if p, ok := args[0].text(); ok && !strings.ContainsAny(p, "*?[") {
				if e.Text[0] == '#' {
					return builtText(strings.TrimPrefix(s, p), v.marks)
				}
				return builtText(strings.TrimSuffix(s, p), v.marks)
			}
		}
		return v
	case "^^", "^":
		if known {
			return builtText(strings.ToUpper(s), v.marks)
		}
	case ",,", ",":
		if known {
			return builtText(strings.ToLower(s), v.marks)
		}
	}
	return unknown(allMarks(v)...)
}

func number(args []*value, i int) (*float64, bool) {
	if i >= len(args) {
		return nil, false
	}
	n, ok := args[i].number()
	return &n, ok
}

// pipe runs a pipeline: each command reads what the one before it printed.
func (m *machine) pipe(f *frame, e *ir.Expr) *value {
	in := f.in
	for _, stage := range e.Args {
		if m.stopped {
			return unknown()
		}
		if stage.Op == ir.Command {
			in = m.stage(f, stage, in)
			continue
		}
		in = m.capture(f, stage.Body, in, false)
	}
	m.print(f, in)
	return orUnknown(in)
}

func (m *machine) stage(f *frame, e *ir.Expr, in *value) *value {
	g := *f
	g.out = nil
	g.catch = true
	return m.simpleOut(&g, e, orUnknown(in))
}

// simpleCommand runs a command whose output goes where the frame's goes.
func (m *machine) simpleCommand(f *frame, e *ir.Expr, in *value) *value {
	g := *f
	g.out = nil
	g.catch = true
	v := m.simpleOut(&g, e, in)
	f.ret = g.ret
	m.print(f, v)
	return v
}

func (m *machine) print(f *frame, v *value) {
	if v == nil || v.kind == kNull {
		return
	}
	if f.catch && !(v.kind == kUnknown && len(v.marks) == 0) {
		f.out = joinOut(f.out, v)
	}
}

// simpleOut runs a command and answers what it prints after redirections.
func (m *machine) simpleOut(f *frame, e *ir.Expr, in *value) *value {
	cmd := e.Command
	if cmd.Declare != "" {
		m.declare(f, e)
		return nil
	}
	in, outs := m.redirects(f, cmd.Redirs, in, e.Pos)
	for _, a := range cmd.Assigns {
		v := m.eval(f, a.X)
		m.libraryPath(f, a.Name, v, e.Pos)
		if len(cmd.Words) == 0 {
			m.put(f.scope, a.Name, v)
		} else {
			m.shared.put(m.shared.env, a.Name, stampMarks(v, allMarks(v)))
		}
	}
	words := m.fields(f, cmd.Words)
	var out *value
	if len(words) > 0 {
		out = m.command(f, &cmdCall{words: words, in: in, at: e.Pos, expr: e, env: cmd.Assigns})
	} else if in != nil {
		out = in
	}
	for _, o := range outs {
		m.writeFile(f, e.Pos, o, orUnknown(out))
	}
	if len(outs) > 0 {
		return nil
	}
	return out
}

// redirects are the input that a command gets and the files its output goes to.
func (m *machine) redirects(f *frame, list []ir.Redir, in *value, pos ir.Pos) (*value, []*value) {
	var outs []*value
	for _, r := range list {
		v := m.eval(f, r.X)
		switch r.Op {
		case "<<", "<<<", "<<-":
			in = v
		case "<", "<>":
			if v.kind == kRef && v.ref == "procs" {
				in = v.recv
				continue
			}
			if p := cleanPath(v); strings.HasPrefix(p, "/dev/tcp/") || strings.HasPrefix(p, "/dev/udp/") {
				m.devTCP(f, pos, v, nil)
				in = unknown(&mark{source: netIn, name: p, at: f.place(pos)})
				continue
			}
			in = m.readFile(f, pos, v)
		case ">", ">>", ">|", "&>", "&>>":
			if r.FD == "2" {
				continue
			}
			outs = append(outs, v)
		case ">&", "<&":
			if s := pick(v).known(); strings.HasPrefix(s, "/") {
				outs = append(outs, v)
			}
		}
	}
	return in, outs
}

// redirected is a compound command with redirections.
func (m *machine) redirected(f *frame, s *ir.Stmt) {
	in, outs := m.redirects(f, s.Redirs, f.in, s.Pos)
	out := m.capture(f, s.Body, in, len(outs) == 0)
	for _, o := range outs {
		m.writeFile(f, s.Pos, o, out)
	}
}

func (m *machine) declare(f *frame, e *ir.Expr) {
	cmd := e.Command
	for _, a := range cmd.Assigns {
		v := unknown()
		if a.X != nil {
			v = m.eval(f, a.X)
			m.put(f.scope, a.Name, v)
		} else if _, old := f.scope.find(a.Name); old != nil {
			v = old
		}
		if cmd.Declare == "export" {
			m.envWrite(f, a.Name, v, e.Pos)
		}
	}
	m.fields(f, cmd.Words)
}
