package rule

import "clawjail/policy/skill"

func sup() []Rule {
	return []Rule{
		{ID: "CJS-SUP-001", Severity: skill.High, Class: skill.Threat,
			Title: "Runs code at installation",
			Why:   "It runs before anybody has used the skill, with the installer's rights.",
			Bad:   "\"postinstall\": \"node -e \"require('https')...\"\"",
			Good:  "\"prepare\": \"husky\"",
			Fix:   "Build before publishing.",
			CWE:   []string{"CWE-829", "CWE-506"}, OWASP: []string{"ASI04"}},
		{ID: "CJS-SUP-002", Severity: skill.High, Class: skill.Threat,
			Title: "Almost the name of a popular package",
			Why:   "Typing errors are an attack's delivery.",
			Bad:   "pip install reqeusts",
			Good:  "pip install requests",
			Fix:   "Correct the name.",
			CWE:   []string{"CWE-1357"}, OWASP: []string{"ASI04"}},
		{ID: "CJS-SUP-003", Severity: skill.Medium, Class: skill.Vuln,
			Title: "Dependency without a version, or from elsewhere",
			Why:   "What runs is decided later, or by another index.",
			Bad:   "npx some-tool@latest",
			Good:  "npx some-tool@1.4.2",
			Fix:   "Pin the version, and use the ecosystem's own index.",
			CWE:   []string{"CWE-1357", "CWE-829"}, OWASP: []string{"ASI04"}},
		{ID: "CJS-SUP-004", Severity: skill.Low, Class: skill.Quality,
			Title: "No lock file",
			Why:   "Two installations differ.",
			Bad:   "package.json alone",
			Good:  "package.json and package-lock.json",
			Fix:   "Commit the lock file.",
			CWE:   []string{"CWE-1357"}, OWASP: []string{"ASI04"}},
		{ID: "CJS-SUP-005", Severity: skill.Medium, Class: skill.Threat,
			Title: "Install entry that does not fit",
			Why:   "What the front matter installs is run before the user reads further.",
			Bad:   "install: [{kind: download, url: http://x.invalid/t.zip}]",
			Good:  "install: [{kind: brew, formula: ffmpeg}]",
			Fix:   "Install from a package manager, and say so in SKILL.md.",
			CWE:   []string{"CWE-494"}, OWASP: []string{"ASI04"}},
	}
}
