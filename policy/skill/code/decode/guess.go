package decode

import (
	"regexp"
	"strings"

	"clawjail/policy/skill"
)

// guesses returns the marks of each language. They are matched against text
// that came out of a wrapping, so a few words are enough.
func guesses() []struct {
	lang skill.Lang
	re   *regexp.Regexp
} {
	return []struct {
		lang skill.Lang
		re   *regexp.Regexp
	}{
		{skill.Python, regexp.MustCompile(`(?m)^\s*(import [a-z_][\w.]*(\s*[,;]|\s+as\s|\s*$)|from [\w.]+ import |def \w+\(.*\)\s*(->.*)?:|class \w+.*:\s*$|print\(|exec\(|if __name__)|__import__\(|;\s*import \w+`)},
		{skill.JavaScript, regexp.MustCompile(`\brequire\s*\(\s*['"]|(?m)^\s*(const|let|var) [\w{$]|=>\s*[{(]|\bfunction\s*\w*\s*\(|\bawait import\(|(?m)^\s*import .* from ['"]|\bprocess\.(env|argv|exit)|child_process|\beval\(|\bnew Function\(`)},
		{skill.Shell, regexp.MustCompile(`^#!.*\b(ba|z|da|k)?sh\b|\b(curl|wget|bash|sh|nc|ncat|socat|chmod|python3?|node|base64|osascript|openssl|crontab|launchctl|systemctl|sudo|mkfifo|xattr|nohup|perl|ruby)\s+[-/'"$~\w.]|/dev/tcp/|(?m)^\s*(export \w+=|if \[|for \w+ in |echo |cd |rm |cat |mkdir |eval )|\$\(|\|\s*(ba|z)?sh\b`)},
	}
}

// Guess says which language text is in: a language with a parser, or Text.
func Guess(text string) skill.Lang {
	if strings.HasPrefix(text, "#!") {
		line, _, _ := strings.Cut(text, "\n")
		switch {
		case strings.Contains(line, "python"):
			return skill.Python
		case strings.Contains(line, "node") || strings.Contains(line, "deno") || strings.Contains(line, "bun"):
			return skill.JavaScript
		case strings.Contains(line, "sh"):
			return skill.Shell
		}
	}
	head := text[:min(len(text), 64<<10)]
	for _, g := range guesses() {
		if g.re.MatchString(head) {
			return g.lang
		}
	}
	return skill.Text
}
