package audit

import (
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/manifest"
	"clawjail/policy/skill/prose"
	"clawjail/policy/skill/rule"
)

// Files of configuration start programs too: workflows, hooks of agents, tasks
// of editors, services in containers.

// Bounds of a file of configuration.
const (
	maxConfigBytes = 256 << 10
	maxConfigNodes = 20_000
	maxConfigDepth = 40
	maxConfigUnits = 200
)

// config looks for commands and for privileges in data.
func (s *state) config(f skill.File, text string) { s.configAt(f, text, 0) }

func (s *state) configAt(f skill.File, text string, first int) {
	if len(text) > maxConfigBytes {
		return
	}
	var data any
	if f.Lang == skill.JSON {
		if json.Unmarshal([]byte(text), &data) != nil {
			return
		}
	} else if !strings.Contains(text, "run:") && !strings.Contains(text, "command:") && !strings.Contains(text, "rivileged") && !strings.Contains(text, "script:") && !strings.Contains(text, "entrypoint:") && !strings.Contains(text, "hostPID") && !strings.Contains(text, "pull_request_target") || !yamlData(text, &data) {
		return
	}
	c := &configWalk{s: s, f: f, text: text, first: first}
	c.walk("", data, 0)
}

func yamlData(text string, into *any) bool {
	data, err := manifest.Data(text)
	*into = data
	return err == nil
}

// fences looks at the configuration that a document shows.
func (s *state) fences(f skill.File, d prose.Document) {
	for i := range d.Blocks {
		b := &d.Blocks[i]
		if b.Kind != prose.Code || b.Discouraged {
			continue
		}
		s.embeddedFence(f.Path, b)
		lang := skill.Unknown
		switch word, _, _ := strings.Cut(b.Lang, " "); word {
		case "yaml", "yml":
			lang = skill.YAML
		case "json", "jsonc":
			lang = skill.JSON
		default:
			continue
		}
		s.configAt(skill.File{Path: f.Path, Lang: lang}, b.Text, b.At(0).Line-1)
	}
}

type configWalk struct {
	first        int // lines before the text
	s            *state
	f            skill.File
	text         string
	nodes, units int
}

func (c *configWalk) walk(key string, v any, depth int) {
	if c.nodes++; c.nodes > maxConfigNodes || depth > maxConfigDepth {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		c.hook(v)
		c.server(v)
		if host, ok := v["hostPath"].(map[string]any); ok && host["path"] == "/" {
			c.privilege("a container that holds the host's files", "hostPath")
		}
		c.foreign(v)
		for _, k := range slices.Sorted(maps.Keys(v)) {
			c.walk(k, v[k], depth+1)
		}
	case []any:
		for _, x := range v {
			c.walk(key, x, depth+1)
		}
	case bool:
		if v && (key == "privileged" || key == "hostPID") {
			c.privilege("a container with the rights, or the programs, of the host", key)
		}
	case string:
		c.value(key, v)
	}
}

func (c *configWalk) value(key, v string) {
	switch {
	case everySecret.MatchString(v):
		c.s.add(rule.New("CJS-FLOW-002", skill.Place{File: c.f.Path, Line: c.line(v)}, "hands every secret of the repository to a step", v))
	case (key == "volumes" || key == "hostPath" || key == "path" || key == "source") && (key == "hostPath" && v == "/" || strings.HasPrefix(v, "/:") || strings.Contains(v, "docker.sock")):
		c.privilege("a container that holds the host's files, or its control", v)
	case (key == "run" || key == "command" || key == "script" || key == "entrypoint" || key == "postCreateCommand" || key == "postStartCommand" || key == "initializeCommand" || key == "onCreateCommand" || key == "updateContentCommand" || key == "postAttachCommand") && strings.ContainsAny(v, " \n") && c.units < maxConfigUnits:
		c.units++
		c.s.units = append(c.s.units, skill.Unit{File: c.f.Path, Lang: skill.Shell, Text: v, Line: c.line(v), Column: 1, Told: true})
	}
}

// everySecret is all secrets of a workflow as one text: no step needs it.
var everySecret = regexp.MustCompile(`(?i)\$\{\{\s*tojson\(\s*secrets\s*\)`)

// foreign is a workflow that builds what strangers propose, with the rights of
// the repository.
func (c *configWalk) foreign(v map[string]any) {
	if ref, ok := v["ref"].(string); ok && strings.Contains(c.text, "pull_request_target") && (strings.Contains(ref, "pull_request.head") || strings.Contains(ref, "head_ref")) {
		g := rule.New("CJS-FLOW-004", skill.Place{File: c.f.Path, Line: c.line(ref)}, "checks out what a stranger proposes in a workflow that has the repository's secrets", ref)
		g.Severity, g.Confidence = skill.High, skill.ConfidenceMedium
		c.s.add(g)
	}
}

// hook is a command that an agent runs at its own events, with what it does on
// standard input.
func (c *configWalk) hook(v map[string]any) {
	command, ok := v["command"].(string)
	if ok && v["type"] == "command" && reaching.MatchString(command) {
		g := rule.New("CJS-FS-003", skill.Place{File: c.f.Path, Line: c.line(command)}, "a hook of the agent talks to the network at every event", command)
		g.Severity, g.Confidence = skill.High, skill.ConfidenceMedium
		c.s.add(g)
	}
}

// server is a program with its arguments, as agents start their servers and
// hooks.
func (c *configWalk) server(v map[string]any) {
	program, ok := v["command"].(string)
	args, list := v["args"].([]any)
	if !ok || !list || c.units >= maxConfigUnits {
		return
	}
	line := program
	for _, a := range args {
		if s, ok := a.(string); ok {
			if strings.ContainsAny(s, " ;|&<>()'") && !strings.Contains(s, "$(") {
				s = "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
			}
			line += " " + s
		}
	}
	c.units++
	c.s.units = append(c.s.units, skill.Unit{File: c.f.Path, Lang: skill.Shell, Text: line, Line: c.line(program), Column: 1, Told: true})
}

func (c *configWalk) privilege(what, at string) {
	g := rule.New("CJS-EXEC-008", skill.Place{File: c.f.Path, Line: c.line(at)}, what, at)
	g.Severity, g.Confidence = skill.High, skill.ConfidenceMedium
	c.s.add(g)
}

// line is that of the value's first line in the file.
func (c *configWalk) line(v string) int {
	first, _, _ := strings.Cut(strings.TrimSpace(v), "\n")
	i := strings.Index(c.text, first)
	if i < 0 {
		if quoted, err := json.Marshal(first); err == nil {
			i = strings.Index(c.text, strings.Trim(string(quoted), `"`))
		}
	}
	if i < 0 {
		return c.first + 1
	}
	return c.first + 1 + strings.Count(c.text[:i], "\n")
}

// buildForm are the commands that build, or run, source in languages without a
// parser here.
var buildForm = regexp.MustCompile(`\bgo (?:run|build|install)\b|\bcargo (?:run|build|install)\b|\b(?:gcc|g\+\+|clang(?:\+\+)?|rustc|javac|kotlinc|swiftc?|csc|zig|nim|ghc|ocaml|crystal|dmd) [^\s|]|\bdotnet (?:run|build|script)\b|\bjava -?\w|\b(?:gradle|mvn|cmake|make)\b`)

// compiled reports source that nothing here understands and that the skill has
// built and run.
func (s *state) compiled() {
	built := ""
	for _, u := range s.units {
		if !u.Discouraged && (u.Lang == skill.Shell || u.Lang == skill.PowerShell) && buildForm.MatchString(u.Text) {
			built = u.File
			break
		}
	}
	if built == "" {
		return
	}
	for _, f := range s.tree.Files {
		if f.Lang != skill.OtherCode || len(f.Data) == 0 {
			continue
		}
		switch strings.ToLower(path.Ext(f.Path)) {
		case ".go", ".rs", ".c", ".cc", ".cpp", ".h", ".java", ".kt", ".swift", ".cs", ".zig", ".nim", ".hs", ".ml", ".cr", ".d", ".m", ".mm", ".scala":
			g := rule.New("CJS-COV-001", skill.Place{File: f.Path}, "source in a language without a parser here, which "+built+" has built or run", "")
			g.Severity = skill.High
			s.add(g)
			return
		}
	}
}
