package rule

import "clawjail/policy/skill"

func src() []Rule {
	return []Rule{
		{ID: "CJS-SRC-001", Severity: skill.Medium, Class: skill.Threat, Title: "source not in trusted sources; no origin.json/lock; publisher changed since last version (TOFU)"},
	}
}
