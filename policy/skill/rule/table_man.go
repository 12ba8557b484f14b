package rule

import "clawjail/policy/skill"

func man() []Rule {
	return []Rule{
		{ID: "CJS-MAN-001", Severity: skill.Medium, Class: skill.Quality, Title: "missing/invalid SKILL.md or frontmatter (scan anyway)"},
		{ID: "CJS-MAN-002", Severity: skill.High, Class: skill.Threat, Title: "undeclared capability (network/exec/env/fs) vs manifest"},
		{ID: "CJS-MAN-003", Severity: skill.Medium, Class: skill.Threat, Title: "wildcard or over-declared permission"},
		{ID: "CJS-MAN-004", Severity: skill.Medium, Class: skill.Threat, Title: "description/behaviour contradiction (\"offline\", \"read-only\" but network/writes)"},
		{ID: "CJS-MAN-005", Severity: skill.Low, Class: skill.Quality, Title: "declared but unused"},
		{ID: "CJS-MAN-006", Severity: skill.Medium, Class: skill.Quality, Title: "name != directory, duplicate YAML keys, anchors/aliases, tags"},
	}
}
