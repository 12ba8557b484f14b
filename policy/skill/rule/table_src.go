package rule

import "clawjail/policy/skill"

func src() []Rule {
	return []Rule{
		{ID: "CJS-SRC-001", Severity: skill.Medium, Class: skill.Threat,
			Title: "From a source that is not trusted",
			Why:   "Who published it is not known, or has changed.",
			Bad:   "an archive from a chat",
			Good:  "github.com/openclaw/...",
			Fix:   "Install from a trusted source, or add the source after looking at it.",
			CWE:   []string{"CWE-346"}, OWASP: []string{"ASI04"}},
	}
}
