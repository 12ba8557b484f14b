package flow

import (
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/decode"
)

func pythonModels() map[string]model {
	return merge(pythonCode(), pythonExec(), pythonNet(), pythonFiles(), pythonData(), pythonMisc())
}

func pythonCode() map[string]model {
	eval := func(by string) model {
		return func(m *machine, f *frame, c *call) *value {
			return m.evalCode(f, c.at, c.arg(0), skill.Python, by)
		}
	}
	return merge(under(eval("eval"), "eval"), under(eval("exec"), "exec", "execfile", "code.interact", "runpy.run_code"), map[string]model{
		"compile": func(m *machine, f *frame, c *call) *value { return c.arg(0, "source") },
		"getattr": pyGetattr,
		"setattr": func(m *machine, f *frame, c *call) *value {
			m.setField(f, orUnknown(c.arg(0)), orUnknown(c.arg(1)), orUnknown(c.arg(2)), c.at)
			return null()
		},
		"globals": pyGlobals,
		"locals":  pyGlobals,
		"vars": func(m *machine, f *frame, c *call) *value {
			if len(c.args) > 0 {
				return c.args[0]
			}
			return pyGlobals(m, f, c)
		},
		"__import__":              pyImport,
		"importlib.import_module": pyImport,
		"importlib.__import__":    pyImport,

		"importlib.spec_from_file_location":    loadFile(1, "location"),
		"importlib.machinery.SourceFileLoader": loadFile(1, "path"),
		"runpy.run_path":                       loadFile(0, "path_name"),
		"operator.attrgetter": func(m *machine, f *frame, c *call) *value {
			name := c.arg(0)
			return native(func(k *call) *value {
				return pyGetattr(m, f, &call{args: []*value{orUnknown(k.arg(0)), orUnknown(name)}, at: c.at})
			})
		},
		"functools.partial": pyPartial,
		"?.__getattribute__": func(m *machine, f *frame, c *call) *value {
			return pyGetattr(m, f, &call{args: []*value{orUnknown(c.recv), orUnknown(c.arg(0))}, at: c.at})
		},
		"?.__getitem__": func(m *machine, f *frame, c *call) *value {
			return m.index(f, orUnknown(c.recv), orUnknown(c.arg(0)), c.at)
		},
		"map": pyMap,
		"filter": func(m *machine, f *frame, c *call) *value {
			m.callback(f, c.args[:min(1, len(c.args))], m.element(orUnknown(c.arg(1))))
			return c.arg(1)
		},
		"types.FunctionType": func(m *machine, f *frame, c *call) *value {
			m.emit(f, "CJS-EXEC-006", c.at, "makes a function of a code object")
			return c.arg(0)
		},
		"types.CodeType": func(m *machine, f *frame, c *call) *value {
			m.emit(f, "CJS-EXEC-006", c.at, "makes a code object of bytes")
			return unknown()
		},
	}, under(pyUnpickle("marshal"), "marshal.loads", "marshal.load"), under(pyUnpickle("pickle"), "pickle.loads", "pickle.load", "pickle.Unpickler", "shelve.open", "jsonpickle.decode", "torch.load", "pandas.read_pickle", "numpy.load"), under(pyYaml, "yaml.load", "yaml.load_all"), under(pyYaml, "yaml.unsafe_load", "yaml.full_load"))
}

func pyPartial(m *machine, f *frame, c *call) *value {
	if len(c.args) == 0 {
		return unknown()
	}
	fn, bound := c.args[0], c.args[1:]
	return native(func(k *call) *value {
		return m.apply(f, fn, &call{args: append(bound[:len(bound):len(bound)], k.args...), keys: c.keys, at: c.at})
	})
}

func pyMap(m *machine, f *frame, c *call) *value {
	over := orUnknown(c.arg(1))
	items, ok := m.iterate(over, false)
	if !ok {
		items = []*value{m.element(over)}
	}
	out := list()
	f.loop++
	for _, x := range items {
		if m.stopped || m.unitSteps > maxUnitSteps {
			break
		}
		out.items = append(out.items, m.apply(f, orUnknown(c.arg(0)), &call{args: []*value{x}, at: c.at}))
	}
	f.loop--
	return out
}

func pyGetattr(m *machine, f *frame, c *call) *value {
	obj, name := orUnknown(c.arg(0)), orUnknown(c.arg(1))
	s, ok := pick(name).text()
	if !ok {
		if obj.kind == kRef && m.dangerousModule(obj.ref) {
			m.unknownMember(f, obj, name, c.at)
		}
		return unknown(allMarks(obj)...)
	}
	out := m.attr(f, obj, s, c.at)
	if hiddenName(name) || obj.kind == kRef && dangerousModule(obj.ref) {
		m.dynamicName(f, pick(out), s, c.at)
	}
	return out
}

// pyGlobals is the module's namespace: built-ins and what is defined in it.
func pyGlobals(m *machine, f *frame, c *call) *value {
	o := newObject()
	for _, k := range sortedKeys(f.mod.scope.vars) {
		o.obj.set(k, f.mod.scope.vars[k])
	}
	for _, k := range []string{"eval", "exec", "__import__", "compile", "open", "getattr"} {
		if _, ok := o.obj.fields[k]; !ok {
			o.obj.set(k, ref(k))
		}
	}
	b := newObject()
	for _, k := range []string{"eval", "exec", "__import__", "compile", "open", "getattr", "chr", "print", "map"} {
		b.obj.set(k, ref(k))
	}
	o.obj.set("__builtins__", b)
	return o
}

func pyImport(m *machine, f *frame, c *call) *value {
	name := orUnknown(c.arg(0, "name"))
	s, ok := pick(name).text()
	if !ok {
		m.emit(f, "CJS-EXEC-005", c.at, "imports a module whose name is not written down", unsure, severity(skill.Low), via(find(allMarks(name), decoded, netIn)))
		return unknown()
	}
	if hiddenName(pick(name)) {
		m.dynamicName(f, ref(canonical(skill.Python, s)), s, c.at)
	}
	v := m.importModule(f, s, 0, c.at)
	if first, _, dotted := strings.Cut(s, "."); dotted && c.name == "__import__" {
		return ref(first)
	}
	return v
}

func pyUnpickle(how string) model {
	return func(m *machine, f *frame, c *call) *value {
		v := orUnknown(c.arg(0))
		k := find(allMarks(v), netIn, decoded)
		switch {
		case how == "marshal" || k != nil:
			m.emit(f, "CJS-EXEC-006", c.at, how+" makes code of data that nobody can read", via(k))
		case strings.HasSuffix(c.name, "torch.load") || strings.HasSuffix(c.name, "numpy.load"):
			return unknown(allMarks(v)...)
		default:
			m.emit(f, "CJS-EXEC-006", c.at, how+" runs what the data says", medium, severity(skill.Medium))
		}
		return unknown(allMarks(v)...)
	}
}

func pyYaml(m *machine, f *frame, c *call) *value {
	loader := c.arg(1, "Loader")
	v := orUnknown(c.arg(0))
	safe := loader != nil && (strings.Contains(loader.ref, "Safe") || strings.Contains(loader.ref, "BaseLoader"))
	if c.name == "yaml.unsafe_load" || c.name == "yaml.load" && !safe {
		sev := skill.Medium
		if find(allMarks(v), netIn) != nil {
			sev = skill.High
		}
		m.emit(f, "CJS-EXEC-006", c.at, "YAML that may make any object", severity(sev), medium)
	}
	return unknown(allMarks(v)...)
}

func pythonExec() map[string]model {
	run := func(m *machine, f *frame, c *call) *value {
		args := c.arg(0, "args", "cmd", "command")
		in := c.arg(-1, "input")
		m.tied(f, c, c.keys["stdin"], c.keys["stdout"], c.keys["stderr"])
		if in == nil {
			if s := c.arg(-1, "stdin"); s != nil && len(allMarks(s)) > 0 {
				in = s
			}
		}
		if t, known := c.arg(-1, "shell").truth(); args != nil && (t && known || c.arg(-1, "shell") != nil && !known) {
			return m.process(m.execShell(f, c.at, firstWord(args), in))
		}
		if args == nil {
			return unknown()
		}
		var out *value
		args.each(func(a *value) {
			switch a.kind {
			case kList:
				out = join(out, m.execArgv(f, c.at, a.items, in))
			case kString:
				out = join(out, m.execArgv(f, c.at, []*value{a}, in))
			default:
				m.codeSource(f, c.at, a, "the system")
				out = join(out, unknown(outMarks(a)...))
			}
		})
		return m.process(out)
	}
	argvRun := func(m *machine, f *frame, c *call) *value { return m.process(m.execArgv(f, c.at, c.args, nil)) }
	execv := func(skip int) model {
		return func(m *machine, f *frame, c *call) *value {
			args := c.args[min(skip, len(c.args)):]
			if len(args) > 1 && args[1].kind == kList {
				return m.process(m.execArgv(f, c.at, append([]*value{args[0]}, args[1].items[min(1, len(args[1].items)):]...), nil))
			}
			return m.process(m.execArgv(f, c.at, args[:min(1, len(args))], nil))
		}
	}
	return merge(
		under(shells, "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "os.popen2", "os.popen3", "os.popen4", "subprocess.create_subprocess_shell", "asyncio.create_subprocess_shell", "pexpect.spawn", "pexpect.run", "invoke.run", "fabric.api.local", "?.exec_command", "plumbum.local"),
		under(run, "subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "anyio.run_process", "trio.run_process"),
		under(argvRun, "asyncio.create_subprocess_exec", "subprocess.create_subprocess_exec", "os.execl", "os.execlp", "os.execle", "os.startfile", "pty.spawn"),
		under(execv(0), "os.execv", "os.execve", "os.execvp", "os.execvpe", "os.posix_spawn"), under(execv(1), "os.spawnv", "os.spawnvp", "os.spawnl", "os.spawnlp"),
		map[string]model{
			"pty.spawn": pyPtySpawn,
			"os.dup2":   pyDup2,
			"subprocess.proc.communicate": func(m *machine, f *frame, c *call) *value {
				out := unknown(recvMarks(orUnknown(c.recv), "x.read")...)
				return list(out, out)
			},
			"os.setuid": privileged, "os.setgid": privileged, "os.seteuid": privileged,
			"os.fork":     func(m *machine, f *frame, c *call) *value { return unknown() },
			"shlex.quote": func(m *machine, f *frame, c *call) *value { return &value{kind: kRef, ref: "quoted", marks: c.marks()} },
			"shlex.split": func(m *machine, f *frame, c *call) *value {
				if s, ok := pick(orUnknown(c.arg(0))).text(); ok {
					return texts(strings.Fields(s), nil)
				}
				v := pick(orUnknown(c.arg(0)))
				return splitHoled(v)
			},
		}, under(pyNative, "ctypes.CDLL", "ctypes.cdll.LoadLibrary", "ctypes.WinDLL", "ctypes.windll.LoadLibrary", "ctypes.PyDLL", "cffi.FFI().dlopen", "ctypes.util.find_library"))
}

func firstWord(v *value) *value {
	if v.kind == kList && len(v.items) > 0 {
		return v.items[0]
	}
	return v
}

// splitHoled splits a string with holes at its blanks.
func splitHoled(v *value) *value {
	text, holes := holed(v)
	out := list()
	for _, w := range strings.Fields(text) {
		out.items = append(out.items, fillHoles(w, holes))
	}
	return out
}

func privileged(m *machine, f *frame, c *call) *value {
	m.emit(f, "CJS-EXEC-008", c.at, "changes the user it runs as")
	return unknown()
}

func pyPtySpawn(m *machine, f *frame, c *call) *value {
	m.shared.flag(f, "pty")
	if m.shared.flagged(f, "socket") {
		m.emit(f, "CJS-EXEC-002", c.at, "a terminal with a shell over a network connection")
	}
	if v := c.arg(0); v != nil && v.kind == kList {
		return m.execArgv(f, c.at, v.items, nil)
	}
	return m.execArgv(f, c.at, c.args[:min(1, len(c.args))], nil)
}

func pyDup2(m *machine, f *frame, c *call) *value {
	if v := c.arg(0); v != nil && (strings.HasPrefix(v.ref, "socket.sock") || m.shared.flagged(f, "socket")) {
		m.emit(f, "CJS-EXEC-002", c.at, "ties a program's input and output to a network connection")
	}
	return unknown()
}

func pyNative(m *machine, f *frame, c *call) *value {
	v := pick(orUnknown(c.arg(0)))
	s, ok := v.text()
	var tweaks []tweak
	base := s[strings.LastIndexByte(s, '/')+1:]
	switch {
	case v.kind == kNull, ok && !strings.Contains(s, "/") && (strings.HasPrefix(base, "libc") || strings.HasPrefix(base, "kernel32") || strings.HasPrefix(base, "user32") || strings.HasPrefix(base, "lib")), c.name == "ctypes.util.find_library":
		tweaks = append(tweaks, severity(skill.Low), unsure)
	case find(allMarks(v), netIn, decoded) == nil:
		tweaks = append(tweaks, medium)
	}
	m.emit(f, "CJS-EXEC-007", c.at, "loads native code", tweaks...)
	return unknown()
}

func pythonData() map[string]model {
	b64 := decodes("base64", true, decode.Base64)
	return merge(
		under(b64, "base64.b64decode", "base64.urlsafe_b64decode", "base64.standard_b64decode", "base64.decodebytes", "base64.decodestring", "binascii.a2b_base64"),
		under(decodes("hex", true, decode.Hex), "binascii.unhexlify", "binascii.a2b_hex", "bytes.fromhex", "bytearray.fromhex", "base64.b16decode"),
		under(decodes("base85", true, decode.Base85), "base64.b85decode"), under(decodes("base85", true, decode.Ascii85), "base64.a85decode"),
		under(decodes("base32", true, decode.Base32), "base64.b32decode"),
		under(decodes("zlib", true, decode.Inflate), "zlib.decompress", "zlib.decompressobj().decompress"),
		under(decodes("gzip", true, decode.Gunzip), "gzip.decompress"), under(decodes("bzip2", true, decode.Bunzip), "bz2.decompress"),
		under(decodes("lzma", true, func(string) (string, bool) { return "", false }), "lzma.decompress"),
		under(decodes("percent", false, decode.Percent), "urllib.parse.unquote", "urllib.parse.unquote_plus"),
		under(encodes("base64"), "base64.b64encode", "base64.urlsafe_b64encode", "base64.standard_b64encode", "base64.encodebytes", "base64.b32encode", "base64.b85encode", "base64.a85encode", "binascii.b2a_base64"),
		under(encodes("hex"), "binascii.hexlify", "base64.b16encode", "binascii.b2a_hex", "?.hex"),
		under(encodes("gzip"), "zlib.compress", "gzip.compress", "bz2.compress", "lzma.compress"),
		under(pass, "json.dumps", "json.loads", "str", "repr", "bytes", "bytearray", "list", "tuple", "dict", "set", "sorted", "int", "float", "urllib.parse.urlencode", "urllib.parse.quote", "urllib.parse.quote_plus", "json.dump", "copy.deepcopy", "copy.copy", "ascii", "memoryview", "frozenset", "iter", "next", "enumerate", "urllib.parse.urljoin", "html.escape", "textwrap.dedent", "typing.cast", "os.fsdecode", "os.fspath", "asyncio.run", "asyncio.gather", "asyncio.wait_for", "asyncio.to_thread", "asyncio.create_task", "asyncio.get_event_loop().run_until_complete"),
		under(masked, "bool", "hash", "type", "isinstance", "any", "all", "hashlib.sha256", "hashlib.md5", "hashlib.sha1", "hashlib.sha512", "hashlib.new", "hashlib.blake2b", "hmac.new", "hmac.digest", "zlib.crc32", "id", "bcrypt.hashpw", "?.hexdigest", "?.digest", "?.startswith", "?.endswith", "?.isdigit", "os.path.exists", "os.path.isfile", "os.path.isdir", "?.count", "jwt.encode"),
		under(func(m *machine, f *frame, c *call) *value {
			return m.decodeWith(f, c.at, orUnknown(c.arg(0)), "encrypted text", true, func(string) (string, bool) { return "", false })
		}, "?.decrypt"),
		map[string]model{
			"chr": pyChr, "len": pyLen, "ord": pyOrd, "reversed": pyReversed, "range": pyRange, "hex": pyHex,
			"codecs.decode": pyCodecs, "codecs.encode": pyCodecs, "zip": pyZip, "str.maketrans": pass, "bytes": pyBytes, "bytearray": pyBytes, "int": pyInt, "list": pyList, "tuple": pyList, "int.from_bytes": silent, "enumerate": pyEnumerate, "sum": pyReversedNone,
			"str": func(m *machine, f *frame, c *call) *value {
				if v := c.arg(0); v != nil {
					if s, ok := pick(v).text(); ok && pick(v).kind != kBool {
						return builtText(s, v.marks)
					}
					return v
				}
				return str("")
			},
			"os.path.join": pathJoin, "os.path.dirname": pathDir, "os.path.abspath": pass, "os.path.realpath": pass, "os.path.normpath": pass, "os.path.basename": pathBase, "expanduser": pathExpand,
			"functools.reduce": func(m *machine, f *frame, c *call) *value {
				l := pick(orUnknown(c.arg(1)))
				if l.kind != kList {
					return nil
				}
				args := []*value{orUnknown(c.arg(0))}
				if a := c.arg(2); a != nil {
					args = append(args, a)
				}
				return m.listEach(f, "reduce", l, &call{args: args, at: c.at})
			},
		})
}
