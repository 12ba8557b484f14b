package flow

import (
	"strings"

	"clawjail/policy/skill/code/ir"
)

type irPos = ir.Pos

// openFile is a file object: reading gives what is in the file, writing stores.
func openFile(m *machine, f *frame, c *call) *value {
	name := c.arg(0, "file", "name", "path")
	mode := strings.ToLower(pickText(c.arg(1, "mode")))
	if c.recv != nil && strings.HasPrefix(c.name, "str.") {
		name, mode = c.recv, strings.ToLower(pickText(c.arg(0, "mode")))
	}
	o := &value{kind: kRef, ref: "file", obj: newObject().obj}
	o.obj.set("\x00path", orUnknown(name))
	if strings.ContainsAny(mode, "wax") {
		m.writeFile(f, c.at, name, unknown())
		return o
	}
	v := m.readFile(f, c.at, name)
	o.obj.set("\x00data", v)
	o.marks = allMarks(v)
	return o
}

func fileRead(m *machine, f *frame, c *call) *value {
	if c.recv == nil || c.recv.obj == nil {
		return nil
	}
	if v := c.recv.obj.fields["\x00data"]; v != nil {
		return v
	}
	return nil
}

func fileWrite(m *machine, f *frame, c *call) *value {
	if c.recv == nil || c.recv.obj == nil {
		return nil
	}
	if p := c.recv.obj.fields["\x00path"]; p != nil {
		m.writeFile(f, c.at, p, concat(c.args...))
		return unknown()
	}
	return nil
}

// pathMethod calls a method of a path, which is a string here.
func pathRead(m *machine, f *frame, c *call) *value {
	if c.recv == nil || c.recv.kind != kString {
		return nil
	}
	return m.readFile(f, c.at, c.recv)
}

func pathWrite(m *machine, f *frame, c *call) *value {
	if c.recv == nil || c.recv.kind != kString && c.recv.kind != kAlt {
		return nil
	}
	m.writeFile(f, c.at, c.recv, concat(c.args...))
	return unknown()
}

func pathWalk(m *machine, f *frame, c *call) *value {
	v := c.recv
	if v == nil || v.kind != kString {
		return nil
	}
	if pat := c.arg(0); pat != nil {
		v = concat(v, str("/"), pat)
		if s, ok := v.text(); ok && (c.name == "str.rglob") {
			v = str(strings.Replace(s, "/"+pat.known(), "/**/"+pat.known(), 1))
		}
		p := cleanPath(v)
		if what, _ := secretPath(p); what == "" {
			v = c.recv
		}
	}
	return list(m.walkTree(f, c.at, v))
}

func walks(m *machine, f *frame, c *call) *value {
	v := m.walkTree(f, c.at, c.arg(0, "top", "path", "pathname"))
	if c.name == "os.walk" {
		return list(list(v, list(v), list(v)))
	}
	m.callback(f, c.all(), list(v))
	return list(v)
}

func changesMode(m *machine, f *frame, c *call) *value {
	v := c.arg(0, "path")
	mode := c.arg(1, "mode")
	if c.recv != nil && c.recv.kind == kString && strings.HasPrefix(c.name, "str.") {
		v, mode = c.recv, c.arg(0)
	}
	n, ok := mode.number()
	if ok && int(n)&0o6000 != 0 {
		m.emit(f, "CJS-EXEC-008", c.at, "makes a file set-user-id")
	}
	if v != nil && (!ok || int(n)&0o111 != 0) {
		m.executable(f, c.at, v)
	}
	return unknown()
}

// executable reports making something executable that was downloaded or hidden.
func (m *machine) executable(f *frame, pos irPos, v *value) {
	key := fileKey(v)
	stored := m.shared.files[key]
	if key == "" || stored == nil {
		return
	}
	if k := find(allMarks(stored), netIn, decoded); k != nil {
		m.emit(f, "CJS-FS-006", pos, "makes "+key+" executable, which comes out of "+k.source.String(), via(k))
	}
}

func removes(m *machine, f *frame, c *call) *value {
	v := c.arg(0, "path")
	if c.recv != nil && c.recv.kind == kString && strings.HasPrefix(c.name, "str.") {
		v = c.recv
	}
	if v == nil {
		return unknown()
	}
	m.remove(f, c.at, v, strings.Contains(c.name, "rmtree") || strings.Contains(c.name, "rm") || strings.Contains(c.name, "remove"))
	return unknown()
}

// remove judges a deletion.
func (m *machine) remove(f *frame, pos irPos, v *value, tree bool) {
	m.overwrites(f, pos, v, "deletes")
	p := cleanPath(v)
	if class, what := writeClass(p); class == logs || p == "/var/log" {
		m.emit(f, "CJS-FS-007", pos, "deletes "+p+": "+nonEmpty(what, "logs"))
	}
	if tree && homeTree(p) || p == "/etc" || p == "/usr" || p == "/*" || p == "~/*" {
		m.emit(f, "CJS-EXEC-010", pos, "deletes "+p)
	}
}

func copies(m *machine, f *frame, c *call) *value {
	from, to := c.arg(0, "src"), c.arg(1, "dst")
	m.writeFile(f, c.at, to, m.readFile(f, c.at, from))
	return orUnknown(to)
}

func archives(m *machine, f *frame, c *call) *value {
	root := c.arg(2, "root_dir")
	v := m.readTree(f, c.at, root)
	m.writeFile(f, c.at, concat(orUnknown(c.arg(0)), str("."), orUnknown(c.arg(1))), v)
	out := orUnknown(c.arg(0))
	return out.withMarks(archived(allMarks(v)))
}

func archived(marks []*mark) []*mark {
	return change(marks, func(m *mark) { m.archived = true })
}

// readTree is everything below a directory.
func (m *machine) readTree(f *frame, pos irPos, v *value) *value {
	if v == nil {
		return unknown()
	}
	w := m.walkTree(f, pos, v)
	marks := allMarks(w)
	if len(marks) == 0 || find(marks, userData, secretFile) == nil {
		marks = joinMarks(marks, allMarks(m.readFile(f, pos, v)))
	}
	return unknown(archived(marks)...)
}

// zipAdd puts a file into an archive that is being written.
func zipAdd(m *machine, f *frame, c *call) *value {
	if c.recv == nil {
		return nil
	}
	v := m.readTree(f, c.at, c.arg(0))
	if c.name != "zipfile.file.writestr" {
		if v2 := m.readFile(f, c.at, orUnknown(c.arg(0))); len(allMarks(v2)) > 0 {
			v = unknown(archived(joinMarks(allMarks(v), allMarks(v2)))...)
		}
	} else {
		v = unknown(archived(c.marks())...)
	}
	for r := c.recv; r != nil; r = r.recv {
		if r.obj == nil {
			continue
		}
		if p := r.obj.fields["\x00path"]; p != nil {
			m.writeFile(f, c.at, p, v)
		}
		if b := r.obj.fields["\x00into"]; b != nil {
			b.obj.any = join(b.obj.any, v)
		}
	}
	return unknown()
}

func zipOpen(m *machine, f *frame, c *call) *value {
	o := &value{kind: kRef, ref: "zipfile.file", obj: newObject().obj}
	p := c.arg(0, "name", "file")
	if b := c.arg(-1, "fileobj"); b != nil {
		p = b
	}
	if p == nil {
		return o
	}
	if p.kind == kRef && p.obj != nil { // a buffer
		o.obj.set("\x00into", p)
	}
	if p.kind == kString || p.kind == kAlt {
		o.obj.set("\x00path", p)
		if !strings.ContainsAny(strings.ToLower(pickText(c.arg(1, "mode"))), "wax") {
			o.marks = allMarks(m.readFile(f, c.at, p))
		}
	}
	return o
}

func pythonFiles() map[string]model {
	exists := func(m *machine, f *frame, c *call) *value {
		v := c.arg(0, "path")
		if c.recv != nil && c.recv.kind == kString && strings.HasPrefix(c.name, "str.") {
			v = c.recv
		}
		if v != nil {
			m.sandboxFile(f, c.at, cleanPath(v))
		}
		return unknown()
	}
	return merge(
		under(openFile, "open", "str.open", "os.open", "os.fdopen"),
		under(fileRead, "file.read", "file.readlines", "file.readline", "file.__enter__", "file.read_text", "?.readlines"),
		under(fileWrite, "file.write", "file.writelines"),
		under(pathRead, "str.read_text", "str.read_bytes"),
		under(pathWrite, "str.write_text", "str.write_bytes"),
		under(pathWalk, "str.glob", "str.rglob", "str.iterdir", "str.walk"),
		under(walks, "os.walk", "os.listdir", "os.scandir", "glob.glob", "glob.iglob"),
		under(changesMode, "os.chmod", "str.chmod"),
		under(removes, "shutil.rmtree", "os.remove", "os.unlink", "str.unlink", "os.removedirs"),
		under(copies, "shutil.copy", "shutil.copyfile", "shutil.copy2", "shutil.move", "os.rename", "os.replace", "shutil.copytree", "os.symlink", "os.link"),
		under(archives, "shutil.make_archive"),
		under(zipAdd, "zipfile.file.write", "zipfile.file.writestr", "zipfile.file.add", "zipfile.file.addfile"),
		under(zipOpen, "zipfile.ZipFile", "tarfile.open", "tarfile.TarFile"),
		under(exists, "os.path.exists", "os.path.isfile", "os.path.isdir", "str.exists", "str.is_file", "str.is_dir"),
		map[string]model{
			"Path": func(m *machine, f *frame, c *call) *value {
				if len(c.args) == 0 {
					return str(".")
				}
				return pathJoin(m, f, c)
			},
			"sqlite3.connect": func(m *machine, f *frame, c *call) *value {
				return &value{kind: kRef, ref: "sqlite3.db", obj: newObject().obj, marks: m.readFile(f, c.at, c.arg(0, "database")).marks}
			},
			"Path.home": func(m *machine, f *frame, c *call) *value { return str("~") },
			"Path.cwd":  func(m *machine, f *frame, c *call) *value { return str(".") },
			"os.getcwd": func(m *machine, f *frame, c *call) *value { return str(".") },
			"str.joinpath": func(m *machine, f *frame, c *call) *value {
				return pathJoin(m, f, &call{args: append([]*value{c.recv}, c.args...)})
			},
			"io.BytesIO": buffer, "io.StringIO": buffer, "str.mkdir": silent,
			"tempfile.gettempdir": func(m *machine, f *frame, c *call) *value { return str("/tmp") },
			"tempfile.mkdtemp":    func(m *machine, f *frame, c *call) *value { return str("/tmp/dir") },
			"tempfile.NamedTemporaryFile": func(m *machine, f *frame, c *call) *value {
				o := &value{kind: kRef, ref: "file", obj: newObject().obj}
				p := str("/tmp/named" + strings.ReplaceAll(f.unit.File, "/", "_") + formatNum(float64(c.at.Line)))
				o.obj.set("\x00path", p)
				o.obj.set("name", p)
				return o
			},
			"dotenv.load_dotenv": silent,
			"dotenv.dotenv_values": func(m *machine, f *frame, c *call) *value {
				return unknown(&mark{source: secretFile, name: ".env", at: f.place(c.at)})
			},
			"os.getlogin": silent,
		})
}

func pythonMisc() map[string]model {
	get := func(m *machine, f *frame, c *call) *value {
		name := pick(orUnknown(c.arg(0, "key")))
		def := c.arg(1, "default")
		if s, ok := name.text(); ok {
			v := m.envRead(f, s, c.at)
			if def != nil && def.kind != kNull {
				return join(v, def)
			}
			return v
		}
		if find(allMarks(name), envAll) != nil {
			return unknown(allMarks(name)...)
		}
		return unknown(&mark{source: envVar, name: "*", at: f.place(c.at)})
	}
	return merge(under(get, "os.getenv", "os.environ.get", "os.environ.pop", "os.environ.setdefault", "os.environ.__getitem__", "os.getenvb", "decouple.config", "environs.Env().str", "process.env.get", "Deno.env.get", "Bun.env.get"),
		map[string]model{
			"print": func(m *machine, f *frame, c *call) *value {
				if file := c.keys["file"]; file != nil && strings.Contains(file.ref, "stderr") && len(c.args) > 0 {
					m.shown(f, c, concat(c.args...))
					return unknown()
				}
				if len(c.args) == 0 {
					return unknown()
				}
				return m.printed(f, c, c.args...)
			},
			"sys.stdout.write":        func(m *machine, f *frame, c *call) *value { return m.printed(f, c, orUnknown(c.arg(0))) },
			"sys.stdout.buffer.write": func(m *machine, f *frame, c *call) *value { return m.printed(f, c, orUnknown(c.arg(0))) },
			"input":                   func(m *machine, f *frame, c *call) *value { return m.stdinValue(f, c.at) },
			"sys.stdin.read":          func(m *machine, f *frame, c *call) *value { return m.stdinValue(f, c.at) },
			"sys.stdin.readline":      func(m *machine, f *frame, c *call) *value { return m.stdinValue(f, c.at) },
			"sys.stdin.buffer.read":   func(m *machine, f *frame, c *call) *value { return m.stdinValue(f, c.at) },
			"json.load": func(m *machine, f *frame, c *call) *value {
				v := orUnknown(c.arg(0))
				if v.ref == "sys.stdin" {
					return m.stdinValue(f, c.at)
				}
				return unknown(allMarks(v)...)
			},
			"json.dump": func(m *machine, f *frame, c *call) *value {
				return fileWrite(m, f, &call{name: "file.write", recv: pick(orUnknown(c.arg(1))), args: c.args[:min(1, len(c.args))], at: c.at})
			},
			"itertools.cycle": func(m *machine, f *frame, c *call) *value {
				return &value{kind: kRef, ref: "itertools.cycle", recv: pick(orUnknown(c.arg(0))), marks: c.marks()}
			},
			"threading.Thread": func(m *machine, f *frame, c *call) *value {
				args := pick(orUnknown(c.arg(-1, "args")))
				k := &call{at: c.at}
				if args.kind == kList {
					k.args = args.items
				}
				if t := c.arg(1, "target", "function"); t != nil {
					m.apply(f, t, k)
				}
				return unknown()
			},
			"parse_args": argparse, "?.parse_args": argparse, "?.parse_known_args": argparse,
			"?.execute": sqlCall, "?.executescript": sqlCall,
			"setuptools.setup": silent,
		})
}

// argparse is what the program was called with.
func argparse(m *machine, f *frame, c *call) *value {
	return &value{kind: kRef, ref: "args", marks: m.argvValue(f, c.at).marks}
}

// sqlCall is a query; an argument inside of its text is an injection.
func sqlCall(m *machine, f *frame, c *call) *value {
	v := pick(orUnknown(c.arg(0)))
	up := strings.ToUpper(v.shape())
	if v.kind != kString || !strings.Contains(up, "SELECT ") && !strings.Contains(up, "INSERT ") && !strings.Contains(up, "DELETE ") && !strings.Contains(up, "UPDATE ") && !strings.Contains(up, "DROP ") {
		return nil
	}
	for _, p := range v.parts {
		if p.hole == nil {
			continue
		}
		if k := find(allMarks(p.hole), argv, stdin, netIn); k != nil {
			m.emit(f, "CJS-FLOW-008", c.at, "an argument is put into an SQL statement", via(k), medium)
		}
	}
	return nil
}

// buffer is a file in memory.
func buffer(m *machine, f *frame, c *call) *value {
	o := &value{kind: kRef, ref: "buffer", obj: newObject().obj, marks: c.marks()}
	return o
}
