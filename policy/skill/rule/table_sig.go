package rule

import "clawjail/policy/skill"

func sig() []Rule {
	return []Rule{
		{ID: "CJS-SIG-001", Severity: skill.High, Class: skill.Threat,
			Title: "Not signed",
			Why:   "Nobody answers for the content.",
			Bad:   "no skill.sig and no skill.oms.sig",
			Good:  "a skill with a signature",
			Fix:   "Sign it: clawjail skill sign.",
			CWE:   []string{"CWE-345"}, OWASP: []string{"ASI04"}},
		{ID: "CJS-SIG-002", Severity: skill.High, Class: skill.Threat,
			Title: "Signature does not match",
			Why:   "The content is not what was signed.",
			Bad:   "a file that was edited after signing",
			Good:  "an untouched skill",
			Fix:   "Get the skill again from its publisher.",
			CWE:   []string{"CWE-347"}, OWASP: []string{"ASI04"}},
		{ID: "CJS-SIG-003", Severity: skill.High, Class: skill.Threat,
			Title: "Signer is not trusted, expired or revoked",
			Why:   "A valid signature by anybody is no reason to trust.",
			Bad:   "a key that is not among the allowed signers",
			Good:  "a key with validity and name pattern",
			Fix:   "Ask the signer for a valid key, then add it.",
			CWE:   []string{"CWE-295", "CWE-347"}, OWASP: []string{"ASI04"}},
		{ID: "CJS-SIG-004", Severity: skill.High, Class: skill.Threat,
			Title: "A file that is not signed",
			Why:   "It came in later.",
			Bad:   "an extra file beside the signed ones",
			Good:  "only signed files",
			Fix:   "Remove the file or sign again.",
			CWE:   []string{"CWE-345"}, OWASP: []string{"ASI04"}},
		{ID: "CJS-SIG-005", Severity: skill.High, Class: skill.Threat,
			Title: "Changed since it was approved",
			Why:   "The approval was for other content.",
			Bad:   "an update that nobody looked at",
			Good:  "an approval of this root digest",
			Fix:   "Look at the difference and approve again.",
			CWE:   []string{"CWE-345", "CWE-367"}, OWASP: []string{"ASI04"}},
	}
}
