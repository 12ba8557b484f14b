package rule

import "clawjail/policy/skill"

func file() []Rule {
	return []Rule{
		{ID: "CJS-FILE-001", Severity: skill.Critical, Class: skill.Threat, Title: "symlink/hardlink/junction leaving the root (or absolute); H if inside"},
		{ID: "CJS-FILE-002", Severity: skill.High, Class: skill.Coverage, Title: "ELF/PE/Mach-O/wasm/class/jar/.so/.node: report arch, interp, imports, strings-based hosts, packer (UPX), setuid; C if hidden or extension-disguised"},
		{ID: "CJS-FILE-003", Severity: skill.Medium, Class: skill.Coverage, Title: "archive: expand under limits (depth 3, 1,000 members, 25 MiB, ratio 100); H encrypted/nested/bomb/zip-slip/symlink entry"},
		{ID: "CJS-FILE-004", Severity: skill.Medium, Class: skill.Threat, Title: "hidden file/dir; H if executable or script; allow-list `.gitignore .clawhub .clawhubignore`"},
		{ID: "CJS-FILE-005", Severity: skill.Medium, Class: skill.Coverage, Title: "oversized (> 1 MiB text, > 16 MiB any) / too many files (> 1,000) / depth > 32: partial analysis"},
		{ID: "CJS-FILE-006", Severity: skill.Medium, Class: skill.Threat, Title: "magic vs extension mismatch, polyglot, double extension, trailing data after PNG/ZIP, RTLO in name"},
		{ID: "CJS-FILE-007", Severity: skill.High, Class: skill.Threat, Title: "`.pyc` without/mismatched source, shipped `__pycache__`, `node_modules`"},
		{ID: "CJS-FILE-008", Severity: skill.High, Class: skill.Threat, Title: "device/fifo/socket, setuid/setgid, world-writable, case-colliding or non-normalised names, `..` or control char in name"},
		{ID: "CJS-FILE-009", Severity: skill.Medium, Class: skill.Threat, Title: "office/PDF/SVG active content"},
		{ID: "CJS-FILE-010", Severity: skill.Medium, Class: skill.Quality, Title: "nested `.git`, CI configs, credentials files, `.env`"},
	}
}
