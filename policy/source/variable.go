package source

import (
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"clawjail/policy/strict"
)

// Vars are the values of ${WORKSPACE}, ${HOME}, ${USER} and ${TMPDIR}. A
// policy that uses an empty one cannot be loaded.
type Vars struct {
	Workspace, Home string // absolute paths
	User            string
	TmpDir          string // absolute path; empty: /tmp
}

// variableNames in the order in which messages give them.
func variableNames() []string { return []string{"WORKSPACE", "HOME", "USER", "TMPDIR"} }

func (v Vars) table() map[string]string {
	clean := func(s string) string {
		if s == "" {
			return ""
		}
		return path.Clean(s)
	}
	tmp := v.TmpDir
	if tmp == "" {
		tmp = "/tmp"
	}
	return map[string]string{
		"WORKSPACE": clean(v.Workspace), "HOME": clean(v.Home), "USER": v.User, "TMPDIR": clean(tmp),
	}
}

// expand replaces variables in the text of a node. quote, where not nil, is
// applied to each value, so that it stays literal in a pattern.
func (r *reader) expand(n *yaml.Node, s, where string, quote func(string) string) (string, bool) {
	var b strings.Builder
	for rest := s; ; {
		i := strings.Index(rest, "${")
		if i < 0 {
			b.WriteString(rest)
			return b.String(), true
		}
		if i > 0 && rest[i-1] == '$' { // $${ is ${
			b.WriteString(rest[:i-1] + "${")
			rest = rest[i+2:]
			continue
		}
		b.WriteString(rest[:i])
		end := strings.IndexByte(rest[i:], '}')
		if end < 0 {
			r.Problem(n, "close it with }, or write $${ for the characters themselves", "%s has a variable without an end: %q", where, rest[i:])
			return "", false
		}
		name := rest[i+2 : i+end]
		value, known := r.vars[name]
		if !known {
			r.Problem(n, r.variableHint(name), "unknown variable ${%s} in %s", name, where)
			return "", false
		}
		if value == "" {
			r.Problem(n, "", "${%s} in %s has no value here", name, where)
			return "", false
		}
		if quote != nil {
			value = quote(value)
		}
		b.WriteString(value)
		rest = rest[i+end+1:]
	}
}

func (r *reader) variableHint(name string) string {
	if best := strict.Closest(name, variableNames()); best != "" {
		return fmt.Sprintf("did you mean ${%s}?", best)
	}
	return "there are ${WORKSPACE}, ${HOME}, ${USER} and ${TMPDIR}"
}

// quotePattern makes a value literal in a glob.
func quotePattern(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`).Replace(s)
}
