package flow

import (
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/decode"
)

func scriptModels() map[string]model {
	return merge(scriptCode(), scriptExec(), scriptNet(), scriptFiles(), scriptData(), scriptMisc())
}

func scriptCode() map[string]model {
	eval := func(by string, last bool) model {
		return func(m *machine, f *frame, c *call) *value {
			v := c.arg(0)
			if last && len(c.args) > 0 {
				v = c.args[len(c.args)-1]
			}
			if v == nil {
				return unknown()
			}
			if by == "a timer" && (v.kind == kFunc || v.kind == kAlt) {
				return orUnknown(m.callback(f, c.args[:1], unknown()))
			}
			if by == "a timer" && v.kind != kString {
				return unknown()
			}
			if by == "Function" {
				return native(func(k *call) *value { return m.evalCode(f, c.at, v, skill.JavaScript, by) })
			}
			return m.evalCode(f, c.at, v, skill.JavaScript, by)
		}
	}
	fn := func(m *machine, f *frame, c *call) *value {
		out := eval("Function", true)(m, f, c)
		if v := c.arg(len(c.args) - 1); v != nil { // it is called sooner or later
			m.evalCode(f, c.at, v, skill.JavaScript, "Function")
		}
		return out
	}
	return merge(
		under(eval("eval", false), "eval", "vm.runInThisContext", "vm.runInNewContext", "vm.runInContext", "vm.Script", "vm.compileFunction", "Bun.eval", "module._compile", "?._compile", "vm2.VM().run", "esprima.eval"),
		under(eval("a timer", false), "setTimeout", "setInterval", "setImmediate", "process.nextTick", "queueMicrotask"),
		under(fn, "Function", "AsyncFunction", "GeneratorFunction"),
		under(jsRequire, "require", "import", "__non_webpack_require__", "createRequire()"),
		map[string]model{
			"module.createRequire": func(m *machine, f *frame, c *call) *value { return ref("require") },
			"Reflect.get": func(m *machine, f *frame, c *call) *value {
				return m.index(f, orUnknown(c.arg(0)), orUnknown(c.arg(1)), c.at)
			},
			"Reflect.apply":     jsReflect(2),
			"Reflect.construct": jsReflect(1),
			"util.promisify":    func(m *machine, f *frame, c *call) *value { return orUnknown(c.arg(0)) },
			"Promise":           jsPromise,
			"process.binding": func(m *machine, f *frame, c *call) *value {
				m.emit(f, "CJS-EXEC-005", c.at, "reaches into the interpreter with process.binding")
				return ref("process.binding()")
			},
			"process.dlopen": func(m *machine, f *frame, c *call) *value {
				m.emit(f, "CJS-EXEC-007", c.at, "loads native code")
				return unknown()
			},
		}, under(jsNative, "ffi-napi.Library", "ffi.Library", "koffi.load", "Deno.dlopen", "bun.ffi.dlopen"))
}

func jsNative(m *machine, f *frame, c *call) *value {
	m.emit(f, "CJS-EXEC-007", c.at, "loads native code", medium)
	return unknown()
}

func jsRequire(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0))
	p := pick(v)
	s, ok := p.text()
	if !ok {
		if k := find(allMarks(v), netIn, decoded); k != nil {
			m.emit(f, "CJS-FLOW-004", c.at, "loads code that comes out of "+k.source.String(), via(k))
		} else if f.unit.Lang == skill.JavaScript && len(allMarks(v)) == 0 && c.name == "require" && v.kind == kUnknown {
			m.emit(f, "CJS-EXEC-005", c.at, "loads a module whose name is not written down", severity(skill.Low), unsure)
		}
		return unknown()
	}
	if hiddenName(p) {
		m.dynamicName(f, ref(canonical(f.unit.Lang, strings.TrimPrefix(s, "node:"))), s, c.at)
	}
	if strings.HasPrefix(s, "data:") {
		return m.dataImport(f, c, s, p)
	}
	if strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") {
		in := m.netOut(f, c.at, v)
		m.emit(f, "CJS-FLOW-004", c.at, "loads code from "+cutText(s, 100), via(find(in.marks, netIn)))
		return unknown()
	}
	if strings.HasSuffix(s, ".node") {
		m.emit(f, "CJS-EXEC-007", c.at, "loads native code", medium)
		return unknown()
	}
	mod := m.importModule(f, s, 0, c.at)
	return mod
}

// dataImport is a module that stands in its own address.
func (m *machine) dataImport(f *frame, c *call, s string, v *value) *value {
	_, body, _ := strings.Cut(s, ",")
	how := "percent"
	text, ok := decode.Percent(body)
	if strings.Contains(s, ";base64,") {
		how = "base64"
		text, ok = decode.Base64(body)
	}
	if !ok {
		return unknown()
	}
	return m.evalCode(f, c.at, m.decodedText(v, text, false, how, f.place(c.at)), skill.JavaScript, "import")
}

// jsPromise runs the executor; the promise is what it resolves to.
func jsPromise(m *machine, f *frame, c *call) *value {
	var out *value
	resolve := native(func(k *call) *value {
		if len(k.args) > 0 {
			out = join(out, k.args[0])
		}
		return unknown()
	})
	if fn := c.arg(0); fn != nil {
		m.apply(f, fn, &call{args: []*value{resolve, resolve}, at: c.at})
	}
	return orUnknown(out)
}

func jsThen(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.recv)
	var out *value
	for i, a := range c.args {
		arg := v
		if i > 0 || strings.HasSuffix(c.name, "catch") {
			arg = unknown()
		}
		if a.kind == kFunc || a.kind == kAlt || a.kind == kRef {
			r := m.apply(f, a, &call{args: []*value{arg}, at: c.at})
			if i == 0 && !strings.HasSuffix(c.name, "catch") {
				out = join(out, r)
			}
		}
	}
	if strings.HasSuffix(c.name, "catch") || strings.HasSuffix(c.name, "finally") {
		return v
	}
	return orUnknown(out)
}

func scriptExec() map[string]model {
	spawn := func(m *machine, f *frame, c *call) *value {
		argv := []*value{orUnknown(c.arg(0))}
		opts := c.arg(2)
		if l := pick(orUnknown(c.arg(1))); l.kind == kList {
			argv = append(argv, l.items...)
		} else if l.kind == kObject {
			opts = l
		} else if l.kind != kFunc && len(c.args) > 1 {
			argv = append(argv, l)
		}
		var in *value
		shell := false
		if opts != nil && opts.kind == kObject {
			m.tied(f, c, opts.obj.fields["stdio"])
			in = opts.obj.fields["input"]
			if s := opts.obj.fields["shell"]; s != nil {
				t, known := s.truth()
				shell = t || !known
			}
		}
		var out *value
		if shell {
			parts := []*value{argv[0]}
			for _, a := range argv[1:] {
				parts = append(parts, str(" "), a)
			}
			out = m.execShell(f, c.at, concat(parts...), in)
		} else {
			out = m.execArgv(f, c.at, argv, in)
		}
		m.callback(f, c.args[min(1, len(c.args)):], out)
		return m.process(out)
	}
	zx := func(m *machine, f *frame, c *call) *value {
		return m.process(m.execShell(f, c.at, orUnknown(c.arg(0)), nil))
	}
	return merge(
		under(shells, "child_process.exec", "child_process.execSync", "execa.execaCommand", "execa.command", "execa.execaCommandSync", "?.execCommand"),
		under(spawn, "child_process.spawn", "child_process.spawnSync", "child_process.execFile", "child_process.execFileSync", "execa", "execa.sync", "execa.execaSync", "node-pty.spawn"),
		under(zx, "zx"),
		map[string]model{
			"bun.spawn": func(m *machine, f *frame, c *call) *value {
				v := pick(orUnknown(c.arg(0)))
				if v.kind == kObject {
					v = pick(orUnknown(v.obj.fields["cmd"]))
				}
				if v.kind == kList {
					return m.process(m.execArgv(f, c.at, v.items, nil))
				}
				return unknown()
			},
			"Deno.Command": func(m *machine, f *frame, c *call) *value {
				argv := []*value{orUnknown(c.arg(0))}
				if o := pick(orUnknown(c.arg(1))); o.kind == kObject {
					if l := o.obj.fields["args"]; l != nil && l.kind == kList {
						argv = append(argv, l.items...)
					}
				}
				return m.process(m.execArgv(f, c.at, argv, nil))
			},
			"child_process.fork": func(m *machine, f *frame, c *call) *value {
				return m.runFile(f, c.at, orUnknown(c.arg(0)), nil, nil, "node")
			},
			"worker_threads.Worker": func(m *machine, f *frame, c *call) *value {
				if o := c.arg(1); o != nil && o.kind == kObject {
					if t, _ := orUnknown(o.obj.fields["eval"]).truth(); t {
						return m.evalCode(f, c.at, c.arg(0), skill.JavaScript, "a worker")
					}
				}
				return m.runFile(f, c.at, orUnknown(c.arg(0)), nil, nil, "node")
			},
			"process.setuid": privileged, "process.setgid": privileged,
			"?.pipe": jsPipe,
		})
}

// jsReflect calls its first argument with the list of arguments at n.
func jsReflect(n int) model {
	return func(m *machine, f *frame, c *call) *value {
		k := &call{at: c.at}
		if l := pick(orUnknown(c.arg(n))); l.kind == kList {
			k.args = l.items
		}
		return m.apply(f, orUnknown(c.arg(0)), k)
	}
}

// tied finds a connection among what a program reads from and writes to.
func (m *machine) tied(f *frame, c *call, list ...*value) {
	for _, v := range list {
		v = pick(v)
		if v == nil {
			continue
		}
		if v.kind == kList {
			m.tied(f, c, v.items[:min(len(v.items), 3)]...)
		}
		if strings.HasPrefix(v.ref, "net.sock") || strings.HasPrefix(v.ref, "socket.sock") || strings.HasPrefix(v.ref, "net.connect") || strings.HasPrefix(v.ref, "tls.connect") {
			m.emit(f, "CJS-EXEC-002", c.at, "ties a program's input and output to a network connection")
			return
		}
	}
}

// jsPipe sends a stream on: into a program's input, a file or a connection.
func jsPipe(m *machine, f *frame, c *call) *value {
	v, to := c.recv, c.arg(0)
	if v == nil || to == nil {
		return nil
	}
	if to.ref == "process.input" && target(v) != nil {
		m.emit(f, "CJS-EXEC-002", c.at, "ties a program's input to a network connection")
	}
	if to.obj != nil {
		if p := to.obj.fields["\x00path"]; p != nil {
			m.writeFile(f, c.at, p, unknown(allMarks(v)...))
		}
		if target(to) != nil {
			sendOver(m, f, &call{name: c.name, recv: to, args: []*value{v}, at: c.at})
		}
	}
	return to.withMarks(allMarks(v))
}

func scriptNet() map[string]model {
	verbs := map[string]model{}
	for _, v := range []string{"get", "post", "put", "patch", "delete", "head", "request", "options", "postForm", "stream"} {
		verbs["axios."+v] = webCall(0)
	}
	return merge(verbs,
		under(jsFetch, "fetch", "axios", "http.request", "https.request", "http.get", "https.get", "undici.stream", "navigator.sendBeacon", "EventSource", "ws", "WebSocket", "ws.WebSocket", "ws.default", "socket.io-client", "socket.io-client.io", "http2.connect", "Request", "axios.request", "download"),
		under(hostCall(0), "net.connect", "net.createConnection", "tls.connect", "net.sock.connect", "ssh2.Client().connect", "nodemailer.createTransport", "dgram.sock.connect", "net.Socket().connect"),
		under(sendOver, "http.req.write", "http.req.end", "net.sock.write", "net.sock.end", "ws.conn.send", "ws.conn.emit", "nodemailer.createTransport().sendMail", "dgram.sock.connect().send", "http2.conn.request", "net.connect().write", "tls.connect().write"),
		under(bindCall, "http.createServer().listen", "https.createServer().listen", "net.createServer().listen", "express().listen", "fastify().listen", "Bun.serve", "Deno.serve", "ws.WebSocketServer", "ws.Server", "express.default().listen", "koa().listen", "dgram.sock.bind", "hono().listen", "http.createServer().on().listen"),
		under(dnsCall, "dns.lookup", "dns.resolve", "dns.resolve4", "dns.resolveTxt", "dns.resolveCname", "dns.resolve6"),
		under(webCall(0), "axios.get", "jQuery.get", "$.get", "$.post", "$.ajax"),
		map[string]model{
			"http.createServer": serverCallback, "https.createServer": serverCallback, "net.createServer": serverCallback,
			"xhr.open": func(m *machine, f *frame, c *call) *value {
				if c.recv != nil && c.recv.obj != nil {
					c.recv.obj.set("\x00to", orUnknown(c.arg(1)))
				}
				return unknown()
			},
			"xhr.send": sendOver,
			"XMLHttpRequest": func(m *machine, f *frame, c *call) *value {
				return &value{kind: kRef, ref: "xhr", obj: newObject().obj}
			},
			"net.Socket": func(m *machine, f *frame, c *call) *value {
				return &value{kind: kRef, ref: "net.sock", obj: newObject().obj}
			},
			"dgram.sock.send": func(m *machine, f *frame, c *call) *value {
				if len(c.args) < 3 {
					return nil
				}
				host := c.args[len(c.args)-1]
				if host.kind == kFunc && len(c.args) > 3 {
					host = c.args[len(c.args)-2]
				}
				m.netOut(f, c.at, host, c.args[0])
				return unknown()
			},
			"clipboardy.read":     func(m *machine, f *frame, c *call) *value { return m.userValue(f, c.at, "the clipboard") },
			"clipboardy.readSync": func(m *machine, f *frame, c *call) *value { return m.userValue(f, c.at, "the clipboard") },
			"screenshot-desktop":  func(m *machine, f *frame, c *call) *value { return m.userValue(f, c.at, "a screenshot") },
		})
}

// serverCallback calls the handler with what clients send.
func serverCallback(m *machine, f *frame, c *call) *value {
	k := &mark{source: netIn, name: "a client", at: f.place(c.at)}
	m.callback(f, c.all(), unknown(k))
	return &value{kind: kRef, ref: c.name + "()", obj: newObject().obj}
}

// jsFetch is a request by address or by options.
func jsFetch(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0))
	m.verification(f, c)
	data := c.args[min(1, len(c.args)):]
	address := v
	if v.kind == kObject {
		if u := firstField(v, "url", "uri"); u != nil {
			address = u
		} else if h := firstField(v, "hostname", "host"); h != nil {
			parts := []*value{str("https://"), h}
			if p := v.obj.fields["port"]; p != nil {
				parts = append(parts, str(":"), p)
			}
			if p := v.obj.fields["path"]; p != nil {
				parts = append(parts, p)
			}
			address = concat(parts...)
			if strings.HasPrefix(c.name, "http.") {
				address = concat(append([]*value{str("http://")}, parts[1:]...)...)
			}
		}
		data = append(data[:len(data):len(data)], v)
	} else if len(c.args) > 1 && c.args[1].kind == kObject && c.name != "fetch" {
		if h := firstField(c.args[1], "hostname", "host"); h != nil {
			address = concat(str("https://"), h)
		}
	}
	if c.recv != nil && c.recv.kind == kRef && strings.HasPrefix(c.name, "axios") {
		data = append(data[:len(data):len(data)], c.recv)
	}
	in := m.netOut(f, c.at, address, data...)
	out := &value{kind: kRef, ref: c.name + "()", marks: in.marks, obj: newObject().obj}
	out.obj.set("\x00to", address)
	if c.name == "ws" || strings.HasPrefix(strings.ToLower(c.name), "ws") || c.name == "WebSocket" {
		out.ref = "ws.conn"
	}
	if strings.HasPrefix(c.name, "http.") || strings.HasPrefix(c.name, "https.") {
		out.ref = "http.req"
	}
	m.callback(f, c.all(), &value{kind: kRef, ref: "response", marks: in.marks, obj: newObject().obj})
	return out
}
