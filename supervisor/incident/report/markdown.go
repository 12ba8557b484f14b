package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"clawjail/audit/escape"
)

// md writes text so that Markdown shows it as it is.
func md(s string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "&lt;", ">", "&gt;",
		"&", "&amp;", "#", "\\#", "\n", " ", "!", "\\!", "~", "\\~").Replace(escape.String(s))
}

// Markdown writes the report.
func (r Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Incident %s\n\n| | |\n|---|---|\n", r.Incident.ID)
	for _, f := range r.facts() {
		fmt.Fprintf(&b, "| %s | %s |\n", f.Name, md(f.Value))
	}
	r.markdownFindings(&b)
	b.WriteString("\n## What was done\n\n")
	for _, s := range r.Incident.Steps {
		fmt.Fprintf(&b, "- %s **%s** by %s: %s\n", s.Time.Format(time.RFC3339), s.Action, md(s.By), md(s.Detail))
		if s.Failed != "" {
			fmt.Fprintf(&b, "  - failed: %s\n", md(s.Failed))
		}
	}
	if len(r.Incident.Played) > 0 {
		b.WriteString("\n## Playbook\n\n| time | command | stage | result | output |\n|---|---|---|---|---|\n")
		for _, p := range r.Incident.Played {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", p.Time.Format(time.RFC3339), md(p.Name), md(string(p.At)), md(cmp.Or(p.Failed, "done")), md(shorten(p.Output, 500)))
		}
	}
	if len(r.Incident.Evidence) > 0 {
		b.WriteString("\n## Evidence\n\n| taken | by | file | sha256 | files |\n|---|---|---|---|---|\n")
		for _, e := range r.Incident.Evidence {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %d |\n", e.Time.Format(time.RFC3339), md(e.By), md(e.Path), e.SHA256, e.Files)
		}
	}
	if len(r.Programs) > 0 {
		b.WriteString("\n## Programs\n\n")
		for _, p := range r.Programs {
			fmt.Fprintf(&b, "%s- %s\n", strings.Repeat("  ", p.Depth), md(strings.TrimSpace(p.Text+" "+p.Verdict)))
		}
		if r.MorePrograms > 0 {
			fmt.Fprintf(&b, "- and %d more\n", r.MorePrograms)
		}
	}
	b.WriteString("\n## Timeline\n\n| time | what | verdict |\n|---|---|---|\n")
	for _, e := range r.Timeline {
		fmt.Fprintf(&b, "| %s | %s: %s | %s |\n", e.Time.UTC().Format("2006-01-02 15:04:05.000"), e.Lane, md(e.Text), md(e.Verdict))
	}
	fmt.Fprintf(&b, "\n%s\n", r.foot())
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) markdownFindings(b *strings.Builder) {
	a := r.Incident.Assessment
	if a == nil {
		b.WriteString("\n## Assessment\n\nNone yet.\n")
		return
	}
	b.WriteString("\n## Assessment\n\n")
	for _, f := range a.Findings {
		fmt.Fprintf(b, "- **%s** (%s): %s\n", md(f.Title), f.Severity, md(f.Why))
	}
	if len(a.Findings) == 0 {
		b.WriteString("Nothing stands out.\n")
	}
	if len(a.Sent) > 0 {
		b.WriteString("\n| host | connections | bytes up | bytes down |\n|---|---|---|---|\n")
		for _, h := range hosts(r) {
			v := a.Sent[h]
			fmt.Fprintf(b, "| %s | %d | %d | %d |\n", md(h), v.Connections, v.Up, v.Down)
		}
	}
	for _, l := range []struct {
		name string
		list []string
	}{{"Written", a.Written}, {"Deleted", a.Deleted}, {"Credentials that the jail could see", a.Secrets}} {
		if len(l.list) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n%s:\n\n", l.name)
		for i, p := range l.list {
			if i == 50 {
				fmt.Fprintf(b, "- and %d more\n", len(l.list)-i)
				break
			}
			fmt.Fprintf(b, "- %s\n", md(p))
		}
	}
}

func hosts(r Report) []string {
	var out []string
	for h := range r.Incident.Assessment.Sent {
		out = append(out, h)
	}
	slices.Sort(out)
	return out
}

// foot says what the report is made of.
func (r Report) foot() string {
	s := fmt.Sprintf("Made %s from %d records of the jail.", r.Made.Format(time.RFC3339), r.Records)
	if r.Left > 0 {
		s += fmt.Sprintf(" %d uneventful ones are not shown.", r.Left)
	}
	if r.Damaged > 0 {
		s += fmt.Sprintf(" The log is damaged in %d places: clawjail audit verify says how.", r.Damaged)
	}
	return s
}
