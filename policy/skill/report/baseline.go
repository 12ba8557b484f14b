package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"clawjail/policy/skill"
)

// Bounds of a baseline.
const (
	MaxBaselineBytes = 4 << 20
	MaxAccepted      = 5000
	// MaxTerm is how long an entry may last.
	MaxTerm = 366 * 24 * time.Hour
)

// Accepted is one entry of a baseline: a finding that somebody has looked at.
type Accepted struct {
	Fingerprint string `json:"fingerprint"`
	Rule        string `json:"rule"`
	File        string `json:"file,omitempty"`
	Reason      string `json:"reason"`
	// Expires is a day, "2027-01-31"; the entry holds until its end, in UTC.
	Expires string `json:"expires"`
}

// Baseline is the file of accepted findings.
type Baseline struct {
	Schema   int        `json:"schema"`
	Accepted []Accepted `json:"accepted"`
}

// ParseBaseline reads a baseline and reports all its problems.
func ParseBaseline(b []byte, now time.Time) (Baseline, error) {
	var base Baseline
	if len(b) > MaxBaselineBytes {
		return base, fmt.Errorf("baseline of %d bytes, over %d", len(b), MaxBaselineBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&base); err != nil {
		return base, fmt.Errorf("baseline: %w", err)
	}
	var problems []string
	if base.Schema != 1 {
		problems = append(problems, fmt.Sprintf("schema %d, want 1", base.Schema))
	}
	if len(base.Accepted) > MaxAccepted {
		return base, fmt.Errorf("baseline: %d entries, over %d", len(base.Accepted), MaxAccepted)
	}
	for i, a := range base.Accepted {
		day, err := time.Parse("2006-01-02", a.Expires)
		switch {
		case a.Fingerprint == "" || a.Rule == "":
			problems = append(problems, fmt.Sprintf("entry %d: no fingerprint or rule", i+1))
		case len(strings.Fields(a.Reason)) < 2:
			problems = append(problems, fmt.Sprintf("entry %d: a reason of a few words is needed", i+1))
		case err != nil:
			problems = append(problems, fmt.Sprintf("entry %d: expires %q: want a day, 2027-01-31", i+1, a.Expires))
		case day.Sub(now) > MaxTerm:
			problems = append(problems, fmt.Sprintf("entry %d: expires in more than a year", i+1))
		}
	}
	if len(problems) > 0 {
		return base, fmt.Errorf("baseline: %s", strings.Join(problems, "; "))
	}
	return base, nil
}

// Apply takes the accepted findings out of a report and judges what is left.
// It returns the entries that have expired and those that match nothing.
func (b Baseline) Apply(r *skill.Report, now time.Time) (expired, unused []Accepted) {
	accepted := map[string]bool{}
	for _, a := range b.Accepted {
		if day, err := time.Parse("2006-01-02", a.Expires); err != nil || now.After(day.AddDate(0, 0, 1)) {
			expired = append(expired, a)
			continue
		}
		accepted[a.Fingerprint+"\x00"+a.Rule] = true
	}
	used := map[string]bool{}
	var kept []skill.Finding
	for _, f := range r.Findings {
		key := f.Fingerprint + "\x00" + f.Rule
		if accepted[key] && !final(f) {
			used[key] = true
			r.Baselined++
			continue
		}
		kept = append(kept, f)
	}
	for _, a := range b.Accepted {
		if key := a.Fingerprint + "\x00" + a.Rule; accepted[key] && !used[key] {
			unused = append(unused, a)
		}
	}
	if r.Baselined > 0 {
		r.Findings = kept
		verdict, reasons := skill.Judge(kept)
		// Findings that did not fit into the report were weighed by the audit.
		if r.Omitted > 0 && verdict > r.Verdict {
			reasons = append([]string{"findings that were left out of the report weigh as before"}, r.Reasons...)
			verdict = r.Verdict
		}
		r.Verdict, r.Reasons = verdict, reasons
	}
	return expired, unused
}

// final findings cannot be accepted by a baseline.
func final(f skill.Finding) bool {
	return f.Rule == "CJS-NET-008" || strings.HasPrefix(f.Rule, "CJS-SIG-") || f.Class == skill.Threat && f.Severity == skill.Critical && f.Confidence == skill.ConfidenceHigh
}

// NewBaseline makes a baseline of all findings of a report that can be
// accepted, with one reason and expiry, for a person to edit.
func NewBaseline(r skill.Report, reason string, expires time.Time) Baseline {
	b := Baseline{Schema: 1, Accepted: []Accepted{}}
	for _, f := range r.Findings {
		if f.Class != skill.Ability && !final(f) {
			b.Accepted = append(b.Accepted, Accepted{Fingerprint: f.Fingerprint, Rule: f.Rule, File: f.File, Reason: reason, Expires: expires.UTC().Format("2006-01-02")})
		}
	}
	return b
}

// Fails says whether a report has a finding at or above a severity: what
// --fail-on asks. Hints of low confidence do not count.
func Fails(r skill.Report, at skill.Severity) bool {
	for _, f := range r.Findings {
		if f.Severity <= at && f.Confidence != skill.ConfidenceLow && f.Class != skill.Ability {
			return true
		}
	}
	return false
}
