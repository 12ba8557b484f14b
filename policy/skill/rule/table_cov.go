package rule

import "clawjail/policy/skill"

func cov() []Rule {
	return []Rule{
		{ID: "CJS-COV-001", Severity: skill.High, Class: skill.Coverage, Title: "parse error, unknown language, timeout, byte/AST limits: verdict capped at manual review"},
	}
}
