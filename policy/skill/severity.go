package skill

import (
	"fmt"
	"slices"
)

// Severity says how bad it is if the finding is true. Smaller is worse.
type Severity uint8

// The severities, worst first; the zero value is the worst.
const (
	Critical Severity = iota
	High
	Medium
	Low
	Info
)

// Confidence says how sure the rule is. Smaller is surer.
type Confidence uint8

// The confidences. Their names carry a prefix because severities have the
// plain words.
const (
	ConfidenceHigh Confidence = iota
	ConfidenceMedium
	ConfidenceLow
)

// Class says what kind of thing a finding is.
type Class uint8

// The classes. Ability is what a skill can do, Threat what it does to the
// user, Vuln what others could do to the user through it, Quality what is
// merely careless, and Coverage what could not be analysed.
const (
	Threat Class = iota
	Vuln
	Ability // "capability": the type Capability has the plain word
	Quality
	Coverage
)

// Verdict is what the audit says of a skill as a whole.
type Verdict uint8

// The verdicts, worst first; the zero value is the worst.
const (
	Rejected Verdict = iota
	ManualReview
	Approved
)

func severityWords() []string   { return []string{"critical", "high", "medium", "low", "info"} }
func confidenceWords() []string { return []string{"high", "medium", "low"} }
func classWords() []string {
	return []string{"threat", "vuln", "capability", "quality", "coverage"}
}
func verdictWords() []string { return []string{"rejected", "manual review", "approved"} }

func word(words []string, i uint8) string {
	if int(i) < len(words) {
		return words[i]
	}
	return words[0]
}

func parse(what string, words []string, text []byte) (uint8, error) {
	i := slices.Index(words, string(text))
	if i < 0 {
		return 0, fmt.Errorf("%s %q: want one of %q", what, text, words)
	}
	return uint8(i), nil
}

// String is the word that reports and options use.
func (s Severity) String() string { return word(severityWords(), uint8(s)) }

// MarshalText makes the word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word and takes no other.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := parse("severity", severityWords(), b)
	*s = Severity(v)
	return err
}

// Lower is the next milder severity; Info stays.
func (s Severity) Lower() Severity { return min(s+1, Info) }

// String is the word that reports use.
func (c Confidence) String() string { return word(confidenceWords(), uint8(c)) }

// MarshalText makes the word.
func (c Confidence) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the word and takes no other.
func (c *Confidence) UnmarshalText(b []byte) error {
	v, err := parse("confidence", confidenceWords(), b)
	*c = Confidence(v)
	return err
}

// Lower is the next lower confidence; the lowest stays.
func (c Confidence) Lower() Confidence { return min(c+1, ConfidenceLow) }

// String is the word that reports use.
func (c Class) String() string { return word(classWords(), uint8(c)) }

// MarshalText makes the word.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the word and takes no other.
func (c *Class) UnmarshalText(b []byte) error {
	v, err := parse("class", classWords(), b)
	*c = Class(v)
	return err
}

// String is the word that reports use.
func (v Verdict) String() string { return word(verdictWords(), uint8(v)) }

// MarshalText makes the word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the word and takes no other.
func (v *Verdict) UnmarshalText(b []byte) error {
	n, err := parse("verdict", verdictWords(), b)
	*v = Verdict(n)
	return err
}
