package gate

import "clawjail/policy"

// severity orders verdicts; the higher one wins where several apply.
func severity(v policy.Verdict) int {
	switch v {
	case policy.Allow:
		return 0
	case policy.Audit:
		return 1
	case policy.Ask:
		return 2
	case policy.Deny:
		return 3
	case policy.Kill:
		return 4
	case policy.Freeze:
		return 5
	}
	return 3 // unknown is denied
}

// strictest picks the decision that permits least; of equals, the first.
func strictest(ds ...policy.Decision) policy.Decision {
	best := ds[0]
	for _, d := range ds[1:] {
		if severity(d.Verdict) > severity(best.Verdict) {
			best = d
		}
	}
	return best
}
