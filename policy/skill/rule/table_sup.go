package rule

import "clawjail/policy/skill"

func sup() []Rule {
	return []Rule{
		{ID: "CJS-SUP-001", Severity: skill.High, Class: skill.Threat, Title: "install-time hooks: npm pre/post/install/prepare, setup.py code, pyproject build hooks, Makefile/`install.sh`, `binding.gyp`, `.npmrc`, go:generate, postinst"},
		{ID: "CJS-SUP-002", Severity: skill.High, Class: skill.Threat, Title: "typosquat/confusable of popular package or of known skill (Damerau-Levenshtein <= 1, separators, scope drop) using an embedded top list"},
		{ID: "CJS-SUP-003", Severity: skill.Medium, Class: skill.Vuln, Title: "unpinned / git / url / alternate index dependency; `npx`/`uvx`/`pipx` latest; `--extra-index-url` H"},
		{ID: "CJS-SUP-004", Severity: skill.Low, Class: skill.Quality, Title: "lockfile missing or not matching"},
		{ID: "CJS-SUP-005", Severity: skill.Medium, Class: skill.Threat, Title: "`install[]` entry not used, or different from what SKILL.md says"},
	}
}
