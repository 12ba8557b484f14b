package audit

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/manifest"
	"clawjail/policy/skill/prose"
	"clawjail/policy/skill/rule"
	"clawjail/policy/skill/secret"
	"clawjail/policy/skill/unicode"
)

// text runs the rules that look at text in any language.
func (s *state) text(f skill.File, text string) {
	code := isCode(f.Lang)
	found, hidden := unicode.Scan(f.Path, text, code)
	s.add(found...)
	for _, h := range hidden {
		for _, g := range prose.Scan(h.Text, h.Place, true) {
			g.Message += ", in invisible characters"
			s.add(g)
		}
	}
	if code || f.Lang == skill.JSON || f.Lang == skill.YAML {
		s.add(unicode.Mixed(f.Path, text)...)
	}
	s.padding(f, text)
	s.secrets(f.Path, text)
}

func isCode(l skill.Lang) bool {
	switch l {
	case skill.Shell, skill.PowerShell, skill.Batch, skill.Python, skill.JavaScript, skill.TypeScript, skill.OtherCode:
		return true
	}
	return false
}

// secrets makes a finding of each credential.
func (s *state) secrets(file, text string) {
	for _, f := range secret.Find(text) {
		at := skill.Place{File: file, Line: 1 + strings.Count(text[:f.From], "\n"), Column: f.From - strings.LastIndexByte(text[:f.From], '\n')}
		g := rule.New("CJS-SEC-001", at, "hard-coded "+f.Kind, text[f.From:f.To])
		if !f.Sure {
			g.Confidence = skill.ConfidenceLow
		}
		if s.security {
			g.Confidence = g.Confidence.Lower()
		}
		s.add(g)
	}
}

// What counts as padding: so many blanks in a line, so many empty lines.
const (
	manyBlanks = 200
	manyLines  = 100
)

// padded is the offset of the first character behind a long run of blanks or of
// empty lines, -1 when there is none.
func padded(text string) int {
	blanks, lines := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ' ', '\t':
			blanks++
		case '\r':
		case '\n':
			blanks = 0
			lines++
		default:
			if blanks >= manyBlanks || lines > manyLines {
				return i
			}
			blanks, lines = 0, 0
		}
	}
	return -1
}

// padding finds content that was pushed out of sight (CJS-OBF-005).
func (s *state) padding(f skill.File, text string) {
	from := padded(text)
	if from < 0 {
		return
	}
	at := skill.Place{File: f.Path, Line: 1 + strings.Count(text[:from], "\n")}
	rest := text[from:]
	g := rule.New("CJS-OBF-005", at, "content behind a long run of blanks or empty lines, out of a reader's sight", rest[:min(len(rest), 120)])
	if before := text[:from]; strings.HasPrefix(strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:]+rest[:1]), "|") || f.Lang == skill.Text || f.Lang == skill.SVG || f.Lang == skill.HTML || f.Lang == skill.JSON {
		g.Confidence = skill.ConfidenceLow // wide tables and drawings
	}
	s.add(g)
}

// language runs the rules for the file's language.
func (s *state) language(f skill.File, text string) {
	switch f.Lang {
	case skill.Markdown, skill.Text, skill.HTML, skill.Unknown:
		s.document(f, text)
	case skill.Shell, skill.Python, skill.JavaScript, skill.TypeScript, skill.PowerShell, skill.Batch:
		s.units = append(s.units, skill.Unit{File: f.Path, Lang: f.Lang, Text: text, Line: 1, Column: 1, Told: true})
		s.remarks(f, text)
	case skill.JSON, skill.YAML, skill.TOML:
		s.strings(f, text)
		s.config(f, text)
	case skill.OtherCode:
		s.embedded(f.Path, text, 1, false)
		s.otherCode(f, text)
	}
}

// document reads prose, and the programs that hide in documents: the recipes of
// a Makefile, the RUN lines of a Dockerfile, the scripts of a page.
func (s *state) document(f skill.File, text string) {
	base := strings.ToLower(path.Base(f.Path))
	switch {
	case base == "makefile" || base == "gnumakefile" || strings.HasSuffix(base, ".mk") || base == "justfile":
		s.recipe(f, text, func(l string) (string, bool) {
			return strings.TrimLeft(l, "@-+ \t"), strings.HasPrefix(l, "\t") || strings.HasPrefix(l, "    ")
		})
		return
	case base == "dockerfile" || base == "containerfile" || strings.HasPrefix(base, "dockerfile."):
		s.recipe(f, text, func(l string) (string, bool) {
			rest, ok := strings.CutPrefix(strings.TrimSpace(l), "RUN ")
			return rest, ok
		})
		return
	case f.Lang == skill.HTML:
		s.scripts(f, text)
	}
	if f.Lang != skill.Markdown && f.Lang != skill.HTML {
		s.embedded(f.Path, text, 1, false)
	}
	if f.Lang == skill.Text && markup(f.Path) {
		s.strings(f, text)
		s.comments(f, text)
		return
	}
	if s.prose += len(text); s.prose > MaxProseBytes {
		g := rule.New("CJS-FILE-005", skill.Place{File: f.Path}, "more than 4 MiB of documents in the skill: what this one tells the agent was not judged", "")
		g.Severity = skill.High
		s.add(g)
		return
	}
	body, line := text, 1
	if _, rest, at, ok := manifest.Split(text); ok && f.Lang == skill.Markdown {
		body, line = rest, at
	}
	d := prose.Parse(f.Path, body, line, s.security)
	if f.Lang == skill.HTML {
		// A page has comments and hidden elements of its own, for its reader's
		// browser; what they say weighs like text.
		for i := range d.Blocks {
			if d.Blocks[i].Kind == prose.Attribute || d.Blocks[i].Kind == prose.Invisible {
				d.Blocks[i].Kind = prose.Code
			}
		}
	}
	s.add(prose.Check(d)...)
	s.units = append(s.units, prose.Units(d)...)
	s.fences(f, d)
	if f.Lang == skill.Markdown {
		s.docs = append(s.docs, d)
	}
}

// recipe makes a shell unit of the lines that a tool runs; other lines become
// empty, so that places stay right.
func (s *state) recipe(f skill.File, text string, pick func(string) (string, bool)) {
	lines := strings.Split(text, "\n")
	continued := false
	for i, l := range lines {
		run, ok := pick(l)
		if !ok && !continued {
			lines[i] = ""
			continue
		}
		if ok {
			lines[i] = strings.ReplaceAll(run, "$$", "$")
		}
		continued = strings.HasSuffix(l, "\\")
	}
	s.units = append(s.units, skill.Unit{File: f.Path, Lang: skill.Shell, Text: strings.Join(lines, "\n"), Line: 1, Column: 1, Told: true})
}

// markup says that the text is for a program, and only its strings and comments
// are prose.
func markup(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".xml", ".xsd", ".xsl", ".dtd", ".rels", ".css", ".scss", ".less", ".sql", ".diff", ".patch", ".proto", ".graphql", ".gql", ".prisma", ".tf", ".hcl", ".lock", ".drawio", ".excalidraw", ".bpmn", ".tex", ".bib", ".sty", ".cls", ".bst", ".afm", ".csv", ".tsv", ".ini", ".cfg", ".conf", ".properties", ".po":
		return true
	}
	return false
}

var commentForm = regexp.MustCompile(`(?s)<!--(.{12,900}?)-->|/\*(.{12,900}?)\*/|(?m)^\s*(?:#|--|;|//|%)([^\n]{12,})$`)

// comments judges the comments of a file in a language of markup or data.
func (s *state) comments(f skill.File, text string) {
	for _, m := range commentForm.FindAllStringSubmatchIndex(text[:min(len(text), maxStringBytes)], maxStrings) {
		for g := 2; g < len(m); g += 2 {
			if m[g] >= 0 {
				at := skill.Place{File: f.Path, Line: 1 + strings.Count(text[:m[g]], "\n")}
				s.add(prose.Scan(text[m[g]:m[g+1]], at, false)...)
			}
		}
	}
}

var (
	remarkForm = regexp.MustCompile(`(?m)(?:^[ \t]*(?:#|//|\*|--)[^\n]{4,}\n?){1,40}`)
	remarkMark = regexp.MustCompile(`(?m)^[ \t]*(?:#+|//+|\*+|--)!?[ \t]?`)
	readerForm = regexp.MustCompile(`(?i)\b(?:AIs?|assistants?|agents?|LLMs?|language models?|claude|copilot|whoever reads)\b`)
)

// remarks judges the comments of a program that speak to an agent: it reads the
// file, and no interpreter does.
func (s *state) remarks(f skill.File, text string) {
	for _, m := range remarkForm.FindAllStringIndex(text[:min(len(text), maxStringBytes)], maxStrings) {
		if remark := text[m[0]:m[1]]; readerForm.MatchString(remark) {
			at := skill.Place{File: f.Path, Line: 1 + strings.Count(text[:m[0]], "\n")}
			s.add(prose.Scan(remarkMark.ReplaceAllString(remark, ""), at, false)...)
		}
	}
}

var scriptForm = regexp.MustCompile(`(?is)<script\b([^>]*)>(.*?)</script`)

func (s *state) scripts(f skill.File, text string) {
	for _, m := range scriptForm.FindAllStringSubmatchIndex(text, 50) {
		if attrs := text[m[2]:m[3]]; strings.Contains(attrs, "json") || m[5]-m[4] < 8 {
			continue
		}
		s.units = append(s.units, skill.Unit{File: f.Path, Lang: skill.JavaScript, Text: text[m[4]:m[5]], Line: 1 + strings.Count(text[:m[4]], "\n"), Column: 1, Told: true})
	}
}

// Bounds of the strings of data files.
const (
	maxStringBytes = 512 << 10
	maxStrings     = 3000
)

// plainForm is a value of YAML without quotation marks.
var plainForm = regexp.MustCompile(`(?m)^\s*(?:- +)?(?:[\w.-]+: +)?([^"'#{\[|>&*\s][^\n]{11,})$`)

// plain judges the unquoted values of a YAML file, together: a list of tasks is
// a text.
func (s *state) plain(f skill.File, text string) {
	var b strings.Builder
	for _, m := range plainForm.FindAllStringSubmatch(text[:min(len(text), maxStringBytes)], maxStrings) {
		if strings.Contains(m[1], " ") {
			b.WriteString(strings.TrimRight(m[1], ". ") + ".\n")
		}
	}
	s.add(prose.Scan(b.String(), skill.Place{File: f.Path, Line: 1}, false)...)
}

var quotedForm = regexp.MustCompile(`"((?:[^"\\\n]|\\.){24,})"|'([^'\n]{24,})'`)

// strings judges the longer strings of a data file as text that the agent may
// come to read, and the cells of notebooks as code.
func (s *state) strings(f skill.File, text string) {
	if strings.HasSuffix(f.Path, ".ipynb") {
		s.notebook(f, text)
	}
	if base := path.Base(f.Path); strings.Contains(base, "lock") || strings.HasSuffix(base, ".map") {
		return
	}
	if f.Lang == skill.YAML {
		s.plain(f, text)
	}
	for _, m := range quotedForm.FindAllStringSubmatchIndex(text[:min(len(text), maxStringBytes)], maxStrings) {
		from, to := m[2], m[3]
		if from < 0 {
			from, to = m[4], m[5]
		}
		if !strings.Contains(text[from:to], " ") && to-from < 64 {
			continue
		}
		at := skill.Place{File: f.Path, Line: 1 + strings.Count(text[:from], "\n")}
		s.add(prose.Scan(unescape(text[from:to]), at, false)...)
	}
}

func unescape(v string) string {
	var out string
	if json.Unmarshal([]byte(`"`+v+`"`), &out) == nil {
		return out
	}
	return v
}

func (s *state) notebook(f skill.File, text string) {
	var n struct {
		Cells []struct {
			Type   string          `json:"cell_type"`
			Source json.RawMessage `json:"source"`
		} `json:"cells"`
	}
	if json.Unmarshal([]byte(text), &n) != nil {
		s.add(rule.New("CJS-COV-001", skill.Place{File: f.Path}, "notebook that is no JSON: not analysed", ""))
		return
	}
	for _, c := range n.Cells {
		var lines []string
		if json.Unmarshal(c.Source, &lines) != nil {
			lines = make([]string, 1)
			_ = json.Unmarshal(c.Source, &lines[0])
		}
		body := strings.Join(lines, "")
		if c.Type == "code" {
			s.units = append(s.units, skill.Unit{File: f.Path, Lang: skill.Python, Text: body, Line: 1, Column: 1, Told: true})
		} else {
			s.add(prose.Check(prose.Parse(f.Path, body, 1, s.security))...)
		}
	}
}

// otherCode is source without a parser: text rules, and a gap in the coverage.
func (s *state) otherCode(f skill.File, text string) {
	g := rule.New("CJS-COV-001", skill.Place{File: f.Path}, "source in a language without a parser here: scanned as text only", "")
	switch strings.ToLower(path.Ext(f.Path)) {
	case ".rb", ".php", ".pl", ".pm", ".lua", ".scpt", ".applescript", ".jxa", ".vbs", ".fish", ".tcl", ".nu", "":
		if len(strings.TrimSpace(text)) == 0 {
			return
		}
	default:
		g.Severity = skill.Medium
	}
	s.add(g)
	for _, m := range quotedForm.FindAllStringSubmatchIndex(text, maxStrings) {
		if m[2] >= 0 && strings.Contains(text[m[2]:m[3]], " ") {
			s.add(prose.Scan(text[m[2]:m[3]], skill.Place{File: f.Path, Line: 1 + strings.Count(text[:m[2]], "\n")}, false)...)
		}
	}
}
