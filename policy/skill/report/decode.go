package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"clawjail/policy/skill"
	"clawjail/policy/skill/audit/limit"
	"clawjail/policy/skill/rule"
)

// MaxBytes bounds the JSON of a report.
const MaxBytes = 16 << 20

// Decode reads a report that another process wrote. It is strict, bounded, and
// escapes every string again; the rule table's class and severity floor are not
// checked, because rules grade their findings by context.
func Decode(b []byte) (skill.Report, error) {
	var r skill.Report
	if len(b) > MaxBytes {
		return r, fmt.Errorf("report of %d bytes, over %d", len(b), MaxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return skill.Report{}, fmt.Errorf("report: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return skill.Report{}, errors.New("report: more than one value")
	}
	if err := check(r); err != nil {
		return skill.Report{}, err
	}
	clean(&r)
	return r, nil
}

func check(r skill.Report) error {
	switch {
	case r.Schema != skill.Schema:
		return fmt.Errorf("report: schema %d, want %d: use programs of one version", r.Schema, skill.Schema)
	case len(r.Findings) > limit.Findings || len(r.Capabilities) > limit.Capabilities || len(r.Reasons) > 100:
		return errors.New("report: too many entries")
	case len(r.Reasons) == 0:
		return errors.New("report: a verdict without reasons")
	case r.Files < 0 || r.Bytes < 0 || r.Analysed < 0 || r.Omitted < 0:
		return errors.New("report: negative counts")
	}
	for _, f := range r.Findings {
		if _, ok := rule.Find(f.Rule); !ok {
			return fmt.Errorf("report: rule %q is not in the table", f.Rule)
		}
	}
	// What the findings say must not be milder than the verdict: a parser that
	// was taken over could write "approved" beside critical findings.
	if verdict, _ := skill.Judge(r.Findings); verdict < r.Verdict {
		return fmt.Errorf("report: verdict %q, but its findings say %q", r.Verdict, verdict)
	}
	return nil
}

// clean escapes the strings again. What was escaped already stays as it is.
func clean(r *skill.Report) {
	for _, s := range []*string{&r.Name, &r.Root, &r.RuleSet, &r.Description} {
		*s = rule.Escape(*s, 600)
	}
	for i := range r.Reasons {
		r.Reasons[i] = rule.Escape(r.Reasons[i], 800)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		cleanPlace(&f.Place)
		for _, s := range []*string{&f.Message, &f.Evidence, &f.Fix, &f.Fingerprint} {
			*s = rule.Escape(*s, 800)
		}
		f.Flow = f.Flow[:min(len(f.Flow), 50)]
		for j := range f.Flow {
			cleanPlace(&f.Flow[j].Place)
			f.Flow[j].Note = rule.Escape(f.Flow[j].Note, 300)
		}
		if table, ok := rule.Find(f.Rule); ok {
			f.CWE, f.OWASP, f.Fix = table.CWE, table.OWASP, table.Fix
		}
	}
	for i := range r.Capabilities {
		c := &r.Capabilities[i]
		c.Kind, c.Value = rule.Escape(c.Kind, 20), rule.Escape(c.Value, 400)
		cleanPlace(&c.Place)
		c.Because = c.Because[:min(len(c.Because), 50)]
		for j := range c.Because {
			cleanPlace(&c.Because[j])
		}
	}
}

func cleanPlace(p *skill.Place) {
	p.File = rule.Escape(p.File, 1200)
	p.Line, p.Column = max(p.Line, 0), max(p.Column, 0)
	p.EndLine, p.EndColumn = max(p.EndLine, 0), max(p.EndColumn, 0)
}
