package code

import (
	"context"
	"slices"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/flow"
	"clawjail/policy/skill/code/ir"
	"clawjail/policy/skill/code/python"
	"clawjail/policy/skill/code/script"
	"clawjail/policy/skill/code/shell"
)

// Limits of one analysis.
const (
	// MaxUnits bounds the units of one skill.
	MaxUnits = 4000
	// MaxBytes bounds their text together.
	MaxBytes = 32 << 20
)

// Options say what to analyse with.
type Options struct {
	// Prose looks at decoded text that is no code; nil for nobody.
	Prose func(text string, at skill.Place) []skill.Finding
	// Stranger says that a host is of nobody whom people know; nil for nobody.
	Stranger func(host string) bool
}

// Analyze looks at all units of one skill together. The findings and
// capabilities are in the order of their places.
func Analyze(ctx context.Context, units []skill.Unit, m skill.Manifest, o Options) ([]skill.Finding, []skill.Capability) {
	var parsed []*flow.Unit
	var early []skill.Finding
	total := 0
	for _, u := range units {
		if !Knows(u.Lang) {
			continue
		}
		total += len(u.Text)
		if len(parsed) >= MaxUnits || total > MaxBytes || ctx.Err() != nil {
			early = append(early, flow.Unread(u, "too much code to analyse"))
			break
		}
		p := &flow.Unit{Unit: u, Body: Parse(u.Text, u.Lang)}
		parsed = append(parsed, p)
	}
	findings, caps := flow.Run(ctx, parsed, flow.Options{Manifest: m, Prose: o.Prose, Parse: Parse, Stranger: o.Stranger})
	findings = append(findings, early...)
	slices.SortStableFunc(findings, func(a, b skill.Finding) int { return comparePlaces(a.Place, b.Place) })
	slices.SortStableFunc(caps, func(a, b skill.Capability) int { return comparePlaces(a.Place, b.Place) })
	return findings, caps
}

func comparePlaces(a, b skill.Place) int {
	if a.File != b.File {
		if a.File < b.File {
			return -1
		}
		return 1
	}
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	return a.Column - b.Column
}

// Knows says whether there is a parser for a language.
func Knows(l skill.Lang) bool {
	switch l {
	case skill.Shell, skill.Python, skill.JavaScript, skill.TypeScript:
		return true
	}
	return false
}

// Parse parses a text of a language that Knows knows.
func Parse(text string, l skill.Lang) *ir.File {
	switch l {
	case skill.Shell:
		return shell.Parse(text)
	case skill.Python:
		return python.Parse(text)
	case skill.JavaScript:
		return script.Parse(text, false)
	case skill.TypeScript:
		return script.Parse(text, true)
	}
	return &ir.File{}
}
