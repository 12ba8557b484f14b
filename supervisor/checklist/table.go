package checklist

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"clawjail/audit/escape"
)

const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	faint  = "\x1b[2m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

// table writes into a buffer; a width of 0 wraps nothing.
type table struct {
	b     strings.Builder
	width int
	color bool
}

// Table writes a report for people.
func Table(w io.Writer, r Report, width int, color bool) error {
	t := &table{width: width, color: color}
	t.title("Before production")
	for _, i := range r.Items {
		t.item(i)
	}
	t.b.WriteByte('\n')
	t.title("Again and again")
	for _, k := range r.Tasks {
		i := k.Item
		i.Title += ", every " + k.Every
		if k.By != "" {
			i.Detail += ", by " + k.By
		}
		if k.Note != "" {
			i.Detail += ": " + k.Note
		}
		t.item(i)
	}
	fmt.Fprintf(&t.b, "\n%s\n", verdict(r))
	_, err := io.WriteString(w, t.b.String())
	return err
}

func (t *table) title(s string) { t.b.WriteString(t.paint(bold, s) + "\n") }

func (t *table) paint(code, s string) string {
	if !t.color {
		return s
	}
	return code + s + reset
}

func (t *table) item(i Item) {
	mark, code := "FAIL", red
	switch i.Status {
	case OK:
		mark, code = "ok  ", green
	case Attention:
		mark, code = "look", yellow
	case Unknown:
		mark, code = "????", red
	}
	t.b.WriteString("  " + t.paint(code, mark) + "  " + i.Title + "\n")
	t.wrapped("        ", i.Detail, faint)
	if i.Fix != "" {
		t.wrapped("      > ", i.Fix, "")
	}
}

// wrapped writes a text in lines, each escaped and indented.
func (t *table) wrapped(first, text, code string) {
	indent := first
	for _, line := range wrap(escape.String(text), t.width-utf8.RuneCountInString(first)) {
		if code != "" {
			line = t.paint(code, line)
		}
		t.b.WriteString(indent + line + "\n")
		indent = strings.Repeat(" ", len(first))
	}
}

// wrap breaks at spaces; a word that is too long stands alone.
func wrap(s string, width int) []string {
	if width < 20 {
		return []string{s}
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

func verdict(r Report) string {
	text := fmt.Sprintf("%d in order, %d to look at, %d failed", r.Count(OK), r.Count(Attention), r.Count(Failed))
	if n := r.Count(Unknown); n > 0 {
		text += fmt.Sprintf(", %d could not be tried", n)
	}
	if r.OK {
		return text + ": ready"
	}
	return text + ": not ready for production"
}
