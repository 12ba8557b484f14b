package flow

import (
	"path"
	"strings"
)

// secretPath says which secret a path holds, "" for none. weak says that
// honest programs read it often.
func secretPath(p string) (what string, weak bool) {
	low := strings.ToLower(p)
	base := path.Base(low)
	if strings.HasSuffix(base, ".pub") {
		return "", false
	}
	for _, s := range secretNeedles {
		if strings.Contains(low+"/", s.needle) {
			if s.not != "" && strings.Contains(low, s.not) {
				continue
			}
			return s.what, s.weak
		}
	}
	switch base {
	case ".netrc", "_netrc", ".pypirc", ".git-credentials", ".npmrc", ".pgpass", ".my.cnf", ".vault-token", "id_rsa", "id_ed25519", "id_ecdsa", "id_dsa", "wallet.dat", "key3.db", "key4.db", "logins.json", "login.keychain-db", "credentials.db", "keystore.json", ".electrum":
		return base, false
	case ".bash_history", ".zsh_history", ".python_history", ".node_repl_history", ".mysql_history", ".psql_history", "fish_history", ".history":
		return "shell history", false
	case ".env", ".env.local", ".env.production", ".envrc":
		return "environment file", true
	}
	if strings.HasPrefix(base, ".env.") && !strings.Contains(base, "example") && !strings.Contains(base, "sample") && !strings.Contains(base, "template") {
		return "environment file", true
	}
	return "", false
}

type secretNeedle struct {
	needle, what, not string
	weak              bool
}

var secretNeedles = []secretNeedle{
	{needle: "/.ssh/", what: "SSH keys", not: "known_hosts"},
	{needle: "/.aws/", what: "AWS credentials"},
	{needle: "/.gnupg/", what: "GnuPG keys"},
	{needle: "/.kube/", what: "Kubernetes credentials"},
	{needle: "/.docker/config.json", what: "Docker credentials"},
	{needle: "/.azure/", what: "Azure credentials"},
	{needle: "/.config/gcloud/", what: "Google Cloud credentials"},
	{needle: "/gcloud/application_default_credentials", what: "Google Cloud credentials"},
	{needle: "/.config/gh/hosts.yml", what: "GitHub token"},
	{needle: "/.password-store/", what: "password store"},
	{needle: "/etc/shadow/", what: "password hashes"},
	{needle: "/etc/sudoers", what: "sudo configuration"},
	{needle: "/library/keychains/", what: "keychain"},
	{needle: "/.local/share/keyrings/", what: "keyring"},
	{needle: "/google/chrome/", what: "browser profile"},
	{needle: "/google-chrome/", what: "browser profile"},
	{needle: "/chromium/", what: "browser profile"},
	{needle: "/bravesoftware/", what: "browser profile"},
	{needle: "/microsoft edge/", what: "browser profile"},
	{needle: "/microsoft/edge/", what: "browser profile"},
	{needle: "/firefox/profiles", what: "browser profile"},
	{needle: "/.mozilla/", what: "browser profile"},
	{needle: "/opera software/", what: "browser profile"},
	{needle: "user data/default", what: "browser profile"},
	{needle: "/login data/", what: "browser passwords"},
	{needle: "cookies.sqlite", what: "browser cookies"},
	{needle: "/local extension settings/", what: "browser wallet"},
	{needle: "nkbihfbeogaeaoehlefnkodbefgpgknn", what: "browser wallet"},
	{needle: "bfnaelmomeimhlpmgjnjophhpkkoljpa", what: "browser wallet"},
	{needle: "/.config/solana/", what: "wallet"},
	{needle: "/exodus/", what: "wallet"},
	{needle: "/electrum/wallets", what: "wallet"},
	{needle: "/.electrum/", what: "wallet"},
	{needle: "/ethereum/keystore", what: "wallet"},
	{needle: "/.ethereum/", what: "wallet"},
	{needle: "/.bitcoin/", what: "wallet"},
	{needle: "/atomic/local storage", what: "wallet"},
	{needle: "/ledger live/", what: "wallet"},
	{needle: "/metamask/", what: "wallet"},
	{needle: "/telegram desktop/tdata", what: "messenger session"},
	{needle: "/discord/local storage", what: "messenger session"},
	{needle: "/.openclaw/credentials", what: "agent credentials"},
	{needle: "/.clawdbot/credentials", what: "agent credentials"},
	{needle: "/.openclaw/agents/", what: "agent sessions"},
	{needle: "/.clawdbot/agents/", what: "agent sessions"},
	{needle: "/.openclaw/identity", what: "agent credentials"},
	{needle: "/.openclaw/.env", what: "agent credentials"},
	{needle: "/.clawdbot/.env", what: "agent credentials"},
	{needle: "/.moltbot/", what: "agent credentials"},
	{needle: "/auth-profiles.json", what: "agent credentials"},
	{needle: "/.openclaw/openclaw.json", what: "agent configuration", weak: true},
	{needle: "/.clawdbot/clawdbot.json", what: "agent configuration", weak: true},
	{needle: "/.claude/.credentials", what: "agent credentials"},
	{needle: "/.claude.json", what: "agent configuration"},
	{needle: "/.codex/auth.json", what: "agent credentials"},
	{needle: "/.gemini/oauth", what: "agent credentials"},
	{needle: "/.cursor/mcp.json", what: "agent configuration"},
	{needle: "claude_desktop_config.json", what: "agent configuration"},
	{needle: "/soul.md", what: "agent memory", weak: true},
	{needle: "/memory.md", what: "agent memory", weak: true},
	{needle: "/environ/", what: "another process's environment", not: "~"},
	{needle: "/.terraform.d/credentials", what: "Terraform credentials"},
	{needle: "/.config/op/", what: "1Password session"},
	{needle: "/filezilla/", what: "FTP passwords"},
	{needle: "/serviceaccount/token", what: "Kubernetes token"},
	{needle: "/.config/rclone/", what: "rclone credentials"},
	{needle: "/.cargo/credentials", what: "registry token"},
	{needle: "/.gem/credentials", what: "registry token"},
}

// homeTree says whether a path is a whole area of the user's data.
func homeTree(p string) bool {
	p = strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(p, "/**/*"), "/*"), "/*")
	if i := strings.Index(p, "/*"); i > 0 {
		p = p[:i]
	}
	switch p {
	case "~", "/home", "/Users", "/root", "/", "~/Documents", "~/Desktop", "~/Downloads", "~/Pictures", "~/Library", "~/.config", "~/Projects", "~/projects", "~/workspace", "~/.local/share", "~/Library/Application Support":
		return true
	}
	return false
}

// pathClass says what it means to write to a path.
type pathClass uint8

const (
	ordinary pathClass = iota
	system
	authorization
	persistence
	agent
	logs
	outside
)

func writeClass(p string) (pathClass, string) {
	low := strings.ToLower(p) + "/"
	if strings.HasPrefix(low, "/tmp/") || strings.HasPrefix(low, "/var/tmp/") {
		return ordinary, ""
	}
	for _, c := range writeNeedles {
		for _, n := range c.needles {
			if n[0] == '^' && strings.HasPrefix(low, n[1:]) || n[0] != '^' && strings.Contains(low, n) {
				return c.class, c.what
			}
		}
	}
	switch {
	case strings.HasPrefix(p, "/tmp"), strings.HasPrefix(p, "/var/tmp"), strings.HasPrefix(p, "/dev/"), strings.HasPrefix(p, "*"), !strings.HasPrefix(p, "/") && !strings.HasPrefix(p, "~") && !strings.HasPrefix(p, "../.."):
		return ordinary, ""
	}
	return outside, ""
}

type writeNeedle struct {
	class   pathClass
	what    string
	needles []string
}

var writeNeedles = []writeNeedle{
	{authorization, "who may log in", []string{"authorized_keys", "/etc/sudoers", "/etc/passwd/", "/etc/shadow/", "/etc/pam.d", "/.ssh/config/", "/.ssh/rc/", "/etc/ssh/"}},
	{persistence, "scheduled jobs", []string{"/etc/cron", "/var/spool/cron", "/etc/anacrontab", "^/etc/at."}},
	{persistence, "services", []string{"/systemd/system/", "/systemd/user/", "/etc/init.d", "/etc/rc.local", "/launchagents/", "/launchdaemons/", "/autostart/", "/loginitems", "start menu/programs/startup"}},
	{persistence, "shell start-up files", []string{"/.bashrc/", "/.bash_profile/", "/.bash_login/", "/.profile/", "/.zshrc/", "/.zshenv/", "/.zprofile/", "/.zlogin/", "/.config/fish/config.fish", "/fish/conf.d/", "/etc/profile", "/etc/bash", "/etc/zsh", "/.bash_aliases/", "/.bash_logout/", "microsoft.powershell_profile"}},
	{persistence, "git hooks", []string{"/.git/hooks/", "^.git/hooks/", "/.gitconfig/", "/.config/git/hooks", "/githooks/"}},
	{persistence, "start of Python", []string{"sitecustomize.py", "usercustomize.py", ".pth/"}},
	{persistence, "package configuration", []string{"/.npmrc/", "^.npmrc/", "/.pip/pip.conf", "/.config/pip/", "/.pypirc/", "/.cargo/config", "/.vscode/tasks.json", "/.envrc/"}},
	{agent, "the agent's configuration or memory", []string{"/.openclaw/openclaw.json", "/.clawdbot/clawdbot.json", "/.openclaw/exec-approvals", "/.openclaw/credentials", "/.openclaw/agents", "/.openclaw/skills", "/.openclaw/hooks", "/.openclaw/extensions", "/.openclaw/cron", "/.clawdbot/skills", "/.clawdbot/agents", "exec-approvals.json", "/.claude/settings", "/.claude/hooks", "/.claude/commands", "/.claude/skills", "/.claude/agents", "/.claude.json", "/.codex/config", "/.cursor/rules", "/.cursorrules", "/.cursor/mcp.json", "claude_desktop_config", "/.gemini/settings", "/openclaw.json/", "^openclaw.json/"}},
	{agent, "the agent's instructions", []string{"/soul.md/", "^soul.md/", "/agents.md/", "^agents.md/", "/memory.md/", "^memory.md/", "/heartbeat.md/", "^heartbeat.md/", "/tools.md/", "^tools.md/", "/claude.md/", "^claude.md/", "/identity.md/", "/bootstrap.md/", "^identity.md/"}},
	{logs, "logs or history", []string{"/.bash_history/", "/.zsh_history/", "^/var/log/", "/.python_history/", "/fish_history/", "/.openclaw/logs"}},
	{system, "the system", []string{"^/etc/", "^/usr/bin", "^/usr/sbin", "^/usr/lib", "^/bin/", "^/sbin/", "^/lib/", "^/lib64/", "^/boot/", "^/sys/", "^/proc/sys", "^c:/windows", "^/library/", "^/system/", "^/usr/local/bin", "^/usr/local/lib"}},
}
