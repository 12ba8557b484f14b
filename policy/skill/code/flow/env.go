package flow

import (
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

func isEnv(name string) bool {
	switch name {
	case "os.environ", "os.environb", "process.env", "Bun.env", "Deno.env", "import.meta.env", "posix.environ":
		return true
	}
	return false
}

func isArgv(name string) bool {
	return name == "sys.argv" || name == "process.argv" || name == "Deno.args" || name == "Bun.argv"
}

// envRead is the value of an environment variable.
func (m *machine) envRead(f *frame, name string, pos ir.Pos) *value {
	switch name {
	case "HOME", "USERPROFILE", "HOMEPATH":
		return str("~")
	case "PWD", "OLDPWD", "INIT_CWD":
		return str(".")
	case "TMPDIR", "TEMP", "TMP", "XDG_RUNTIME_DIR":
		return str("/tmp")
	case "XDG_CONFIG_HOME":
		return str("~/.config")
	case "APPDATA", "LOCALAPPDATA":
		return str("~/AppData")
	case "IFS":
		return str(" ")
	}
	stored := m.shared.env[name]
	if stored != nil {
		stored = stored.withMarks(nil)
		stored = stampMarks(stored, cross(allMarks(stored), f.place(pos), "read from the environment as "+name))
	}
	if isStandardVariable(name) {
		return join(stored, unknown())
	}
	k := &mark{source: envVar, name: name, at: f.place(pos)}
	declared := m.opt.Manifest.DeclaresEnv(name)
	if secretName(name) || declared && m.primary(name) {
		k.source = secretEnv
	}
	if stored == nil || stored.known() == "" {
		m.capable(f, skill.CapEnv, name, pos, declared)
	}
	if stored != nil && k.source != secretEnv {
		return join(stored, unknown(k))
	}
	return unknown(joinMarks([]*mark{k}, allMarks(stored))...)
}

func (m *machine) primary(name string) bool { return name == m.opt.Manifest.PrimaryEnv }

func isStandardVariable(name string) bool {
	switch name {
	case "PATH", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TERM", "EDITOR", "VISUAL", "PAGER", "BROWSER", "DISPLAY", "HOSTNAME", "NO_COLOR", "CI", "DEBUG", "NODE_ENV", "PYTHONPATH", "VIRTUAL_ENV", "COLUMNS", "LINES", "TZ", "RANDOM", "SECONDS", "LINENO", "BASH_SOURCE", "EUID", "UID", "PPID", "OSTYPE", "PIPESTATUS", "REPLY", "OPTARG", "OPTIND", "FUNCNAME", "MACHTYPE", "HOSTTYPE", "BASH_VERSION", "SHLVL", "DIRSTACK":
		return true
	}
	return strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "BASH_") || strings.HasPrefix(name, "npm_")
}

// stampMarks is v with exactly these marks.
func stampMarks(v *value, marks []*mark) *value {
	if s, ok := v.text(); ok {
		w := str(s)
		w.marks = marks
		return w
	}
	return unknown(marks...)
}

// envWrite is a variable that programs started from here will see.
func (m *machine) envWrite(f *frame, name string, v *value, pos ir.Pos) {
	m.libraryPath(f, name, v, pos)
	if len(allMarks(v)) > 0 || v.known() != "" {
		m.shared.put(m.shared.env, name, stampMarks(v, step(allMarks(v), f.place(pos), "stored as "+name)))
	}
}

// libraryPath finds variables that make every program load something.
func (m *machine) libraryPath(f *frame, name string, v *value, pos ir.Pos) {
	switch name {
	case "LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "LD_AUDIT":
		if v.known() != "" || v.kind != kString {
			m.emit(f, "CJS-EXEC-007", pos, name+" makes every program load a library of the skill's choice")
		}
	case "NODE_TLS_REJECT_UNAUTHORIZED":
		if v.known() == "0" {
			m.emit(f, "CJS-NET-006", pos, "turns off the verification of TLS certificates")
		}
	case "PYTHONHTTPSVERIFY", "GIT_SSL_NO_VERIFY":
		if s := v.known(); s == "0" && name[0] == 'P' || s == "1" || s == "true" {
			m.emit(f, "CJS-NET-006", pos, "turns off the verification of TLS certificates")
		}
	case "HISTFILE", "HISTSIZE":
		if s := v.known(); s == "/dev/null" || s == "0" {
			m.emit(f, "CJS-FS-007", pos, "turns off the shell's history")
		}
	}
}

// argvValue is a program's argument list.
func (m *machine) argvValue(f *frame, pos ir.Pos) *value {
	k := &mark{source: argv, name: "", at: f.place(pos)}
	out := unknown(k)
	for _, a := range f.args {
		out.marks = joinMarks(out.marks, allMarks(a))
	}
	for _, a := range m.shared.argv[f.unit.File] {
		out.marks = joinMarks(out.marks, cross(allMarks(a), f.place(pos), "read from the arguments"))
	}
	return out
}
