package flow

import (
	"path"
	"sort"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
)

func sortedKeys(m map[string]*value) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func (m *machine) importStmt(f *frame, s *ir.Stmt) {
	spec := s.Import
	mod := m.importModule(f, spec.Module, spec.Level, s.Pos)
	switch {
	case len(spec.Names) == 0 && spec.As != "":
		m.put(f.scope, spec.As, mod)
	case len(spec.Names) == 0 && f.unit.Lang == skill.Python:
		first, _, dotted := strings.Cut(spec.Module, ".")
		if dotted && mod.kind == kRef {
			mod = ref(first)
		}
		m.put(f.scope, first, mod)
	}
	if spec.As != "" && len(spec.Names) > 0 {
		m.put(f.scope, spec.As, mod)
	}
	for _, n := range spec.Names {
		m.importName(f, spec, mod, n, s.Pos)
	}
}

func (m *machine) importName(f *frame, spec *ir.ImportSpec, mod *value, n ir.ImportName, pos ir.Pos) {
	if n.Name == "*" {
		if mod.kind == kObject {
			for _, k := range mod.obj.order {
				if spec.Reexport {
					f.mod.exports.obj.set(k, mod.obj.fields[k])
				} else {
					m.put(f.scope, k, mod.obj.fields[k])
				}
			}
		} else if mod.kind == kRef {
			m.starImport(f, mod.ref)
		}
		return
	}
	v := m.memberOf(f, mod, n.Name, pos)
	if mod.kind == kRef && f.unit.Lang == skill.Python {
		if sub := strings.Trim(spec.Module+"."+n.Name, "."); m.ownModule(f, sub, spec.Level) != nil {
			v = m.importModule(f, sub, spec.Level, pos)
		}
	}
	if spec.Reexport {
		f.mod.exports.obj.set(n.As, v)
		return
	}
	m.put(f.scope, n.As, v)
}

// memberOf is what an import of a name from a module gives.
func (m *machine) memberOf(f *frame, mod *value, name string, pos ir.Pos) *value {
	if name == "default" {
		if mod.kind == kObject {
			if v, ok := mod.obj.fields["default"]; ok {
				return v
			}
		}
		return mod
	}
	return m.attr(f, mod, name, pos)
}

// starImport brings the names of a library that have a model.
func (m *machine) starImport(f *frame, lib string) {
	for name := range m.libs[libOf(f.unit.Lang)] {
		if rest, ok := strings.CutPrefix(name, lib+"."); ok && !strings.Contains(rest, ".") {
			m.put(f.scope, rest, ref(name))
		}
	}
	if lib == "os" {
		m.put(f.scope, "environ", &value{kind: kRef, ref: "os.environ", marks: []*mark{{source: envAll, name: "os.environ"}}})
	}
}

func libOf(l skill.Lang) skill.Lang {
	if l == skill.Python {
		return skill.Python
	}
	return skill.JavaScript
}

// importModule is the value of a module: of one of the skill's own files, or a
// reference to a library.
func (m *machine) importModule(f *frame, name string, level int, pos ir.Pos) *value {
	if own := m.ownModule(f, name, level); own != nil {
		if own.state == 0 {
			m.start(own)
		}
		return m.exportsOf(own)
	}
	m.droppedModule(f, name, pos)
	if f.unit.Lang == skill.Python {
		return ref(canonical(f.unit.Lang, name))
	}
	name = strings.TrimPrefix(name, "node:")
	return ref(canonical(f.unit.Lang, strings.TrimSuffix(name, "/promises")))
}

// droppedModule finds modules that a script downloaded or unwrapped before it
// loads them.
func (m *machine) droppedModule(f *frame, name string, pos ir.Pos) {
	base := path.Base(strings.ReplaceAll(name, ".", "/"))
	if f.unit.Lang != skill.Python {
		base = path.Base(name)
	}
	for key, made := range m.shared.made {
		file := path.Base(key)
		if made.v == nil || file != base && file != base+".py" && file != base+".js" && file != base+".so" || file == base && !strings.Contains(base, ".") {
			continue
		}
		if k := find(allMarks(made.v), netIn, decoded); k != nil {
			m.emit(f, "CJS-FLOW-004", pos, "loads "+key+", which comes out of "+k.source.String(), via(k))
		}
	}
}

func (m *machine) exportsOf(mod *module) *value {
	if mod.unit.Lang == skill.Python {
		o := newObject()
		for _, k := range sortedKeys(mod.scope.vars) {
			o.obj.set(k, mod.scope.vars[k])
		}
		return o
	}
	if v := mod.scope.vars["module"]; v != nil && v.kind == kObject {
		if e := v.obj.fields["exports"]; e != nil && e != mod.exports {
			return e
		}
	}
	return mod.exports
}

// ownModule finds a file of the skill by the name another file imports.
func (m *machine) ownModule(f *frame, name string, level int) *module {
	dir := path.Dir(f.unit.File)
	if f.unit.Lang == skill.Python {
		rel := strings.ReplaceAll(name, ".", "/")
		for i := 1; i < level; i++ {
			dir = path.Dir(dir)
		}
		bases := []string{dir}
		for d := dir; level == 0 && d != "." && len(bases) < 12; {
			d = path.Dir(d)
			bases = append(bases, d)
		}
		for _, b := range bases {
			for _, c := range []string{rel + ".py", rel + "/__init__.py"} {
				if mod := m.mods[path.Join(b, c)]; mod != nil {
					return mod
				}
			}
		}
		return nil
	}
	if !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "/") {
		return nil
	}
	base := path.Join(dir, name)
	stem := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(base, ".js"), ".mjs"), ".cjs")
	for _, c := range []string{base, base + ".js", base + ".ts", base + ".mjs", base + ".cjs", base + ".tsx", base + ".jsx", stem + ".ts", stem + ".tsx", stem + ".mts", base + "/index.js", base + "/index.ts", base + "/index.mjs"} {
		if mod := m.mods[c]; mod != nil {
			return mod
		}
	}
	return nil
}

func (m *machine) export(f *frame, s *ir.Stmt) {
	exports := f.mod.exports.obj
	switch {
	case s.Text == "names":
		v := m.eval(f, s.X)
		for _, k := range v.obj.order {
			exports.set(k, v.obj.fields[k])
		}
		return
	case s.X != nil && len(s.Body) == 0:
		exports.set("default", m.eval(f, s.X))
		return
	}
	m.block(f, s.Body)
	for _, b := range s.Body {
		for _, n := range declared(b) {
			if _, v := f.scope.find(n); v != nil {
				exports.set(n, v)
				if s.Text == "default" {
					exports.set("default", v)
				}
			}
		}
	}
}

// declared are the names that a statement declares.
func declared(s *ir.Stmt) []string {
	var out []string
	switch s.Kind {
	case ir.Def:
		out = append(out, s.Func.Name)
	case ir.ClassDef:
		out = append(out, s.Class.Name)
	case ir.Block:
		for _, b := range s.Body {
			out = append(out, declared(b)...)
		}
	case ir.Let:
		ir.Walk([]*ir.Stmt{{Targets: s.Targets}}, func(e *ir.Expr) bool {
			if e.Op == ir.Ident {
				out = append(out, e.Text)
			}
			return true
		})
	}
	return out
}
