package audit

import (
	"encoding/json"
	"regexp"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/prose"
	"clawjail/policy/skill/rule"
)

// Configuration of many programs holds commands: what ssh does when it
// connects, what an editor does when it starts, what a service runs. Each form
// has the command in its last group that took part.

// maxEmbedded bounds the commands that are taken out of one text.
const maxEmbedded = 100

var embeddedForms = []*regexp.Regexp{
	// ssh
	regexp.MustCompile(`(?im)^[ \t]*(?:localcommand|proxycommand|knownhostscommand|match[ \t]+exec)[ \t=]+"?([^"\n]+)`),
	// services, desktop entries
	regexp.MustCompile(`(?m)^[ \t]*Exec(?:Start|StartPre|StartPost|Stop|StopPost|Reload|Condition)?[ \t]*=[-@:+! \t]*([^\n]+)`),
	// editors: Vim, Neovim, Emacs
	regexp.MustCompile(`\b(?:system|systemlist|jobstart|job_start|termopen|os\.execute|io\.popen|shell-command|shell-command-to-string)[ (]+(?:'([^'\n]+)'|"((?:[^"\\\n]|\\.)+)")`),
	regexp.MustCompile(`(?m)^[ \t]*(?:autocmd|au)\b[^\n]*?[ \t](?:silent!?[ \t]+)?(?:execute[ \t]+['"])?:?!([^\n]+)`),
	// git
	regexp.MustCompile(`(?m)^[ \t]*[\w-]+[ \t]*=[ \t]*"?!([^\n]+)`),
	regexp.MustCompile(`(?im)^[ \t]*(?:sshcommand|fsmonitor|askpass|gpgprogram|textconv|clean|smudge|helper)[ \t]*=[ \t]*([^\n]* [^\n]*)`),
	// tmux, screen, window managers
	regexp.MustCompile(`(?m)^[^#\n]*\b(?:run-shell|if-shell|exec_always|exec-once)[ \t]+(?:-\w+[ \t]+)*(?:'([^'\n]+)'|"([^"\n]+)"|([^'"\n]+))`),
	// Gradle, Groovy
	regexp.MustCompile(`\bcommandLine[ (]+[^\n]*['"]-l?c['"], *(?:'([^'\n]+)'|"((?:[^"\\\n]|\\.)+)")`),
	regexp.MustCompile(`(?:'([^'\n]+)'|"((?:[^"\\\n]|\\.)+)")\.execute\(\)`),
	// Go
	regexp.MustCompile(`(?m)^//go:generate[ \t]+([^\n]+)`),
	// Terraform
	regexp.MustCompile(`(?s)provisioner\s+"(?:local|remote)-exec"\s*\{[^}]{0,400}?\b(?:command|inline)\s*=\s*\[?\s*"((?:[^"\\\n]|\\.)+)"`),
	regexp.MustCompile(`(?m)^[ \t]*program[ \t]*=[ \t]*\[[^\]\n]*"-c",[ \t]*"((?:[^"\\\n]|\\.)+)"`),
}

// embeddedHint is a piece of each form.
var embeddedHint = regexp.MustCompile(`(?i)command|exec|go:generate|system|popen|job_?start|termopen|= ?"?!|autocmd|run-shell|if-shell|provisioner|program|fsmonitor|askpass|textconv|smudge|helper`)

// reaching is a command that fetches from, or sends to, an address.
var reaching = regexp.MustCompile(`\b(?:curl|wget|nc|ncat|socat)\b[^\n]*\bhttps?://|/dev/tcp/`)

// embedded makes units of the commands in a text of configuration whose first
// line is at line.
func (s *state) embedded(file, text string, line int, fenced bool) {
	if len(text) > maxConfigBytes || !embeddedHint.MatchString(text) {
		return
	}
	n := 0
	for _, form := range embeddedForms {
		for _, m := range form.FindAllStringSubmatchIndex(text, maxEmbedded) {
			for g := len(m) - 2; g > 0; g -= 2 {
				if m[g] < 0 {
					continue
				}
				if n++; n > maxEmbedded {
					return
				}
				from := m[g]
				command := text[from:m[g+1]]
				if from > 0 && text[from-1] == '"' {
					command = unquoted(command)
				}
				if reaching.MatchString(command) {
					x := rule.New("CJS-FS-002", skill.Place{File: file, Line: line + strings.Count(text[:from], "\n")}, "configuration that makes another program talk to the network by itself", command)
					x.Severity, x.Confidence = skill.Medium, skill.ConfidenceMedium
					s.add(x)
				}
				s.units = append(s.units, skill.Unit{File: file, Lang: skill.Shell, Text: command, Line: line + strings.Count(text[:from], "\n"), Column: 1, Fenced: fenced, Told: true})
				break
			}
		}
	}
}

func unquoted(v string) string {
	var out string
	if json.Unmarshal([]byte(`"`+v+`"`), &out) == nil {
		return out
	}
	return strings.ReplaceAll(v, `\"`, `"`)
}

// embeddedFence looks at the configuration that a document shows, where no
// other reader takes it.
func (s *state) embeddedFence(file string, b *prose.Block) {
	switch word, _, _ := strings.Cut(strings.ToLower(b.Lang), " "); word {
	case "", "text", "conf", "config", "ini", "ssh", "sshconfig", "ssh-config", "ssh_config", "systemd", "service", "desktop", "vim", "viml", "vimscript", "lua", "elisp", "emacs-lisp", "gitconfig", "git-config", "tmux", "hcl", "terraform", "tf", "toml", "plaintext":
		s.embedded(file, b.Text, b.At(0).Line, true)
	}
}
