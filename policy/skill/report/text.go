package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// Look says how the text is made.
type Look struct {
	// Color uses terminal colours.
	Color bool
	// All shows hints, quality and capabilities one by one as well.
	All bool
}

type printer struct {
	w    io.Writer
	look Look
	err  error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// paint colours s; codes are ours, s was escaped.
func (p *printer) paint(code, s string) string {
	if !p.look.Color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// JSON writes a report for programs.
func JSON(w io.Writer, r skill.Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Text writes a report for a person at a terminal: the verdict and why, then
// what weighs, then what the skill can do.
func Text(w io.Writer, r skill.Report, look Look) error {
	p := &printer{w: w, look: look}
	p.head(r)
	weighty, rest := 0, 0
	for _, f := range r.Findings {
		if weighs(f) || look.All && f.Class != skill.Ability {
			weighty++
			p.finding(f)
		} else {
			rest++
		}
	}
	if weighty == 0 {
		p.printf("\nNothing found that weighs.\n")
	}
	p.capabilities(r.Capabilities)
	if rest > 0 && !look.All {
		p.printf("\n%s of low weight not shown; --all shows them.\n", count(rest, "finding"))
	}
	if r.Omitted > 0 {
		p.printf("%s did not fit into the report; the verdict has weighed them.\n", count(r.Omitted, "more finding"))
	}
	if r.Baselined > 0 {
		p.printf("%s accepted by the baseline.\n", count(r.Baselined, "finding"))
	}
	return p.err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// weighs says that a finding is worth a person's time.
func weighs(f skill.Finding) bool {
	return f.Confidence != skill.ConfidenceLow && (f.Class == skill.Threat && f.Severity <= skill.Medium || f.Class == skill.Vuln && f.Severity <= skill.Medium || f.Class == skill.Coverage && f.Severity <= skill.High)
}

func (p *printer) head(r skill.Report) {
	colour := map[skill.Verdict]string{skill.Rejected: "1;31", skill.ManualReview: "1;33", skill.Approved: "1;32"}[r.Verdict]
	p.printf("%s  %s\n", p.paint(colour, strings.ToUpper(r.Verdict.String())), p.paint("1", rule.Escape(r.Name, 128)))
	if r.Description != "" {
		p.printf("  %s\n", rule.Escape(r.Description, 200))
	}
	p.printf("  %s, %d bytes, %d analysed; rules %s\n", count(r.Files, "file"), r.Bytes, r.Analysed, rule.Escape(r.RuleSet, 60))
	if r.Root != "" {
		p.printf("  root %s\n", rule.Escape(r.Root, 80))
	}
	if r.Verdict != skill.Approved {
		p.printf("\nBecause:\n")
		for i, reason := range r.Reasons {
			if i == 5 {
				p.printf("  … and %d more\n", len(r.Reasons)-5)
				break
			}
			p.printf("  - %s\n", rule.Escape(reason, 300))
		}
	}
}

func (p *printer) finding(f skill.Finding) {
	colour := map[skill.Severity]string{skill.Critical: "1;31", skill.High: "31", skill.Medium: "33", skill.Low: "36", skill.Info: "2"}[f.Severity]
	p.printf("\n%s %s  %s\n", p.paint(colour, fmt.Sprintf("%-8s", f.Severity)), f.Rule, place(f.Place))
	note := ""
	if f.Confidence != skill.ConfidenceHigh {
		note = fmt.Sprintf(" (%s confidence)", f.Confidence)
	}
	p.printf("         %s%s\n", rule.Escape(f.Message, 500), note)
	if f.Evidence != "" {
		p.printf("         %s\n", p.paint("2", "> "+rule.Escape(f.Evidence, skill.MaxEvidence)))
	}
	for _, s := range f.Flow[:min(len(f.Flow), 8)] {
		p.printf("           %s  %s\n", place(s.Place), rule.Escape(s.Note, 160))
	}
	if f.Fix != "" {
		p.printf("         Fix: %s\n", rule.Escape(f.Fix, 300))
	}
}

func place(at skill.Place) string {
	s := rule.Escape(at.File, 300)
	if s == "" {
		s = "the skill"
	}
	if at.Line > 0 {
		s += fmt.Sprintf(":%d", at.Line)
		if at.Column > 0 {
			s += fmt.Sprintf(":%d", at.Column)
		}
	}
	return s
}

// capabilities are grouped: what it reaches, runs, reads and writes.
func (p *printer) capabilities(list []skill.Capability) {
	titles := []struct{ kind, title string }{{skill.CapNet, "reaches"}, {skill.CapListen, "listens on"}, {skill.CapExec, "runs"}, {skill.CapWrite, "writes"}, {skill.CapRead, "reads"}, {skill.CapEnv, "needs variables"}}
	shown := false
	for _, t := range titles {
		var values []string
		seen := map[string]bool{}
		for _, c := range list {
			v := rule.Escape(c.Value, 120)
			if c.Kind != t.kind || seen[v] {
				continue
			}
			seen[v] = true
			if !c.Declared {
				v += "*"
			}
			values = append(values, v)
		}
		if len(values) == 0 {
			continue
		}
		if !shown {
			p.printf("\nWhat it can do (* not declared):\n")
			shown = true
		}
		more := ""
		if n := len(values) - 12; n > 0 && !p.look.All {
			values, more = values[:12], fmt.Sprintf(" and %d more", n)
		}
		p.printf("  %-16s %s%s\n", t.title, strings.Join(values, ", "), more)
	}
}
