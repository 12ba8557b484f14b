package skill

import (
	"fmt"
	"slices"
	"strings"
)

// hintsForReview is how many different rules of low confidence, of at least two
// families, send a skill to a person although none would alone.
const hintsForReview = 4

// Judge is the verdict over findings, with its reasons.
//
//   - rejected: a critical threat of high confidence; a signature that is
//     missing or wrong where one is required; an indicator of a known attack; or
//     high threats of high confidence from two families.
//   - manual review: any other critical or high threat or vulnerability, any
//     medium threat, anything of high severity that could not be analysed. Low
//     confidence is a hint: it takes several of them.
//   - approved: the rest.
func Judge(findings []Finding) (Verdict, []string) {
	var reject, review []string
	families := map[string]string{}
	hints := map[string]bool{}
	for _, f := range findings {
		why := fmt.Sprintf("%s %s (%s)", f.Rule, f.Severity, f.Message)
		switch {
		case strings.HasPrefix(f.Rule, "CJS-SIG-"):
			reject = append(reject, why)
		case f.Class == Threat && f.Severity == Critical && f.Confidence == ConfidenceHigh:
			reject = append(reject, why)
		case f.Class == Threat && f.Severity <= High && f.Confidence == ConfidenceHigh:
			families[family(f.Rule)] = why
			review = append(review, why)
		case f.Confidence == ConfidenceLow:
			if f.Class == Threat && f.Severity <= High {
				hints[f.Rule] = true
			}
		case f.Class == Threat && f.Severity <= Medium, f.Class == Vuln && f.Severity <= High, f.Class == Coverage && f.Severity <= High:
			review = append(review, why)
		}
	}
	if len(families) >= 2 {
		for _, why := range families {
			reject = append(reject, why)
		}
		slices.Sort(reject)
	}
	if len(reject) > 0 {
		return Rejected, unique(reject)
	}
	if n := len(hints); n >= hintsForReview && spread(hints) >= 2 {
		review = append(review, fmt.Sprintf("%d different hints of low confidence", n))
	}
	if len(review) > 0 {
		return ManualReview, unique(review)
	}
	return Approved, []string{"nothing but declared capabilities and findings of low weight, and all files were analysed"}
}

func spread(rules map[string]bool) int {
	families := map[string]bool{}
	for r := range rules {
		families[family(r)] = true
	}
	return len(families)
}

func family(id string) string {
	_, rest, _ := strings.Cut(id, "-")
	f, _, _ := strings.Cut(rest, "-")
	return f
}

// maxReasons bounds the reasons of a verdict.
const maxReasons = 20

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
		if len(out) >= maxReasons {
			break
		}
	}
	return out
}
