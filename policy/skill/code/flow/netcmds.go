package flow

import (
	"strings"

	"clawjail/policy/skill"
)

// cmdCurl is curl and what is called like it.
func cmdCurl(m *machine, f *frame, c *cmdCall) *value {
	var urls, data []*value
	var out *value
	remoteName := false
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		s := pick(a).shape()
		next := func() *value {
			i++
			if i < len(c.args) {
				return c.args[i]
			}
			return unknown()
		}
		switch {
		case s == "-k" || s == "--insecure":
			m.emit(f, "CJS-NET-006", c.at, "does not verify TLS certificates")
		case s == "-o" || s == "--output":
			out = next()
		case s == "-O" || s == "--remote-name" || s == "-J":
			remoteName = true
		case dataFlag(s):
			data = append(data, m.curlData(f, c, next()))
		case s == "-T" || s == "--upload-file":
			data = append(data, m.uploaded(f, c, next()))
		case s == "-u" || s == "--user" || s == "-H" || s == "--header" || s == "-b" || s == "--cookie" || s == "-A" || s == "--user-agent" || s == "-e" || s == "--referer" || s == "--oauth2-bearer":
			v := next()
			data = append(data, v)
			if s == "-u" || s == "--user" {
				m.secretArgument(f, c, v)
			}
		case s == "-x" || s == "--proxy" || s == "--socks5" || s == "--socks5-hostname":
			m.tunnel(f, c, next())
		case s == "--url":
			urls = append(urls, next())
		case s == "-X" || s == "--request" || s == "-m" || s == "--max-time" || s == "-w" || s == "--write-out" || s == "--connect-timeout" || s == "--retry" || s == "-c" || s == "--cookie-jar" || s == "--cacert" || s == "--cert" || s == "--key" || s == "--resolve" || s == "-D" || s == "--dump-header" || s == "-r" || s == "--range" || s == "--retry-delay" || s == "--limit-rate" || s == "-K" || s == "--config" || s == "--max-filesize" || s == "-C" || s == "--unix-socket" || s == "--ciphers" || s == "--interface":
			next()
		case strings.HasPrefix(s, "--data") && strings.Contains(s, "="), strings.HasPrefix(s, "--form=") || strings.HasPrefix(s, "--json="):
			v, _ := cutShape(a, s[:strings.IndexByte(s, '=')+1])
			data = append(data, m.curlData(f, c, orUnknown(v)))
		case len(s) > 2 && (strings.HasPrefix(s, "-d") || strings.HasPrefix(s, "-F")):
			v, ok := cutShape(a, s[:2])
			if ok {
				data = append(data, m.curlData(f, c, v))
			}
		case strings.HasPrefix(s, "-") && len(s) > 1 && s[1] != '-' && strings.HasSuffix(s, "o"):
			if strings.Contains(s, "k") {
				m.emit(f, "CJS-NET-006", c.at, "does not verify TLS certificates")
			}
			out = next()
		case strings.HasPrefix(s, "-") && len(s) > 1 && s[1] != '-':
			remoteName = remoteName || strings.Contains(s, "O")
			if strings.Contains(s[1:], "k") && len(s) < 8 {
				m.emit(f, "CJS-NET-006", c.at, "does not verify TLS certificates")
			}
			if strings.HasSuffix(s, "X") || strings.HasSuffix(s, "m") || strings.HasSuffix(s, "w") {
				next()
			} else if strings.HasSuffix(s, "d") || strings.HasSuffix(s, "F") {
				data = append(data, m.curlData(f, c, next()))
			} else if strings.HasSuffix(s, "H") || strings.HasSuffix(s, "u") || strings.HasSuffix(s, "b") {
				data = append(data, next())
			}
		case strings.HasPrefix(s, "-"):
		default:
			urls = append(urls, a)
		}
	}
	return m.transfer(f, c, urls, data, out, remoteName)
}

func dataFlag(s string) bool {
	switch s {
	case "-d", "--data", "--data-binary", "--data-raw", "--data-urlencode", "--data-ascii", "-F", "--form", "--form-string", "--json":
		return true
	}
	return false
}

// transfer sends data to the addresses and stores or prints what they answer.
func (m *machine) transfer(f *frame, c *cmdCall, urls, data []*value, out *value, remoteName bool) *value {
	var in *value
	for _, u := range urls {
		if s := pick(u).shape(); strings.HasPrefix(s, "file://") {
			in = joinOut(in, m.readFile(f, c.at, u))
			continue
		}
		m.secretInURL(f, c, u)
		in = joinOut(in, m.netOut(f, c.at, u, data...))
		if remoteName && out == nil {
			s := pick(u).shape()
			if i := strings.IndexAny(s, "?#"); i >= 0 {
				s = s[:i]
			}
			m.writeFile(f, c.at, str(s[strings.LastIndexByte(s, '/')+1:]), orUnknown(in))
			return nil
		}
	}
	if out != nil {
		if s := pick(out).known(); s == "-" {
			return orUnknown(in)
		} else if s == "/dev/null" {
			return nil
		}
		m.writeFile(f, c.at, out, orUnknown(in))
		return nil
	}
	return orUnknown(in)
}

// curlData is the argument of -d and -F: a text, or @file.
func (m *machine) curlData(f *frame, c *cmdCall, v *value) *value {
	p := pick(v)
	s := p.shape()
	if i := strings.Index(s, "@"); i >= 0 && (i == 0 || s[i-1] == '=') {
		name, _, _ := strings.Cut(s[i+1:], ";")
		if name == "-" {
			return orUnknown(c.in)
		}
		rest := p
		if known, ok := p.text(); ok {
			n, _, _ := strings.Cut(known[i+1:], ";")
			rest = str(n)
		} else if w, ok := cutShape(p, s[:i+1]); ok {
			rest = w
			if len(w.parts) > 1 && w.parts[0].text == "" && w.parts[1].hole != nil {
				rest = w.parts[1].hole
				if len(w.parts) > 2 {
					rest = w
				}
			}
		}
		if name == "*" && rest.kind == kRef && rest.ref == "procs" {
			return orUnknown(rest.recv)
		}
		return m.uploaded(f, c, rest)
	}
	return v
}

func (m *machine) uploaded(f *frame, c *cmdCall, v *value) *value {
	if v.kind == kRef && v.ref == "procs" {
		return orUnknown(v.recv)
	}
	if s := pick(v).known(); s == "-" || s == "." || s == "/dev/stdin" {
		return orUnknown(c.in)
	}
	return m.readFile(f, c.at, v)
}

// secretArgument and secretInURL are secrets that every process list and log
// shows.
func (m *machine) secretArgument(f *frame, c *cmdCall, v *value) {
	if s := pick(v).shape(); strings.Contains(s, ":") && !strings.Contains(s, "*") && !strings.HasSuffix(s, ":") && !placeholder(s) {
		m.emit(f, "CJS-SEC-002", c.at, "a password on the command line", severity(skill.Low))
	}
}

func (m *machine) secretInURL(f *frame, c *cmdCall, v *value) {
	p := pick(v)
	d := destination(p)
	for _, k := range d.pathMarks {
		if k.source == secretEnv && !k.encoded {
			m.emit(f, "CJS-SEC-002", c.at, "puts "+k.name+" into an address, which logs keep", via(k), severity(skill.Low))
		}
	}
	s := p.shape()
	if _, rest, ok := strings.Cut(s, "://"); ok {
		if user, _, ok := strings.Cut(rest, "@"); ok && strings.Contains(user, ":") && !strings.ContainsAny(user, "/?") && !placeholder(user) {
			m.emit(f, "CJS-SEC-002", c.at, "a password in an address", medium)
		}
	}
}

func placeholder(s string) bool {
	low := strings.ToLower(s)
	for _, w := range []string{"<", "$", "your", "user:pass", "username:", "xxx", "example", "{", "token:", "password", "api_key", "apikey", "..."} {
		if strings.Contains(low, w) {
			return true
		}
	}
	return false
}

func cmdWget(m *machine, f *frame, c *cmdCall) *value {
	var data []*value
	for _, flag := range []string{"--post-data", "--body-data", "--header", "--password", "--user"} {
		if v := c.value(flag); v != nil {
			data = append(data, v)
		}
	}
	for _, flag := range []string{"--post-file", "--body-file"} {
		if v := c.value(flag); v != nil {
			data = append(data, m.uploaded(f, c, v))
		}
	}
	if c.has("--no-check-certificate") {
		m.emit(f, "CJS-NET-006", c.at, "does not verify TLS certificates")
	}
	out := c.value("-O", "--output-document")
	if out == nil {
		for i, a := range c.args {
			if s := pick(a).known(); len(s) > 1 && s[0] == '-' && s[1] != '-' && strings.HasSuffix(s, "O") && i+1 < len(c.args) {
				out = c.args[i+1]
			} else if strings.HasSuffix(s, "O-") {
				out = str("-")
			}
		}
	}
	var urls []*value
	for _, a := range c.plain() {
		s := pick(a).shape()
		if (strings.Contains(s, "://") || strings.Contains(s, ".") || s == "*") && a != out {
			urls = append(urls, a)
		}
	}
	return m.transfer(f, c, urls, data, out, out == nil)
}

// cmdNetcat is nc: a connection, a listener, a shell.
func cmdNetcat(m *machine, f *frame, c *cmdCall) *value {
	args := c.plain()
	if c.has("-e", "-c", "--exec", "--sh-exec", "-lvpe") {
		m.emit(f, "CJS-EXEC-002", c.at, "gives a program to whoever is at the other end")
	}
	if c.has("-l", "--listen") {
		port := "*"
		if v := last(args); v != nil {
			port = v.shape()
		}
		m.listen(f, c.at, "", port)
		return unknown(&mark{source: netIn, name: "a client", at: f.place(c.at)})
	}
	if len(args) == 0 {
		return unknown()
	}
	host := args[0]
	if len(args) > 1 {
		host = concat(args[0], str(":"), args[1])
	}
	in := m.netOut(f, c.at, host, orUnknown(c.in))
	m.shellLoop(f, c, in)
	return in
}

// shellLoop notes that a connection's output goes through a pipe back into a
// shell: mkfifo x; cat x | sh | nc host > x.
func (m *machine) shellLoop(f *frame, c *cmdCall, in *value) {
	if m.shared.flagged(f, "fifo") {
		m.emit(f, "CJS-EXEC-002", c.at, "a shell over a network connection, through a named pipe", medium)
	}
}

func cmdSocat(m *machine, f *frame, c *cmdCall) *value {
	exec, net := false, false
	for _, a := range c.args {
		s := strings.ToLower(pick(a).shape())
		switch {
		case strings.HasPrefix(s, "exec:") || strings.HasPrefix(s, "system:"):
			exec = true
		case strings.HasPrefix(s, "tcp") || strings.HasPrefix(s, "openssl") || strings.HasPrefix(s, "udp") || strings.HasPrefix(s, "ssl"):
			net = true
			if strings.Contains(s, "listen") {
				_, port, _ := strings.Cut(s, ":")
				port, _, _ = strings.Cut(port, ",")
				m.listen(f, c.at, "", port)
			} else if _, host, ok := strings.Cut(pick(a).shape(), ":"); ok {
				host, _, _ = strings.Cut(host, ",")
				m.netOut(f, c.at, str(host), orUnknown(c.in))
			}
		}
	}
	if exec && net {
		m.emit(f, "CJS-EXEC-002", c.at, "ties a program to a network connection")
	}
	return unknown()
}

// devTCP is the shell's own way to a connection.
func (m *machine) devTCP(f *frame, pos irPos, v, data *value) {
	p := strings.Split(strings.TrimPrefix(pick(v).shape(), "/dev/"), "/")
	if len(p) < 2 {
		return
	}
	host := p[1]
	if len(p) > 2 {
		host += ":" + p[2]
	}
	m.netOut(f, pos, str(host), orUnknown(data))
	line := f.unit.line(pos.Line)
	if data == nil || strings.Contains(line, "sh -i") || strings.Contains(line, "exec ") || strings.Contains(line, "bash") {
		m.emit(f, "CJS-EXEC-002", pos, "opens a connection through /dev/tcp for a shell")
	} else {
		m.emit(f, "CJS-EXEC-002", pos, "opens a connection through /dev/tcp", medium)
	}
}

func cmdSSH(m *machine, f *frame, c *cmdCall) *value {
	args := c.plain()
	if c.has("-R", "-D", "-w") || c.value("-R") != nil {
		m.emit(f, "CJS-NET-007", c.at, "opens a tunnel with ssh")
	}
	if v := c.value("-o"); v != nil && strings.Contains(strings.ToLower(v.shape()), "proxycommand") {
		_, cmd, _ := strings.Cut(v.shape(), "=")
		m.runText(f, c.at, str(cmd), skill.Shell, false)
	}
	if len(args) == 0 {
		return unknown()
	}
	host := args[0]
	for _, flag := range []string{"-i", "-p", "-o", "-l", "-F", "-L", "-R", "-J"} {
		if v := c.value(flag); v != nil && v == host && len(args) > 1 {
			host, args = args[1], args[1:]
		}
	}
	data := append([]*value{orUnknown(c.in)}, args[1:]...)
	return m.netOut(f, c.at, sshHost(host), data...)
}

func sshHost(v *value) *value {
	s := pick(v).shape()
	if _, h, ok := strings.Cut(s, "@"); ok {
		s = h
	}
	s, _, _ = strings.Cut(s, ":")
	if strings.Contains(s, "*") || s == "" {
		return unknown(allMarks(v)...)
	}
	return str(s)
}

// cmdCopyOut is scp and rsync: what is remote and what is local.
func cmdCopyOut(m *machine, f *frame, c *cmdCall) *value {
	args := c.plain()
	if len(args) < 2 {
		return unknown()
	}
	to := args[len(args)-1]
	if strings.Contains(to.shape(), ":") {
		var data []*value
		for _, a := range args[:len(args)-1] {
			v := m.readTree(f, c.at, a)
			data = append(data, v, m.readFile(f, c.at, a))
		}
		m.netOut(f, c.at, sshHost(to), data...)
		return nil
	}
	if from := args[len(args)-2]; strings.Contains(from.shape(), ":") {
		in := m.netOut(f, c.at, sshHost(from))
		m.writeFile(f, c.at, to, in)
		return nil
	}
	m.writeFile(f, c.at, to, m.readFile(f, c.at, args[0]))
	return nil
}

func cmdDNS(m *machine, f *frame, c *cmdCall) *value {
	for _, a := range c.plain() {
		if s := a.shape(); strings.HasPrefix(s, "@") || strings.HasPrefix(s, "+") || !strings.Contains(s, ".") && s != "*" {
			continue
		}
		m.dns(f, c.at, a)
	}
	return unknown(&mark{source: netIn, name: "DNS", at: f.place(c.at)})
}

func (m *machine) tunnel(f *frame, c *cmdCall, v *value) {
	d := destination(v)
	if strings.HasPrefix(d.scheme, "socks") || d.port == "9050" {
		m.emit(f, "CJS-NET-007", c.at, "goes through a SOCKS proxy, as Tor has it", medium)
	}
}

func cmdTunnel(m *machine, f *frame, c *cmdCall) *value {
	var tweaks []tweak
	if m.opt.Manifest.DeclaresBin(c.name) {
		tweaks = append(tweaks, medium)
	}
	if c.name == "tailscale" || c.name == "cloudflared" && len(c.args) == 0 {
		return m.someProgram(f, c)
	}
	m.emit(f, "CJS-NET-007", c.at, c.name+" makes this machine reachable from outside", tweaks...)
	return unknown()
}

func cmdOpenssl(m *machine, f *frame, c *cmdCall) *value {
	switch c.text(0) {
	case "s_client":
		v := c.value("-connect")
		return m.netOut(f, c.at, orUnknown(v), orUnknown(c.in))
	case "enc", "base64", "aes-256-cbc":
		in := orUnknown(c.in)
		if v := c.value("-in"); v != nil {
			in = m.readFile(f, c.at, v)
		}
		v := unknown(encode(allMarks(in), f.place(c.at), "encrypted")...)
		if c.has("-d") {
			v = m.decodeWith(f, c.at, in, "encrypted text", false, func(s string) (string, bool) { return "", false })
		}
		if out := c.value("-out"); out != nil {
			m.writeFile(f, c.at, out, v)
			return nil
		}
		return v
	case "rsautl", "pkeyutl", "smime", "cms":
		in := orUnknown(c.in)
		if v := c.value("-in"); v != nil {
			in = m.readFile(f, c.at, v)
		}
		v := unknown(encode(allMarks(in), f.place(c.at), "encrypted")...)
		if out := c.value("-out"); out != nil {
			m.writeFile(f, c.at, out, v)
			return nil
		}
		return v
	}
	return unknown(mask(c.marks())...)
}

// cmdMail sends what it is fed to somebody.
func cmdMail(m *machine, f *frame, c *cmdCall) *value {
	for _, k := range c.marks() {
		if (k.secret() || k.source == userData) && k.source != secretEnv {
			m.emit(f, "CJS-FLOW-001", c.at, "mails "+k.name, via(k))
		}
	}
	return nil
}

func netCommands() map[string]command {
	return all(
		several(cmdCurl, "curl", "curlie", "xh", "http", "https", "httpie", "iwr", "invoke-webrequest", "irm"),
		several(cmdWget, "wget", "wget2", "aria2c", "axel", "fetch"),
		several(cmdNetcat, "nc", "ncat", "netcat", "telnet", "nc.traditional", "pwncat"), several(cmdSocat, "socat"),
		several(cmdSSH, "ssh", "autossh", "sshpass", "mosh"), several(cmdCopyOut, "scp", "rsync", "sftp"),
		several(cmdDNS, "dig", "nslookup", "host", "drill", "ping", "ping6", "traceroute", "resolvectl"),
		several(cmdTunnel, "ngrok", "cloudflared", "frpc", "frps", "chisel", "bore", "lt", "localtunnel", "tor", "torsocks", "proxychains", "proxychains4", "gost", "rathole", "pagekite", "zrok", "pinggy", "playit", "inlets", "sshuttle", "ligolo", "iodine", "dnscat2"),
		several(cmdOpenssl, "openssl"), several(cmdMail, "mail", "sendmail", "mutt", "msmtp", "mailx", "swaks"))
}
