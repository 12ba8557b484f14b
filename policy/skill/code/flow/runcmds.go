package flow

import (
	"strings"

	"clawjail/policy/skill"
)

// interpreter languages by program.
func interpreter(name string) skill.Lang {
	switch {
	case name == "sh" || name == "bash" || name == "zsh" || name == "dash" || name == "ksh" || name == "ash" || name == "fish" || name == "busybox":
		return skill.Shell
	case strings.HasPrefix(name, "python") || name == "pypy3" || name == "uv":
		return skill.Python
	case name == "node" || name == "nodejs" || name == "bun" || name == "deno" || name == "tsx" || name == "ts-node" || name == "npx":
		return skill.JavaScript
	}
	return skill.OtherCode
}

// fetchedCode judges code that an interpreter is fed.
func (m *machine) fetchedCode(f *frame, c *cmdCall, v *value) {
	if v == nil {
		return
	}
	for _, k := range allMarks(v) {
		switch k.source {
		case netIn:
			m.pipedInstall(f, c, k)
		case decoded:
			m.emit(f, "CJS-FLOW-005", c.at, "text that was hidden as "+k.name+" is run by "+c.name, via(k))
		case secretFile, secretEnv, envAll:
		case argv, stdin:
			if c.name == "eval" || v.kind == kUnknown {
				m.emit(f, "CJS-FLOW-008", c.at, "an argument is run by "+c.name, via(k), medium, severity(skill.Medium))
			}
		}
	}
}

// pipedInstall is "curl … | sh": how bad depends on who is trusted with it.
func (m *machine) pipedInstall(f *frame, c *cmdCall, k *mark) {
	d := destination(str(k.name))
	what := "what " + nonEmpty(k.name, "the network") + " answers is run by " + c.name
	var tweaks []tweak
	switch {
	case d.scheme == "https" && knownInstaller(d.host, d.path):
		tweaks = append(tweaks, severity(skill.Low), medium)
	case d.literal && (d.scheme == "https" || d.scheme == "") && !classify(d.host).suspicious() && m.opt.Manifest.DeclaresHost(d.host) && (f.unit.Setup || f.unit.Fenced):
		tweaks = append(tweaks, severity(skill.High), medium)
	}
	m.emit(f, "CJS-EXEC-001", c.at, what, append(tweaks, via(k))...)
	if len(tweaks) == 0 {
		m.split(f, c.at, k, what)
	}
}

// knownInstaller lists the addresses under which well-known tools publish
// their install scripts.
func knownInstaller(host, p string) bool {
	switch host {
	case "astral.sh", "bun.sh", "deno.land", "sh.rustup.rs", "get.docker.com", "install.python-poetry.org", "get.pnpm.io", "ollama.com", "fly.io", "starship.rs", "get.sdkman.io", "cli.github.com", "install.determinate.systems", "nixos.org", "claude.ai", "openclaw.ai", "clawd.bot", "get.k3s.io", "bootstrap.pypa.io", "pyenv.run", "mise.run", "get.volta.sh", "fnm.vercel.app", "setup.atuin.sh", "sh.brew.sh", "dl.google.com", "sdk.cloud.google.com", "tailscale.com", "install.duckdb.org", "get.helm.sh", "cursor.com", "opencode.ai", "gh.io", "proto.moonrepo.dev", "volta.sh", "code-server.dev", "get.jetify.com", "releases.hashicorp.com":
		return true
	case "raw.githubusercontent.com", "github.com":
		low := strings.ToLower(p)
		for _, o := range []string{"/homebrew/", "/nvm-sh/", "/helm/", "/pyenv/", "/astral-sh/", "/ohmyzsh/", "/rbenv/", "/asdf-vm/", "/openclaw/", "/anthropics/", "/docker/", "/charmbracelet/", "/junegunn/", "/starship/", "/neovim/", "/ajeetdsouza/", "/steipete/", "/denoland/", "/oven-sh/", "/cli/"} {
			if strings.HasPrefix(low, o) {
				return true
			}
		}
	}
	return false
}

// cmdInterpret is sh, python, node and their like.
func cmdInterpret(m *machine, f *frame, c *cmdCall) *value {
	lang := interpreter(c.name)
	args := c.args
	if (c.name == "uv" || c.name == "bun" || c.name == "deno" || c.name == "busybox" || c.name == "npx") && len(args) > 0 {
		return m.subCommand(f, c, lang)
	}
	for i := 0; i < len(args); i++ {
		a := pick(args[i])
		s := a.shape()
		switch {
		case s == "-c" || s == "-lc" || s == "-ic" || s == "-e" || s == "-p" || s == "--eval" || s == "-pe" || s == "--print" || len(s) > 2 && s[0] == '-' && s[1] != '-' && strings.HasSuffix(s, "c") && lang == skill.Shell:
			if i+1 >= len(args) {
				return unknown()
			}
			return m.inline(f, c, args[i+1], args[i+2:], lang)
		case s == "-m" && lang == skill.Python:
			return m.pythonModule(f, c, args[i+1:])
		case s == "-" || s == "-s":
			return m.fromInput(f, c, lang)
		case s == "-r" || s == "--require" || s == "--import" || s == "-W" || s == "-X" || s == "-o" || s == "-O":
			i++
		case strings.HasPrefix(s, "-"):
		case a.kind == kRef && a.ref == "procs":
			m.fetchedCode(f, c, a.recv)
			return m.runText(f, c.at, orUnknown(a.recv), lang, false)
		default:
			return m.runFile(f, c.at, args[i], args[i+1:], c.in, c.name)
		}
	}
	return m.fromInput(f, c, lang)
}

// inline is code on the command line.
func (m *machine) inline(f *frame, c *cmdCall, code *value, rest []*value, lang skill.Lang) *value {
	m.fetchedCode(f, c, codeOf(code))
	if lang == skill.OtherCode {
		m.foreignCode(f, c, code)
		return unknown(mask(allMarks(code))...)
	}
	if lang == skill.Shell {
		m.openHoles(f, c.at, pick(code))
	}
	g := *f
	g.in = c.in
	g.args = rest
	if rest == nil {
		g.args = f.args
	}
	var out *value
	code.each(func(a *value) {
		if a.kind == kString {
			out = join(out, m.runText(&g, c.at, a, lang, false))
		}
	})
	return orUnknown(out)
}

// codeOf is what decides where code comes from: a text with holes is the
// program's own, a hole alone is not.
func codeOf(v *value) *value {
	v = pick(v)
	if v.kind == kString && !wholeHole(v) {
		w := unknown()
		for _, k := range v.marks {
			if k.source == decoded || k.source == netIn {
				w.marks = append(w.marks, k)
			}
		}
		return w
	}
	return v
}

// fromInput is code read from standard input.
func (m *machine) fromInput(f *frame, c *cmdCall, lang skill.Lang) *value {
	if c.in == nil {
		return unknown()
	}
	m.fetchedCode(f, c, codeOf(c.in))
	if c.in.kind == kString && find(c.in.marks, netIn) != nil {
		m.fetchedCode(f, c, c.in)
	}
	if lang == skill.OtherCode {
		m.foreignCode(f, c, c.in)
		return unknown()
	}
	if v := pick(c.in); v.kind == kString {
		g := *f
		g.in = nil
		return m.runText(&g, c.at, v, lang, false)
	}
	return unknown(mask(allMarks(c.in))...)
}

// subCommand is "uv run x", "bun run x", "busybox sh".
func (m *machine) subCommand(f *frame, c *cmdCall, lang skill.Lang) *value {
	switch c.text(0) {
	case "run", "-", "x", "exec", "tool":
		rest := c.args[1:]
		for len(rest) > 0 && strings.HasPrefix(pick(rest[0]).shape(), "-") {
			if s := rest[0].known(); (s == "--with" || s == "--python" || s == "-p") && len(rest) > 1 {
				rest = rest[1:]
			}
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return m.fromInput(f, c, lang)
		}
		if s := rest[0].shape(); strings.HasPrefix(s, "python") || strings.HasPrefix(s, "http") {
			return m.command(f, &cmdCall{words: rest, in: c.in, at: c.at, depth: c.depth + 1})
		}
		return m.runFile(f, c.at, rest[0], rest[1:], c.in, c.name)
	case "eval", "-e", "-p":
		if len(c.args) > 1 {
			return m.inline(f, c, c.args[1], nil, lang)
		}
	}
	if c.name == "busybox" {
		return m.command(f, &cmdCall{words: c.args, in: c.in, at: c.at, depth: c.depth + 1})
	}
	if s := c.text(0); strings.Contains(s, ".") && !strings.HasPrefix(s, "-") && c.name != "npx" {
		return m.runFile(f, c.at, c.args[0], c.args[1:], c.in, c.name)
	}
	return m.someProgram(f, c)
}

func (m *machine) pythonModule(f *frame, c *cmdCall, rest []*value) *value {
	if len(rest) == 0 {
		return unknown()
	}
	switch rest[0].known() {
	case "http.server", "SimpleHTTPServer":
		port := "8000"
		if len(rest) > 1 {
			port = rest[1].shape()
		}
		m.listen(f, c.at, "", port)
	case "json.tool", "base64":
		return orUnknown(c.in)
	}
	return m.someProgram(f, c)
}

// foreignCode is code of a language without a parser: what it plainly is about
// can still be said.
func (m *machine) foreignCode(f *frame, c *cmdCall, code *value) {
	s := pick(code).shape()
	low := strings.ToLower(s)
	switch {
	case (strings.Contains(low, "socket") || strings.Contains(low, "fsockopen") || strings.Contains(low, "/inet/tcp")) && (strings.Contains(low, "exec") || strings.Contains(low, "/bin/sh") || strings.Contains(low, "system(") || strings.Contains(low, "open(std")):
		m.emit(f, "CJS-EXEC-002", c.at, "a shell over a network connection, in "+c.name)
	case strings.Contains(low, "do shell script"):
		m.appleScript(f, c, code)
	case strings.Contains(low, "display dialog") && strings.Contains(low, "hidden answer"):
		m.emit(f, "CJS-FS-005", c.at, "asks the user for a password in a dialogue of its own")
	case c.name == "powershell" || c.name == "pwsh":
		m.powershell(f, c, low)
	}
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \"'(),;\n\t`", r) }) {
		if strings.HasPrefix(w, "http://") || strings.HasPrefix(w, "https://") {
			m.netOut(f, c.at, str(w), unknown(allMarks(code)...))
		}
	}
}

// appleScript runs the shell commands of an AppleScript.
func (m *machine) appleScript(f *frame, c *cmdCall, code *value) {
	s := pick(code).known()
	if strings.Contains(s, "administrator privileges") {
		m.emit(f, "CJS-EXEC-008", c.at, "asks for administrator rights")
	}
	for {
		_, rest, ok := strings.Cut(s, `do shell script "`)
		if !ok {
			return
		}
		cmd, after, _ := strings.Cut(rest, `"`)
		m.runText(f, c.at, str(strings.ReplaceAll(cmd, `\`, "")), skill.Shell, false)
		s = after
	}
}

// powershell knows the few shapes that attacks have.
func (m *machine) powershell(f *frame, c *cmdCall, low string) {
	fetch := strings.Contains(low, "downloadstring") || strings.Contains(low, "invoke-webrequest") || strings.Contains(low, "iwr ") || strings.Contains(low, "irm ") || strings.Contains(low, "invoke-restmethod") || strings.Contains(low, "curl ")
	run := strings.Contains(low, "iex") || strings.Contains(low, "invoke-expression") || strings.Contains(low, "start-process") || strings.Contains(low, "| powershell")
	if fetch && run {
		m.emit(f, "CJS-EXEC-001", c.at, "downloads and runs code with PowerShell")
	}
	if strings.Contains(low, "set-mppreference") || strings.Contains(low, "amsiutils") {
		m.emit(f, "CJS-FS-007", c.at, "turns off the system's protection")
	}
}

func cmdEval(m *machine, f *frame, c *cmdCall) *value {
	var parts []*value
	for i, a := range c.args {
		if i > 0 {
			parts = append(parts, str(" "))
		}
		parts = append(parts, a)
	}
	v := c.args[0:]
	code := unknown()
	if len(v) == 1 {
		code = v[0]
	} else if len(v) > 1 {
		code = concat(parts...)
	}
	m.fetchedCode(f, &cmdCall{name: "eval", at: c.at}, codeOf(code))
	p := pick(code)
	if p.kind != kString {
		if len(allMarks(p)) == 0 || find(allMarks(p), decoded, netIn) != nil {
			m.emit(f, "CJS-OBF-004", c.at, "eval of a text that is not written down", severity(skill.Low), unsure)
		}
		return unknown(allMarks(code)...)
	}
	if p.built && find(p.marks, decoded) == nil && len(c.args) == 1 && c.expr != nil && !strings.Contains(p.shape(), "*") {
		m.emit(f, "CJS-OBF-004", c.at, "eval of a command that is put together from pieces", medium)
	}
	return m.runText(f, c.at, code, skill.Shell, true)
}

func cmdSource(m *machine, f *frame, c *cmdCall) *value {
	if len(c.args) == 0 {
		return nil
	}
	v := c.args[0]
	if v.kind == kRef && v.ref == "procs" {
		m.fetchedCode(f, c, v.recv)
		return m.runText(f, c.at, orUnknown(v.recv), skill.Shell, true)
	}
	if own := m.ownFile(f, fileKey(v)); own != nil && own.unit.Lang == skill.Shell && len(m.calls) < maxCalls && own.unit != f.unit && own.state != 1 {
		own.state = 1
		m.block(&frame{unit: own.unit, mod: own, scope: f.scope, args: c.args[1:], in: c.in, catch: f.catch}, own.unit.Body.Body)
		own.state = 0
		return nil
	}
	if what, weak := secretPath(cleanPath(v)); what != "" && weak {
		return nil
	}
	return m.runFile(f, c.at, v, c.args[1:], c.in, "bash")
}

// wrapper runs the program that its arguments name.
func wrapper(skip int) command {
	return func(m *machine, f *frame, c *cmdCall) *value {
		args := c.args
		for len(args) > 0 {
			s := pick(args[0]).shape()
			if strings.HasPrefix(s, "-") {
				if (s == "-n" || s == "-u" || s == "-g" || s == "-I" || s == "-L" || s == "-P" || s == "-s" || s == "-k" || s == "-d") && len(args) > 1 && !strings.HasPrefix(args[1].shape(), "/") && c.name != "sudo" {
					args = args[1:]
				}
				if c.name == "sudo" && (s == "-u" || s == "-g" || s == "-p" || s == "-h") && len(args) > 1 {
					args = args[1:]
				}
				args = args[1:]
				continue
			}
			if strings.Contains(s, "=") && !strings.Contains(s, "/") && c.name != "xargs" {
				args = args[1:]
				continue
			}
			break
		}
		args = args[min(skip, len(args)):]
		if len(args) == 0 {
			return orUnknown(c.in)
		}
		words := args
		if c.name == "xargs" && c.in != nil {
			words = append(args[:len(args):len(args)], pick(c.in))
			for i, a := range args {
				if s, ok := a.text(); ok && strings.Contains(s, "{}") {
					words = append([]*value{}, args...)
					before, after, _ := strings.Cut(s, "{}")
					words[i] = concat(str(before), pick(c.in), str(after))
				}
			}
		}
		return m.command(f, &cmdCall{words: words, in: c.in, at: c.at, expr: c.expr, depth: c.depth + 1})
	}
}

func cmdSudo(m *machine, f *frame, c *cmdCall) *value {
	m.sudo(f, c)
	return wrapper(0)(m, f, c)
}

// sudo judges what is done with more rights.
func (m *machine) sudo(f *frame, c *cmdCall) {
	args := c.plain()
	prog := ""
	if len(args) > 0 {
		prog = args[0].known()
	}
	what := c.name + " " + prog
	switch {
	case packageTool(prog):
		m.emit(f, "CJS-EXEC-008", c.at, "installs packages with "+c.name, severity(skill.Low), unsure)
	case c.has("-S") && c.in != nil:
		m.emit(f, "CJS-EXEC-008", c.at, "gives sudo a password")
	case f.unit.Fenced && (f.unit.Setup || harmlessRoot(prog)), harmlessRoot(prog):
		m.emit(f, "CJS-EXEC-008", c.at, "runs "+what, severity(skill.Low), unsure)
	default:
		m.emit(f, "CJS-EXEC-008", c.at, "runs "+what, severity(skill.High), medium)
	}
}

func packageTool(p string) bool {
	switch p {
	case "apt", "apt-get", "dnf", "yum", "pacman", "apk", "zypper", "brew", "snap", "port", "dpkg", "rpm", "npm", "pip", "pip3", "gem", "apt-key", "add-apt-repository", "softwareupdate", "flatpak", "aptitude", "npx":
		return true
	}
	return false
}

func harmlessRoot(p string) bool {
	switch p {
	case "mv", "cp", "install", "ln", "mkdir", "tar", "unzip", "lsof", "ls", "tailscale", "docker", "journalctl", "powermetrics", "udevadm", "modprobe", "true", "-v", "usermod", "nmap", "tcpdump", "smartctl", "du", "find", "which", "systemctl", "service", "ufw", "kill", "killall", "tee", "chown", "chmod", "xcode-select", "mdutil", "purge", "dscacheutil", "certbot", "nginx", "fdisk", "cat", "head", "tail":
		return true
	}
	return false
}

func runCommands() map[string]command {
	return all(
		several(cmdInterpret, "sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "busybox", "python", "python2", "python3", "pypy3", "node", "nodejs", "bun", "deno", "tsx", "ts-node", "perl", "ruby", "php", "lua", "osascript", "powershell", "pwsh", "uv", "npx"),
		several(cmdEval, "eval"), several(cmdSource, "source", "."),
		several(wrapper(0), "nohup", "time", "exec", "command", "builtin", "nice", "ionice", "xargs", "setsid", "stdbuf", "caffeinate", "unbuffer", "parallel", "watch", "faketime", "chronic", "gtime", "start"),
		several(wrapper(1), "timeout", "gtimeout", "flock", "taskset", "chpst"),
		several(cmdSudo, "sudo", "doas", "su", "pkexec", "runuser", "gosu"),
		map[string]command{
			"cmd": func(m *machine, f *frame, c *cmdCall) *value {
				if len(c.args) > 1 {
					return m.command(f, &cmdCall{words: c.args[1:], in: c.in, at: c.at, depth: c.depth + 1})
				}
				return unknown()
			},
			"script": func(m *machine, f *frame, c *cmdCall) *value {
				if v := c.value("-c"); v != nil {
					return m.execShell(f, c.at, v, c.in)
				}
				return unknown()
			},
			"tclsh": silentCmd,
		})
}
