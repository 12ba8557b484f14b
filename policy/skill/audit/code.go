package audit

import (
	"clawjail/policy/skill"
	"clawjail/policy/skill/code"
	"clawjail/policy/skill/prose"
	"clawjail/policy/skill/rule"
)

// code runs the analysis of programs over all units together, and the rules for
// the two shells of Windows, which have no parser here.
func (s *state) code() {
	judge := func(text string, at skill.Place) []skill.Finding { return prose.Scan(text, at, false) }
	findings, caps := code.Analyze(s.ctx, s.units, s.manifest, code.Options{Prose: judge, Stranger: prose.StrangeHost})
	s.context(findings)
	s.add(findings...)
	s.caps = append(s.caps, caps...)
	seen := map[string]bool{}
	for _, u := range s.units {
		if code.Knows(u.Lang) && u.Lang != skill.Shell {
			continue
		}
		s.add(windows(u)...)
		if !u.Fenced && !code.Knows(u.Lang) && !seen[u.File] {
			seen[u.File] = true
			f := rule.New("CJS-COV-001", skill.Place{File: u.File}, "script for Windows, in a language without a parser here: scanned for commands only", "")
			f.Severity = skill.Medium
			s.add(f)
		}
	}
}
