package prose

import (
	"strings"

	"clawjail/policy/skill"
)

// maxUnits bounds the units of one document.
const maxUnits = 2000

// Units are the pieces of code that a document holds: fences, and inline code
// that is a command.
func Units(d Document) []skill.Unit {
	var out []skill.Unit
	for i := range d.Blocks {
		b := &d.Blocks[i]
		if len(out) >= maxUnits {
			break
		}
		var u skill.Unit
		switch b.Kind {
		case Code:
			u.Lang = FenceLang(b.Lang, b.Text)
			u.Text = b.Text
			if u.Lang == skill.Shell {
				u.Text = unprompt(b.Lang, b.Text)
			}
		case Inline:
			if !command(b.Text) || len(b.Text) > 2000 {
				continue
			}
			u.Lang, u.Text = skill.Shell, b.Text
			u.Cited = inlineCited(b)
			b.Discouraged = b.Discouraged || u.Cited
		case Comment, Invisible, LinkDef, Alt, Title, Attribute:
			if !command(strings.TrimSpace(b.Text)) {
				continue
			}
			u.Lang, u.Text = skill.Shell, b.Text
		default:
			continue
		}
		if u.Lang == skill.Unknown {
			continue
		}
		at := b.At(0)
		u.File, u.Line, u.Column, u.Fenced = d.File, at.Line, at.Column, true
		u.Cited = u.Cited || b.Discouraged && d.Security
		u.Discouraged = b.Discouraged || d.Security && !b.Kind.Hidden()
		u.Told = !u.Discouraged
		u.Setup = b.Setup
		out = append(out, u)
	}
	return out
}

// FenceLang is the language of a fence by its word, or by the look of it.
func FenceLang(word, text string) skill.Lang {
	word, _, _ = strings.Cut(word, " ")
	word, _, _ = strings.Cut(word, "{")
	switch strings.Trim(word, "{}.") {
	case "sh", "bash", "shell", "zsh", "console", "shell-session", "shellsession", "terminal", "ksh", "fish", "command", "cli", "sh-session":
		return skill.Shell
	case "python", "py", "python3", "pycon", "ipython":
		return skill.Python
	case "js", "javascript", "mjs", "cjs", "node", "jsx":
		return skill.JavaScript
	case "ts", "typescript", "tsx":
		return skill.TypeScript
	case "powershell", "ps1", "pwsh", "ps":
		return skill.PowerShell
	case "bat", "batch", "cmd", "dos":
		return skill.Batch
	case "", "text", "txt", "plaintext", "none", "code":
		first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		if command(strings.TrimPrefix(first, "$ ")) {
			return skill.Shell
		}
	}
	return skill.Unknown
}

// command says that text looks like a command line: a program that people run,
// with something behind it, or a pipe into an interpreter.
func command(s string) bool {
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(s, "$ ")
	first, rest, _ := strings.Cut(s, " ")
	if strings.HasPrefix(s, "/bin/") || strings.HasPrefix(s, "./") && rest != "" {
		return true
	}
	for strings.Contains(first, "=") && !strings.HasPrefix(first, "=") && rest != "" { // VAR=value program
		first, rest, _ = strings.Cut(rest, " ")
	}
	switch first {
	case "alias", "trap", "curl", "wget", "bash", "sh", "zsh", "sudo", "nc", "ncat", "socat", "ssh", "scp", "rsync", "base64", "eval", "python", "python3", "node", "npx", "uvx", "pipx", "bunx", "npm", "pnpm", "yarn", "bun", "deno", "pip", "pip3", "uv", "brew", "apt", "apt-get", "dnf", "yum", "apk", "pacman", "snap", "choco", "winget", "scoop", "go", "cargo", "gem", "docker", "podman", "kubectl", "git", "gh", "chmod", "chown", "rm", "mv", "cp", "cat", "echo", "export", "source", "tar", "unzip", "openssl", "dd", "mkfs", "crontab", "systemctl", "launchctl", "osascript", "xattr", "spctl", "defaults", "open", "xdg-open", "powershell", "pwsh", "cmd", "iex", "iwr", "irm", "wscript", "cscript", "curl.exe", "start-process", "invoke-webrequest", "invoke-restmethod", "fetch", "aria2c", "lftp", "xclip", "pbcopy", "perl", "ruby", "php", "nohup", "env", "printenv", "tee", "find", "grep", "sed", "awk", "jq", "mkdir", "touch", "ln", "kill", "pkill", "ps", "dig", "nslookup", "ping", "telnet", "ftp", "aws", "gcloud", "az", "terraform", "mysql", "psql", "sqlite3", "security", "openclaw", "clawhub", "clawdhub", "claude", "codex", "ngrok", "cloudflared", "set", "for", "while", "if", "cd", "ls", "mshta", "certutil", "bitsadmin", "rundll32", "regsvr32", "schtasks", "reg", "wmic", "net":
		return rest != "" || first == "env" || first == "printenv"
	}
	return strings.Contains(s, "| bash") || strings.Contains(s, "|bash") || strings.Contains(s, "| sh") || strings.Contains(s, "<(curl") || strings.Contains(s, "$(curl")
}

// unprompt takes "$ " off the lines of a session, and empties lines that are
// output, so that lines and columns stay.
func unprompt(lang, text string) string {
	prompts := false
	for l := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimLeft(l, " "), "$ ") {
			prompts = true
			break
		}
	}
	if !prompts {
		return text
	}
	lines := strings.Split(text, "\n")
	continued := false
	for i, l := range lines {
		trimmed := strings.TrimLeft(l, " ")
		switch {
		case strings.HasPrefix(trimmed, "$ "):
			lines[i] = strings.Replace(l, "$ ", "  ", 1)
			continued = strings.HasSuffix(l, "\\")
		case continued:
			continued = strings.HasSuffix(l, "\\")
		case lang == "console" || lang == "shell-session" || lang == "shellsession" || lang == "sh-session":
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// inlineCited says that the words around inline code forbid it, or name it
// without telling to run it. Lead is the paragraph that it stands in.
func inlineCited(b *Block) bool {
	i := strings.Index(b.Lead, "`"+b.Text+"`")
	if i < 0 {
		return false
	}
	before := b.Lead[max(0, i-80):i]
	if j := strings.LastIndexAny(before, ".;\n"); j >= 0 {
		before = before[j+1:]
	}
	after := b.Lead[i+len(b.Text)+2:]
	after, _, _ = strings.Cut(after[:min(len(after), 60)], ".")
	return discourages(strings.ToLower(before)) || containsWord(strings.ToLower(before), "not", "block", "blocks", "like", "such as", "flag", "flags", "e.g", "pattern", "patterns", "looks for", "detects", "catches", "prevents", "patterns", "veto", "vetoes", "refuse", "refuses", "deny", "denies", "requires approval", "approval", "including", "containing", "similar to", "dangerous", "destructive", "instead of", "equivalent") ||
		containsWord(strings.ToLower(after), "is dangerous", "is forbidden", "is blocked", "is not allowed", "are blocked", "pattern", "patterns", "attack", "attacks", "never")
}
