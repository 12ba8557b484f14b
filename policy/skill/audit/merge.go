package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"clawjail/policy/skill"
)

// merge sorts findings, worst first, and removes those that say the same of the
// same line; the worst stays.
func merge(list []skill.Finding) []skill.Finding {
	slices.SortStableFunc(list, func(a, b skill.Finding) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Confidence, b.Confidence),
			strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(f skill.Finding) bool {
		key := fmt.Sprintf("%s\x00%s\x00%d", f.Rule, f.File, f.Line)
		if f.Line == 0 {
			key += f.Message
		}
		if f.Class == skill.Threat {
			key += "\x00threat" // weighs otherwise than a vulnerability
		}
		if f.Rule == "CJS-NET-001" || f.Class == skill.Ability {
			key += f.Evidence
		}
		if seen[key] {
			return true
		}
		seen[key] = true
		return false
	})
}

// rank puts what weighs in the verdict first.
func rank(f skill.Finding) int {
	switch f.Class {
	case skill.Threat, skill.Vuln, skill.Coverage:
		if f.Confidence == skill.ConfidenceLow {
			return 2
		}
		return int(f.Severity) / 3
	default:
		return 3
	}
}

// fingerprint names each finding by rule, file and evidence, with a counter for
// equal ones, so that lines that are added above do not change it.
func fingerprint(list []skill.Finding) {
	count := map[string]int{}
	for i := range list {
		f := &list[i]
		evidence := strings.Join(strings.Fields(f.Evidence), " ")
		if evidence == "" {
			evidence = f.Message
		}
		key := f.Rule + "\x00" + f.File + "\x00" + evidence
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, count[key]))
		count[key]++
		f.Fingerprint = hex.EncodeToString(sum[:12])
	}
}
