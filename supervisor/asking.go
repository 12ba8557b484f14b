package supervisor

import (
	"fmt"
	"strings"
	"time"

	"clawjail/audit/escape"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/notify"
)

// shown is how much of what is asked stands in a message, in columns.
const shown = 300

// The events of messages about what is held.
const (
	eventAsked     = "asked"     // it waits for somebody
	eventEscalated = "escalated" // nobody has decided, and others are told
	eventSeconded  = "seconded"  // one approved, and it takes another
	eventDecided   = "decided"
)

// about is what every message about a held request says.
func (s *Supervisor) about(v approval.View, event, key string) notify.Message {
	now := time.Now().UTC().Round(0)
	t := show.Touches(v.Request)
	m := notify.Message{Time: now, Category: notify.Approval, Event: event, Severity: v.Trail.Rule.Severity, Key: key,
		Jail: v.Jail, Approval: v.ID, Digest: v.Digest, Expires: now.Add(v.Left), About: escape.String(v.Trail.Rule.Category), WaitedMS: v.Waited.Milliseconds(),
		Impact: &notify.Impact{Financial: t.Financial, Legal: t.Legal, Data: t.Data, Other: t.Other, Reversible: t.Reversible}}
	if v.Trail.Rule.People > 1 {
		m.Needs = v.Trail.Needs()
	}
	if c := s.opt.Config; c.Console() {
		m.Link = c.Origin() + "/approvals/" + v.ID
	}
	return m
}

// asks makes a message that has somebody decide. A link alone decides nothing: the
// console and the command line both ask who it is.
func (s *Supervisor) asks(v approval.View, event, key, title string) notify.Message {
	m := s.about(v, event, key)
	m.Title = title + show.Clip(show.Summary(v.Request), 100)
	lines := []string{show.Clip(show.Summary(v.Request), shown)}
	if r := v.Trail.Rule; r.Category != "" {
		lines = append(lines, fmt.Sprintf("category %s, %s", escape.String(r.Category), r.Severity))
	}
	lines = append(lines, show.Touches(v.Request).Lines()...)
	lines = append(lines, fmt.Sprintf("jail %s, rule %s", escape.String(v.JailName), escape.String(v.Rule)))
	if v.Trail.Rule.People > 1 {
		who := ""
		for _, c := range v.Trail.Consents {
			who += "; approved by " + escape.String(c.By.String())
		}
		lines = append(lines, fmt.Sprintf("takes %d different people%s", v.Trail.Rule.People, who))
	}
	lines = append(lines, fmt.Sprintf("waits for %s; denied in %s, at %s, unless somebody decides",
		show.Duration(v.Waited), show.Duration(v.Left), m.Expires.Format("2006-01-02 15:04:05 MST")))
	if m.Link != "" {
		lines = append(lines, "sign in and decide: "+m.Link)
	}
	m.Text = strings.Join(append(lines, "clawjail approve "+v.ID), "\n")
	return m
}

func (s *Supervisor) askedMessage(v approval.View) notify.Message {
	return s.asks(v, eventAsked, "asked "+v.ID, "approve? ")
}

func (s *Supervisor) escalatedMessage(v approval.View, step int) notify.Message {
	return s.asks(v, eventEscalated, fmt.Sprintf("step %d %s", step, v.ID), "still waits, for "+show.Duration(v.Waited)+": ")
}

func (s *Supervisor) repeatedMessage(v approval.View, st approval.Stepped) notify.Message {
	return s.asks(v, eventEscalated, fmt.Sprintf("step %d again %d %s", st.Step, st.Again, v.ID), "still waits, for "+show.Duration(v.Waited)+": ")
}

func (s *Supervisor) secondedMessage(v approval.View) notify.Message {
	n := len(v.Trail.Consents)
	last := v.Trail.Consents[n-1]
	return s.asks(v, eventSeconded, fmt.Sprintf("seconded %d %s %d", n, v.ID, last.At.UnixMilli()),
		fmt.Sprintf("approved by %s, %d more needed: ", escape.String(last.By.String()), v.Trail.Needs()))
}

func (s *Supervisor) decidedMessage(v approval.View, d approval.Decision) notify.Message {
	m := s.about(v, eventDecided, "decided "+v.ID)
	m.WaitedMS, m.Needs, m.Expires = d.Held.Milliseconds(), 0, m.Time.Add(time.Hour)
	by := ""
	if d.By.String() != "" {
		by = " by " + escape.String(d.By.String())
	}
	if d.With != "" {
		by += " with " + escape.String(d.With)
	}
	m.Text = show.Clip(show.Summary(v.Request), shown) + "\nafter " + show.Duration(d.Held)
	if d.Reason != "" {
		m.Text += "\n" + escape.String(d.Reason)
	}
	m.Title = fmt.Sprintf("%s%s: %s", d.Outcome, by, show.Clip(show.Summary(v.Request), 80))
	return m
}

func noticeMessage(n approval.Notice) notify.Message {
	what := n.What
	if what == "" {
		what = "more by rule " + escape.String(n.Rule)
	}
	return notify.Message{Time: n.First.UTC().Round(0), Category: notify.Notice, Event: "told", Severity: "low", Key: "told " + n.Jail + n.Gate + n.Rule + what,
		Title: "done: " + show.Clip(what, 100), Text: fmt.Sprintf("%s\njail %s, rule %s", show.Clip(what, shown), escape.String(n.JailName), escape.String(n.Rule)), Jail: n.Jail}
}
