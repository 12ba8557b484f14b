package rule

import "clawjail/policy/skill"

func inj() []Rule {
	return []Rule{
		{ID: "CJS-INJ-001", Severity: skill.High, Class: skill.Threat, Title: "override/ignore instructions, role reset, fake system/developer tags, chat-template tokens"},
		{ID: "CJS-INJ-002", Severity: skill.High, Class: skill.Threat, Title: "concealment: \"do not mention/tell/show the user\", silent, background"},
		{ID: "CJS-INJ-003", Severity: skill.Critical, Class: skill.Threat, Title: "instruct to read secret/SOUL/MEMORY and send, or put it in a parameter/URL/image"},
		{ID: "CJS-INJ-004", Severity: skill.High, Class: skill.Threat, Title: "fake prerequisite: download/open/run binary, password-protected zip, \"paste in terminal\", unsigned installer"},
		{ID: "CJS-INJ-005", Severity: skill.High, Class: skill.Threat, Title: "disable safety: approvals, sandbox, `--yolo`, `always allow`, elevated/host exec, turn off scanner"},
		{ID: "CJS-INJ-006", Severity: skill.High, Class: skill.Threat, Title: "hidden text: HTML comments, `display:none`, alt/title, collapsed details, link-ref definitions, frontmatter/JSON strings, white text, text in SVG/image metadata"},
		{ID: "CJS-INJ-007", Severity: skill.High, Class: skill.Threat, Title: "remote instructions: fetch URL and follow it, self-update of SKILL.md (rug pull)"},
		{ID: "CJS-INJ-008", Severity: skill.Medium, Class: skill.Threat, Title: "persistence in memory/heartbeat (\"from now on\", \"save to MEMORY\")"},
		{ID: "CJS-INJ-009", Severity: skill.Medium, Class: skill.Threat, Title: "coercion/urgency/authority + tool order; anti-refusal; impersonating OpenClaw/Anthropic"},
		{ID: "CJS-INJ-010", Severity: skill.Medium, Class: skill.Threat, Title: "tool shadowing, overly broad trigger/`always: true`, references to other skills"},
		{ID: "CJS-INJ-011", Severity: skill.Medium, Class: skill.Threat, Title: "same patterns in non-English (zh ja ko ru ar de fr es pt) and after NFKC/leet/base64 decoding"},
		{ID: "CJS-INJ-012", Severity: skill.Medium, Class: skill.Threat, Title: "markdown image/link exfil template `![](http://h/?d={...})`"},
	}
}
