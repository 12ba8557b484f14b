package rule

import "clawjail/policy/skill"

func fs() []Rule {
	return []Rule{
		{ID: "CJS-FS-001", Severity: skill.Critical, Class: skill.Threat, Title: "write to system/boot/auth (`/etc /usr /boot /lib ~/.ssh/authorized_keys sudoers`)"},
		{ID: "CJS-FS-002", Severity: skill.Critical, Class: skill.Threat, Title: "persistence: cron, systemd, launchd, rc/profile, git hooks, `.pth`/sitecustomize, npmrc, shell aliases"},
		{ID: "CJS-FS-003", Severity: skill.Critical, Class: skill.Threat, Title: "tamper with the agent: `~/.openclaw/`, openclaw.json, `SOUL.md AGENTS.md MEMORY.md TOOLS.md HEARTBEAT.md CLAUDE.md`, other skills' dirs, exec approvals, allowlists"},
		{ID: "CJS-FS-004", Severity: skill.Medium, Class: skill.Ability, Title: "writes outside skill dir/workspace/tmp (record glob)"},
		{ID: "CJS-FS-005", Severity: skill.High, Class: skill.Threat, Title: "reads SECRET_FILE undeclared (no network seen)"},
		{ID: "CJS-FS-006", Severity: skill.High, Class: skill.Threat, Title: "chmod +x / xattr -d quarantine on downloaded or bundled file"},
		{ID: "CJS-FS-007", Severity: skill.High, Class: skill.Threat, Title: "log/history/security-tool tampering"},
	}
}
