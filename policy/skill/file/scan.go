package file

import (
	"path"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
	"clawjail/policy/skill/tree"
)

// Result is what Scan found.
type Result struct {
	Findings []skill.Finding
	// Texts are hidden in metadata or strings; the audit judges them as prose.
	Texts []Text
	// Analysed says that the file is of a kind that was looked into, or is
	// harmless data.
	Analysed bool
}

// Text is text from inside a file that is no text.
type Text struct {
	Text  string
	Where string
}

type scan struct {
	f    skill.File
	t    skill.Tree
	kind Kind
	out  Result
}

func (s *scan) say(id, message, evidence string) *skill.Finding {
	s.out.Findings = append(s.out.Findings, rule.New(id, skill.Place{File: s.f.Path}, message, evidence))
	return &s.out.Findings[len(s.out.Findings)-1]
}

// Scan looks at one file of the tree.
func Scan(f skill.File, t skill.Tree) Result {
	s := &scan{f: f, t: t, kind: Sniff(f.Data)}
	s.names()
	switch {
	case f.Link != "":
		return s.out
	case f.Data == nil && f.Size > 0:
		return s.out
	}
	s.mismatch()
	switch s.kind {
	case ELF, PE, MachO, Wasm, Class:
		s.program()
	case PDF:
		s.pdf()
	case OLE:
		s.ole()
	case PNG, JPEG, GIF, WebP:
		s.picture()
	case Pyc:
		s.pyc()
	}
	if f.Lang == skill.SVG || s.kind == SVG {
		s.svg()
	}
	s.ooxml()
	s.out.Analysed = f.Lang != skill.Binary || s.kind != Other || dataExt(path.Ext(f.Path))
	if !s.out.Analysed {
		s.say("CJS-COV-001", "binary file of a kind that nobody here knows: not analysed", "")
	}
	if len(f.Data) > tree.MaxText && f.Lang != skill.Binary {
		s.say("CJS-FILE-005", "text over 1 MiB: only its first part was analysed", "").Severity = skill.High
	}
	return s.out
}

// dataExt are extensions of data whose content has no common mark.
func dataExt(ext string) bool {
	switch strings.ToLower(ext) {
	case ".tga", ".stl", ".obj", ".dds", ".parquet", ".npy", ".npz", ".arrow", ".feather", ".idx", ".pack", ".mo", ".icns", ".cur", ".bmp", ".dat", ".traineddata", ".ds_store":
		return true
	}
	return path.Base(ext) == ".DS_Store"
}

// names judges hidden names, special folders and double extensions.
func (s *scan) names() {
	member := s.f.Path
	if i := strings.LastIndex(member, "!/"); i >= 0 {
		member = member[i+2:]
	}
	parts := strings.Split(member, "/")
	for i, p := range parts {
		last := i == len(parts)-1
		switch {
		case p == ".git" && !last:
			s.say("CJS-FILE-010", "a repository inside the skill", "")
			return
		case p == ".git":
			f := s.say("CJS-FILE-004", "a .git file: git takes its configuration, and hooks, from where it points", string(s.f.Data[:min(len(s.f.Data), 80)]))
			f.Confidence = skill.ConfidenceMedium
			return
		case p == "node_modules" || p == "site-packages":
			s.say("CJS-FILE-007", "dependencies shipped with the skill: nobody reviews them", p).Confidence = skill.ConfidenceMedium
			return
		case p == "__MACOSX":
			return
		}
	}
	for i, p := range parts {
		if strings.HasPrefix(p, ".") && len(p) > 1 && !usualHidden(p) {
			s.hiddenName(p, i == len(parts)-1)
			break
		}
	}
	s.doubleExtension(parts[len(parts)-1])
	switch base := strings.ToLower(parts[len(parts)-1]); {
	case base == ".env" || base == "credentials.json" || base == "id_rsa" || base == "id_ed25519" || base == ".netrc" || base == "service-account.json":
		s.say("CJS-FILE-010", "a file of credentials inside the skill", base)
	case strings.HasPrefix(member, ".github/workflows/") || base == ".gitlab-ci.yml":
		s.say("CJS-FILE-010", "configuration of continuous integration inside the skill", base).Severity = skill.Low
	}
}

func (s *scan) hiddenName(part string, last bool) {
	f := s.say("CJS-FILE-004", "hidden file or folder", part)
	code := s.f.Lang == skill.Shell || s.f.Lang == skill.Python || s.f.Lang == skill.JavaScript || s.f.Lang == skill.TypeScript || s.f.Lang == skill.PowerShell || s.f.Lang == skill.Batch || s.f.Lang == skill.OtherCode
	switch {
	case s.kind == ELF || s.kind == PE || s.kind == MachO:
		f.Severity = skill.High
	case (code || s.f.Mode&0o111 != 0 && len(s.f.Data) > 0) && !(last && configName(part)):
		f.Severity, f.Message = skill.High, "hidden file that is a program"
	case s.f.Lang != skill.Binary:
		f.Confidence = skill.ConfidenceLow
	}
}

// configName are hidden scripts that tools read as configuration.
func configName(p string) bool {
	return strings.HasSuffix(p, "rc.js") || strings.HasSuffix(p, "rc.cjs") || strings.HasSuffix(p, "rc.mjs") || strings.HasSuffix(p, "rc.ts") || strings.HasSuffix(p, "rc.json") || strings.HasSuffix(p, "rc")
}

// usualHidden names are those of tools.
func usualHidden(p string) bool {
	switch p {
	case ".gitignore", ".gitattributes", ".gitkeep", ".keep", ".clawhub", ".clawhubignore", ".clawdhub", ".github", ".editorconfig", ".npmignore", ".npmrc", ".nvmrc", ".node-version", ".python-version", ".ruby-version", ".tool-versions", ".dockerignore", ".prettierrc", ".prettierignore", ".eslintignore", ".env.example", ".env.sample", ".env.template", ".env", ".claude", ".claude-plugin", ".cursor", ".codex", ".codex-plugin", ".vscode", ".DS_Store", ".mcp.json", ".openclaw", ".skillignore", ".markdownlint.json", ".shellcheckrc", ".flake8", ".pylintrc", ".coveragerc", ".gitmodules", ".git", ".well-known", ".skill", ".upstream", ".cursorrules", ".agents", ".opencode", ".gemini", ".husky", ".changeset", ".storybook", ".devcontainer", ".gitlab-ci.yml", ".travis.yml", ".pre-commit-config.yaml", ".yamllint", ".ruff.toml", ".bumpversion.cfg", ".prettierrc.json", ".eslintrc.json", ".eslintrc.js", ".eslintrc.cjs", ".releaserc", ".windsurf", ".continue", ".kiro", ".factory", ".pytest_cache", ".jshintrc", ".babelrc", ".swcrc", ".nycrc", ".terraform.lock.hcl", ".tflint.hcl", ".rubocop.yml", ".rspec", ".hintrc", ".stylelintrc", ".stylelintrc.json", ".mocharc.json", ".vscodeignore", ".all-contributorsrc", ".nojekyll", ".markdownlint.yaml", ".markdownlint-cli2.jsonc":
		return true
	}
	return false
}

// doubleExtension finds report.pdf.exe and photo.png.sh.
func (s *scan) doubleExtension(base string) {
	parts := strings.Split(strings.ToLower(base), ".")
	if len(parts) < 3 {
		return
	}
	runs, shows := parts[len(parts)-1], parts[len(parts)-2]
	switch runs {
	case "exe", "scr", "com", "bat", "cmd", "ps1", "vbs", "sh", "command", "app", "msi", "js", "py", "jar", "lnk":
	default:
		return
	}
	switch shows {
	case "pdf", "doc", "docx", "xls", "xlsx", "png", "jpg", "jpeg", "gif", "txt", "mp3", "mp4", "zip", "csv":
		s.say("CJS-FILE-006", "double extension: shows itself as ."+shows+" and runs as ."+runs, base).Severity = skill.High
	}
}
