package view

import (
	"time"
	"unicode/utf8"

	"clawjail/audit"
	"clawjail/audit/escape"
)

// Style is how lines look.
type Style struct {
	Color    bool
	Location *time.Location // of the times; nil: UTC
	Width    int            // longest line in characters; 0: as long as it takes
}

// The columns before the subject.
const (
	timeForm     = "2006-01-02 15:04:05.000"
	jailWidth    = 13 // of the ids that the supervisor makes
	gateWidth    = 10
	verdictWidth = 7
	headWidth    = len(timeForm) + 2 + jailWidth + 2 + gateWidth + 2 + verdictWidth + 2
)

const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	alarm  = "\x1b[1;31m"
	reset  = "\x1b[0m"
)

// Header gives the names of the columns, with a newline.
func (s Style) Header() string {
	b := appendColumn(nil, "TIME", len(timeForm))
	b = appendColumn(b, "JAIL", jailWidth)
	b = appendColumn(b, "GATE", gateWidth)
	b = appendColumn(b, "VERDICT", verdictWidth)
	return string(append(b, "SUBJECT\n"...))
}

// Append appends the line of a record, with a newline.
func (s Style) Append(dst []byte, r *audit.Record) []byte {
	loc := s.Location
	if loc == nil {
		loc = time.UTC
	}
	dst = r.Time.In(loc).AppendFormat(dst, timeForm)
	dst = append(dst, ' ', ' ')
	dst = appendColumn(dst, orDash(escape.String(r.Jail)), jailWidth)
	gate, verdict := colors(r)
	dst = s.paint(dst, gate, escape.String(r.Gate), gateWidth)
	dst = s.paint(dst, verdict, orDash(escape.String(r.Verdict)), verdictWidth)
	subject := Subject(r)
	if s.Width > 0 {
		// The text is escaped by now; cutting it again would be cutting escapes.
		subject = clip(subject, max(20, s.Width-headWidth))
	}
	dst = append(dst, subject...)
	return append(dst, '\n')
}

// colors gives those of the gate and of the verdict.
func colors(r *audit.Record) (gate, verdict string) {
	if r.Gate == audit.GateGap {
		gate = alarm
	}
	switch r.Verdict {
	case "allow":
		verdict = green
	case "audit":
		verdict = cyan
	case "ask", "freeze":
		verdict = yellow
	case "":
	default: // deny, kill, and whatever nobody has thought of
		verdict = red
	}
	return gate, verdict
}

func (s Style) paint(dst []byte, color, text string, width int) []byte {
	if !s.Color || color == "" {
		return appendColumn(dst, text, width)
	}
	dst = append(dst, color...)
	dst = append(dst, text...)
	dst = append(dst, reset...)
	return appendBlanks(dst, width-utf8.RuneCountInString(text)+2)
}

// appendColumn appends text, blanks up to the width and the gap to the next
// column.
func appendColumn(dst []byte, text string, width int) []byte {
	dst = append(dst, text...)
	return appendBlanks(dst, width-utf8.RuneCountInString(text)+2)
}

func appendBlanks(dst []byte, n int) []byte {
	for range max(2, n) {
		dst = append(dst, ' ')
	}
	return dst
}

// clip cuts a text that is safe already to so many characters.
func clip(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == limit {
			return s[:i] + "…"
		}
	}
	return s
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
