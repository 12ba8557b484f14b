package audit

import (
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/ioc"
	"clawjail/policy/skill/manifest"
	"clawjail/policy/skill/prose"
	"clawjail/policy/skill/rule"
	"clawjail/policy/skill/tree"
)

// front judges the strings of the front matter: the model reads the
// description before anything else, and of every skill.
func (s *state) front(r manifest.Result) {
	for _, t := range r.Strings {
		if len(t.Value) < 12 || t.Key == "emoji" {
			continue
		}
		for _, f := range prose.Scan(t.Value, t.Place, false) {
			if t.Key == "description" && f.Confidence > skill.ConfidenceMedium {
				continue
			}
			s.add(f)
		}
		s.add(prose.Described(t.Value, t.Place)...)
	}
	at := skill.Place{File: r.File, Line: 1}
	if r.Always {
		f := rule.New("CJS-INJ-010", at, "asks to be in every prompt (always: true)", "")
		f.Confidence = skill.ConfidenceLow
		s.add(f)
	}
	if broad(r.Description) {
		f := rule.New("CJS-INJ-010", at, "a description that claims every request", r.Description)
		f.Confidence = skill.ConfidenceLow
		s.add(f)
	}
}

func broad(description string) bool {
	low := strings.ToLower(description)
	for _, p := range []string{"every request", "any request", "all requests", "every message", "any task", "every task", "all tasks", "every conversation", "any question", "every prompt", "always use this", "use this skill for everything", "must be used before", "before any other skill", "before every"} {
		if strings.Contains(low, p) {
			return true
		}
	}
	return false
}

// addresses looks for hosts in all text: in code and in what surrounds it.
func (s *state) addresses() {
	visible := s.manifest // with what the documents declare
	for _, f := range s.tree.Files {
		if f.Lang == skill.Binary || f.Data == nil || strings.Contains(f.Path, "package-lock.json") {
			continue
		}
		if s.ctx.Err() != nil {
			s.add(rule.New("CJS-COV-001", skill.Place{File: f.Path}, "out of time: indicators were not looked for in this file and those after it", ""))
			return
		}
		text, _ := tree.Text(f)
		lines := starts(text)
		at := func(offset int) skill.Place {
			i := search(lines, offset)
			return skill.Place{File: f.Path, Line: i + 1, Column: offset - lines[i] + 1}
		}
		s.add(s.o.Indicators.Findings(text, at, ioc.Context{Code: isCode(f.Lang), Security: s.security, Declares: visible.DeclaresHost})...)
	}
}

func starts(text string) []int {
	out := []int{0}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			out = append(out, i+1)
		}
	}
	return out
}

// search is the index of the last start that is not after offset.
func search(starts []int, offset int) int {
	lo, hi := 0, len(starts)
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		if starts[mid] <= offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// compare holds what the skill does against what it says.
func (s *state) compare() {
	for i := range s.caps {
		c := &s.caps[i]
		c.Declared = c.Declared || s.declared(*c)
		if !c.Declared && (c.Kind == skill.CapNet || c.Kind == skill.CapEnv || c.Kind == skill.CapListen) {
			f := rule.New("CJS-MAN-002", c.Place, "not declared and not documented: "+c.Kind+" "+c.Value, "")
			if f.Confidence = skill.ConfidenceLow; s.stranger(*c) {
				f.Severity, f.Confidence = skill.Medium, skill.ConfidenceMedium
			}
			s.add(f)
		}
	}
	s.contradictions()
	s.unused()
}

// stranger says that a program of the skill talks to somebody of whom the skill
// says nothing, and who is nobody that people know.
func (s *state) stranger(c skill.Capability) bool {
	if s.fenced(c.Place) {
		return false
	}
	if c.Kind == skill.CapListen {
		// A port that the whole network reaches.
		return strings.HasPrefix(c.Value, "0.0.0.0:") || strings.HasPrefix(c.Value, "[::]:") || strings.HasPrefix(c.Value, ":::")
	}
	if c.Kind != skill.CapNet {
		return false
	}
	host := c.Value
	if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return prose.StrangeHost(host)
}

func (s *state) declared(c skill.Capability) bool {
	switch c.Kind {
	case skill.CapNet:
		host := c.Value
		if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
			host = host[:i]
		}
		return s.manifest.DeclaresHost(host) || local(host)
	case skill.CapExec:
		return s.manifest.DeclaresBin(c.Value)
	case skill.CapEnv:
		return s.manifest.DeclaresEnv(c.Value)
	case skill.CapRead, skill.CapWrite:
		return s.manifest.DeclaresPath(c.Value)
	}
	return false
}

func local(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "[::1]" || host == "::1" || host == "0.0.0.0"
}

// contradictions between the description and what the code does.
func (s *state) contradictions() {
	low := strings.ToLower(s.manifest.Description)
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(low, w) {
				return true
			}
		}
		return false
	}
	offline := says("offline", "no network", "without network", "no internet", "fully local", "entirely local", "runs locally only", "never leaves your", "no data leaves", "works locally")
	readOnly := says("read-only", "read only", "readonly", "never writes", "does not modify", "without modifying")
	for _, c := range s.caps {
		switch {
		case offline && c.Kind == skill.CapNet && !localCap(c.Value):
			f := rule.New("CJS-MAN-004", c.Place, "says that it needs no network, and reaches "+c.Value, s.manifest.Description)
			if says(" after ", "once ", "except", "download") || s.fenced(c.Place) {
				f.Confidence = skill.ConfidenceLow
			}
			s.add(f)
			return
		case readOnly && c.Kind == skill.CapWrite && !strings.HasPrefix(c.Value, "/tmp") && !strings.Contains(c.Value, "tmp"):
			f := rule.New("CJS-MAN-004", c.Place, "says that it only reads, and writes "+c.Value, s.manifest.Description)
			f.Confidence = skill.ConfidenceLow
			s.add(f)
			return
		}
	}
}

func localCap(v string) bool {
	host := v
	if i := strings.LastIndexByte(host, ':'); i > 0 {
		host = host[:i]
	}
	return local(host)
}

// unused reports what the front matter declares and nothing mentions again.
func (s *state) unused() {
	var all strings.Builder
	for _, f := range s.tree.Files {
		if f.Lang != skill.Binary && all.Len() < 8<<20 {
			text, _ := tree.Text(f)
			if f.Path == s.manifest.File {
				if _, body, _, ok := manifest.Split(text); ok {
					text = body
				}
			}
			all.WriteString(text)
		}
	}
	text := all.String()
	for _, list := range [][]skill.Declared{s.manifest.Bins, s.manifest.Env} {
		for _, d := range list {
			if !d.Prose && len(d.Value) > 1 && !strings.Contains(text, d.Value) {
				s.add(rule.New("CJS-MAN-005", d.Place, "declared, and not mentioned anywhere else", d.Value))
			}
		}
	}
}
