package doctor

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
	reset  = "\x1b[0m"
)

// Table writes a report for people: a line for each check, what mends it below,
// and the verdict.
func Table(w io.Writer, r Report, color bool) error {
	width := 0
	for _, c := range r.Checks {
		width = max(width, utf8.RuneCountInString(escape.String(c.Name)))
	}
	var b strings.Builder
	for _, c := range r.Checks {
		name := escape.String(c.Name)
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(name))
		line := paint(c.Status, color) + "  " + name + pad + "  " + escape.String(c.Detail)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		if c.Fix != "" {
			fmt.Fprintf(&b, "      %*s  > %s\n", width, "", escape.String(c.Fix))
		}
	}
	b.WriteString("\n" + verdict(r) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// paint gives the status in four characters.
func paint(s Status, color bool) string {
	text, code := "FAIL", red
	switch s {
	case OK:
		text, code = "ok  ", green
	case Warn:
		text, code = "warn", yellow
	}
	if !color {
		return text
	}
	return code + text + reset
}

func verdict(r Report) string {
	n := map[Status]int{}
	for _, c := range r.Checks {
		n[c.Status]++
	}
	if !r.OK {
		return fmt.Sprintf("clawjail cannot run jails here: %s to mend.", count(n[Fail], "failure"))
	}
	s := "clawjail can run jails here"
	if r.Tier != "" {
		s += ", in tier " + escape.String(r.Tier)
	}
	if n[Warn] > 0 {
		s += ", with " + count(n[Warn], "warning")
	}
	return s + "."
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
