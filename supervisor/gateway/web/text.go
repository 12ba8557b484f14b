package web

import (
	"strings"
	"unicode/utf8"

	"clawjail/audit/escape"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
)

// Part is a piece of a text from a jail.
type Part struct {
	Text string
	// Kind is "" for what is as it looks, "esc" for an escape that stands for a
	// character that cannot be seen or moves others, "odd" for letters that are
	// not ASCII and may look like ones that are.
	Kind string
}

// Text gives a text from a jail as pieces that a page can show and mark.
func Text(s string) []Part { return parts(escape.String(s)) }

// Words gives a command line likewise, as a shell would read it.
func Words(argv []string) []Part { return parts(show.Words(argv)) }

// Said gives a text that the supervisor has escaped already.
func Said(s string) []Part { return parts(escape.Clip(s, 4096)) }

// parts splits an escaped text. Backslashes that were in the text are doubled.
func parts(s string) []Part {
	var out []Part
	add := func(text, kind string) {
		if n := len(out); n > 0 && out[n-1].Kind == kind {
			out[n-1].Text += text
			return
		}
		out = append(out, Part{text, kind})
	}
	for s != "" {
		if s[0] == '\\' && len(s) > 1 {
			n := 2
			switch s[1] {
			case 'x':
				n = 4
			case 'u':
				n = 6
			case 'U':
				n = 10
			}
			kind := "esc"
			if strings.IndexByte(`\'"`, s[1]) >= 0 {
				kind = ""
			}
			n = min(n, len(s))
			add(s[:n], kind)
			s = s[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		if r >= utf8.RuneSelf {
			add(s[:n], "odd")
		} else {
			add(s[:n], "")
		}
		s = s[n:]
	}
	return out
}

// plain is the text of parts.
func plain(ps []Part) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.Text)
	}
	return b.String()
}

// hiddenIn counts the escapes of parts.
func hiddenIn(lists ...[]Part) int {
	n := 0
	for _, l := range lists {
		for _, p := range l {
			if p.Kind == "esc" {
				n += strings.Count(p.Text, `\`)
			}
		}
	}
	return n
}

// whatOf says what a request would do, as pieces.
func whatOf(r approval.Request) []Part { return parts(show.Summary(r)) }
