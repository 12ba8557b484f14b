package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"clawjail/policy/skill"
)

// line is a node's line in SKILL.md: the front matter begins in its second.
func line(n *yaml.Node) int { return n.Line + 1 }

func (r *Result) place(n *yaml.Node) skill.Place {
	return skill.Place{File: r.File, Line: line(n), Column: n.Column}
}

// top reads the front matter's mapping.
func (r *Result) top(m *yaml.Node) {
	r.walk(m, "", 0)
	for key, v := range pairs(m) {
		switch key {
		case "metadata":
			r.metadata(v)
		case "requires":
			r.requires(v)
		case "allowed-tools", "allowed_tools", "tools":
			if v.Kind == yaml.SequenceNode {
				r.Format = "claude"
				for _, c := range v.Content {
					r.tool(c.Value, line(c))
				}
				continue
			}
			r.scalar(key, v.Value, line(v))
		case "env", "environment":
			r.Env = append(r.Env, r.list(v)...)
		case "hosts", "network", "domains":
			r.Hosts = append(r.Hosts, r.list(v)...)
		default:
			if v.Kind == yaml.ScalarNode {
				r.scalar(key, v.Value, line(v))
			}
		}
	}
}

// pairs are the keys and values of a mapping.
func pairs(m *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if m.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			if !yield(m.Content[i].Value, m.Content[i+1]) {
				return
			}
		}
	}
}

// walk looks at every node once: duplicate keys, anchors, tags; and collects
// the strings.
func (r *Result) walk(n *yaml.Node, key string, depth int) {
	if depth > MaxDepth {
		return
	}
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		r.say("CJS-MAN-006", line(n), "anchor or alias in the front matter: readers differ in what they make of it", n.Anchor+n.Value)
	}
	if n.Style&yaml.TaggedStyle != 0 {
		r.say("CJS-MAN-006", line(n), "tag in the front matter", n.Tag)
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Value != "" {
			r.Strings = append(r.Strings, Text{key, n.Value, r.place(n)})
		}
	case yaml.MappingNode:
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if seen[k.Value] {
				r.say("CJS-MAN-006", line(k), "key stands twice: readers differ in which value they take", k.Value)
			}
			seen[k.Value] = true
			r.walk(n.Content[i+1], k.Value, depth+1)
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			r.walk(c, key, depth+1)
		}
	}
}

// metadata reads the publisher's block, also when it is JSON in a string.
func (r *Result) metadata(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		var inner yaml.Node
		if tooDeep(n.Value) || yaml.Unmarshal([]byte(n.Value), &inner) != nil || len(inner.Content) != 1 {
			return
		}
		shift(inner.Content[0], n.Line-1)
		n = inner.Content[0]
		r.walk(n, "metadata", 0)
	}
	for key, v := range pairs(n) {
		switch key {
		case "openclaw", "clawdbot", "clawdis", "moltbot":
			r.Format = "openclaw"
			r.openclaw(v)
		case "version":
			r.scalar(key, v.Value, line(v))
		}
	}
}

func shift(n *yaml.Node, lines int) {
	n.Line += lines
	for _, c := range n.Content {
		shift(c, lines)
	}
}

func (r *Result) openclaw(n *yaml.Node) {
	for key, v := range pairs(n) {
		switch key {
		case "always":
			r.Always = r.Always || v.Value == "true"
		case "primaryEnv":
			r.PrimaryEnv = v.Value
		case "skillKey":
			r.SkillKey = v.Value
		case "homepage":
			r.scalar(key, v.Value, line(v))
		case "os":
			for _, d := range r.list(v) {
				r.OS = append(r.OS, d.Value)
			}
		case "requires":
			r.requires(v)
		case "env", "envVars":
			r.Env = append(r.Env, r.list(v)...)
		case "install":
			for _, c := range v.Content {
				r.Install = append(r.Install, r.install(c))
			}
		}
	}
}

func (r *Result) requires(n *yaml.Node) {
	for key, v := range pairs(n) {
		switch key {
		case "bins":
			r.Bins = append(r.Bins, r.list(v)...)
		case "anyBins":
			r.AnyBins = append(r.AnyBins, r.list(v)...)
		case "env", "envVars":
			r.Env = append(r.Env, r.list(v)...)
		case "config":
			r.Config = append(r.Config, r.list(v)...)
		case "hosts", "network", "domains":
			r.Hosts = append(r.Hosts, r.list(v)...)
		}
	}
}

// list reads a list of strings, one string, or a list of mappings with a name.
func (r *Result) list(n *yaml.Node) []skill.Declared {
	var out []skill.Declared
	add := func(v *yaml.Node) {
		value := v.Value
		if v.Kind == yaml.MappingNode {
			for key, c := range pairs(v) {
				if key == "name" || key == "key" {
					value = c.Value
				}
			}
		}
		if value == "" {
			return
		}
		if strings.Contains(value, "*") {
			r.say("CJS-MAN-003", line(v), "declares a wildcard", value)
		}
		out = append(out, skill.Declared{Value: value, Place: r.place(v)})
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			add(c)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			add(n.Content[i])
		}
	default:
		add(n)
	}
	return out
}

func (r *Result) install(n *yaml.Node) skill.Install {
	in := skill.Install{Place: r.place(n)}
	for key, v := range pairs(n) {
		switch key {
		case "id":
			in.ID = v.Value
		case "kind":
			in.Kind = v.Value
		case "label":
			in.Label = v.Value
		case "formula", "cask":
			in.Formula = v.Value
		case "tap":
			in.Tap = v.Value
		case "package":
			in.Package = v.Value
		case "module":
			in.Module = v.Value
		case "url":
			in.URL = v.Value
		case "archive":
			in.Archive = v.Value
		case "targetDir":
			in.TargetDir = v.Value
		case "script", "command", "run", "cmd":
			in.Extra = v.Value
		case "bins":
			for _, d := range r.list(v) {
				in.Bins = append(in.Bins, d.Value)
			}
		case "os":
			for _, d := range r.list(v) {
				in.OS = append(in.OS, d.Value)
			}
		}
	}
	return in
}
