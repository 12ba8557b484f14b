package audit

import (
	"regexp"
	"strings"

	"clawjail/policy/skill"
)

// context takes findings of code in documents down for where they stand: what
// is only cited, and what people are told to do once, when they install the
// tools that the skill drives, in the ways in which everybody installs them.
func (s *state) context(findings []skill.Finding) {
	for i := range findings {
		f := &findings[i]
		u := s.unitAt(f.Place)
		if u == nil || !u.Fenced {
			continue
		}
		if u.Cited {
			f.Confidence, f.Discouraged = skill.ConfidenceLow, true
		}
		if installs(*f, *u) {
			f.Confidence = skill.ConfidenceLow
		}
	}
}

// unitAt is the unit of a document in which a place lies.
func (s *state) unitAt(p skill.Place) *skill.Unit {
	for i := range s.units {
		u := &s.units[i]
		if u.File != p.File || !u.Fenced || p.Line < u.Line {
			continue
		}
		if end := u.Line + strings.Count(strings.TrimRight(u.Text, "\n"), "\n"); p.Line > end {
			continue
		}
		if p.Line == u.Line && !strings.Contains(u.Text, "\n") && (p.Column < u.Column || p.Column > u.Column+len(u.Text)) {
			continue
		}
		return u
	}
	return nil
}

func (s *state) fenced(p skill.Place) bool { return s.unitAt(p) != nil }

// Where package managers and manual installs put things.
var (
	installPath = regexp.MustCompile(`/etc/(?:apt|yum\.repos\.d|pki/rpm-gpg|apk|pacman)|/usr/share/keyrings|/usr/local/(?:bin|lib|share|go|opt)|/opt/|/Library/Fonts|~/\.(?:claude|codex|cursor|openclaw|clawdbot|agents|config/opencode)/skills`)
	// installers are scripts that the documentation of well-known tools tells
	// everybody to run.
	installers = regexp.MustCompile(`(?i)https://(?:[\w.-]+\.)?(?:astral\.sh|rustup\.rs|bun\.sh|bun\.com|deno\.land|deno\.com|nodesource\.com|get\.docker\.com|ollama\.(?:com|ai)/install|claude\.ai/install|openclaw\.ai/install|clawd\.bot/install|get\.pnpm\.io|fly\.io/install|starship\.rs|tailscale\.com/install|install\.python-poetry\.org|mise\.run|just\.systems|get\.k3s\.io|foundry\.paradigm\.xyz|cursor\.com/install|sdk\.cloud\.google\.com|cli\.github\.com|get\.sdkman\.io|get\.volta\.sh|fnm\.vercel\.app|sh\.rustup\.rs|packages\.cloud\.google\.com|apt\.releases\.hashicorp\.com|cli\.doppler\.com|nixos\.org|determinate\.systems|release\.solana\.com|release\.anza\.xyz|get\.helm\.sh|opencode\.ai/install|pkgs\.k8s\.io|download\.docker\.com|astro\.build|railway\.(?:com|app)|vercel\.com|supabase\.com|dl\.k8s\.io|modal\.com|turso\.tech|encore\.dev|devbox|pixi\.sh|micro\.mamba\.pm)|https://raw\.githubusercontent\.com/(?:Homebrew|nvm-sh|helm|ohmyzsh|anchore|aquasecurity|pyenv|rbenv|golangci|k3d-io|kubernetes|astral-sh|junegunn|jesseduffield|nektos|aquaproj)/`)
	withinLine = regexp.MustCompile(`(?i)base64|\beval\b|/dev/tcp|http://|\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}`)
)

// installs says that a finding in a document is an ordinary installation.
func installs(f skill.Finding, u skill.Unit) bool {
	line := lineAt(u, f.Line)
	if withinLine.MatchString(line) {
		return false
	}
	switch f.Rule {
	case "CJS-EXEC-001", "CJS-FLOW-004":
		return installers.MatchString(line)
	case "CJS-EXEC-008":
		// A fetched script that runs as root is a finding of its own.
		return !strings.Contains(line, "authorized_keys") && !strings.Contains(line, "sudoers") && !strings.Contains(line, "docker.sock") && !strings.Contains(line, "--privileged") && !strings.Contains(line, "nsenter")
	case "CJS-FS-001", "CJS-FS-003":
		return installPath.MatchString(line) && !strings.Contains(line, "authorized_keys")
	}
	return false
}

// lineAt is the text of a line of the file, if it lies in the unit, with the
// lines that it continues on.
func lineAt(u skill.Unit, line int) string {
	lines := strings.Split(u.Text, "\n")
	i := line - u.Line
	if i < 0 || i >= len(lines) {
		return u.Text
	}
	out := lines[i]
	for strings.HasSuffix(out, "\\") && i+1 < len(lines) {
		i++
		out += "\n" + lines[i]
	}
	return out
}
