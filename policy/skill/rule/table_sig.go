package rule

import "clawjail/policy/skill"

func sig() []Rule {
	return []Rule{
		{ID: "CJS-SIG-001", Severity: skill.High, Class: skill.Threat, Title: "unsigned (allowUnsigned=false -> reject); bad signature; untrusted/expired/revoked signer; unsigned extra file; content changed since approval"},
		{ID: "CJS-SIG-002", Severity: skill.High, Class: skill.Threat, Title: "unsigned (allowUnsigned=false -> reject); bad signature; untrusted/expired/revoked signer; unsigned extra file; content changed since approval"},
		{ID: "CJS-SIG-003", Severity: skill.High, Class: skill.Threat, Title: "unsigned (allowUnsigned=false -> reject); bad signature; untrusted/expired/revoked signer; unsigned extra file; content changed since approval"},
		{ID: "CJS-SIG-004", Severity: skill.High, Class: skill.Threat, Title: "unsigned (allowUnsigned=false -> reject); bad signature; untrusted/expired/revoked signer; unsigned extra file; content changed since approval"},
		{ID: "CJS-SIG-005", Severity: skill.High, Class: skill.Threat, Title: "unsigned (allowUnsigned=false -> reject); bad signature; untrusted/expired/revoked signer; unsigned extra file; content changed since approval"},
	}
}
