package flow

import (
	"path"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

// readFile is the content of the file that v names.
func (m *machine) readFile(f *frame, pos ir.Pos, v *value) *value {
	if v == nil {
		return unknown()
	}
	var out *value
	v.each(func(a *value) { out = join(out, m.readOne(f, pos, a)) })
	return orUnknown(out)
}

func (m *machine) readOne(f *frame, pos ir.Pos, v *value) *value {
	p := cleanPath(v)
	marks := v.marks
	if stored := m.stored(f, v, pos); stored != nil {
		return stored
	}
	switch {
	case p == "":
		return unknown(&mark{source: workFile, at: f.place(pos)}).withMarks(allMarks(v))
	case p == "/dev/stdin" || p == "0" && v.kind == kNum:
		return m.stdinValue(f, pos)
	case strings.HasSuffix(p, "/environ") && strings.HasPrefix(p, "/proc/"):
		return unknown(&mark{source: envAll, name: p, at: f.place(pos)})
	}
	m.argvPath(f, pos, v, "reads")
	if what, weak := secretPath(p); what != "" {
		m.capable(f, skill.CapRead, p, pos, m.opt.Manifest.DeclaresPath(p))
		m.secretRead(f, pos, p, what, weak)
		return unknown(&mark{source: secretFile, name: p, at: f.place(pos)})
	}
	if path.IsAbs(p) || strings.HasPrefix(p, "~") {
		m.capable(f, skill.CapRead, p, pos, m.opt.Manifest.DeclaresPath(p))
	}
	if homeTree(p) {
		return unknown(&mark{source: userData, name: p, at: f.place(pos)})
	}
	m.sandboxFile(f, pos, p)
	return unknown(&mark{source: workFile, name: p, at: f.place(pos)}).withMarks(mask(marks))
}

// stored is what some script wrote to this path.
func (m *machine) stored(f *frame, v *value, pos ir.Pos) *value {
	key := fileKey(v)
	if key == "" {
		return nil
	}
	w := m.shared.files[key]
	if w == nil {
		return nil
	}
	return stampMarks(w, cross(allMarks(w), f.place(pos), "read from "+key))
}

// secretRead reports reading a secret where nothing is sent.
func (m *machine) secretRead(f *frame, pos ir.Pos, p, what string, weak bool) {
	var tweaks []tweak
	switch {
	case weak:
		return
	case m.opt.Manifest.DeclaresPath(p):
		tweaks = append(tweaks, severity(skill.Low), unsure)
	case f.unit.Fenced:
		tweaks = append(tweaks, medium)
	}
	m.emit(f, "CJS-FS-005", pos, "reads "+p+" ("+what+")", tweaks...)
}

// argvPath finds paths that are taken from an argument as they are.
func (m *machine) argvPath(f *frame, pos ir.Pos, v *value, verb string) {
	if f.unit.Lang == skill.Shell && f.unit.Fenced || v.kind == kUnknown {
		return // a tool that reads the file it is told to is no traversal
	}
	if k := find(allMarks(v), argv, netIn); k != nil && len(v.parts) > 1 && strings.Contains(v.shape(), "/*") {
		m.emit(f, "CJS-FLOW-009", pos, verb+" a path below "+v.shape()+" that an argument can lead out of", via(k), medium)
	}
}

func (m *machine) stdinValue(f *frame, pos ir.Pos) *value {
	out := unknown(&mark{source: stdin, at: f.place(pos)})
	if f.in != nil {
		out = unknown(allMarks(f.in)...)
		if _, ok := f.in.text(); ok {
			out = f.in
		}
	}
	if s := m.shared.stdin[f.unit.File]; s != nil {
		out = out.withMarks(cross(allMarks(s), f.place(pos), "read from standard input"))
	}
	return out
}

// writeFile stores data under the path that v names.
func (m *machine) writeFile(f *frame, pos ir.Pos, v, data *value) {
	if v == nil {
		return
	}
	if data == nil {
		data = unknown()
	}
	v.each(func(a *value) { m.writeOne(f, pos, a, data) })
}

func (m *machine) writeOne(f *frame, pos ir.Pos, v, data *value) {
	p := cleanPath(v)
	if p == "" || p == "/dev/null" || p == "/dev/stdout" || p == "/dev/stderr" {
		return
	}
	if strings.HasPrefix(p, "/dev/tcp/") || strings.HasPrefix(p, "/dev/udp/") {
		m.devTCP(f, pos, v, data)
		return
	}
	if key := fileKey(v); key != "" {
		marks := step(allMarks(data), f.place(pos), "written to "+key)
		m.shared.put(m.shared.files, key, stampMarks(data, marks))
		if find(marks, netIn, decoded) != nil {
			m.shared.made[key] = event{f, pos, data}
		}
	}
	m.argvPath(f, pos, v, "writes")
	m.overwrites(f, pos, v, "writes to")
	m.writeRules(f, pos, p, data)
	m.tokenToMemory(f, pos, p, data)
}

func (m *machine) writeRules(f *frame, pos ir.Pos, p string, data *value) {
	class, what := writeClass(p)
	declared := m.opt.Manifest.DeclaresPath(p)
	var tweaks []tweak
	if f.unit.Fenced || declared {
		tweaks = append(tweaks, medium)
	}
	switch class {
	case ordinary:
		return
	case system, authorization:
		if strings.HasPrefix(p, "/usr/local/") {
			tweaks = append(tweaks, medium)
			if f.unit.Fenced {
				tweaks = append(tweaks, severity(skill.Low))
			}
		}
		m.emit(f, "CJS-FS-001", pos, "writes "+p+": "+what, tweaks...)
	case persistence:
		m.emit(f, "CJS-FS-002", pos, "writes "+p+": "+what, append(tweaks, m.mildRC(f, p, data)...)...)
	case agent:
		m.emit(f, "CJS-FS-003", pos, "writes "+p+": "+what, tweaks...)
	case logs:
		m.emit(f, "CJS-FS-007", pos, "changes "+p+": "+what, tweaks...)
	case outside:
		m.emit(f, "CJS-FS-004", pos, "writes "+p, ability)
	}
	m.capable(f, skill.CapWrite, p, pos, declared)
}

// mildRC tells adding a directory to PATH from planting a command.
func (m *machine) mildRC(f *frame, p string, data *value) []tweak {
	s := data.shape()
	if !f.unit.Fenced && !f.unit.Setup {
		return nil
	}
	if (strings.HasPrefix(s, "export ") || strings.HasPrefix(s, "alias ") || strings.HasPrefix(s, "set -x") || strings.HasPrefix(s, "eval \"$(")) && !strings.Contains(s, "curl") && !strings.Contains(s, "|") {
		return []tweak{severity(skill.Low), unsure}
	}
	return []tweak{medium}
}

// tokenToMemory finds secrets that are put where the agent reads them.
func (m *machine) tokenToMemory(f *frame, pos ir.Pos, p string, data *value) {
	base := strings.ToLower(path.Base(p))
	if base != "memory.md" && base != "soul.md" && base != "agents.md" && base != "user.md" {
		return
	}
	for _, k := range allMarks(data) {
		if k.secret() {
			m.emit(f, "CJS-FLOW-011", pos, "saves "+k.name+" in the agent's memory", via(k))
		}
	}
}

// walkTree is a walk over files: what it finds are the user's.
func (m *machine) walkTree(f *frame, pos ir.Pos, v *value) *value {
	if v == nil {
		return unknown()
	}
	p := cleanPath(v)
	if what, weak := secretPath(p); what != "" && !weak {
		m.secretRead(f, pos, p, what, weak)
		return concat(str(p+"/"), unknown(&mark{source: secretFile, name: p, at: f.place(pos)}))
	}
	if homeTree(p) || strings.HasPrefix(p, "~/**") || p == "~/*" {
		m.capable(f, skill.CapRead, p, pos, m.opt.Manifest.DeclaresPath(p))
		return concat(str(p+"/"), unknown(&mark{source: userData, name: "files below " + p, at: f.place(pos)}))
	}
	return concat(v, str("/"), unknown(mask(allMarks(v))...))
}
