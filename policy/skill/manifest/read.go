package manifest

import (
	"path"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
	"clawjail/policy/skill/tree"
)

// Text is a string value of the front matter: what a model may be shown, or a
// program may run.
type Text struct {
	Key   string
	Value string
	skill.Place
}

// Result is what Read found.
type Result struct {
	skill.Manifest
	Findings []skill.Finding
	// Strings are all string values of the front matter.
	Strings []Text
}

// Read reads the manifest of a tree.
func Read(t skill.Tree) Result {
	f := find(t)
	if f == nil {
		return Result{Findings: []skill.Finding{rule.New("CJS-MAN-001", skill.Place{}, "no SKILL.md at the top of the skill", "")}}
	}
	text, _ := tree.Text(*f)
	r := Parse(f.Path, text)
	if dir := t.Name; r.Name != "" && dir != "" && !sameName(r.Name, dir) {
		r.say("CJS-MAN-006", 1, "the name differs from the directory's", r.Name+" / "+dir).Severity = skill.Low
	}
	return r
}

func find(t skill.Tree) *skill.File {
	var other *skill.File
	for i, f := range t.Files {
		switch {
		case f.Path == "SKILL.md":
			return &t.Files[i]
		case strings.EqualFold(f.Path, "skill.md") && f.Link == "":
			other = &t.Files[i]
		}
	}
	return other
}

func sameName(a, b string) bool {
	norm := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
	}
	return norm(a) == norm(b) || strings.HasPrefix(norm(b), norm(a))
}

// Parse reads the front matter of the text of SKILL.md.
func Parse(file, text string) Result {
	r := Result{Manifest: skill.Manifest{File: file}}
	if !utf8.ValidString(text) {
		r.say("CJS-MAN-001", 0, "SKILL.md is not UTF-8", "")
	}
	front, _, _, ok := Split(text)
	switch {
	case !ok:
		r.say("CJS-MAN-001", 1, "SKILL.md has no front matter", "")
		return r
	case len(front) > MaxBytes:
		r.say("CJS-COV-001", 1, "front matter over 64 KiB: not read", "")
		return r
	case tooDeep(front):
		r.say("CJS-COV-001", 1, "front matter nested too deeply: not read", "")
		return r
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(strings.ToValidUTF8(front, "\ufffd")), &doc); err != nil {
		r.say("CJS-MAN-001", 2, "front matter is not YAML: "+err.Error(), "")
		r.byLines(front)
	} else if len(doc.Content) == 1 && doc.Content[0].Kind == yaml.MappingNode {
		r.top(doc.Content[0])
	} else {
		r.say("CJS-MAN-001", 2, "front matter is not a mapping", "")
	}
	r.required()
	return r
}

// say records a finding at a line of the file.
func (r *Result) say(id string, line int, message, evidence string) *skill.Finding {
	r.Findings = append(r.Findings, rule.New(id, skill.Place{File: r.File, Line: line}, message, evidence))
	return &r.Findings[len(r.Findings)-1]
}

func (r *Result) required() {
	if r.Name == "" {
		r.say("CJS-MAN-001", 1, "front matter has no name", "")
	} else if len(r.Name) > 128 || strings.ContainsAny(r.Name, "/\\\n") || path.Clean(r.Name) != r.Name {
		r.say("CJS-MAN-001", 1, "the name cannot be a directory's", r.Name)
	}
	if r.Description == "" {
		r.say("CJS-MAN-001", 1, "front matter has no description", "")
	}
}

// byLines takes name and description from text that is no YAML.
func (r *Result) byLines(front string) {
	line := 1
	for l := range strings.SplitSeq(front, "\n") {
		line++
		key, value, ok := strings.Cut(l, ":")
		if !ok || strings.HasPrefix(l, " ") {
			continue
		}
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		r.scalar(key, value, line)
		if value != "" {
			r.Strings = append(r.Strings, Text{key, value, skill.Place{File: r.File, Line: line, Column: 1}})
		}
	}
}

// scalar takes one of the plain top keys.
func (r *Result) scalar(key, value string, line int) {
	set := func(s *string) {
		if *s == "" {
			*s = value
		}
	}
	switch key {
	case "name":
		set(&r.Name)
	case "description":
		set(&r.Description)
	case "version":
		set(&r.Version)
	case "license":
		set(&r.License)
	case "homepage":
		set(&r.Homepage)
	case "always":
		r.Always = r.Always || value == "true"
	case "allowed-tools", "allowed_tools", "tools":
		r.Format = "claude"
		for _, tool := range splitTools(value) {
			r.tool(tool, line)
		}
	}
}

// splitTools cuts at commas and spaces outside of parentheses.
func splitTools(s string) []string {
	depth, start := 0, 0
	var out []string
	for i, c := range s + "," {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth <= 0 && (c == ',' || c == ' '):
			if word := strings.TrimSpace(s[start:min(i, len(s))]); word != "" {
				out = append(out, word)
			}
			start = i + 1
		}
	}
	return out
}

func (r *Result) tool(name string, line int) {
	r.AllowedTools = append(r.AllowedTools, name)
	switch strings.ReplaceAll(name, " ", "") {
	case "*", "Bash(*:*)", "all", "mcp__*":
		r.say("CJS-MAN-003", line, "asks for every tool", name).Confidence = skill.ConfidenceLow
	}
}
