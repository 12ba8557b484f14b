package rule

import "clawjail/policy/skill"

func sec() []Rule {
	return []Rule{
		{ID: "CJS-SEC-001", Severity: skill.High, Class: skill.Vuln, Title: "hard-coded credential (prefix rules, private key, DSN); evidence redacted"},
		{ID: "CJS-SEC-002", Severity: skill.Medium, Class: skill.Vuln, Title: "secret on argv, in URL, in git remote"},
	}
}
