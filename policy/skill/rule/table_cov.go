package rule

import "clawjail/policy/skill"

func cov() []Rule {
	return []Rule{
		{ID: "CJS-COV-001", Severity: skill.High, Class: skill.Coverage,
			Title: "Not analysed",
			Why:   "What was not read cannot be called harmless.",
			Bad:   "a file that does not parse",
			Good:  "a file that does",
			Fix:   "Repair the file, or use a language with a parser.",
			CWE:   []string{"CWE-1059"}, OWASP: []string{"ASI04"}},
	}
}
