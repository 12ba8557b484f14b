package rule

import "clawjail/policy/skill"

func flow() []Rule {
	return []Rule{
		{ID: "CJS-FLOW-001", Severity: skill.Critical, Class: skill.Threat, Title: "SECRET_ENV/SECRET_FILE/METADATA -> NET_OUT to an undeclared or non-literal host"},
		{ID: "CJS-FLOW-002", Severity: skill.Critical, Class: skill.Threat, Title: "ENV_ALL -> NET_OUT/NET_DNS (no legitimate use)"},
		{ID: "CJS-FLOW-003", Severity: skill.Medium, Class: skill.Ability, Title: "declared secret -> declared host (auth header): capability, feeds policy"},
		{ID: "CJS-FLOW-004", Severity: skill.Critical, Class: skill.Threat, Title: "NET_IN -> CODE_EVAL/EXEC (download and run, incl. two-step file)"},
		{ID: "CJS-FLOW-005", Severity: skill.High, Class: skill.Threat, Title: "decode(blob) -> CODE_EVAL/EXEC; payload decoded (<= 5 layers, <= 1 MiB) and re-scanned in its own language"},
		{ID: "CJS-FLOW-006", Severity: skill.High, Class: skill.Threat, Title: "ENCODED secret/user data -> DNS labels, URL path/query, image URL"},
		{ID: "CJS-FLOW-007", Severity: skill.High, Class: skill.Threat, Title: "USERDATA/home walk -> archive -> NET_OUT"},
		{ID: "CJS-FLOW-008", Severity: skill.High, Class: skill.Vuln, Title: "ARGV/STDIN/AGENT text -> EXEC_SHELL / CODE_EVAL / SQL string"},
		{ID: "CJS-FLOW-009", Severity: skill.Medium, Class: skill.Vuln, Title: "ARGV -> FS path without containment (traversal)"},
		{ID: "CJS-FLOW-010", Severity: skill.High, Class: skill.Threat, Title: "flow 001-007 split over files / temp file / env"},
		{ID: "CJS-FLOW-011", Severity: skill.High, Class: skill.Threat, Title: "secret -> AGENT_CTX (prints key for the model) or \"save token to memory\""},
	}
}
