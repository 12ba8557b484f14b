package prose

import (
	"net/url"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// lure is what a fake prerequisite is made of, each part of which is honest.
type lure struct {
	required, download, run, artifact, locked, short, paste, terminal, agentish, disable, strange, bare bool
}

// join adds the parts of another block.
func (l *lure) join(o lure) {
	l.required = l.required || o.required
	l.download = l.download || o.download
	l.run = l.run || o.run
	l.artifact = l.artifact || o.artifact
	l.locked = l.locked || o.locked
	l.short = l.short || o.short
	l.paste = l.paste || o.paste
	l.terminal = l.terminal || o.terminal
	l.agentish = l.agentish || o.agentish
	l.disable = l.disable || o.disable
	l.strange = l.strange || o.strange
	l.bare = l.bare || o.bare
}

// parts are those of one sentence.
func parts(s *sentence) lure {
	l := lure{
		required: s.has(cRequired), download: s.has(cDownload), run: s.has(cRun), artifact: s.has(cArtifact), short: s.has(cShort),
		terminal: s.has(cTerminal), paste: s.has(cPaste), agentish: impostor(s.text), strange: strangeLink(s, false), bare: strangeLink(s, true),
	}
	if _, _, ok := s.near(one(cArtifact, cDownload, cRun), one(cLocked), 90); ok && passwordGiven(s) {
		l.locked = true
	}
	l.disable = s.has(cDisable) && containsWord(s.text, "antivirus", "defender", "gatekeeper", "smartscreen", "quarantine", "right click", "open anyway", "run anyway", "more info") ||
		containsWord(s.text, "get past gatekeeper", "open anyway", "run anyway")
	return l
}

// judged says what the parts of a block with those of its neighbours make.
func (l lure) judged(sum lure) (match, bool) {
	m := match{id: "CJS-INJ-004", sev: skill.High, conf: skill.ConfidenceMedium}
	switch {
	case (l.locked || l.artifact) && sum.locked && sum.artifact && (sum.download || sum.run):
		m.sev, m.conf, m.why = skill.Critical, skill.ConfidenceHigh, "a download in a password-protected archive: the password keeps scanners out"
	case l.short && (sum.paste || sum.download && sum.run || sum.required && (sum.run || sum.terminal)):
		m.conf, m.why = skill.ConfidenceHigh, "a command or program from a paste or file-drop site"
	case l.agentish && sum.required && (sum.download || sum.run) && (sum.strange || sum.artifact):
		m.why = "a prerequisite in the name of the agent, from somewhere else"
	case l.artifact && sum.disable && (sum.download || sum.run):
		m.why = "a program that is to be run past the system's warnings"
	case l.bare && sum.required && sum.artifact && sum.download && sum.run:
		m.why = "a required program from a bare link"
	case l.paste && sum.terminal && sum.strange && (sum.required || sum.run):
		m.why = "a command to be pasted into a terminal, from a bare link"
	default:
		return m, false
	}
	return m, true
}

// prerequisites looks at neighbouring blocks together: a fake prerequisite is
// spread over "required", a download, a password and "paste in the terminal".
func (c *checker) prerequisites(d Document) {
	const window = 6 // blocks
	var blocks []*Block
	var facts []lure
	for i := range d.Blocks {
		b := &d.Blocks[i]
		if b.Kind == Inline || b.Kind == Code && b.Lang != "" && !proseLang(b.Lang) && len(b.Text) >= 2000 {
			continue
		}
		f := lure{}
		for _, s := range sentences(b) {
			f.join(parts(s))
		}
		blocks, facts = append(blocks, b), append(facts, f)
	}
	for i := range facts {
		sum := lure{}
		for _, f := range facts[i:min(i+window, len(facts))] {
			sum.join(f)
		}
		m, ok := facts[i].judged(sum)
		if !ok {
			continue
		}
		b := blocks[i]
		f := rule.New(m.id, c.place(b, 0), m.why, b.Text)
		f.Severity = m.sev
		f.Confidence, f.Discouraged = graded(&sentence{block: b, raw: b.Text}, hit{}, m.conf)
		if b.Kind == Code && f.Confidence > m.conf {
			f.Confidence-- // a fence is where commands stand
		}
		c.out = append(c.out, f)
		return
	}
}

// passwordGiven says that the sentence gives the password and does not just
// speak of one.
func passwordGiven(s *sentence) bool {
	return containsWord(s.text, "extract password", "archive password", "zip password", "unzip password", "extraction password", "password protected", "password-protected", "extract with", "extract using", "unzip with", "unlock the archive", "unlock code", "passcode", "access code", "unlock key", "archive key", "unlock password") || strings.Contains(s.text, "password:") || strings.Contains(s.text, "password is") || strings.Contains(s.text, "password `") || strings.Contains(s.text, "pass:") || strings.Contains(s.text, "密码") || strings.Contains(s.text, "パスワード") || strings.Contains(s.text, "비밀번호") || strings.Contains(s.text, "пароль") || strings.Contains(s.text, "unzip -p")
}

// impostor names: a helper of the agent that the agent does not have.
func impostor(text string) bool {
	for _, name := range []string{"openclaw", "clawdbot", "moltbot", "clawhub", "claude", "clawd"} {
		for at := 0; ; {
			i := strings.Index(text[at:], name)
			if i < 0 {
				break
			}
			at += i + len(name)
			rest := strings.TrimLeft(text[at:min(len(text), at+24)], " -_`*")
			for _, part := range []string{"agent.", "core", "driver", "provider", "util", "helper", "runtime", "authtool", "auth tool", "bootstrap", "winagent", "cli.", "daemon", "client", "patch", "loader", "agent is required", "agent utility", "agent.zip", "service pack", "component"} {
				if strings.HasPrefix(rest, part) {
					return true
				}
			}
		}
	}
	return containsWord(text, "authtool", "openclawcli", "openclaw-core", "openclaw-agent", "clawdbot-agent", "openclawdriver", "openclawprovider")
}

// strangeLink says that the sentence links to a host that is no well-known
// source of software.
// program asks for a link that ends like a program or an archive.
func strangeLink(s *sentence, program bool) bool {
	if !strings.Contains(s.raw, "://") {
		return false
	}
	for _, m := range urlForm.FindAllString(s.raw, 10) {
		u, err := url.Parse(strings.TrimRight(m, ".,;:"))
		if program && (err != nil || !artifactForm.MatchString(u.Path)) {
			continue
		}
		if err != nil || !wellKnown(u.Hostname()) {
			return true
		}
	}
	return false
}

// wellKnown hosts are those that programs are usually installed from. Hosts on
// which everybody can publish (github.com and the like) are among them: what
// lies there is judged by the other facts.
func wellKnown(host string) bool {
	host = strings.ToLower(host)
	for _, h := range []string{"github.com", "githubusercontent.com", "gitlab.com", "npmjs.com", "npmjs.org", "pypi.org", "python.org", "nodejs.org", "nodesource.com", "brew.sh", "rustup.rs", "rust-lang.org", "astral.sh", "bun.sh", "deno.land", "deno.com", "golang.org", "go.dev", "docker.com", "microsoft.com", "apple.com", "google.com", "googleapis.com", "openai.com", "anthropic.com", "claude.ai", "claude.com", "openclaw.ai", "clawhub.ai", "clawhub.com", "docs.openclaw.ai", "debian.org", "ubuntu.com", "ffmpeg.org", "videolan.org", "crates.io", "rubygems.org", "ruby-lang.org", "jetbrains.com", "visualstudio.com", "vscode.dev", "nvidia.com", "pytorch.org", "huggingface.co", "amazonaws.com", "aws.amazon.com", "cloudflare.com", "vercel.com", "netlify.com", "fly.io", "heroku.com", "supabase.com", "postgresql.org", "sqlite.org", "mozilla.org", "wikipedia.org", "localhost", "127.0.0.1", "example.com", "example.org", "get.pnpm.io", "pnpm.io", "yarnpkg.com", "sh.rustup.rs", "ollama.com", "tailscale.com", "1password.com", "obsidian.md", "notion.so", "slack.com", "discord.com", "telegram.org", "stripe.com", "atlassian.com", "jina.ai", "chromium.org", "playwright.dev", "pandoc.org", "imagemagick.org", "graphviz.org", "latex-project.org", "tug.org", "miktex.org", "gnu.org", "kernel.org", "apache.org", "mit.edu", "jq.dev", "jqlang.github.io", "cli.github.com", "kubernetes.io", "k8s.io", "helm.sh", "hashicorp.com", "terraform.io", "adobe.com", "figma.com", "elevenlabs.io", "raw.githubusercontent.com", "cursor.com", "modelcontextprotocol.io"} {
		if host == h || strings.HasSuffix(host, "."+h) {
			return true
		}
	}
	return host == ""
}
