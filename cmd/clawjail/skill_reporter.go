package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"clawjail/policy/skill"
	skillreport "clawjail/policy/skill/report"
)

// The forms of `skill audit -o`.
const (
	formText     = "text"
	formJSON     = "json"
	formSARIF    = "sarif"
	formHTML     = "html"
	formBaseline = "baseline"
)

// baselineTerm is how long what `-o baseline` accepts holds, unless somebody
// changes that.
const baselineTerm = 90 * 24 * time.Hour

// reporter writes the reports of one command.
type reporter struct {
	form     string
	all      bool
	baseline *skillreport.Baseline
	stderr   io.Writer
	reports  []skill.Report
}

// newReporter checks the flags, and reads the baseline, before any skill is.
func newReporter(e *env, f skillAuditFlags, skills int) (*reporter, error) {
	r := &reporter{form: f.output, all: f.all, stderr: e.stderr}
	switch f.output {
	case formText, formJSON, formSARIF:
	case formHTML, formBaseline:
		if skills > 1 {
			return nil, fmt.Errorf("-o %s is for one skill; name one, or use json or sarif", f.output)
		}
	default:
		return nil, fmt.Errorf("unknown output %q; there are text, json, sarif, html and baseline", f.output)
	}
	if f.baseline == "" {
		return r, nil
	}
	in, err := os.Open(f.baseline)
	if err != nil {
		return nil, fmt.Errorf("--baseline: %w", err)
	}
	defer in.Close()
	text, err := readAll(in, skillreport.MaxBaselineBytes)
	if err != nil {
		return nil, fmt.Errorf("--baseline %s: %w", f.baseline, err)
	}
	b, err := skillreport.ParseBaseline(text, time.Now())
	if err != nil {
		return nil, fmt.Errorf("--baseline %s: %w", f.baseline, err)
	}
	r.baseline = &b
	return r, nil
}

// add takes a report, and gives it back less what the baseline accepts.
func (r *reporter) add(x skill.Report) skill.Report {
	if r.baseline != nil {
		expired, _ := r.baseline.Apply(&x, time.Now())
		for _, a := range expired {
			fmt.Fprintf(r.stderr, "clawjail: the baseline no longer accepts %s in %s: it expired on %s\n", readable(a.Rule), readable(a.File), readable(a.Expires))
		}
	}
	r.reports = append(r.reports, x)
	return x
}

// write writes all of them.
func (r *reporter) write(w io.Writer) error {
	switch {
	case r.form == formSARIF:
		return r.sarif(w)
	case r.form == formJSON && len(r.reports) != 1:
		return json.NewEncoder(w).Encode(r.reports)
	}
	for i, x := range r.reports {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := r.one(w, x); err != nil {
			return err
		}
	}
	return nil
}

func (r *reporter) one(w io.Writer, x skill.Report) error {
	switch r.form {
	case formJSON:
		return skillreport.JSON(w, x)
	case formHTML:
		return skillreport.HTML(w, x)
	case formBaseline:
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(skillreport.NewBaseline(x, "found by the first audit, nobody has looked at it yet", time.Now().Add(baselineTerm)))
	}
	out, ok := w.(*os.File)
	return skillreport.Text(w, x, skillreport.Look{All: r.all, Color: ok && term.IsTerminal(int(out.Fd())) && os.Getenv("NO_COLOR") == ""})
}

// sarif writes one document with a run for each skill.
func (r *reporter) sarif(w io.Writer) error {
	var whole map[string]any
	runs := []any{}
	for _, x := range r.reports {
		var b bytes.Buffer
		if err := skillreport.SARIF(&b, x, version); err != nil {
			return err
		}
		if err := json.Unmarshal(b.Bytes(), &whole); err != nil {
			return err
		}
		list, ok := whole["runs"].([]any)
		if !ok {
			return errors.New("the SARIF of a report has no runs")
		}
		runs = append(runs, list...)
	}
	whole["runs"] = runs
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(whole)
}
