package supply

import (
	_ "embed" // for the list of names
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"

	"clawjail/policy/skill"
)

// Code from elsewhere is the part of a skill that nobody audits here. What very
// many people install is as good as it gets; what the skill says it drives, in
// its front matter and by its own name, a person can look up. The rest is the
// companion that does the work of most attacks: it is shown to a person.

//go:embed known.txt
var knownText string

var knownPackages = sync.OnceValue(func() map[string]map[string]bool {
	out := map[string]map[string]bool{"npm": {}, "pypi": {}}
	for line := range strings.SplitSeq(knownText, "\n") {
		words := strings.Fields(line)
		if len(words) > 1 && out[words[0]] != nil {
			for _, w := range words[1:] {
				out[words[0]][w] = true
			}
		}
	}
	return out
})

// wellKnown says that very many people install the package.
func wellKnown(ecosystem, name string) bool {
	name = strings.ToLower(name)
	if popular()[ecosystem][name] {
		return true
	}
	set := knownPackages()[ecosystem]
	if ecosystem == "pypi" {
		return set[strings.NewReplacer("_", "-", ".", "-").Replace(name)]
	}
	scope, _, scoped := strings.Cut(name, "/")
	return set[name] || scoped && set[scope+"/"]
}

// publishers own repositories, taps, modules and images that people know.
const publishers = `
actions docker-library peter-evans softprops codecov shivammathur gradle ruby hashicorp-actions aws-actions google-github-actions azure-actions pypa
homebrew golang google googleapis googlecloudplatform microsoft azure aws awslabs apple facebook meta openai anthropics modelcontextprotocol openclaw
clawdbot github cli hashicorp mongodb redis postgres elastic grafana prometheus docker kubernetes kubernetes-sigs helm derailed stripe cloudflare
vercel netlify supabase heroku fly-apps superfly oven-sh denoland nodejs npm pnpm yarnpkg rust-lang astral-sh pypa python huggingface pytorch nvidia
ollama ggml-org ggerganov charmbracelet jesseduffield junegunn burntsushi sharkdp ajeetdsouza stedolan jqlang mikefarah ffmpeg yt-dlp imagemagick
steipete tailscale digitalocean linode scaleway hetznercloud doctl snyk aquasecurity anchore semgrep returntocorp gitleaks trufflesecurity sigstore
goreleaser golangci dominikh mvdan bazelbuild buildbuddy spotify netflix shopify atlassian gitlab-org gitlab bitwarden 1password twilio sendgrid
slackapi telegramdesktop signalapp qdrant weaviate chroma-core milvus-io langchain-ai run-llama neo4j clickhouse cockroachdb influxdata minio apache
eclipse spring-projects jetbrains gradle flutter dart-lang expo react-native-community vuejs angular sveltejs withastro prisma drizzle-team typeorm
n8n-io home-assistant mozilla w3c whatwg wix salesforce dbt-labs databricks snowflakedb planetscale upstash neondatabase turso tursodatabase dagger
jdx asdf-vm nvm-sh pyenv rbenv sdkman antfu evanw swc-project biomejs oxc-project tree-sitter neovim vim emacs-mirror tmux ros
pandoc jgm libreoffice tesseract-ocr ghostscript poppler graphviz plantuml mermaid-js d2lang terrastruct typst quarto-dev jupyter
library bitnami selenium browserless mcr.microsoft.com gcr.io ghcr.io quay.io registry.k8s.io public.ecr.aws puppeteer playwright`

var publisherSet = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, p := range strings.Fields(publishers) {
		out[p] = true
	}
	return out
})

// foreign are the commands that get programs from places of their own.
var foreign = []struct {
	re   *regexp.Regexp
	what string
	// owner picks the publisher and the name from the first group.
	owner func(string) (string, string)
}{
	{regexp.MustCompile(`\bbrew (?:install|tap|reinstall)(?: --[\w-]+)* +([\w.-]+/[\w./@+-]+)`), "a tap of Homebrew's that is not its own", ownerPath(0)},
	{regexp.MustCompile(`\bgo (?:install|run|get)(?: -[\w=./-]+)* +((?:[\w-]+\.)+[a-z]+/[\w./~-]+)(?:@[\w.-]+)?`), "a Go module", ownerPath(1)},
	{regexp.MustCompile(`\bcargo install(?: --[\w-]+)* +--git[ =]+(\S+)`), "a repository, with cargo", ownerPath(1)},
	{regexp.MustCompile(`\bgem install +([\w-]+)`), "a gem", bare},
	{regexp.MustCompile(`\bwinget install\b[^\n]*?(?:--source|-s)[ =]+(\S+)`), "a source of winget's that is not its own", bare},
	{regexp.MustCompile(`\b(?:choco install|nuget install)\b[^\n]*?(?:--source|-s)[ =]+["']?(https?://[^\s"']+)`), "a feed that is not the registry's", hostOwner},
	{regexp.MustCompile(`\bscoop bucket add +\S+ +(\S+)`), "a bucket of Scoop's that is not its own", ownerPath(1)},
	{regexp.MustCompile(`\b(?:add-apt-repository|apt-add-repository)(?: -\w+)* +["']?((?:ppa:|deb |https?:)[^\n"']+)`), "a foreign repository of packages", bare},
	{regexp.MustCompile(`\bdocker (?:run|pull)\b(?: +-{1,2}[\w-]+(?:[= ](?:["'][^"'\n]*["']|[^\s-][^\s]*))?)*? +((?:[\w.-]+/)+[\w.-]+)(?::[\w.-]+)?(?:\s|$)`), "an image", ownerPath(0)},
	{regexp.MustCompile(`\b(?:code|cursor|windsurf) --install-extension +([\w-]+\.[\w-]+)`), "an extension of the editor's", dotOwner},
	{regexp.MustCompile(`\b(?:clawhub|clawdhub|openclaw (?:skills?|plugins?)|skills|claude (?:plugin|mcp)) (?:install|add) +(?:-[\w-]+ +)*([@\w./:-]+)`), "another skill, plugin or server", ownerPath(0)},
	{regexp.MustCompile(`\bgit (?:-C \S+ )?remote (?:add|set-url)(?: --\w+)* +[\w-]+ +["']?((?:https?://|git@|ssh://)[^\s"'` + "`" + `]+)`), "a repository that the user's work goes to", ownerPath(1)},
	{regexp.MustCompile(`\bdeno (?:install|run)\b[^\n]*?(https?://\S+)`), "a program from an address", hostOwner},
}

// ownerPath takes the owner from a path of names, behind the host when there is
// one.
func ownerPath(int) func(string) (string, string) {
	return func(s string) (string, string) {
		s = strings.TrimPrefix(strings.TrimPrefix(strings.Trim(s, `"'`), "https://"), "git@")
		parts := strings.FieldsFunc(s, func(c rune) bool { return c == '/' || c == ':' })
		if len(parts) == 0 {
			return "", ""
		}
		name := strings.TrimSuffix(parts[len(parts)-1], ".git")
		owner := strings.TrimPrefix(parts[0], "@")
		if strings.Contains(owner, ".") && len(parts) > 1 {
			if publisherSet()[strings.ToLower(owner)] && !strings.HasPrefix(owner, "ghcr") && !strings.HasPrefix(owner, "quay") {
				return owner, name
			}
			switch owner {
			case "golang.org", "google.golang.org", "gopkg.in", "k8s.io", "sigs.k8s.io", "honnef.co", "mvdan.cc":
				return "golang", name
			}
			if owner == "github.com" || owner == "gitlab.com" || owner == "ghcr.io" || owner == "quay.io" || owner == "docker.io" {
				owner = parts[1]
			}
			if len(parts) > 2 {
				name = strings.TrimSuffix(parts[2], ".git")
			}
		}
		return owner, name
	}
}

func bare(s string) (string, string) { return "", strings.TrimSpace(s) }

func dotOwner(s string) (string, string) {
	owner, name, _ := strings.Cut(s, ".")
	return owner, name
}

func hostOwner(s string) (string, string) {
	if u, err := url.Parse(strings.Trim(s, `"'`)); err == nil {
		return u.Hostname(), path.Base(u.Path)
	}
	return "", s
}

// actionForm is a step of a workflow that somebody else wrote.
var actionForm = regexp.MustCompile("(?:\\buses: *[\"']?|`)([\\w-]+/[\\w.-]+)(?:/[\\w./-]+)?@(?:main|master|HEAD|dev|latest|v?\\d[\\w.]*|[0-9a-f]{40})\\b")

// actions judges the steps of workflows that a document or file names.
func (s *scan) actions(u skill.Unit) {
	for _, m := range actionForm.FindAllStringSubmatchIndex(u.Text, 50) {
		owner, name := ownerPath(0)(u.Text[m[2]:m[3]])
		if name == "" || s.vouched(owner, name) {
			continue
		}
		s.unvouched(u.At(m[2]), "a step of a workflow", u.Text[m[2]:m[1]])
	}
}

var cloned = regexp.MustCompile(`\bgit (?:-C \S+ )?clone\b(?: +-{1,2}[\w-]+(?:[= ]\d+)?)* +["']?((?:https?://|git@)[^\s"'` + "`" + `]+)`)

// built are the ways of running what a repository holds.
var built = regexp.MustCompile(`\b(?:make|cmake|ninja|npm (?:i|install|ci|run|start)|pnpm (?:i|install)|yarn(?: install)?|bun install|pip3? install|uv (?:sync|pip install|run)|python3? |node |cargo (?:build|install|run)|go (?:build|run|install)|docker(?: compose|-compose)? (?:build|up)|bash |sh |source )|(?:^|[\s;&])\./[\w./-]+`)

// origins judges where a unit gets programs from.
func (s *scan) origins(u skill.Unit) {
	if u.Discouraged || u.Cited {
		return
	}
	for _, f := range foreign {
		for _, m := range f.re.FindAllStringSubmatchIndex(u.Text, 50) {
			owner, name := f.owner(u.Text[m[2]:m[3]])
			if name == "" || strings.ContainsAny(name+owner, "<>{}$[") || s.vouched(owner, name) {
				continue
			}
			s.unvouched(u.At(m[0]), f.what, u.Text[m[0]:m[1]])
		}
	}
	for _, m := range cloned.FindAllStringSubmatchIndex(u.Text, 50) {
		owner, name := ownerPath(1)(u.Text[m[2]:m[3]])
		rest := u.Text[m[1]:]
		if strings.ContainsAny(name+owner, "<>{}$[") || !s.runs(u, rest) || s.vouched(owner, name) {
			continue
		}
		s.unvouched(u.At(m[0]), "a repository that is built or run", u.Text[m[0]:m[1]])
	}
}

// runs says that what was cloned is built or run: in the rest of the unit, or, when
// the unit is one line of a text, in the other units of the document.
func (s *scan) runs(u skill.Unit, rest string) bool {
	if built.MatchString(rest[:min(len(rest), 1000)]) {
		return true
	}
	if strings.Contains(strings.TrimSpace(u.Text), "\n") {
		return false
	}
	for _, v := range s.units {
		if v.File == u.File && v.Line >= u.Line && v.Line <= u.Line+12 && v.Line != u.Line && built.MatchString(v.Text[:min(len(v.Text), 1000)]) {
			return true
		}
	}
	return false
}

// settings are the commands and variables that make others the source of all
// packages.
var settings = regexp.MustCompile(`\b(?:npm|pnpm|yarn)(?: config)? set (?:-g |--global |--location=\w+ )?(?:registry|npmRegistryServer)[ =]+(\S+)|\bpip3? config set (?:global|user|site)\.(?:extra-)?index-url +(\S+)|\bgo env -w GO(?:PROXY|SUMDB|NOSUMCHECK|FLAGS)=(\S+)|\bgit config (?:--\w+ )?url\.["']?(\S+?)["']?\.insteadOf|\b(?:NPM_CONFIG_REGISTRY|PIP_INDEX_URL|PIP_EXTRA_INDEX_URL|UV_INDEX_URL|GOPROXY|HOMEBREW_BOTTLE_DOMAIN|YARN_NPM_REGISTRY_SERVER)=["']?(https?://\S+)`)

func (s *scan) mirrors(u skill.Unit) {
	if u.Discouraged || u.Cited {
		return
	}
	for _, m := range settings.FindAllStringIndex(u.Text, 20) {
		line := u.Text[m[0]:m[1]]
		if strings.Contains(line, "npmjs.org") || strings.Contains(line, "npmmirror.com") || strings.Contains(line, ".golang.org") || strings.Contains(line, "goproxy.cn") || strings.Contains(line, "goproxy.io") || strings.Contains(line, "localhost") || strings.Contains(line, "git@github.com") || strings.Contains(line, "ssh://git@") || strings.Contains(line, "github.com/") || strings.Contains(line, "direct") && !strings.Contains(line, "http") {
			continue
		}
		s.index(u.At(m[0]), line)
		s.unvouched(u.At(m[0]), "all packages, from a registry of its own", line)
	}
}

func (s *scan) unvouched(at skill.Place, what, evidence string) {
	f := s.say("CJS-SUP-003", at, "gets a program from somewhere that few people know: "+what, evidence)
	f.Class, f.Severity, f.Confidence = skill.Threat, skill.Medium, skill.ConfidenceMedium
}

// vouched says that people know the publisher, or that it is the tool that the
// skill says, up front, that it is about.
func (s *scan) vouched(owner, name string) bool {
	owner, name = strings.ToLower(owner), strings.ToLower(name)
	if owner != "" && publisherSet()[owner] {
		return true
	}
	if placeholder(owner) || placeholder(name) {
		return true
	}
	if owner != "" && s.m.Homepage != "" && strings.Contains(strings.ToLower(s.m.Homepage), "/"+owner+"/") && s.about(name) {
		return true
	}
	return s.upFront(name) && s.about(name)
}

func placeholder(s string) bool {
	for _, p := range []string{"your", "example", "user", "owner", "org", "username", "myorg", "my-", "<", "acme", "foo", "some-", "author", "company", "namespace", "repo", "..."} {
		if s == p || strings.HasPrefix(s, p) && len(p) > 3 {
			return true
		}
	}
	return false
}

// upFront says that the front matter names the tool: as a program it needs, or
// in install[].
func (s *scan) upFront(name string) bool {
	for _, d := range append(append([]skill.Declared{}, s.m.Bins...), s.m.AnyBins...) {
		if alike(d.Value, name) {
			return true
		}
	}
	for _, in := range s.m.Install {
		for _, v := range append([]string{path.Base(in.Formula), path.Base(in.Package), in.Module}, in.Bins...) {
			if v != "" && v != "." && (alike(v, name) || strings.Contains(strings.ToLower(v), name)) {
				return true
			}
		}
	}
	return false
}

// about says that the tool is what the skill is about: its name has it, or its
// description names it.
func (s *scan) about(name string) bool {
	return alike(s.m.Name, name) || strings.Contains(flatten(strings.ToLower(s.m.Description)), flatten(name)) && len(name) >= 3
}

// alike compares names without separators and the usual endings.
func alike(a, b string) bool {
	a, b = stem(a), stem(b)
	return a != "" && (a == b || len(b) >= 4 && strings.Contains(a, b) || len(a) >= 4 && strings.Contains(b, a))
}

func stem(s string) string {
	s = strings.ToLower(s[strings.LastIndexByte(s, '/')+1:])
	for _, end := range []string{"-cli", "-mcp", "-server", "-skill", ".js", "-py", "cli"} {
		s = strings.TrimSuffix(s, end)
	}
	return flatten(s)
}

// local says that the name is a file or package of the skill itself.
func (s *scan) local(name string) bool {
	if strings.HasSuffix(name, ".txt") || strings.HasSuffix(name, ".whl") || strings.HasSuffix(name, ".tgz") {
		return true
	}
	for _, f := range s.t.Files {
		if path.Base(f.Path) == name || strings.HasPrefix(f.Path, name+"/") {
			return true
		}
	}
	return false
}

// serverForm is how configurations of agents start programs.
var serverForm = regexp.MustCompile(`"command"\s*:\s*"([^"\n]{1,200})"\s*,\s*"args"\s*:\s*\[([^\]]{0,1000})\]`)

// servers judges the programs that a configuration in JSON starts.
func (s *scan) servers(u skill.Unit) {
	for _, m := range serverForm.FindAllStringSubmatchIndex(u.Text, 50) {
		args := strings.Fields(strings.NewReplacer(`"`, " ", ",", " ", "\n", " ").Replace(u.Text[m[4]:m[5]]))
		v := u
		v.Text = u.Text[m[2]:m[3]] + " " + strings.Join(args, " ")
		v.Line = u.At(m[0]).Line
		s.commands(v)
		s.origins(v)
	}
}
