package flow

import (
	"path"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// execShell is a text that a shell runs.
func (m *machine) execShell(f *frame, pos ir.Pos, v *value, in *value) *value {
	if v == nil {
		return unknown()
	}
	if v.kind == kList {
		return m.execArgv(f, pos, v.items, in)
	}
	var out *value
	v.each(func(a *value) { out = join(out, m.shellText(f, pos, a, in)) })
	return orUnknown(out)
}

func (m *machine) shellText(f *frame, pos ir.Pos, v, in *value) *value {
	m.codeSource(f, pos, v, "a shell")
	if v.kind != kString && v.kind != kUnknown && v.kind != kRef {
		return unknown()
	}
	if v.kind != kString {
		if len(allMarks(v)) == 0 || find(allMarks(v), param) != nil {
			m.emit(f, "CJS-EXEC-004", pos, "runs a command line that is not written down", severity(skill.Medium))
		}
		return unknown(outMarks(v)...)
	}
	m.openHoles(f, pos, v)
	g := *f
	g.in = in
	return m.runText(&g, pos, v, skill.Shell, false)
}

// outMarks are the marks that a program's output takes from its command line.
func outMarks(v *value) []*mark { return mask(allMarks(v)) }

// codeSource judges where a text comes from that is run as code: all of it, not
// a hole in it.
func (m *machine) codeSource(f *frame, pos ir.Pos, v *value, by string) {
	marks := v.marks
	if v.kind != kString || wholeHole(v) {
		marks = allMarks(v)
	}
	for _, k := range marks {
		switch k.source {
		case netIn:
			m.emit(f, "CJS-FLOW-004", pos, "what "+k.name+" answers is run by "+by, via(k))
			m.split(f, pos, k, "what "+k.name+" answers is run by "+by)
		case decoded:
			m.emit(f, "CJS-FLOW-005", pos, "text that was hidden as "+k.name+" is run by "+by, via(k))
		case argv, stdin:
			if by != "the system" && (f.unit.Lang != skill.Shell || by == "eval") {
				m.emit(f, "CJS-FLOW-008", pos, "an argument is run by "+by, via(k), medium)
			}
		case param:
			if by == "the system" {
				continue
			}
			m.emit(f, "CJS-FLOW-008", pos, "a parameter is run by "+by, via(k), medium, severity(skill.Medium))
		}
	}
}

// wholeHole says that a string is nothing but one hole.
func wholeHole(v *value) bool {
	return len(v.parts) == 1 && v.parts[0].hole != nil
}

// openHoles judges what is put into a command line without quoting.
func (m *machine) openHoles(f *frame, pos ir.Pos, v *value) {
	open := false
	for _, p := range v.parts {
		if p.hole == nil || quotedValue(p.hole) {
			continue
		}
		open = true
		for _, k := range allMarks(p.hole) {
			switch k.source {
			case argv, stdin:
				m.emit(f, "CJS-FLOW-008", pos, "an argument is put into a command line for a shell", via(k), medium)
			case netIn:
				m.emit(f, "CJS-FLOW-008", pos, "what "+k.name+" answers is put into a command line for a shell", via(k), medium)
			}
		}
	}
	if open && f.unit.Lang != skill.Shell {
		m.emit(f, "CJS-EXEC-004", pos, "a command line for a shell is put together from parts", severity(skill.Medium))
	}
}

func quotedValue(v *value) bool {
	return v.kind == kRef && strings.HasPrefix(v.ref, "quoted")
}

// execArgv is a program started with a list of arguments.
func (m *machine) execArgv(f *frame, pos ir.Pos, args []*value, in *value) *value {
	if len(args) == 0 {
		return unknown()
	}
	return m.command(f, &cmdCall{words: args, in: in, at: pos})
}

// evalCode is a text that this language's own interpreter runs.
func (m *machine) evalCode(f *frame, pos ir.Pos, v *value, lang skill.Lang, by string) *value {
	if v == nil {
		return unknown()
	}
	var out *value
	v.each(func(a *value) {
		if a.kind == kFunc {
			out = join(out, m.apply(f, a, &call{at: pos}))
			return
		}
		m.codeSource(f, pos, a, by)
		if a.kind == kString {
			if s, ok := a.text(); ok && a.built && find(a.marks, decoded) == nil && len(s) > 0 {
				m.emit(f, "CJS-EXEC-005", pos, "code that is put together from pieces is run by "+by, medium)
			}
			out = join(out, m.runText(f, pos, a, lang, true))
			return
		}
		if len(allMarks(a)) == 0 || find(allMarks(a), workFile) != nil {
			m.emit(f, "CJS-EXEC-005", pos, by+" runs code that is not written down", medium)
		}
	})
	return orUnknown(out)
}

// dangerousName says that a library's function runs code or programs.
func dangerousName(name string) bool {
	switch name {
	case "eval", "exec", "execfile", "compile", "Function", "__import__", "os.system", "os.popen", "os.execv", "os.execve", "os.execl", "os.execlp", "os.execvp", "os.spawnl", "os.spawnv", "os.fork", "pty.spawn", "require", "process.binding", "process.dlopen", "os.environ", "process.env", "importlib.import_module":
		return true
	}
	return strings.HasPrefix(name, "subprocess.") || strings.HasPrefix(name, "child_process.") || strings.HasPrefix(name, "vm.") || strings.HasPrefix(name, "ctypes.") || strings.HasPrefix(name, "marshal.")
}

func dangerousModule(name string) bool {
	switch name {
	case "os", "subprocess", "child_process", "vm", "pty", "ctypes", "marshal", "pickle", "socket", "net", "importlib", "builtins", "process", "globalThis", "commands":
		return true
	}
	return false
}

func (m *machine) dangerousModule(name string) bool {
	switch name {
	case "os", "subprocess", "child_process", "vm", "builtins", "globalThis", "process":
		return true
	}
	return false
}

// dynamicName reports a dangerous function whose name was put together.
func (m *machine) dynamicName(f *frame, v *value, name string, pos ir.Pos) {
	if v.kind == kRef && (dangerousName(v.ref) || dangerousModule(v.ref)) {
		m.emit(f, "CJS-EXEC-005", pos, "the name "+v.ref+" is put together from pieces so that it does not show")
	}
}

func (m *machine) unknownMember(f *frame, v, k *value, pos ir.Pos) {
	m.emit(f, "CJS-EXEC-005", pos, "calls a function of "+v.ref+" by a name that is not written down", via(find(allMarks(k), decoded, netIn)), medium)
}

// builtText says that a name did not stand in the program as it is.
func hiddenName(v *value) bool {
	return v != nil && (v.built || find(v.marks, decoded, netIn) != nil)
}

// runFile is a file that is started as a program.
func (m *machine) runFile(f *frame, pos ir.Pos, v *value, args []*value, in *value, by string) *value {
	key := fileKey(v)
	if key == "" {
		m.codeSource(f, pos, v, by)
		return unknown()
	}
	if _, ok := m.shared.run[key]; !ok {
		m.shared.run[key] = event{f, pos, v}
	}
	own := m.ownFile(f, key)
	if own == nil {
		if stored := m.shared.files[key]; stored != nil && by != "" {
			m.codeSource(f, pos, stampMarks(stored, allMarks(stored)), by)
			if s, ok := stored.text(); ok && find(stored.marks, decoded) == nil {
				m.runText(f, pos, str(s), langOf(by, key), false)
			}
		}
		return unknown(outMarks(v)...)
	}
	file := own.unit.File
	m.shared.putArgs(file, args)
	if in != nil {
		m.shared.put(m.shared.stdin, file, in)
	}
	out := m.shared.stdout[file]
	if out == nil {
		return unknown()
	}
	return stampMarks(out, cross(allMarks(out), f.place(pos), "printed by "+file))
}

func langOf(by, key string) skill.Lang {
	switch {
	case strings.HasPrefix(by, "python") || strings.HasSuffix(key, ".py"):
		return skill.Python
	case by == "node" || by == "bun" || by == "deno" || strings.HasSuffix(key, "js"):
		return skill.JavaScript
	}
	return skill.Shell
}

// ownFile finds the file of the skill that a path in a command means. Commands
// are relative to where the agent is, so that a unique end of the path counts.
func (m *machine) ownFile(f *frame, key string) *module {
	key = strings.TrimPrefix(key, "./")
	for i := strings.Index(key, "/"); strings.HasPrefix(key, "*") || strings.HasPrefix(key, "{") || strings.HasPrefix(key, "<"); i = strings.Index(key, "/") {
		if i < 0 {
			return nil
		}
		key = key[i+1:]
	}
	for _, c := range []string{key, path.Join(path.Dir(f.unit.File), key)} {
		if mod := m.mods[c]; mod != nil {
			return mod
		}
	}
	var found *module
	if base := path.Base(key); strings.Contains(base, ".") {
		for name, mod := range m.mods {
			if path.Base(name) == base && (strings.HasSuffix(key, name) || strings.HasSuffix(name, key)) {
				if found != nil {
					return nil
				}
				found = mod
			}
		}
	}
	return found
}

// twoStep reports files that one place downloads or decodes and another runs.
func (m *machine) twoStep() {
	for key, made := range m.shared.made {
		run, ok := m.shared.run[key]
		if !ok {
			continue
		}
		marks := allMarks(made.v)
		if k := find(marks, netIn); k != nil {
			m.emit(run.f, "CJS-FLOW-004", run.pos, "runs "+key+", which comes from "+nonEmpty(k.name, "the network"), via(k))
		} else if k := find(marks, decoded); k != nil {
			m.emit(run.f, "CJS-FLOW-005", run.pos, "runs "+key+", which is hidden as "+k.name, via(k))
		}
	}
}
