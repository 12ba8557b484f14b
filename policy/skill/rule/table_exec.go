package rule

import "clawjail/policy/skill"

func exec() []Rule {
	return []Rule{
		{ID: "CJS-EXEC-001", Severity: skill.Critical, Class: skill.Threat, Title: "fetch piped to interpreter (`curl|sh`, `bash <(curl)`, `sh -c \"$(curl)\"`, `iwr|iex`, `python -c \"$(...)\"`); H->M if https + declared install host + pinned hash"},
		{ID: "CJS-EXEC-002", Severity: skill.Critical, Class: skill.Threat, Title: "reverse/bind shell (`/dev/tcp`, `nc -e`, socket+dup2+sh, socat EXEC, pty.spawn over socket)"},
		{ID: "CJS-EXEC-003", Severity: skill.Medium, Class: skill.Ability, Title: "process spawn with literal argv (record binary)"},
		{ID: "CJS-EXEC-004", Severity: skill.High, Class: skill.Vuln, Title: "shell=True / `exec` / template command with non-literal part"},
		{ID: "CJS-EXEC-005", Severity: skill.High, Class: skill.Threat, Title: "dynamic name to eval/exec/getattr/globals/`Function`/`vm`/`__import__` after constant folding"},
		{ID: "CJS-EXEC-006", Severity: skill.High, Class: skill.Threat, Title: "unsafe deserialisation of shipped or fetched blob; marshal/code objects"},
		{ID: "CJS-EXEC-007", Severity: skill.High, Class: skill.Threat, Title: "native load: ctypes/ffi/dlopen/LD_PRELOAD/process.dlopen/`.node`"},
		{ID: "CJS-EXEC-008", Severity: skill.Critical, Class: skill.Threat, Title: "privilege: sudo/doas/su/setuid/pkexec/docker.sock/nsenter/`--privileged`"},
		{ID: "CJS-EXEC-009", Severity: skill.High, Class: skill.Threat, Title: "sandbox/analysis checks gating behaviour (`/.dockerenv`, ptrace, hostname, date bomb, magic string)"},
		{ID: "CJS-EXEC-010", Severity: skill.Critical, Class: skill.Threat, Title: "fork bomb, wipe (`rm -rf` on `/`,`~`,`$HOME`), disk overwrite"},
		{ID: "CJS-EXEC-011", Severity: skill.Critical, Class: skill.Threat, Title: "miner (stratum+, xmrig, pool hosts)"},
	}
}
