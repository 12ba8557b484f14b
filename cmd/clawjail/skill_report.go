package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"clawjail/audit/escape"
	"clawjail/policy/skill"
	skillreport "clawjail/policy/skill/report"
	"clawjail/policy/skill/rule"
)

// readAll reads a whole stream that has at most most bytes.
func readAll(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	return b, err
}

// readable takes from text what would act on a terminal or could not be seen.
func readable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && escape.Hidden(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// clipText cuts a text to at most so many bytes, between two characters.
func clipText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}

// decodeReport reads the report of a process that hostile text may have taken
// over.
func decodeReport(b []byte) (skill.Report, error) {
	r, err := skillreport.Decode(b)
	if err == nil && r.Root != "" {
		err = errors.New("it claims a root digest, which only who reads the files can know")
	}
	if err != nil {
		return skill.Report{}, fmt.Errorf("the report of clawjail-skill is not to be believed: %w", err)
	}
	return r, nil
}

// gaveUpReport is the report of a skill that could not be looked into to the
// end. Whatever is in it, nobody saw all of it.
func gaveUpReport(name, ruleSet string, err *gaveUpError) skill.Report {
	f := rule.New("CJS-COV-001", skill.Place{}, err.Error(), "")
	return skill.Report{Schema: skill.Schema, Name: name, RuleSet: ruleSet, Verdict: skill.ManualReview,
		Reasons: []string{f.Rule + ": " + f.Message}, Findings: []skill.Finding{f}, Capabilities: []skill.Capability{}}
}
