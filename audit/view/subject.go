package view

import (
	"fmt"
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/audit/escape"
)

// Subject says in one line what a record is about. The line is safe to show.
func Subject(r *audit.Record) string {
	var w words
	s := &r.Subject
	switch r.Gate {
	case audit.GateGap:
		w.gap(s)
	case audit.GateConnect, audit.GateEgress, audit.GateDNS:
		w.network(s)
	default:
		w.local(s)
	}
	w.outcome(s)
	if r.Verdict != "allow" {
		w.in("[", r.Rule, "]")
	}
	if d := r.Decision; d != nil {
		w.add("(" + escape.String(d.ID))
		w.pair("by", d.By)
		if d.HeldMS > 0 {
			w.add("after " + duration(d.HeldMS))
		}
		w.in("", d.Reason, "")
		w[len(w)-1] += ")"
	}
	return strings.Join(w, " ")
}

// words are the parts of a line.
type words []string

// add appends text of our own.
func (w *words) add(s string) { *w = append(*w, s) }

// in appends text of a record between two of our own.
func (w *words) in(before, s, after string) {
	if s != "" {
		w.add(before + escape.String(s) + after)
	}
}

func (w *words) pair(name, s string) { w.in(name+" ", s, "") }

// word appends one word of a record, quoted when it would not look like one.
func (w *words) word(s string) {
	if s != "" {
		w.add(string(escape.AppendWord(nil, s)))
	}
}

func (w *words) gap(s *audit.Subject) {
	w.add("lost " + strconv.FormatUint(s.Lost, 10))
	w.in("", s.Class, "")
	w.in("(", s.Op, ")")
	w.word(s.Path)
	w.in("- ", s.Message, "")
}

func (w *words) network(s *audit.Subject) {
	w.in("", s.Op, "")
	w.in("", s.Proto, "")
	port := ""
	if s.Port != 0 {
		port = strconv.Itoa(int(s.Port))
	}
	switch {
	case s.Host != "" && s.Addr != "":
		w.add(hostPort(s.Host, port))
		w.in("at ", s.Addr, "")
	case s.Host != "" || s.Addr != "":
		w.add(hostPort(s.Host+s.Addr, port))
	}
	if s.BytesUp != 0 || s.BytesDown != 0 {
		w.add("up " + size(s.BytesUp) + " down " + size(s.BytesDown))
	}
	w.in("", s.Message, "")
}

func hostPort(host, port string) string {
	host = escape.String(host)
	if port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}

// local is for programs, files, jails and the supervisor.
func (w *words) local(s *audit.Subject) {
	w.in("", s.Op, "")
	w.pair("name", s.Name)
	w.word(s.Path)
	switch {
	case s.Path2 == "" || s.Path2 == s.Path:
	case s.Op == "exec": // the name that was given; the path is what it led to
		w.add("via")
		w.word(s.Path2)
	default:
		w.add("->")
		w.word(s.Path2)
	}
	if s.PathExact != nil && !*s.PathExact {
		w.add("(as the program named it)")
	}
	w.command(s)
	if s.Op == "exit" || s.Op == "fork" {
		w.add("pid " + strconv.Itoa(int(s.Pid)))
	}
	if s.UID != nil {
		w.add("uid " + strconv.FormatUint(uint64(*s.UID), 10))
	}
	w.pair("from", s.Addr)
	w.in("", s.Message, "")
}

// command shows the arguments; the first only when it is not the name of the
// file that was executed.
func (w *words) command(s *audit.Subject) {
	argv := s.Argv
	if len(argv) > 0 && s.Op == "exec" && s.Path != "" {
		switch path.Base(argv[0]) {
		case path.Base(s.Path), path.Base(s.Path2):
			argv = argv[1:]
		default:
			w.add("as")
		}
	}
	if len(argv) > 0 {
		w.add(escape.Argv(argv))
	}
	if s.Truncated {
		w.add("…")
	}
}

func (w *words) outcome(s *audit.Subject) {
	if s.ExitCode != nil {
		w.add("code " + strconv.Itoa(*s.ExitCode))
	}
	w.pair("by", s.Signal)
	if s.DurationMS > 0 {
		w.add("in " + duration(s.DurationMS))
	}
	if s.Errno != 0 {
		name := unix.ErrnoName(unix.Errno(s.Errno))
		if name == "" {
			name = "errno " + strconv.Itoa(int(s.Errno))
		}
		w.add("= " + name)
	}
}

// duration shows milliseconds with about three digits that matter.
func duration(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d < time.Second:
		return digits(ms) + "ms"
	case d < time.Minute:
		return digits(d.Seconds()) + "s"
	}
	return d.Round(time.Second).String()
}

func digits(f float64) string {
	switch {
	case f < 10:
		return strconv.FormatFloat(f, 'f', 2, 64)
	case f < 100:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

// size shows a number of bytes with one digit behind the point.
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/1000, 0
	const units = "kMGTPE"
	for f >= 1000 && unit < len(units)-1 {
		f /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", f, units[unit])
}
