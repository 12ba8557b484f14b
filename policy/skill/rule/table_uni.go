package rule

import "clawjail/policy/skill"

func uni() []Rule {
	return []Rule{
		{ID: "CJS-UNI-001", Severity: skill.Critical, Class: skill.Threat, Title: "Unicode tag block U+E0000-E007F (decode and show; allow valid emoji flag sequences)"},
		{ID: "CJS-UNI-002", Severity: skill.High, Class: skill.Threat, Title: "bidi controls U+202A-E, 2066-9 (Trojan Source); C in code"},
		{ID: "CJS-UNI-003", Severity: skill.Medium, Class: skill.Threat, Title: "zero-width/format runs (200B-F, 2060-4, FEFF mid-file, 00AD, 180E); allow ZWJ in emoji, ZWNJ/ZWJ in Indic/Arabic script; H if run decodes as bits"},
		{ID: "CJS-UNI-004", Severity: skill.Medium, Class: skill.Threat, Title: "variation-selector smuggling (FE00-F, E0100-EF not after emoji/CJK), >= 8 -> C"},
		{ID: "CJS-UNI-005", Severity: skill.High, Class: skill.Threat, Title: "mixed-script/confusable identifier, host, package or skill name"},
		{ID: "CJS-UNI-006", Severity: skill.Medium, Class: skill.Threat, Title: "control chars, ANSI escapes, invalid UTF-8, UTF-16/7 BOM switch"},
	}
}
