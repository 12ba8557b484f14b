package shell

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"clawjail/policy"
)

// walker judges one text.
type walker struct {
	judge *judge
	text  scriptText
	via   string
	file  *syntax.File
	vars  map[string]constant
	funcs map[string]bool
	stack []syntax.Node // the ancestors of the node at hand, it included
}

func (w *walker) walk() {
	syntax.Walk(w.file, func(n syntax.Node) bool {
		if n == nil {
			w.stack = w.stack[:len(w.stack)-1]
			return true
		}
		w.stack = append(w.stack, n)
		switch n := n.(type) {
		case *syntax.CallExpr:
			w.call(n)
		case *syntax.Redirect:
			w.redirect(n)
		case *syntax.FuncDecl:
			w.function(n)
		case *syntax.DeclClause:
			for _, a := range n.Args {
				w.assign(a)
			}
		}
		return true
	})
}

// range gives where a node stands in the whole command.
func (w *walker) span(n syntax.Node) [2]int {
	return [2]int{w.text.at(int(n.Pos().Offset())), w.text.at(int(n.End().Offset()))}
}

func (w *walker) call(c *syntax.CallExpr) {
	for _, a := range c.Assigns {
		w.assign(a)
	}
	if len(c.Args) > 0 {
		w.run(w.words(c.Args), w.via)
	}
}

// run judges one simple command. A wrapper's own command comes back here.
func (w *walker) run(argv []word, via string) {
	if len(argv) == 0 {
		return
	}
	at := [2]int{argv[0].at[0], argv[len(argv)-1].at[1]}
	name := argv[0]
	switch {
	case !name.known():
		w.judge.refuse(name.at, Finding{Rule: "unknown-program", Why: "which program this runs is only known when it runs", Next: "write the program's name out"})
		return
	case name.glob && name.text != "[":
		w.judge.refuse(name.at, Finding{Rule: "unknown-program", Why: "a pattern decides which program this runs", Next: "write the program's name out"})
		return
	case name.text == "":
		return
	}
	base := path.Base(name.text)
	// A function of the same name does not help: it may come later.
	if w.dangerous(base, argv, at) || w.inner(base, argv, at) {
		return
	}
	if w.funcs[name.text] {
		return // its body is judged where it stands
	}
	w.program(base, argv, at, via)
}

// program asks the policy about a program, and lists it.
func (w *walker) program(base string, argv []word, at [2]int, via string) {
	if len(w.judge.report.Commands) >= MaxCommands {
		w.judge.refuse(at, Finding{Rule: "too-long", Why: "it has too many commands", Next: "put it into a file of the workspace and run that"})
		return
	}
	verdict, by := policy.Allow, "a builtin of the shell"
	if !builtin(argv[0].text) {
		verdict, by = policy.Allow, ""
		if w.judge.opt.Program != nil {
			verdict, by = w.judge.opt.Program(texts(argv))
		}
	}
	c := Command{Span: w.judge.span(at), Argv: shown(argv), Via: via, Verdict: verdict.String(), By: by}
	w.judge.report.Commands = append(w.judge.report.Commands, c)
	if !verdict.Permits() && verdict != policy.Ask {
		w.judge.refuse(argv[0].at, Finding{Rule: "not-allowed", Why: "the policy does not allow this program", By: by,
			Next: "use one that it allows, or have the operator add it to exec.rules"})
	}
}

// texts are the words as a program would get them; what is not known is "".
func texts(argv []word) []string {
	out := make([]string, len(argv))
	for i, a := range argv {
		out[i] = strings.ReplaceAll(a.text, unknown, "")
	}
	return out
}

// shown are the words for people.
func shown(argv []word) []string {
	out := make([]string, len(argv))
	for i, a := range argv {
		if out[i] = a.text; !a.known() {
			out[i] = a.source
		}
	}
	return out
}

// input is what a command reads on its standard input.
type input struct {
	piped bool             // from another command
	text  *syntax.Redirect // a here-document or here-string
	file  bool             // from a file
}

// input finds out what the node at hand reads: the innermost redirection or pipe
// around it.
func (w *walker) input() input {
	for i := len(w.stack) - 1; i >= 0; i-- {
		switch n := w.stack[i].(type) {
		case *syntax.Stmt:
			for k := len(n.Redirs) - 1; k >= 0; k-- {
				if in, ok := reads(n.Redirs[k]); ok {
					return in
				}
			}
		case *syntax.BinaryCmd:
			if (n.Op == syntax.Pipe || n.Op == syntax.PipeAll) && i+1 < len(w.stack) && w.stack[i+1] == syntax.Node(n.Y) {
				return input{piped: true}
			}
		case *syntax.ProcSubst:
			if n.Op == syntax.CmdOut {
				return input{piped: true}
			}
		case *syntax.CoprocClause:
			return input{piped: true}
		}
	}
	return input{}
}

// reads says what a redirection gives standard input, if it is about that.
func reads(r *syntax.Redirect) (input, bool) {
	if r.N != nil && r.N.Value != "0" {
		return input{}, false
	}
	switch r.Op {
	case syntax.RdrIn, syntax.RdrInOut:
		for _, p := range r.Word.Parts {
			if _, ok := p.(*syntax.ProcSubst); ok {
				return input{piped: true}, true
			}
		}
		return input{file: true}, true
	case syntax.DplIn:
		return input{piped: true}, true // a descriptor that something else made
	case syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		return input{text: r}, true
	}
	return input{}, false
}

// redirect judges where something is written to, and what is opened.
func (w *walker) redirect(r *syntax.Redirect) {
	if r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc || r.Op == syntax.WordHdoc {
		return
	}
	for _, target := range w.word(r.Word) {
		at := [2]int{w.text.at(int(r.Pos().Offset())), target.at[1]}
		if f, bad := opens(target.text, r.Op != syntax.RdrIn); bad {
			w.judge.refuse(at, f)
		}
	}
}

// opens judges a path that a redirection opens.
func opens(target string, writes bool) (Finding, bool) {
	p := cleaned(target)
	switch {
	case under(p, "/dev/tcp"), under(p, "/dev/udp"):
		return Finding{Rule: "network", Why: "bash would open a network connection", Next: "there is no network here; run an agent with a policy that lists the host"}, true
	case strings.HasSuffix(p, ".sock"):
		return socketFinding(), true
	case !writes:
		return Finding{}, false
	case under(p, "/dev") && !harmless(p):
		return Finding{Rule: "writes-a-device", Why: "it would write straight to a device, over whatever is on it", Next: "write to a file of the workspace"}, true
	case under(p, "/proc"), under(p, "/sys"), under(p, "/boot"), under(p, "/etc"):
		return Finding{Rule: "writes-the-system", Why: "it would change how the system works", Next: "write to a file of the workspace"}, true
	}
	return Finding{}, false
}

// harmless are the devices that everybody writes to.
func harmless(p string) bool {
	switch p {
	case "/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/stdout", "/dev/stderr", "/dev/stdin":
		return true
	}
	return under(p, "/dev/fd") || under(p, "/dev/shm")
}

// function refuses one that starts itself in the background: a fork bomb.
func (w *walker) function(d *syntax.FuncDecl) {
	if d.Name == nil || d.Body == nil {
		return
	}
	bomb := false
	syntax.Walk(d.Body, func(n syntax.Node) bool {
		s, ok := n.(*syntax.Stmt)
		if ok && (s.Background || pipeline(s)) && calls(s, d.Name.Value) {
			bomb = true
		}
		return !bomb
	})
	if bomb {
		w.judge.refuse(w.span(d), Finding{Rule: "fork-bomb", Why: "a function that starts itself over and over takes every process there can be", Next: "use a loop with an end"})
	}
}

func pipeline(s *syntax.Stmt) bool {
	b, ok := s.Cmd.(*syntax.BinaryCmd)
	return ok && (b.Op == syntax.Pipe || b.Op == syntax.PipeAll)
}

func calls(n syntax.Node, name string) bool {
	found := false
	syntax.Walk(n, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 && c.Args[0].Lit() == name {
			found = true
		}
		return !found
	})
	return found
}

// assign judges a variable that changes what programs are.
func (w *walker) assign(a *syntax.Assign) {
	if a.Name == nil || a.Naked {
		return
	}
	if f, bad := variable(a.Name.Value); bad {
		w.judge.refuse(w.span(a), f)
	}
}

func variable(name string) (Finding, bool) {
	switch {
	case strings.HasPrefix(name, "LD_"):
		return Finding{Rule: "loads-code", Why: "the loader would put other code into every program that starts", Next: "leave the variable out"}, true
	case name == "BASH_ENV", name == "ENV", name == "PROMPT_COMMAND", name == "SHELLOPTS", name == "BASHOPTS", strings.HasPrefix(name, "BASH_FUNC_"):
		return Finding{Rule: "loads-code", Why: "every shell that starts would run what this names", Next: "leave the variable out"}, true
	case name == "PATH":
		return Finding{Rule: "renames-programs", Why: "names would mean other programs than the ones judged here", Next: "write the program's path out"}, true
	}
	return Finding{}, false
}
