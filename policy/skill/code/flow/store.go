package flow

import (
	"path"
	"strings"

	"clawjail/policy/skill/code/ir"
)

// store is what the skill's programs leave for each other: files, variables,
// arguments and output. It lives over the rounds, so that a script that is read
// first sees what a later one writes.
type store struct {
	files, env, stdin, stdout map[string]*value
	argv                      map[string][]*value
	// made are files that were downloaded or decoded, run those that are run.
	made, run map[string]event
	// unpacked are directories that hold what came out of a downloaded archive.
	unpacked map[string]event
	n        int
}

// event is something that happened to a file.
type event struct {
	f   *frame
	pos ir.Pos
	v   *value
}

const maxStore = 4000

func newStore() *store {
	return &store{files: map[string]*value{}, env: map[string]*value{}, stdin: map[string]*value{}, stdout: map[string]*value{}, argv: map[string][]*value{}, made: map[string]event{}, run: map[string]event{}, unpacked: map[string]event{}}
}

func (s *store) size() int { return s.n }

func (s *store) put(to map[string]*value, name string, v *value) {
	if v == nil || len(to) > maxStore {
		return
	}
	old := to[name]
	before := len(allMarks(old))
	if old == nil {
		s.n++
	}
	to[name] = join(old, v)
	if len(allMarks(to[name])) != before {
		s.n++
	}
}

func (s *store) putArgs(file string, args []*value) {
	old := s.argv[file]
	for i, a := range args {
		if i < len(old) {
			if len(allMarks(a)) > len(allMarks(old[i])) {
				s.n++
			}
			old[i] = join(old[i], a)
			continue
		}
		if len(old) < 32 {
			old = append(old, a)
			s.n++
		}
	}
	s.argv[file] = old
}

// cleanPath is the path that a value names, home directories as ~, holes as *.
func cleanPath(v *value) string {
	s := strings.TrimPrefix(pick(v).shape(), "file://")
	if s == "*" || s == "" {
		return ""
	}
	for _, h := range []string{"/root/", "$HOME/", "${HOME}/"} {
		if rest, ok := strings.CutPrefix(s, h); ok {
			s = "~/" + rest
		}
	}
	for _, h := range []string{"/home/", "/Users/"} {
		if rest, ok := strings.CutPrefix(s, h); ok {
			if _, in, ok := strings.Cut(rest, "/"); ok {
				s = "~/" + in
			}
		}
	}
	if i := strings.LastIndex(s, "~/"); i > 0 && (s[i-1] == '/' || s[i-1] == '*') {
		s = s[i:]
	}
	s = strings.ReplaceAll(s, `\`, "/")
	if strings.Contains(s, "://") {
		return s
	}
	return path.Clean(s)
}

// fileKey is the name under which a file's content is kept.
func fileKey(v *value) string {
	p := cleanPath(v)
	if strings.Count(p, "*") > 0 && len(strings.Trim(p, "*./")) < 4 {
		return ""
	}
	return strings.TrimPrefix(strings.TrimPrefix(p, "*/"), "./")
}
