package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"clawjail/audit"
	"clawjail/audit/escape"
	"clawjail/supervisor/incident"
)

// MaxEvents bounds a timeline; what is beyond is counted.
const MaxEvents = 500

// Event is one line of the timeline.
type Event struct {
	Time    time.Time `json:"time"`
	Lane    string    `json:"lane"` // programs, files, network, people
	Verdict string    `json:"verdict,omitempty"`
	Text    string    `json:"text"` // escaped for a terminal
}

// The lanes of the picture.
const (
	lanePrograms = "programs"
	laneFiles    = "files"
	laneNetwork  = "network"
	lanePeople   = "clawjail and people"
)

// Report is an incident with its timeline.
type Report struct {
	Made         time.Time         `json:"made"`
	Incident     incident.Incident `json:"incident"`
	Timeline     []Event           `json:"timeline"`
	Programs     []Program         `json:"programs"`      // a tree, from the top
	MorePrograms int               `json:"more_programs"` // beyond MaxPrograms
	Left         int               `json:"left_out"`      // events beyond MaxEvents
	Records      int               `json:"records"`       // of the jail in the log
	Damaged      int               `json:"damaged"`       // places where the log does not fit
}

// Builder makes a report out of records in their order.
type Builder struct {
	r      Report
	family family
}

// New begins a report.
func New(in incident.Incident, now time.Time) *Builder {
	b := &Builder{r: Report{Made: now.UTC().Round(0), Incident: in, Timeline: []Event{}, Programs: []Program{}}}
	for _, s := range in.Steps {
		text := fmt.Sprintf("%s by %s: %s", s.Action, s.By, s.Detail)
		if s.Failed != "" {
			text += " (failed: " + s.Failed + ")"
		}
		b.add(Event{Time: s.Time, Lane: lanePeople, Text: text})
	}
	for _, p := range in.Played {
		b.add(Event{Time: p.Time, Lane: lanePeople, Text: fmt.Sprintf("playbook %s at %s: %s", p.Name, p.At, cmp.Or(p.Failed, "done"))})
	}
	return b
}

// Damaged counts a place where the log could not be read.
func (b *Builder) Damaged() { b.r.Damaged++ }

// Add takes one record of the jail.
func (b *Builder) Add(r *audit.Record) {
	b.r.Records++
	s := &r.Subject
	e := Event{Time: r.Time, Verdict: r.Verdict}
	switch r.Gate {
	case audit.GateExec:
		b.process(r)
		if s.Op != "exec" {
			return
		}
		e.Lane, e.Text = lanePrograms, escape.Argv(s.Argv)
		if len(s.Argv) == 0 {
			e.Text = s.Path
		}
	case audit.GateFile, audit.GateDelete:
		e.Lane, e.Text = laneFiles, strings.TrimSpace(s.Op+" "+s.Path+" "+s.Path2)
	case audit.GateEgress, audit.GateConnect, audit.GateDNS:
		e.Lane, e.Text = laneNetwork, fmt.Sprintf("%s %s", r.Gate, cmp.Or(s.Host, s.Addr))
		if s.BytesUp+s.BytesDown > 0 {
			e.Text += fmt.Sprintf(", %d bytes up, %d down", s.BytesUp, s.BytesDown)
		}
	case audit.GateGap:
		e.Lane, e.Text = lanePeople, fmt.Sprintf("%d events are missing (%s)", s.Lost, s.Class)
	default:
		if s.Op == "incident" {
			return // the steps say it
		}
		e.Lane, e.Text = lanePeople, strings.TrimSpace(s.Op+" "+s.Message)
	}
	b.add(e)
}

func (b *Builder) add(e Event) {
	if len(b.r.Timeline) >= MaxEvents && e.Lane != lanePeople && (e.Verdict == "" || e.Verdict == "allow" || e.Verdict == "audit") {
		b.r.Left++
		return
	}
	if len(b.r.Timeline) >= 4*MaxEvents {
		b.r.Left++
		return
	}
	e.Text = shorten(escape.String(e.Text), 300)
	b.r.Timeline = append(b.r.Timeline, e)
}

// Report gives the result.
func (b *Builder) Report() Report {
	slices.SortStableFunc(b.r.Timeline, func(x, y Event) int { return x.Time.Compare(y.Time) })
	r := b.r
	r.Programs = ordered(r.Programs)
	return r
}

func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}

// fact is a line of the head of a report.
type fact struct{ Name, Value string }

// facts are what a reader wants first.
func (r Report) facts() []fact {
	in := r.Incident
	f := []fact{
		{"State", string(in.State)},
		{"Severity", fmt.Sprintf("%s (by %s)", in.Severity, in.SeverityBy)},
		{"Opened", in.Opened.Format(time.RFC3339)},
		{"Because", fmt.Sprintf("%s: %s (by %s)", in.Trigger.Kind, in.Trigger.What, in.Trigger.By)},
		{"Jail", fmt.Sprintf("%s (%s), policy %s, user %s (%d)", in.Subject.Name, in.Subject.Jail, in.Subject.Agent, in.Subject.User, in.Subject.UID)},
		{"Command", escape.Argv(in.Subject.Argv)},
		{"Workspace", in.Subject.Workspace},
		{"Hold", string(in.Scope)},
	}
	if in.Drill {
		f = append(f, fact{"Drill", "yes: this was an exercise"})
	}
	if in.Conclusion != "" {
		f = append(f, fact{"Conclusion", in.Conclusion})
	}
	for i := range f {
		f[i].Value = escape.String(f[i].Value)
	}
	return f
}
