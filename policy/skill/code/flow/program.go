package flow

import (
	"path"
	"strings"

	"clawjail/policy/skill"
)

// command runs a program: one of the script's functions, a built-in, or
// something on the disk.
func (m *machine) command(f *frame, c *cmdCall) *value {
	if len(c.words) == 0 || c.depth > 8 || !m.tick(f) {
		return unknown()
	}
	prog := pick(c.words[0])
	c.args = c.words[1:]
	name, ok := prog.text()
	if ok && strings.ContainsAny(name, " \t") && len(c.words) == 1 && f.unit.Lang != skill.Shell {
		if l := strings.Fields(name); len(l) > 0 && !strings.HasPrefix(name, "/") { // Windows style
			name = l[0]
		}
	}
	if !ok {
		return m.unknownProgram(f, c, prog)
	}
	if f.unit.Lang == skill.Shell && c.expr != nil {
		m.hiddenCommand(f, c, prog, name)
		if _, fn := f.scope.find("()" + name); fn != nil && fn.kind == kFunc {
			g := *f
			g.in = c.in
			return m.run(&g, fn.fn, &call{args: append([]*value{}, c.args...), at: c.at})
		}
	}
	c.name = strings.TrimSuffix(strings.ToLower(path.Base(name)), ".exe")
	m.program(f, c, name)
	if fn := m.cmds[c.name]; fn != nil {
		if strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") {
			m.runFile(f, c.at, prog, c.args, c.in, "the system") // a file with a program's name
		}
		return fn(m, f, c)
	}
	if strings.HasPrefix(c.name, "python3.") || strings.HasPrefix(c.name, "pip3.") {
		return m.cmds[c.name[:strings.IndexByte(c.name, '3')]](m, f, c)
	}
	if strings.ContainsAny(name, "/") || strings.Contains(c.name, ".") {
		return m.runFile(f, c.at, prog, c.args, c.in, "the system")
	}
	return m.someProgram(f, c)
}

// unknownProgram is a command whose program is not known.
func (m *machine) unknownProgram(f *frame, c *cmdCall, prog *value) *value {
	if k := find(allMarks(prog), netIn, decoded); k != nil && len(c.words) <= 2 {
		m.codeSource(f, c.at, prog, "the system")
	}
	if key := fileKey(prog); key != "" && strings.Contains(key, "/") {
		return m.runFile(f, c.at, prog, c.args, c.in, "the system")
	}
	return unknown(mask(joinMarks(allMarks(prog), c.marks()))...)
}

// hiddenCommand reports a command whose name was put together.
func (m *machine) hiddenCommand(f *frame, c *cmdCall, prog *value, name string) {
	if len(c.expr.Command.Words) == 0 || !prog.built && find(prog.marks, decoded) == nil {
		return
	}
	if k := find(prog.marks, decoded); k != nil {
		m.emit(f, "CJS-OBF-004", c.at, "the command "+name+" is hidden as "+k.name, via(k))
		return
	}
	if programWord(path.Base(name)) {
		m.emit(f, "CJS-OBF-004", c.at, "the command "+name+" is put together from pieces")
	}
}

// program records a program that is started.
func (m *machine) program(f *frame, c *cmdCall, name string) {
	m.miner(f, c)
	if builtin(c.name) || strings.HasPrefix(name, "./") || strings.Contains(name, holeStart) || c.name == "" || !programName(c.name) {
		return
	}
	if m.ownFile(f, name) != nil {
		return
	}
	m.capable(f, skill.CapExec, c.name, c.at, m.opt.Manifest.DeclaresBin(c.name))
	if f.unit.Lang != skill.Shell {
		m.emit(f, "CJS-EXEC-003", c.at, "starts "+c.name, ability)
	}
}

func programName(s string) bool {
	for _, r := range s {
		if r != '-' && r != '_' && r != '.' && r != '+' && r != '@' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') {
			return false
		}
	}
	return s[0] != '-' && s[0] != '.'
}

func builtin(name string) bool {
	switch name {
	case "echo", "printf", "cd", "export", "set", "unset", "read", "test", "[", "[[", "true", "false", ":", "exit", "return", "shift", "local", "declare", "eval", "source", ".", "exec", "trap", "wait", "pwd", "pushd", "popd", "alias", "type", "command", "builtin", "let", "getopts", "ulimit", "umask", "jobs", "bg", "fg", "break", "continue", "hash", "times", "shopt", "readonly", "history", "fc", "dirs", "mapfile", "readarray", "enable", "complete", "compgen", "caller", "logout", "disown", "unalias", "bind", "help":
		return true
	}
	return false
}

// someProgram is a program without a model: its output may hold what it was
// given.
func (m *machine) someProgram(f *frame, c *cmdCall) *value {
	for i, a := range c.args {
		a.each(func(a *value) {
			s := a.shape()
			if strings.Contains(s, "://") && schemeRE.MatchString(s) {
				rest := append(append([]*value{}, c.args[:i]...), c.args[i+1:]...)
				m.netOut(f, c.at, a, append(rest, orUnknown(c.in))...)
			}
		})
	}
	m.homeToAddress(f, c)
	marks := allMarks(c.in)
	if c.in == nil {
		for _, a := range c.plain() {
			if s := cleanPath(a); strings.HasPrefix(s, "~") || strings.HasPrefix(s, "/") || strings.Contains(s, "/") {
				marks = joinMarks(marks, allMarks(m.readFile(f, c.at, a)))
			}
		}
	}
	return unknown(joinMarks(mask(c.marks()), marks)...)
}
