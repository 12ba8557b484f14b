package rule

import "clawjail/policy/skill"

func sec() []Rule {
	return []Rule{
		{ID: "CJS-SEC-001", Severity: skill.High, Class: skill.Vuln,
			Title: "Hard-coded credential",
			Why:   "Everybody who has the skill has it.",
			Bad:   "key = \"ghp_...\" with the token itself",
			Good:  "key = os.environ[\"GITHUB_TOKEN\"]",
			Fix:   "Revoke it, and read it from the environment.",
			CWE:   []string{"CWE-798"}, OWASP: []string{"ASI03"}},
		{ID: "CJS-SEC-002", Severity: skill.Medium, Class: skill.Vuln,
			Title: "Secret in an argument, a URL or a remote",
			Why:   "Process lists, logs and history keep it.",
			Bad:   "curl \"https://api.invalid/?key=$KEY\"",
			Good:  "curl -H @headers https://api.invalid",
			Fix:   "Use a header from a file or the environment.",
			CWE:   []string{"CWE-214", "CWE-598"}, OWASP: []string{"ASI03"}},
	}
}
