package flow

import (
	"fmt"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/code/ir"
	"clawjail/policy/skill/rule"
)

func finding(id string, at skill.Place, message, evidence string) skill.Finding {
	return rule.New(id, at, message, evidence)
}

// tweak changes what the rule table says of a finding.
type tweak func(*skill.Finding)

func severity(s skill.Severity) tweak { return func(f *skill.Finding) { f.Severity = s } }

func medium(f *skill.Finding) { f.Confidence = max(f.Confidence, skill.ConfidenceMedium) }

func unsure(f *skill.Finding) { f.Confidence = skill.ConfidenceLow }

func ability(f *skill.Finding) { f.Class = skill.Ability; f.Severity = skill.Info }

func via(marks ...*mark) tweak {
	return func(f *skill.Finding) {
		for _, k := range marks {
			if k == nil || len(f.Flow) > 0 {
				continue
			}
			name := k.source.String()
			if k.name != "" {
				name += " " + k.name
			}
			f.Flow = append(f.Flow, skill.Step{Place: k.at, Note: rule.Escape(name, 120)})
			for _, s := range k.steps {
				f.Flow = append(f.Flow, skill.Step{Place: s.Place, Note: rule.Escape(s.Note, 120)})
			}
		}
		if len(f.Flow) > 0 {
			f.Flow = append(f.Flow, skill.Step{Place: f.Place, Note: "used here"})
		}
	}
}

// emit reports a finding at pos, with its line as the evidence.
func (m *machine) emit(f *frame, id string, pos ir.Pos, message string, tweaks ...tweak) {
	if len(f.unit.Decoded) > 0 {
		message = "in decoded text (" + strings.Join(f.unit.Decoded, ", ") + "): " + message
	}
	x := finding(id, f.place(pos), message, f.unit.line(pos.Line))
	for _, t := range tweaks {
		t(&x)
	}
	m.add(x, f)
}

// add keeps a finding, unless the same place has it already; then the worse one
// stays.
func (m *machine) add(x skill.Finding, f *frame) {
	if f != nil && f.unit != nil && f.unit.Discouraged {
		x.Confidence = x.Confidence.Lower()
		x.Discouraged = true
	}
	key := fmt.Sprintf("%s|%s|%d", x.Rule, x.File, x.Line)
	if x.Class == skill.Ability {
		key += x.Message
	}
	if i, ok := m.seen[key]; ok {
		old := &m.findings[i]
		if x.Class < old.Class || x.Class == old.Class && (x.Severity < old.Severity || x.Severity == old.Severity && x.Confidence < old.Confidence) {
			*old = x
		}
		return
	}
	if len(m.findings) >= MaxFindings {
		return
	}
	m.seen[key] = len(m.findings)
	m.findings = append(m.findings, x)
}

// capable records a capability.
func (m *machine) capable(f *frame, kind, value string, pos ir.Pos, declared bool) {
	value = rule.Escape(value, 300)
	if value == "" {
		return
	}
	at := f.place(pos)
	key := kind + "\x00" + value
	if c, ok := m.caps[key]; ok {
		if len(c.Because) < 8 && at != c.Place {
			for _, p := range c.Because {
				if p == at {
					return
				}
			}
			c.Because = append(c.Because, at)
		}
		return
	}
	if len(m.caps) >= MaxFindings {
		return
	}
	m.caps[key] = &skill.Capability{Kind: kind, Value: value, Place: at, Declared: declared, Because: []skill.Place{at}}
	m.capOrder = append(m.capOrder, key)
}

// Unread is the finding for a unit that was not analysed.
func Unread(u skill.Unit, why string) skill.Finding {
	return finding("CJS-COV-001", skill.Place{File: u.File, Line: max(u.Line, 1), Column: 1}, why, "")
}
