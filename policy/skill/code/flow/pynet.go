package flow

import (
	"strings"

	"clawjail/policy/skill"
)

// webCall is a request whose address is argument i; all else is sent.
func webCall(i int) model {
	return func(m *machine, f *frame, c *call) *value {
		url := c.arg(i, "url", "uri", "fullurl", "address")
		m.verification(f, c)
		var data []*value
		for j, a := range c.args {
			if j != i {
				data = append(data, a)
			}
		}
		for _, k := range sortedKeys(c.keys) {
			if k != "url" && k != "verify" && k != "timeout" {
				data = append(data, c.keys[k])
			}
		}
		if c.recv != nil && c.recv.kind == kRef {
			data = append(data, c.recv)
		}
		if i > 0 && len(c.args) > 0 {
			data = data[min(1, len(data)):]
		}
		in := m.netOut(f, c.at, url, data...)
		out := &value{kind: kRef, ref: c.name + "()", marks: in.marks, obj: newObject().obj}
		m.callback(f, c.all(), unknown(in.marks...))
		return out
	}
}

func (m *machine) verification(f *frame, c *call) {
	for _, k := range []string{"verify", "verify_ssl", "ssl"} {
		if v, ok := c.keys[k]; ok && v.kind == kBool && v.num == 0 {
			m.emit(f, "CJS-NET-006", c.at, "does not verify TLS certificates")
		}
	}
	for _, a := range c.all() {
		if a.kind != kObject {
			continue
		}
		if v := a.obj.fields["rejectUnauthorized"]; v != nil && v.kind == kBool && v.num == 0 {
			m.emit(f, "CJS-NET-006", c.at, "does not verify TLS certificates")
		}
	}
}

// hostCall is a connection to a host and port.
func hostCall(i int) model {
	return func(m *machine, f *frame, c *call) *value {
		v := orUnknown(c.arg(i, "host", "hostname", "address"))
		port := c.arg(i+1, "port")
		if v.kind == kList && len(v.items) > 0 {
			if len(v.items) > 1 {
				port = v.items[1]
			}
			v = v.items[0]
		}
		if v.kind == kObject {
			port = v.obj.fields["port"]
			v = orUnknown(firstField(v, "host", "hostname", "path"))
		}
		if v.kind == kNum { // net.connect(port, host)
			port, v = v, orUnknown(c.arg(i+1))
		}
		url := v
		if s, ok := v.text(); ok && !strings.Contains(s, "://") {
			if p, ok := port.text(); ok && p != "" && p != "0" {
				url = str(s + ":" + p).withMarks(v.marks)
			}
		}
		m.netOut(f, c.at, url)
		out := &value{kind: kRef, ref: c.name + "()", obj: newObject().obj}
		out.obj.set("\x00to", url)
		if c.recv != nil && c.recv.obj != nil {
			c.recv.obj.set("\x00to", url)
		}
		m.callback(f, c.all(), unknown(&mark{source: netIn, name: v.shape(), at: f.place(c.at)}))
		m.later(c)
		return out
	}
}

// later has the functions among the arguments run once more at the end, when
// what the call gave has a name.
func (m *machine) later(c *call) {
	for _, a := range c.args {
		if a.kind == kFunc && a.fn.fn != nil && len(m.pending) < 20_000 {
			again := *a.fn
			m.pending = append(m.pending, &again)
			delete(m.results, a.fn.fn)
		}
	}
}

func firstField(v *value, names ...string) *value {
	for _, n := range names {
		if x := v.obj.fields[n]; x != nil {
			return x
		}
	}
	return nil
}

// target is where an object that was connected sends to.
func target(v *value) *value {
	for range 8 {
		if v == nil {
			return nil
		}
		if v.obj != nil {
			if t := v.obj.fields["\x00to"]; t != nil {
				return t
			}
		}
		v = v.recv
	}
	return nil
}

// sendOver sends its arguments where its object was connected to.
func sendOver(m *machine, f *frame, c *call) *value {
	to := target(c.recv)
	if to == nil {
		for _, k := range c.marks() {
			if k.secret() {
				m.netOut(f, c.at, unknown(), c.all()...)
				break
			}
		}
		return unknown()
	}
	m.netOut(f, c.at, to, c.all()...)
	m.callback(f, c.all(), unknown(&mark{source: netIn, name: to.shape(), at: f.place(c.at)}))
	return unknown(&mark{source: netIn, name: to.shape(), at: f.place(c.at)})
}

func received(m *machine, f *frame, c *call) *value {
	name := "a connection"
	if to := target(c.recv); to != nil {
		name = to.shape()
	}
	k := &mark{source: netIn, name: name, at: f.place(c.at)}
	m.callback(f, c.all(), unknown(k))
	return unknown(k)
}

func pySocket(m *machine, f *frame, c *call) *value {
	m.shared.flag(f, "socket")
	return &value{kind: kRef, ref: "socket.sock", obj: newObject().obj}
}

func bindCall(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0, "host", "address"))
	host, port := "", ""
	if v.kind == kList && len(v.items) == 2 {
		host, port = v.items[0].shape(), v.items[1].shape()
	} else if h := c.keys["host"]; h != nil {
		host = h.known()
	}
	if p := c.keys["port"]; p != nil {
		port = p.shape()
	}
	if v.kind == kNum {
		port = v.known()
		if h, ok := c.arg(1).text(); ok && !strings.Contains(h, "/") {
			host = h
		}
	}
	m.listen(f, c.at, host, nonEmpty(port, "*"))
	m.callback(f, c.all(), unknown(&mark{source: netIn, name: "a client", at: f.place(c.at)}))
	return nil
}

func dnsCall(m *machine, f *frame, c *call) *value {
	v := orUnknown(c.arg(0, "host", "qname"))
	m.dns(f, c.at, v)
	m.callback(f, c.all(), unknown())
	return unknown()
}

func pythonNet() map[string]model {
	verbs := map[string]model{}
	for _, lib := range []string{"requests", "httpx", "aiohttp", "urllib3", "curl_cffi", "niquests", "treq"} {
		for _, v := range []string{"get", "post", "put", "patch", "delete", "head", "options", "stream", "ws_connect", "get_json"} {
			verbs[lib+"."+v] = webCall(0)
		}
		verbs[lib+".request"] = webCall(1)
		verbs[lib+".urlopen"] = webCall(1)
	}
	return merge(verbs,
		under(webCall(0), "urllib.request.urlopen", "urllib.request.build_opener().open", "wget.download", "httplib2.Http().request", "websocket.conn", "websockets.connect", "websocket.create_connection", "feedparser.parse", "pandas.read_csv", "pandas.read_json", "webbrowser.open", "gdown.download", "requests_toolbelt.sessions", "sseclient.SSEClient", "fetch", "pyfetch"),
		under(hostCall(0), "socket.create_connection", "socket.sock.connect", "socket.sock.connect_ex", "http.client.HTTPSConnection", "http.client.HTTPConnection", "httplib.HTTPConnection", "httplib.HTTPSConnection", "smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP", "ftplib.FTP_TLS", "telnetlib.Telnet", "paramiko.conn.connect", "paramiko.Transport", "smtplib.conn.connect", "mqtt.conn.connect", "asyncio.open_connection", "pymongo.MongoClient", "redis.Redis", "socketio.Client().connect", "imaplib.IMAP4_SSL"),
		under(sendOver, "socket.sock.send", "socket.sock.sendall", "http.client.conn.request", "http.client.conn.send", "smtplib.conn.sendmail", "smtplib.conn.send_message", "smtplib.conn.login", "ftplib.conn.storbinary", "ftplib.conn.storlines", "ftplib.conn.login", "websocket.conn.send", "mqtt.conn.publish", "socket.conn.send", "paramiko.conn.open_sftp().put", "socket.sock.write"),
		under(received, "socket.sock.recv", "socket.sock.recvfrom", "socket.sock.makefile", "http.client.conn.getresponse", "websocket.conn.recv"),
		under(bindCall, "socket.sock.bind", "http.server.HTTPServer", "socketserver.TCPServer", "socketserver.ThreadingTCPServer", "http.server.ThreadingHTTPServer", "uvicorn.run", "flask.Flask().run", "aiohttp.web.run_app", "asyncio.start_server", "xmlrpc.server.SimpleXMLRPCServer", "wsgiref.simple_server.make_server", "waitress.serve", "bottle.run", "websockets.serve"),
		under(dnsCall, "socket.gethostbyname", "socket.getaddrinfo", "socket.gethostbyname_ex", "dns.resolver.resolve", "dns.resolver.query"),
		map[string]model{
			"socket.socket": pySocket,
			"urllib.request.Request": func(m *machine, f *frame, c *call) *value {
				// A request is an address that carries its data.
				url := pick(orUnknown(c.arg(0, "url")))
				rest := c.all()
				var marks []*mark
				for _, a := range rest {
					if a != c.arg(0, "url") {
						marks = joinMarks(marks, allMarks(a))
					}
				}
				if s, ok := url.text(); ok {
					return concat(str(s), &value{kind: kString, parts: []part{{}}}).withMarks(marks)
				}
				return url.withMarks(marks)
			},
			"socket.sock.sendto": func(m *machine, f *frame, c *call) *value {
				to := orUnknown(c.arg(len(c.args) - 1))
				return hostCall(0)(m, f, &call{name: c.name, recv: c.recv, args: []*value{to}, at: c.at})
			},
			"urllib.request.urlretrieve": func(m *machine, f *frame, c *call) *value {
				in := m.netOut(f, c.at, c.arg(0, "url"))
				m.writeFile(f, c.at, c.arg(1, "filename"), in)
				return list(orUnknown(c.arg(1)), in)
			},
			"ssl._create_unverified_context": func(m *machine, f *frame, c *call) *value {
				m.emit(f, "CJS-NET-006", c.at, "does not verify TLS certificates")
				return unknown()
			},
			"pyperclip.paste":      func(m *machine, f *frame, c *call) *value { return m.userValue(f, c.at, "the clipboard") },
			"PIL.ImageGrab.grab":   func(m *machine, f *frame, c *call) *value { return m.userValue(f, c.at, "a screenshot") },
			"pyautogui.screenshot": func(m *machine, f *frame, c *call) *value { return m.userValue(f, c.at, "a screenshot") },
			"mss.mss().grab":       func(m *machine, f *frame, c *call) *value { return m.userValue(f, c.at, "a screenshot") },
			"pynput.keyboard.Listener": func(m *machine, f *frame, c *call) *value {
				v := m.userValue(f, c.at, "key strokes")
				m.callback(f, c.all(), v)
				return v
			},
			"keyring.get_password": func(m *machine, f *frame, c *call) *value {
				return unknown(&mark{source: secretEnv, name: "keyring " + nonEmpty(c.arg(0).known(), "entry"), at: f.place(c.at)})
			},
			"browser_cookie3.load":   func(m *machine, f *frame, c *call) *value { return m.secretValue(f, c.at, "browser cookies") },
			"browser_cookie3.chrome": func(m *machine, f *frame, c *call) *value { return m.secretValue(f, c.at, "browser cookies") },
		})
}

func (m *machine) userValue(f *frame, pos irPos, what string) *value {
	return unknown(&mark{source: userData, name: what, at: f.place(pos)})
}

func (m *machine) secretValue(f *frame, pos irPos, what string) *value {
	m.emit(f, "CJS-FS-005", pos, "reads "+what)
	return unknown(&mark{source: secretFile, name: what, at: f.place(pos)})
}

// dns is a name looked up: what stands in it is sent.
func (m *machine) dns(f *frame, pos irPos, v *value) {
	m.builtName(f, pos, v)
	for _, k := range allMarks(v) {
		if (k.secret() || k.source == userData) && !k.masked {
			m.emit(f, "CJS-FLOW-006", pos, "puts "+k.name+" into a name that is looked up", via(k))
			if k.source == envAll {
				m.emit(f, "CJS-FLOW-002", pos, "sends the whole environment in a name that is looked up", via(k))
			}
		}
	}
	if d := destination(v); d.literal && plausibleHost(d.host) {
		m.capable(f, skill.CapNet, d.host, pos, m.opt.Manifest.DeclaresHost(d.host))
		m.indicator(f, pos, d.host, d.path)
	}
}
