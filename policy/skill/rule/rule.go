package rule

import (
	"slices"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/secret"
)

// Rule is one row of the table.
type Rule struct {
	ID       string         `json:"id"`
	Severity skill.Severity `json:"severity"`
	Class    skill.Class    `json:"class"`
	Title    string         `json:"title"`
	// Why says what an attacker gains.
	Why string `json:"why"`
	// Bad and Good are examples that do and do not make a finding.
	Bad   string   `json:"bad"`
	Good  string   `json:"good"`
	Fix   string   `json:"fix"`
	CWE   []string `json:"cwe"`
	OWASP []string `json:"owasp"`
}

// Family is the middle part of the identifier: "FLOW".
func (r Rule) Family() string { return Family(r.ID) }

// Family is the middle part of a rule's identifier.
func Family(id string) string {
	_, rest, _ := strings.Cut(id, "-")
	family, _, _ := strings.Cut(rest, "-")
	return family
}

// All are the rules, in the order of the documentation.
func All() []Rule {
	return slices.Concat(flow(), exec(), fs(), net(), obf(), uni(), inj(), sec(), sup(), file(), man(), src(), sig(), cov())
}

// Find is the rule with this identifier.
func Find(id string) (Rule, bool) {
	for _, r := range table(Family(id)) {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

func table(family string) []Rule {
	switch family {
	case "FLOW":
		return flow()
	case "EXEC":
		return exec()
	case "FS":
		return fs()
	case "NET":
		return net()
	case "OBF":
		return obf()
	case "UNI":
		return uni()
	case "INJ":
		return inj()
	case "SEC":
		return sec()
	case "SUP":
		return sup()
	case "FILE":
		return file()
	case "MAN":
		return man()
	case "SRC":
		return src()
	case "SIG":
		return sig()
	case "COV":
		return cov()
	}
	return nil
}

// New is a finding of the rule with the table's severity and class and with
// high confidence; the caller lowers or raises what it knows better. Message
// and evidence may hold text of the skill: they are escaped, secrets are taken
// out, and evidence is cut to skill.MaxEvidence bytes.
func New(id string, at skill.Place, message, evidence string) skill.Finding {
	r, ok := Find(id)
	if !ok {
		r = Rule{ID: id} // the zero severity, confidence and class are the worst
		message = "a finding without a rule: " + message
	}
	return skill.Finding{
		Rule: r.ID, Severity: r.Severity, Class: r.Class, Place: at,
		Message:  Escape(secret.Redact(message), maxMessage),
		Evidence: Escape(secret.Redact(evidence), skill.MaxEvidence),
		CWE:      r.CWE, OWASP: r.OWASP, Fix: r.Fix,
	}
}
