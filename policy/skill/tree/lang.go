package tree

import (
	"bytes"
	"path"
	"strings"
	"unicode/utf8"

	"clawjail/policy/skill"
)

// langOfExt maps extensions, lower case, to languages.
func langOfExt(ext string) (skill.Lang, bool) {
	switch ext {
	case ".sh", ".bash", ".zsh", ".ksh", ".command", ".bats", ".envrc":
		return skill.Shell, true
	case ".ps1", ".psm1", ".psd1":
		return skill.PowerShell, true
	case ".bat", ".cmd":
		return skill.Batch, true
	case ".py", ".pyw", ".pyi":
		return skill.Python, true
	case ".js", ".mjs", ".cjs", ".jsx":
		return skill.JavaScript, true
	case ".ts", ".mts", ".cts", ".tsx":
		return skill.TypeScript, true
	case ".md", ".markdown", ".mdx", ".mdc", ".mkd":
		return skill.Markdown, true
	case ".yaml", ".yml":
		return skill.YAML, true
	case ".json", ".jsonc", ".json5", ".jsonl", ".ndjson", ".ipynb", ".webmanifest", ".geojson", ".map":
		return skill.JSON, true
	case ".toml":
		return skill.TOML, true
	case ".html", ".htm", ".xhtml", ".vue", ".svelte", ".astro", ".hbs", ".ejs":
		return skill.HTML, true
	case ".svg":
		return skill.SVG, true
	case ".txt", ".text", ".rst", ".adoc", ".org", ".csv", ".tsv", ".log", ".ini", ".cfg", ".conf", ".css", ".scss", ".less", ".xml", ".xsd", ".xsl", ".dtd", ".rels",
		".tex", ".bib", ".typ", ".srt", ".vtt", ".po", ".proto", ".graphql", ".gql", ".prisma", ".sql", ".diff", ".patch", ".properties", ".env", ".example", ".lock", ".template",
		".tmpl", ".j2", ".jinja", ".mmd", ".puml", ".dot", ".drawio", ".excalidraw", ".rego", ".cypher", ".ttl", ".bpmn", ".editorconfig", ".hcl", ".tf", ".tfvars", ".cue", ".ics", ".eml", ".srx", ".sty", ".cls", ".bst", ".afm", ".fountain", ".feature", ".http":
		return skill.Text, true
	case ".rb", ".php", ".pl", ".pm", ".lua", ".go", ".rs", ".java", ".kt", ".kts", ".swift", ".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".m", ".mm", ".scpt", ".applescript", ".jxa",
		".r", ".jl", ".ex", ".exs", ".erl", ".hs", ".scala", ".clj", ".groovy", ".gradle", ".dart", ".zig", ".nim", ".vb", ".vbs", ".vba", ".bas", ".fish", ".nu", ".awk", ".sed", ".tcl", ".asm", ".s", ".sol", ".ml", ".f90", ".d", ".cr", ".coffee", ".elm", ".wat", ".gd", ".shader", ".glsl", ".wgsl", ".hlsl", ".cu":
		return skill.OtherCode, true
	}
	return skill.Unknown, false
}

func langOfName(name string) (skill.Lang, bool) {
	switch strings.ToLower(name) {
	case "makefile", "gnumakefile", "dockerfile", "containerfile", "justfile", "procfile", "vagrantfile", "rakefile", "gemfile", "jenkinsfile", "brewfile", "license", "licence", "copying", "notice",
		"authors", "changelog", "readme", "version", "codeowners", ".gitignore", ".gitattributes", ".gitkeep", ".keep", ".npmrc", ".npmignore", ".dockerignore", ".editorconfig", ".clawhubignore", ".env", ".nvmrc", ".python-version",
		".prettierrc", ".eslintrc", ".prettierignore", ".eslintignore", ".env.example", ".env.sample", ".env.template", "pipfile", "go.mod", "go.sum", "requirements.txt", "install", "setup", "configure":
		return skill.Text, true
	case ".bashrc", ".zshrc", ".profile", ".bash_profile", "postinst", "preinst", "prerm", "postrm":
		return skill.Shell, true
	}
	return skill.Unknown, false
}

// Detect says what language a file is in: by its #! line, its extension, its
// name, and whether it is text at all.
func Detect(p string, data []byte) skill.Lang {
	name := path.Base(p)
	lang, known := langOfExt(strings.ToLower(path.Ext(name)))
	if !IsText(data) {
		return skill.Binary
	}
	if bang := shebang(data); bang != skill.Unknown && !(known && lang != skill.Text) {
		return bang
	}
	if known {
		return lang
	}
	if lang, known = langOfName(name); known {
		return lang
	}
	return skill.Unknown
}

func shebang(data []byte) skill.Lang {
	line, _, _ := bytes.Cut(data[:min(len(data), 256)], []byte("\n"))
	rest, ok := bytes.CutPrefix(line, []byte("#!"))
	if !ok {
		return skill.Unknown
	}
	for _, word := range strings.Fields(string(rest)) {
		if strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
			continue
		}
		switch base := strings.TrimRight(path.Base(word), "0123456789."); base {
		case "env", "busybox", "uv", "run", "npx":
			continue
		case "sh", "bash", "zsh", "dash", "ksh", "ash":
			return skill.Shell
		case "python", "pypy":
			return skill.Python
		case "node", "nodejs", "bun", "zx":
			return skill.JavaScript
		case "deno", "ts-node", "tsx":
			return skill.TypeScript
		case "pwsh":
			return skill.PowerShell
		default:
			return skill.OtherCode
		}
	}
	return skill.OtherCode
}

// IsText says whether a person's editor would show it as text: no NUL in the
// first 64 KiB, few other controls, mostly UTF-8; or UTF-16 with a mark.
func IsText(data []byte) bool {
	if _, ok := UTF16(data); ok {
		return true
	}
	head := data[:min(len(data), 64<<10)]
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	bad := 0
	for i := 0; i < len(head); {
		c, n := utf8.DecodeRune(head[i:])
		if c == utf8.RuneError && n == 1 || c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b {
			bad++
		}
		i += n
	}
	return bad*20 <= len(head)
}

// UTF16 decodes text that begins with a UTF-16 byte order mark.
func UTF16(data []byte) (string, bool) {
	if len(data) < 2 || len(data)%2 != 0 {
		return "", false
	}
	var hi, lo int
	switch {
	case data[0] == 0xfe && data[1] == 0xff:
		hi, lo = 0, 1
	case data[0] == 0xff && data[1] == 0xfe:
		hi, lo = 1, 0
	default:
		return "", false
	}
	var b strings.Builder
	for i := 2; i < len(data); i += 2 {
		c := rune(data[i+hi])<<8 | rune(data[i+lo])
		if c >= 0xd800 && c < 0xdc00 && i+3 < len(data) {
			low := rune(data[i+2+hi])<<8 | rune(data[i+2+lo])
			c = (c-0xd800)<<10 + low - 0xdc00 + 0x10000
			i += 2
		}
		if c == 0 {
			return "", false
		}
		b.WriteRune(c)
	}
	return b.String(), true
}

// Text is the part of a file that the rules look at, as UTF-8: UTF-16 is
// decoded, and what is over MaxText cut at a line. The second value says that
// it was cut.
func Text(f skill.File) (string, bool) {
	if s, ok := UTF16(f.Data[:min(len(f.Data), 2*MaxText)]); ok {
		return s, len(f.Data) > 2*MaxText
	}
	if len(f.Data) <= MaxText {
		return string(f.Data), false
	}
	cut := f.Data[:MaxText]
	if i := bytes.LastIndexByte(cut, '\n'); i > MaxText/2 {
		cut = cut[:i+1]
	}
	return string(cut), true
}
