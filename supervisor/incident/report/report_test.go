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
		Played:   []incident.Played{{Time: at, Name: hostile, At: incident.State(hostile), Output: hostile, Failed: hostile}},
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
	// The pictures are well-formed.
	rest, pictures := html.String(), 0
	for ; strings.Contains(rest, "<svg"); pictures++ {
		svg := rest[strings.Index(rest, "<svg"):]
		end := strings.Index(svg, "</svg>") + 6
		rest = svg[end:]
		d := xml.NewDecoder(strings.NewReader(svg[:end]))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	if pictures != 2 {
		t.Errorf("%d pictures, not a timeline and a tree", pictures)
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

// Programs stand below those that started them, over forks, executions in one
// process, pids that are used again, and what a log that lies can say.
func TestProgramsAreATree(t *testing.T) {
	b := New(incident.Incident{}, time.Now())
	add := func(op string, pid, ppid int32, argv ...string) {
		b.Add(&audit.Record{Gate: audit.GateExec, Subject: audit.Subject{Op: op, Pid: pid, PPid: ppid, Argv: argv}})
	}
	add("exec", 10, 1, "sh")
	add("fork", 11, 10)
	add("fork", 12, 11) // a subshell that executes nothing
	add("exec", 12, 11, "make")
	add("fork", 13, 10)
	add("exec", 13, 10, "env", "ls")
	add("exec", 13, 10, "ls")
	add("exit", 12, 11)
	add("exec", 12, 1, "lost") // the same pid, whose fork was lost
	add("exec", 14, 13, "child")
	add("fork", 20, 20)
	add("exec", 20, 20, "itself")
	r := b.Report()
	var got []string
	for i, p := range r.Programs {
		if p.Parent >= i {
			t.Errorf("%+v", p)
		}
		got = append(got, strings.Repeat(" ", p.Depth)+p.Text)
	}
	want := "sh\n make\n env ls\n  ls\n   child\nlost\nitself"
	if strings.Join(got, "\n") != want {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	for range 2 * MaxPrograms {
		add("exec", 10, 1, "more")
	}
	if r := b.Report(); len(r.Programs) != MaxPrograms || r.MorePrograms == 0 || r.Programs[MaxPrograms-1].Depth > maxDepth {
		t.Errorf("%d programs, %d more", len(r.Programs), r.MorePrograms)
	}
}

// A report of a huge log stays a report: what is kept of it is bounded.
func TestAHugeLogIsASmallReport(t *testing.T) {
	b := New(incident.Incident{}, time.Now())
	const records = 300_000
	for i := range records {
		b.Add(&audit.Record{Gate: audit.GateExec, Verdict: "deny", Subject: audit.Subject{Op: "exec", Pid: int32(i % 30_000), Argv: []string{"x"}}})
	}
	r := b.Report()
	if r.Records != records || len(r.Timeline) > 4*MaxEvents || len(r.Programs) > MaxPrograms || r.Left+len(r.Timeline) != records {
		t.Errorf("%d records, %d events, %d left out, %d programs", r.Records, len(r.Timeline), r.Left, len(r.Programs))
	}
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil || page.Len() > 4<<20 {
		t.Errorf("%d bytes, %v", page.Len(), err)
	}
}
