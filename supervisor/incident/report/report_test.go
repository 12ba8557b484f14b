package report

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/incident"
)

const hostile = "</td><script>alert(1)</script>\x1b[2J\u202e| `x` [a](javascript:b) ![i](http://h)"

func hostileReport() Report {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	in := incident.Incident{ID: "20261123-abcdef", State: incident.Assessed, Opened: at, Severity: incident.High, SeverityBy: hostile,
		Trigger: incident.Trigger{Kind: "freeze", What: hostile, By: "x"},
		Subject: incident.Subject{Jail: "j", Name: hostile, Agent: hostile, Argv: []string{hostile}},
		Steps:   []incident.Step{{Time: at, By: hostile, Action: incident.Contain, Detail: hostile, Failed: hostile}},
		Assessment: &incident.Assessment{Written: []string{hostile}, Deleted: []string{hostile}, Secrets: []string{hostile},
			Sent: map[string]incident.Volume{hostile: {Up: 1}}, Findings: []incident.Finding{{Severity: incident.High, Title: hostile, Why: hostile}}},
		Evidence: []incident.Bundle{{Path: hostile, By: hostile}}}
	b := New(in, at)
	for i := range MaxEvents + 10 {
		b.Add(&audit.Record{Time: at.Add(time.Duration(i) * time.Second), Gate: audit.GateExec, Verdict: "allow", Subject: audit.Subject{Op: "exec", Argv: []string{hostile}}})
	}
	b.Add(&audit.Record{Time: at, Gate: audit.GateFile, Verdict: "deny", Subject: audit.Subject{Op: "open", Path: hostile}})
	b.Damaged()
	return b.Report()
}

func TestHostileTextStaysText(t *testing.T) {
	r := hostileReport()
	var html, markdown bytes.Buffer
	if err := r.HTML(&html); err != nil {
		t.Fatal(err)
	}
	if err := r.Markdown(&markdown); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{"html": html.String(), "markdown": markdown.String()} {
		for _, bad := range []string{"<script", "\x1b", "\u202e"} {
			if strings.Contains(s, bad) {
				t.Errorf("%s has %q", name, bad)
			}
		}
	}
	for _, bad := range []string{"[a](javascript", "![i]", "| `x`"} {
		if strings.Contains(markdown.String(), bad) {
			t.Errorf("markdown has %q", bad)
		}
	}
	if !strings.Contains(html.String(), `default-src 'none'`) || strings.Contains(html.String(), "http://h\"") {
		t.Error("the page may load something")
	}
	// The picture is well-formed.
	svg := html.String()[strings.Index(html.String(), "<svg"):]
	d := xml.NewDecoder(strings.NewReader(svg[:strings.Index(svg, "</svg>")+6]))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestATimelineIsBoundedAndKeepsWhatWasRefused(t *testing.T) {
	r := hostileReport()
	if r.Left == 0 || len(r.Timeline) > MaxEvents+10 || r.Records != MaxEvents+11 {
		t.Errorf("%d events, %d left out, %d records", len(r.Timeline), r.Left, r.Records)
	}
	denied := false
	for _, e := range r.Timeline {
		denied = denied || e.Verdict == "deny"
	}
	if !denied {
		t.Error("what was refused is not in the timeline")
	}
}
