package flow

import (
	"strings"

	"clawjail/policy/skill"
)

func cmdCrontab(m *machine, f *frame, c *cmdCall) *value {
	if c.has("-l") {
		return unknown()
	}
	if c.has("-r") {
		m.emit(f, "CJS-FS-002", c.at, "deletes the user's scheduled jobs")
		return nil
	}
	var tweaks []tweak
	if f.unit.Fenced {
		tweaks = append(tweaks, medium)
	}
	if v := c.in; v != nil {
		m.runText(f, c.at, cronCommand(v), skill.Shell, false)
	}
	if len(c.args) > 0 && c.has("-e") {
		tweaks = append(tweaks, severity(skill.Low), unsure)
	}
	m.emit(f, "CJS-FS-002", c.at, "installs scheduled jobs", tweaks...)
	return nil
}

// cronCommand is the command of a crontab line.
func cronCommand(v *value) *value {
	s, ok := pick(v).text()
	if !ok {
		return unknown()
	}
	var out []string
	for _, line := range strings.Split(s, "\n") {
		if f := strings.Fields(line); len(f) > 5 && !strings.HasPrefix(f[0], "@") {
			out = append(out, strings.Join(f[5:], " "))
		} else if len(f) > 1 && strings.HasPrefix(f[0], "@") {
			out = append(out, strings.Join(f[1:], " "))
		}
	}
	return str(strings.Join(out, "\n")).withMarks(v.marks)
}

func cmdService(m *machine, f *frame, c *cmdCall) *value {
	for _, a := range c.plain() {
		switch s := a.shape(); s {
		case "enable", "load", "bootstrap", "link", "submit":
			var tweaks []tweak
			if f.unit.Fenced || m.opt.Manifest.DeclaresBin(c.name) {
				tweaks = append(tweaks, medium, severity(skill.Medium))
			}
			if f.unit.Fenced && f.unit.Setup {
				tweaks = append(tweaks, unsure, severity(skill.Low))
			}
			m.emit(f, "CJS-FS-002", c.at, c.name+" "+s+" makes something start by itself", tweaks...)
			return nil
		case "stop", "disable", "mask", "unload", "bootout":
			for _, b := range c.plain() {
				if securityTool(b.shape()) {
					m.emit(f, "CJS-FS-007", c.at, "turns off "+b.shape())
				}
			}
		}
	}
	return unknown()
}

func securityTool(s string) bool {
	low := strings.ToLower(s)
	for _, t := range []string{"auditd", "falcon", "apparmor", "firewalld", "ufw", "clamav", "clawjail", "crowdstrike", "osquery", "wazuh", "fail2ban", "selinux", "defender", "sentinel", "rsyslog", "syslog", "littlesnitch", "santa", "xprotect", "windefend"} {
		if strings.Contains(low, t) {
			return true
		}
	}
	return false
}

func cmdKill(m *machine, f *frame, c *cmdCall) *value {
	for _, a := range c.plain() {
		if securityTool(a.shape()) {
			m.emit(f, "CJS-FS-007", c.at, "stops "+a.shape())
		}
	}
	return nil
}

func cmdDocker(m *machine, f *frame, c *cmdCall) *value {
	if c.text(0) == "inspect" || c.text(0) == "container" && c.text(1) == "inspect" {
		for _, a := range c.args { // what the format asks for
			if strings.Contains(a.shape(), ".Env") {
				return unknown(&mark{source: envAll, name: "of a container", at: f.place(c.at)})
			}
		}
	}
	for _, a := range c.args {
		s := a.shape()
		if s == "--privileged" || strings.Contains(s, "docker.sock") || strings.HasPrefix(s, "/:/") || s == "--pid=host" || strings.HasPrefix(s, "--cap-add=SYS_ADMIN") || strings.HasPrefix(s, "--volume=/:/") {
			m.emit(f, "CJS-EXEC-008", c.at, "starts a container that is root on this machine ("+s+")")
		}
	}
	return m.someProgram(f, c)
}

func rootOnly(what string) command {
	return func(m *machine, f *frame, c *cmdCall) *value {
		if looksOnly(c) {
			return unknown()
		}
		m.emit(f, "CJS-EXEC-008", c.at, what)
		if c.name == "nsenter" || c.name == "chroot" || c.name == "unshare" {
			return wrapper(0)(m, f, c)
		}
		return nil
	}
}

// looksOnly says that a tool of the administrator only shows something.
func looksOnly(c *cmdCall) bool {
	if len(c.args) == 0 || c.has("-L", "-l", "--list", "--version", "--help", "-S") {
		return true
	}
	for _, a := range c.plain() {
		switch a.shape() {
		case "list", "status", "show", "ruleset", "--status":
			return true
		}
	}
	return false
}

// cmdSecurity is the keychain's tool.
func cmdSecurity(m *machine, f *frame, c *cmdCall) *value {
	switch c.text(0) {
	case "find-generic-password", "find-internet-password", "dump-keychain", "export":
		service := orUnknown(c.value("-s", "-a")).known()
		if c.text(0) == "dump-keychain" || c.text(0) == "export" || service == "" || strings.Contains(strings.ToLower(service), "chrome") {
			m.emit(f, "CJS-FS-005", c.at, "reads the keychain")
			return unknown(&mark{source: secretFile, name: "the keychain", at: f.place(c.at)})
		}
		return unknown(&mark{source: secretEnv, name: "keychain " + service, at: f.place(c.at)})
	}
	return unknown()
}

func cmdHistory(m *machine, f *frame, c *cmdCall) *value {
	if c.has("-c", "-w", "-cw") {
		m.emit(f, "CJS-FS-007", c.at, "deletes the shell's history")
		return nil
	}
	return unknown(&mark{source: secretFile, name: "shell history", at: f.place(c.at)})
}

func cmdUnset(m *machine, f *frame, c *cmdCall) *value {
	if c.text(0) == "HISTFILE" {
		m.emit(f, "CJS-FS-007", c.at, "turns off the shell's history")
	}
	return nil
}

// cmdGit finds hooks, credentials and remotes that carry a secret.
func cmdGit(m *machine, f *frame, c *cmdCall) *value {
	args := c.plain()
	for i, a := range c.args {
		s := strings.ToLower(a.shape())
		if s == "core.hookspath" || strings.HasPrefix(s, "core.hookspath=") || s == "core.fsmonitor" || s == "core.sshcommand" || s == "init.templatedir" || strings.HasPrefix(s, "alias.") && i+1 < len(c.args) && strings.HasPrefix(c.args[i+1].shape(), "!") || s == "credential.helper" && c.has("--global") && i+1 < len(c.args) && strings.HasPrefix(c.args[i+1].shape(), "!") {
			m.emit(f, "CJS-FS-002", c.at, "git runs a command of the skill's choice from now on ("+s+")")
		}
	}
	sub := ""
	if len(args) > 0 {
		sub = args[0].known()
	}
	if handedOut(c) {
		return unknown(&mark{source: secretFile, name: "git's stored passwords", at: f.place(c.at)})
	}
	switch sub {
	case "clone", "fetch", "pull", "push", "ls-remote", "remote":
		for _, a := range args[1:] {
			if s := a.shape(); strings.Contains(s, "://") {
				m.secretInURL(f, c, a)
				in := m.netOut(f, c.at, a)
				if sub == "clone" {
					_ = in
				}
			}
		}
	}
	return unknown()
}

// handedOut says that a tool prints a secret that it keeps.
func handedOut(c *cmdCall) bool {
	words := []string{c.name}
	for _, a := range c.plain() {
		words = append(words, a.shape())
	}
	line := strings.Join(words, " ") + " "
	for _, s := range []string{"gh auth token ", "gcloud auth print-access-token", "gcloud auth print-identity-token", "az account get-access-token", "aws configure get aws_secret", "aws sts get-session-token", "git credential fill", "kubectl config view", "pass show ", "op read ", "op item get ", "npm token ", "heroku auth:token", "vault kv get", "bw get ", "doctl auth token", "firebase login:ci", "vercel whoami --token"} {
		if strings.HasPrefix(line, s) {
			return true
		}
	}
	return false
}

func cmdCloudCopy(m *machine, f *frame, c *cmdCall) *value {
	m.grants(f, c)
	if handedOut(c) {
		return unknown(&mark{source: secretEnv, name: strings.ToUpper(c.name) + "_TOKEN", at: f.place(c.at)})
	}
	var marks []*mark
	remote := ""
	for _, a := range c.plain() {
		s := a.shape()
		if strings.Contains(s, "://") || c.name == "rclone" && strings.Contains(s, ":") {
			remote = s
			continue
		}
		if strings.ContainsAny(s, "/~.") {
			marks = joinMarks(marks, allMarks(m.readTree(f, c.at, a)))
			marks = joinMarks(marks, allMarks(m.readFile(f, c.at, a)))
		}
	}
	if c.in != nil {
		marks = joinMarks(marks, allMarks(c.in))
	}
	for _, k := range marks {
		if k.source == secretFile || k.source == envAll || k.source == userData {
			m.emit(f, "CJS-FLOW-001", c.at, "uploads "+k.name+" to "+nonEmpty(remote, c.name), via(k))
		}
	}
	return unknown()
}

func cmdTest(m *machine, f *frame, c *cmdCall) *value {
	for _, a := range c.args {
		m.sandboxFile(f, c.at, cleanPath(a))
	}
	return nil
}

func systemCommands() map[string]command {
	return all(
		several(cmdCrontab, "crontab"), several(cmdService, "systemctl", "launchctl", "service", "update-rc.d", "chkconfig", "schtasks", "rc-update"), several(cmdKill, "kill", "killall", "pkill"),
		several(cmdDocker, "docker", "podman", "nerdctl"),
		several(rootOnly("leaves its namespace or changes the kernel"), "nsenter", "insmod", "chroot", "setcap", "setenforce", "iptables", "nft", "spctl", "csrutil", "visudo", "mount", "capsh"),
		several(cmdSecurity, "security", "secret-tool", "keyctl"), several(cmdHistory, "history"), several(cmdUnset, "unset"), several(cmdGit, "git"),
		several(cmdCloudCopy, "aws", "gsutil", "gcloud", "op", "pass", "bw", "kubectl", "vault", "heroku", "doctl", "rclone", "s3cmd", "mc", "az", "gh"), several(cmdTest, "test", "[", "[["),
		several(func(m *machine, f *frame, c *cmdCall) *value {
			var tweaks []tweak
			for _, a := range c.args { // users of a container are nobody's business
				if s := a.shape(); s == "sudo" || s == "wheel" || s == "root" || s == "docker" || s == "admin" {
					tweaks = append(tweaks, medium)
				}
			}
			if len(tweaks) == 0 && c.name != "passwd" && c.name != "chpasswd" {
				tweaks = append(tweaks, severity(skill.Low), unsure)
			}
			m.emit(f, "CJS-EXEC-008", c.at, "changes users", tweaks...)
			return nil
		}, "useradd", "adduser", "passwd", "chpasswd", "usermod"),
		several(func(m *machine, f *frame, c *cmdCall) *value {
			m.emit(f, "CJS-FS-002", c.at, "runs something later by itself", medium)
			return nil
		}, "at", "batch"),
		map[string]command{
			"alias": cmdAlias,
		})
}
