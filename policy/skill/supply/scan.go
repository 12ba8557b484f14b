package supply

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
	"clawjail/policy/skill/tree"
)

// maxFindings bounds the findings of one skill.
const maxFindings = 200

// maxPackages bounds the packages of one manifest.
const maxPackages = 2000

type scan struct {
	t    skill.Tree
	m    skill.Manifest
	out  []skill.Finding
	seen map[string]bool
	// units are all of the skill's.
	units []skill.Unit
}

// Scan looks at the files and units of a skill.
func Scan(t skill.Tree, m skill.Manifest, units []skill.Unit) []skill.Finding {
	s := &scan{t: t, m: m, seen: map[string]bool{}, units: units}
	for _, f := range t.Files {
		if f.Data != nil {
			s.file(f)
		}
		if f.Data != nil && (f.Lang == skill.YAML || f.Lang == skill.Markdown) {
			text, _ := tree.Text(f)
			s.actions(skill.Unit{File: f.Path, Lang: f.Lang, Text: text, Line: 1, Column: 1})
		}
		if f.Data != nil && (f.Lang == skill.JSON || f.Lang == skill.Markdown) {
			text, _ := tree.Text(f)
			s.servers(skill.Unit{File: f.Path, Lang: f.Lang, Text: text, Line: 1, Column: 1})
		}
	}
	for _, u := range units {
		if u.Lang == skill.Shell || u.Lang == skill.PowerShell || u.Lang == skill.Batch {
			s.commands(u)
			s.origins(u)
			s.mirrors(u)
		}
	}
	for _, in := range m.Install {
		s.entry(in)
	}
	return s.out
}

func (s *scan) say(id string, at skill.Place, message, evidence string) *skill.Finding {
	key := id + at.File + message + evidence
	if s.seen[key] || len(s.out) >= maxFindings {
		return &skill.Finding{}
	}
	s.seen[key] = true
	s.out = append(s.out, rule.New(id, at, message, evidence))
	return &s.out[len(s.out)-1]
}

func (s *scan) file(f skill.File) {
	text, _ := tree.Text(f)
	base := strings.ToLower(path.Base(f.Path))
	switch {
	case base == "package.json":
		s.packageJSON(f.Path, text)
	case strings.HasPrefix(base, "requirements") && strings.HasSuffix(base, ".txt"):
		s.requirements(f.Path, text)
	case base == "setup.py":
		s.setupPy(f.Path, text)
	case base == "pyproject.toml":
		s.pyproject(f.Path, text)
	case base == ".npmrc" || base == ".yarnrc" || base == ".yarnrc.yml" || base == "pip.conf":
		s.registry(f.Path, text)
	case base == "binding.gyp":
		s.say("CJS-SUP-001", skill.Place{File: f.Path}, "native build that npm runs at install", "")
	}
	if f.Lang == skill.OtherCode && strings.HasSuffix(base, ".go") && strings.Contains(text, "//go:generate") {
		s.say("CJS-SUP-001", skill.Place{File: f.Path, Line: lineOf(text, "//go:generate")}, "go:generate runs a program", "").Confidence = skill.ConfidenceLow
	}
}

// packageJSON reads the parts of package.json that run or fetch.
func (s *scan) packageJSON(file, text string) {
	var p struct {
		Scripts              map[string]string `json:"scripts"`
		Dependencies         map[string]string `json:"dependencies"`
		DevDependencies      map[string]string `json:"devDependencies"`
		OptionalDependencies map[string]string `json:"optionalDependencies"`
		PeerDependencies     map[string]string `json:"peerDependencies"`
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		s.say("CJS-COV-001", skill.Place{File: file}, "package.json that is no JSON: "+err.Error(), "").Severity = skill.Low
		return
	}
	for _, hook := range []string{"preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare", "prepublish", "preuninstall", "postuninstall"} {
		if run := p.Scripts[hook]; run != "" {
			s.hook(file, text, hook, run)
		}
	}
	n := 0
	for _, deps := range []map[string]string{p.Dependencies, p.DevDependencies, p.OptionalDependencies, p.PeerDependencies} {
		for name, version := range deps {
			if n++; n > maxPackages {
				return
			}
			at := skill.Place{File: file, Line: lineOf(text, `"`+name+`"`)}
			s.name("npm", name, at)
			if !wellKnown("npm", name) && !s.vouched("", name) && !strings.HasPrefix(version, "file:") && !strings.HasPrefix(version, "workspace:") {
				s.unvouched(at, "a dependency", name+"@"+version)
			}
			switch {
			case strings.Contains(version, "://") && !strings.Contains(version, "github.com") && !strings.HasPrefix(version, "git+https://git"):
				s.say("CJS-SUP-003", at, "dependency from a URL", name+"@"+version).Severity = skill.High
			case strings.Contains(version, "git") || strings.Contains(version, "/") && !strings.HasPrefix(version, "npm:") && !strings.HasPrefix(version, "workspace:") && !strings.HasPrefix(version, "file:"):
				s.say("CJS-SUP-003", at, "dependency from a repository", name+"@"+version)
			case version == "*" || version == "latest" || version == "":
				s.say("CJS-SUP-003", at, "dependency without a version", name+"@"+version)
			}
		}
	}
	if len(p.Dependencies) > 0 {
		s.lockfile(file)
	}
}

func (s *scan) lockfile(file string) {
	dir := path.Dir(file)
	for _, l := range []string{"package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "npm-shrinkwrap.json"} {
		if s.t.File(path.Join(dir, l)) != nil {
			return
		}
	}
	s.say("CJS-SUP-004", skill.Place{File: file}, "dependencies without a lock file", "")
}

// hook judges a script that the package manager runs by itself.
func (s *scan) hook(file, text, hook, run string) {
	at := skill.Place{File: file, Line: lineOf(text, `"`+hook+`"`)}
	f := s.say("CJS-SUP-001", at, "npm runs this by itself: "+hook, run)
	switch {
	case usualHook(run):
		f.Severity, f.Confidence = skill.Low, skill.ConfidenceLow
	case reaches.MatchString(run):
		f.Severity = skill.Critical
	}
}

// reaches are the ways in which a hook fetches or hides something.
var reaches = regexp.MustCompile(`(?i)curl |wget |https?://|node -e|node --eval|python3? -c|base64|eval|\| ?(ba|z)?sh\b|powershell|/dev/tcp|nc -|\bssh\b|~/\.|\$HOME|bash -c|iwr |certutil`)

func usualHook(run string) bool {
	for part := range strings.FieldsFuncSeq(run, func(c rune) bool { return c == '&' || c == ';' || c == '|' }) {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		first := path.Base(words[0])
		if (first == "npm" || first == "pnpm" || first == "yarn" || first == "bun") && len(words) > 2 && words[1] == "run" && (strings.HasPrefix(words[2], "build") || strings.HasPrefix(words[2], "compile") || strings.HasPrefix(words[2], "prepare") || strings.HasPrefix(words[2], "generate")) {
			continue
		}
		if first == "npx" && len(words) > 1 {
			first = strings.TrimPrefix(words[1], "--no-install")
		}
		switch first {
		case "husky", "tsc", "patch-package", "lerna", "turbo", "simple-git-hooks", "lefthook", "node-gyp-build", "prisma", "electron-builder", "playwright", "opencollective-postinstall", "is-ci", "rollup", "tsup", "vite", "esbuild", "exit", "true", "echo", "npm-run-all", "only-allow", "install-peerdeps", "svelte-kit", "nuxt", "rimraf", "ngcc", "build", "wxt", "fumadocs-mdx":
		default:
			return false
		}
	}
	return true
}

func (s *scan) name(ecosystem, name string, at skill.Place) {
	if p := Imitates(ecosystem, name); p != "" {
		f := s.say("CJS-SUP-002", at, "almost the name of "+p, name)
		f.Confidence = skill.ConfidenceMedium
	}
}

var requirement = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*([=<>!~]=?|@)?`)

func (s *scan) requirements(file, text string) {
	n := 0
	for i, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(l)
		at := skill.Place{File: file, Line: i + 1}
		switch {
		case l == "" || strings.HasPrefix(l, "#"):
			continue
		case strings.HasPrefix(l, "--extra-index-url"), strings.HasPrefix(l, "--index-url"), strings.HasPrefix(l, "-i "), strings.HasPrefix(l, "--trusted-host"), strings.HasPrefix(l, "--find-links"):
			s.index(at, l)
		case strings.HasPrefix(l, "git+") || strings.Contains(l, "://"):
			s.say("CJS-SUP-003", at, "dependency from a URL or repository", l)
		default:
			if m := requirement.FindStringSubmatch(l); m != nil {
				if n++; n > maxPackages {
					return
				}
				s.name("pypi", m[1], at)
				if !wellKnown("pypi", m[1]) && !s.vouched("", m[1]) {
					s.unvouched(at, "a dependency", l)
				}
				if m[3] != "==" {
					s.say("CJS-SUP-003", skill.Place{File: file}, "dependencies without an exact version", "").Severity = skill.Low
				}
			}
		}
	}
}

// index judges another package index: names can be taken over there.
func (s *scan) index(at skill.Place, line string) {
	for _, ok := range []string{"download.pytorch.org", "pypi.org/simple", "pypi.nvidia.com", "mirrors.aliyun.com", "pypi.tuna.tsinghua.edu.cn", "data.pyg.org", "mirror.sjtu", "pypi.ngc.nvidia.com", "flashinfer.ai", "wheels.vllm.ai", "mirrors.cloud.tencent.com", "pypi.doubanio.com", "huaweicloud.com"} {
		if strings.Contains(line, ok) {
			s.say("CJS-SUP-003", at, "another package index", line)
			return
		}
	}
	s.say("CJS-SUP-003", at, "another package index: it can serve its own version of any name", line).Severity = skill.High
}

var setupCode = regexp.MustCompile(`(?m)cmdclass|^\s*(?:import|from)\s+(?:subprocess|socket|urllib|requests|httpx|ctypes|base64|marshal)|os\.system|os\.popen|exec\(|eval\(|urlopen|__import__`)

func (s *scan) setupPy(file, text string) {
	if m := setupCode.FindStringIndex(text); m != nil {
		s.say("CJS-SUP-001", skill.Place{File: file, Line: 1 + strings.Count(text[:m[0]], "\n")}, "setup.py runs code at install", text[m[0]:m[1]])
	}
}

func (s *scan) pyproject(file, text string) {
	if i := strings.Index(text, "backend-path"); i >= 0 {
		s.say("CJS-SUP-001", skill.Place{File: file, Line: 1 + strings.Count(text[:i], "\n")}, "build back end inside the skill: it runs at install", "").Confidence = skill.ConfidenceMedium
	}
	for i, l := range strings.Split(text, "\n") {
		if t := strings.TrimSpace(l); strings.HasPrefix(t, "index-url") || strings.HasPrefix(t, "extra-index-url") || strings.HasPrefix(t, "url =") && strings.Contains(text, "[[tool.uv.index]]") {
			s.index(skill.Place{File: file, Line: i + 1}, t)
		}
	}
}

func (s *scan) registry(file, text string) {
	for i, l := range strings.Split(text, "\n") {
		t := strings.TrimSpace(l)
		if (strings.Contains(t, "registry") || strings.Contains(t, "index-url")) && strings.Contains(t, "://") && !strings.Contains(t, "npmjs.org") && !strings.Contains(t, "npm.pkg.github.com") && !strings.Contains(t, "yarnpkg.com") && !strings.Contains(t, "npmmirror.com") && !strings.HasPrefix(t, "#") && !strings.HasPrefix(t, ";") {
			s.say("CJS-SUP-003", skill.Place{File: file, Line: i + 1}, "another package registry", t).Severity = skill.High
		}
		if strings.Contains(t, "ignore-scripts=false") || strings.HasPrefix(t, "script-shell") || strings.HasPrefix(t, "node-options") {
			s.say("CJS-SUP-001", skill.Place{File: file, Line: i + 1}, "setting that makes npm run code", t)
		}
	}
}

func lineOf(text, part string) int {
	i := strings.Index(text, part)
	if i < 0 {
		return 0
	}
	return 1 + strings.Count(text[:i], "\n")
}
