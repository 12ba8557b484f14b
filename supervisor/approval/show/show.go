package show

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"clawjail/audit/escape"
	"clawjail/supervisor/approval"
)

// Style is how a page looks.
type Style struct {
	Width int // columns; 0: 80
	Color bool
}

// MinWidth is the narrowest page.
const MinWidth = 20

// Summary says in one line of any length what a request is about.
func Summary(r approval.Request) string {
	switch r.Gate {
	case approval.GateExec:
		if len(r.Argv) == 0 {
			return Word(r.Path)
		}
		return command(r, false)
	case approval.GateConnect:
		return "connect " + destination(r, false)
	case approval.GateAction:
		return command(r, false)
	}
	s := escape.String(r.Op) + " " + Word(r.Path)
	if r.Path2 != "" {
		s += " to " + Word(r.Path2)
	}
	return s
}

// command gives the argv, with what was cut in the middle.
func command(r approval.Request, color bool) string {
	s := words(r.Argv, color)
	if r.ArgvSHA256 != "" {
		s += fmt.Sprintf(" …[%d of %d bytes not shown]… ", r.ArgvBytes-shownBytes(r), r.ArgvBytes) + words(r.ArgvTail, color)
	}
	return s
}

func shownBytes(r approval.Request) int64 {
	n := int64(0)
	for _, list := range [][]string{r.Argv, r.ArgvTail} {
		for _, w := range list {
			n += int64(len(w)) + 1
		}
	}
	return min(n, r.ArgvBytes)
}

func destination(r approval.Request, color bool) string {
	port := strconv.Itoa(int(r.Port))
	switch {
	case r.Host != "" && r.Addr.IsValid():
		return text(r.Host, color) + ":" + port + " (" + r.Addr.String() + ")"
	case r.Host != "":
		return text(r.Host, color) + ":" + port
	case r.Addr.IsValid():
		return netip.AddrPortFrom(r.Addr, r.Port).String()
	}
	return "an unknown destination"
}

// Duration gives a time as people say it: 42s, 12m 5s, 3h 20m, 2d 4h.
func Duration(d time.Duration) string {
	d = max(d, 0)
	s := int(d / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm %ds", s/60, s%60)
	case s < 48*3600:
		return fmt.Sprintf("%dh %dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dd %dh", s/86400, s/3600%24)
}

// Text gives the page of a request: several lines, each ended by a new line.
func Text(r approval.Request, waited, left time.Duration, st Style) string {
	p := newPage(st)
	p.say(p.paint(boldOn, r.ID) + "  " + escape.String(r.Gate) + " in jail " + p.paint(boldOn, escape.String(name(r))))
	timing := "waits for " + Duration(waited) + ", " + Duration(left) + " left"
	if left <= 0 {
		timing = "waited for " + Duration(waited) + ", the time is up"
	}
	if r.Waiting > 1 {
		timing += fmt.Sprintf(", %d identical calls", r.Waiting)
	}
	p.say(timing)
	p.blank()
	p.line("  ", p.what(r))
	p.blank()
	p.facts(r)
	if n := hiddenIn(r); n > 0 {
		p.words("careful", p.paint(warning, fmt.Sprintf("%d characters would not be visible, or move others; they are shown as escapes", n)))
	}
	p.field("digest", r.Digest)
	if r.Claim != "" {
		p.blank()
		p.say(p.paint(dimOn, "the agent claims, and nobody checked:"))
		p.line("  ", text(r.Claim, p.color))
	}
	return p.b.String()
}

func name(r approval.Request) string {
	if r.JailName != "" {
		return r.JailName
	}
	return r.Jail
}

func (p *page) what(r approval.Request) string {
	switch {
	case r.Gate == approval.GateExec && len(r.Argv) > 0:
		return command(r, p.color)
	case r.Gate == approval.GateConnect:
		return "connect " + destination(r, p.color)
	case r.Gate == approval.GateAction:
		return command(r, p.color)
	}
	s := escape.String(r.Op) + " " + word(r.Path, p.color)
	if r.Path2 != "" {
		s += " to " + word(r.Path2, p.color)
	}
	return s
}

func (p *page) facts(r approval.Request) {
	for _, line := range r.Impact {
		p.words("impact", text(line, p.color))
	}
	switch r.Reversible {
	case approval.ReversibleNo:
		p.words("undo", p.paint(warning, "cannot be undone"))
	case approval.ReversibleYes:
		p.words("undo", "can be undone")
	default:
		p.words("undo", "nobody can tell")
	}
	if r.Gate == approval.GateExec && len(r.Argv) > 0 {
		p.field("program", word(r.Path, p.color))
	}
	p.field("sha256", text(r.SHA256, p.color))
	if r.ArgvSHA256 != "" {
		p.field("arguments", fmt.Sprintf("%d, %d bytes, sha256 %s", r.Argc, r.ArgvBytes, text(r.ArgvSHA256, p.color)))
	}
	if r.Cwd != "" {
		p.field("directory", word(r.Cwd, p.color))
	}
	for i, parent := range r.Parents {
		label := "from"
		if i == 0 {
			label = "asked by"
		}
		p.field(label, p.process(parent))
	}
	if r.ParentsCut > 0 {
		p.field("from", fmt.Sprintf("%d more", r.ParentsCut))
	}
	p.field("rule", text(r.Rule, p.color))
	if r.Policy != "" {
		p.field("policy", text(r.Policy, p.color))
	}
	p.field("agent", text(r.Agent, p.color))
	p.words("started by", fmt.Sprintf("user %d", r.StartedBy))
	for _, n := range r.Notes {
		p.words("note", p.paint(warning, escape.String(n)))
	}
}

func (p *page) process(of approval.Process) string {
	s := word(of.Path, p.color)
	if len(of.Argv) > 0 {
		s = words(of.Argv, p.color)
		if of.ArgvCut {
			s += " …"
		}
		if of.Argv[0] != of.Path {
			s += " [" + word(of.Path, p.color) + "]"
		}
	}
	if of.PID > 0 {
		s += fmt.Sprintf(" (pid %d)", of.PID)
	}
	return s
}

// hiddenIn counts what is escaped anywhere on the page.
func hiddenIn(r approval.Request) int {
	n := 0
	for _, s := range []string{r.JailName, r.Agent, r.Path, r.Path2, r.Cwd, r.Host, r.Claim} {
		n += hidden(s)
	}
	for _, list := range [][]string{r.Argv, r.ArgvTail} {
		for _, w := range list {
			n += hidden(w)
		}
	}
	for _, p := range r.Parents {
		n += hidden(p.Path)
		for _, w := range p.Argv {
			n += hidden(w)
		}
	}
	return n
}
