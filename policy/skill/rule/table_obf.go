package rule

import "clawjail/policy/skill"

func obf() []Rule {
	return []Rule{
		{ID: "CJS-OBF-001", Severity: skill.High, Class: skill.Threat, Title: "eval-packer, `_0x` arrays, JSFuck, XOR/ROT loops, chr/fromCharCode assembly of a dangerous name"},
		{ID: "CJS-OBF-002", Severity: skill.Medium, Class: skill.Threat, Title: "high-entropy blob >= 512 B in code (base64/85/32/hex/gzip/z85), H if decoded is code/ELF/PE/shell"},
		{ID: "CJS-OBF-003", Severity: skill.Medium, Class: skill.Coverage, Title: "minified/bundled file without source (analysability)"},
		{ID: "CJS-OBF-004", Severity: skill.High, Class: skill.Threat, Title: "shell word tricks: `${IFS}`, `c''url`, `\\x` via printf/`$'..'`, rev, tr, `eval $x`, variable slicing"},
		{ID: "CJS-OBF-005", Severity: skill.Medium, Class: skill.Threat, Title: "whitespace padding: > 200 columns or > 100 blank lines before content"},
	}
}
