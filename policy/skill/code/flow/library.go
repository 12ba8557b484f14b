package flow

import (
	"maps"
	"strings"

	"clawjail/policy/skill"
)

// model is what the machine knows of a library's function.
type model func(m *machine, f *frame, c *call) *value

func merge(tables ...map[string]model) map[string]model {
	out := map[string]model{}
	for _, t := range tables {
		maps.Copy(out, t)
	}
	return out
}

// under gives several names one model.
func under(fn model, names ...string) map[string]model {
	out := map[string]model{}
	for _, n := range names {
		out[n] = fn
	}
	return out
}

// library calls what is not of the program: a method of something known, a
// function with a model, or neither.
func (m *machine) library(f *frame, fn *value, c *call) *value {
	last := c.name[strings.LastIndexByte(c.name, '.')+1:]
	lib := m.libs[libOf(f.unit.Lang)]
	if c.recv != nil && knownKind(c.recv) {
		if v := m.method(f, last, c); v != nil {
			return v
		}
	}
	if mod, ok := lib[c.name]; ok {
		if v := mod(m, f, c); v != nil {
			return v
		}
		return m.generic(f, fn, c)
	}
	if nativeCall(c.name) {
		m.emit(f, "CJS-EXEC-007", c.at, "works on memory, or on another process, with "+last)
	}
	if mod, ok := lib["?."+last]; ok && strings.Contains(c.name, ".") {
		if v := mod(m, f, c); v != nil {
			return v
		}
	}
	return m.generic(f, fn, c)
}

func knownKind(v *value) bool {
	switch v.kind {
	case kString, kList, kObject, kFunc, kNum:
		return true
	}
	return false
}

// pass hands the data on: the result holds what the arguments hold.
func pass(m *machine, f *frame, c *call) *value {
	if len(c.args) == 1 && len(c.keys) == 0 && c.recv == nil {
		return c.args[0]
	}
	return unknown(joinMarks(c.marks(), nil)...)
}

// masked is a result from which the data cannot be had back.
func masked(m *machine, f *frame, c *call) *value {
	marks := c.marks()
	if c.recv != nil {
		marks = joinMarks(marks, allMarks(c.recv))
	}
	m.callback(f, c.all(), unknown())
	return unknown(mask(marks)...)
}

// silent has no result that holds data.
func silent(m *machine, f *frame, c *call) *value { return unknown() }

// encodes is an encoder.
func encodes(how string) model {
	return func(m *machine, f *frame, c *call) *value {
		return unknown(encode(c.marks(), f.place(c.at), "encoded as "+how)...)
	}
}

// decodes is a decoder of the first argument.
func decodes(how string, raw bool, dec func(string) (string, bool)) model {
	return func(m *machine, f *frame, c *call) *value {
		return m.decodeWith(f, c.at, c.arg(0, "s", "data", "string"), how, raw, dec)
	}
}

// shells runs its first argument in a shell.
func shells(m *machine, f *frame, c *call) *value {
	out := m.execShell(f, c.at, c.arg(0, "cmd", "command", "args"), c.arg(-1, "input"))
	m.callback(f, c.args[min(1, len(c.args)):], out)
	return m.process(out)
}

// process is a program that was started: its output can be had from it.
func (m *machine) process(out *value) *value {
	o := newObject()
	for _, n := range []string{"stdout", "output", "stderr", "text"} {
		o.obj.set(n, orUnknown(out))
	}
	o.obj.set("stdin", &value{kind: kRef, ref: "process.input", obj: newObject().obj})
	o.obj.any = orUnknown(out)
	o.marks = allMarks(out)
	return o
}

// printed is output that the agent reads.
func (m *machine) printed(f *frame, c *call, list ...*value) *value {
	v := list[0]
	if len(list) > 1 {
		v = concat(list...)
	}
	m.show(f, c, v)
	return unknown()
}

func (m *machine) show(f *frame, c *call, v *value) {
	if f.catch {
		f.out = joinOut(f.out, v)
	}
	if f.unit.Lang == skill.Shell {
		return
	}
	m.shown(f, c, v)
}

// shown judges what a program prints.
func (m *machine) shown(f *frame, c *call, v *value) {
	for _, k := range allMarks(v) {
		if k.masked {
			continue
		}
		switch k.source {
		case secretFile:
			if _, weak := secretPath(k.name); !weak {
				m.emit(f, "CJS-FLOW-011", c.at, "prints "+k.name, via(k), medium)
			}
		case envAll:
			m.emit(f, "CJS-FLOW-011", c.at, "prints the whole environment", via(k), medium)
		case secretEnv:
			sev := skill.Medium
			if f.unit.Fenced || m.opt.Manifest.DeclaresEnv(k.name) {
				sev = skill.Low
			}
			m.emit(f, "CJS-FLOW-011", c.at, "prints "+k.name, via(k), severity(sev), medium)
		}
	}
}

// joinOut is what was printed, one after the other.
func joinOut(a, b *value) *value {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	s, ok1 := a.text()
	t, ok2 := b.text()
	if ok1 && ok2 && len(s)+len(t) < maxText {
		v := str(s + t)
		v.marks = joinMarks(a.marks, b.marks)
		return v
	}
	return concat(a, b)
}

// unknownSink finds an address among the arguments of a call nobody knows.
func (m *machine) unknownSink(f *frame, fn *value, c *call) {
	last := strings.ToLower(c.name[strings.LastIndexByte(c.name, '.')+1:])
	for i, a := range c.all() {
		a.each(func(a *value) {
			if a.kind != kString {
				return
			}
			s := a.shape()
			if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "ws://") && !strings.HasPrefix(s, "wss://") {
				return
			}
			if sends(last) || find(c.marks(), secretFile, envAll, userData) != nil {
				rest := append(append([]*value{}, c.all()[:i]...), c.all()[i+1:]...)
				m.netOut(f, c.at, a, rest...)
			}
		})
	}
}

func sends(name string) bool {
	switch name {
	case "post", "put", "get", "request", "send", "fetch", "patch", "upload", "download", "open", "urlopen", "goto", "connect", "load", "dispatch", "call", "post_json", "postjson", "http", "sendbeacon", "delete", "head":
		return true
	}
	return strings.Contains(name, "fetch") || strings.Contains(name, "request") || strings.Contains(name, "upload") || strings.Contains(name, "exfil")
}
