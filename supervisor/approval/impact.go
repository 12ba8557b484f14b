package approval

import (
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// What an effect touches; each line of an impact begins with one of them.
const (
	touchesMoney   = "money"
	touchesData    = "data"
	touchesOutside = "outside" // other people, other machines
	touchesSecrets = "secrets"
	touchesCode    = "code" // things that are executed, now or later
	touchesUnknown = "unknown"
)

// effect is one line of the tables: what it is known by, and what it does.
type effect struct {
	gate     string
	programs []string // exec: last element of the path
	words    []string // exec: arguments in this order, anything between; "a|b" is either, a final * any ending
	hosts    []string // connect: the name or a parent of it
	ports    []uint16 // connect
	parts    []string // file, delete: elements of the path, or several with a slash between
	ops      []string // file, delete
	touches  string
	does     string
	undo     Reversible
}

// maxImpactWords bounds the arguments that Impact looks at: two megabytes of
// them would cost the supervisor most of a second.
const maxImpactWords = 16384

// Impact says what a request touches and whether that can be undone, from the
// tables in effects.go and from what the kernel told. Nothing that the agent
// says about itself goes in.
func Impact(r Request) ([]string, Reversible) {
	var lines []string
	undo := ReversibleYes
	if len(r.Argv) > maxImpactWords {
		lines, undo = append(lines, touchesUnknown+": more arguments than are looked at"), ReversibleUnknown
		r.Argv = r.Argv[:maxImpactWords]
	}
	for _, e := range effects() {
		if !e.matches(r) && !e.matchesArgument(r) {
			continue
		}
		line := e.touches + ": " + e.does
		if !slices.Contains(lines, line) && len(lines) < MaxLines {
			lines = append(lines, line)
		}
		undo = worse(undo, e.undo)
	}
	if len(lines) > 0 {
		return lines, undo
	}
	return unknownImpact(r)
}

// unknownImpact is what can be said where no table helps.
func unknownImpact(r Request) ([]string, Reversible) {
	switch r.Gate {
	case GateConnect:
		if r.Host == "" {
			return []string{touchesOutside + ": an address that no name was asked for"}, ReversibleNo
		}
		return []string{touchesOutside + ": data can leave to this host"}, ReversibleNo
	case GateDelete:
		return []string{touchesData + ": removes it"}, ReversibleNo
	case GateFile:
		return []string{touchesData + ": changes a file"}, ReversibleUnknown
	case GateSkill:
		return []string{touchesCode + ": agents do what it says and run what it brings"}, ReversibleUnknown
	}
	return []string{touchesUnknown + ": no rule knows what this program does"}, ReversibleUnknown
}

// worse gives the answer that promises less.
func worse(a, b Reversible) Reversible {
	switch {
	case a == ReversibleNo || b == ReversibleNo:
		return ReversibleNo
	case a == ReversibleUnknown || b == ReversibleUnknown:
		return ReversibleUnknown
	}
	return ReversibleYes
}

func (e effect) matches(r Request) bool {
	if e.gate != r.Gate || len(e.ops) > 0 && !slices.Contains(e.ops, r.Op) {
		return false
	}
	switch r.Gate {
	case GateExec:
		return slices.ContainsFunc(e.programs, func(p string) bool { return wordMatches(p, program(r)) }) &&
			inOrder(e.words, arguments(r))
	case GateConnect:
		return e.matchesHost(r)
	}
	return len(e.parts) == 0 || slices.ContainsFunc(e.parts, func(p string) bool { return hasPart(r.Path, p) || hasPart(r.Path2, p) })
}

// program is what runs: the resolved path, except where one file is many
// programs that go by the name they are called by.
func program(r Request) string {
	base := path.Base(r.Path)
	switch base {
	case "busybox", "toybox", "coreutils":
		if len(r.Argv) > 0 {
			return path.Base(r.Argv[0])
		}
	}
	return base
}

func arguments(r Request) []string {
	if len(r.Argv) == 0 {
		return r.ArgvTail
	}
	return slices.Concat(r.Argv[1:], r.ArgvTail)
}

// inOrder reports whether all words stand in args, in this order.
func inOrder(words, args []string) bool {
	for _, w := range words {
		i := slices.IndexFunc(args, func(a string) bool { return wordMatches(w, a) })
		if i < 0 {
			return false
		}
		args = args[i+1:]
	}
	return true
}

func wordMatches(pattern, word string) bool {
	for p := range strings.SplitSeq(pattern, "|") {
		prefix, any := strings.CutSuffix(p, "*")
		if any && strings.HasPrefix(word, prefix) || p == word {
			return true
		}
	}
	return false
}

func (e effect) matchesHost(r Request) bool {
	if len(e.ports) > 0 && !slices.Contains(e.ports, r.Port) {
		return false
	}
	if len(e.hosts) == 0 {
		return true
	}
	host := strings.ToLower(strings.TrimSuffix(r.Host, "."))
	return slices.ContainsFunc(e.hosts, func(h string) bool {
		if a, err := netip.ParseAddr(h); err == nil {
			return r.Addr.Unmap() == a
		}
		return host == h || strings.HasSuffix(host, "."+h)
	})
}

// matchesArgument finds the hosts that the arguments of a program name, if it is
// one that talks to hosts.
func (e effect) matchesArgument(r Request) bool {
	if e.gate != GateConnect || len(e.hosts) == 0 || r.Gate != GateExec || !slices.Contains(hostPrograms(), program(r)) {
		return false
	}
	return slices.ContainsFunc(arguments(r), func(arg string) bool {
		host, port := hostOf(arg)
		c := Request{Gate: GateConnect, Host: host, Port: port}
		c.Addr, _ = netip.ParseAddr(host)
		return host != "" && e.matchesHost(c)
	})
}

// hostOf takes the host out of an argument that may be a URL or host:port.
func hostOf(arg string) (string, uint16) {
	if _, rest, ok := strings.Cut(arg, "://"); ok {
		arg = rest
	} else if strings.HasPrefix(arg, "-") {
		return "", 0
	}
	arg, _, _ = strings.Cut(arg, "/")
	if i := strings.LastIndexByte(arg, '@'); i >= 0 {
		arg = arg[i+1:]
	}
	host, port, ok := strings.Cut(arg, ":")
	if !ok {
		return host, 0
	}
	n, _ := strconv.ParseUint(port, 10, 16) // no number: no port that a table names
	return host, uint16(n)
}

// hasPart reports whether whole elements of a path are what part says; a final
// * stands for any ending of the last one.
func hasPart(p, part string) bool {
	if p == "" {
		return false
	}
	p += "/"
	if strings.HasPrefix(part, "/") {
		return strings.HasPrefix(p, strings.TrimSuffix(part, "*")) && (strings.HasSuffix(part, "*") || strings.HasPrefix(p, part+"/"))
	}
	if prefix, any := strings.CutSuffix(part, "*"); any {
		return strings.Contains(p, "/"+prefix)
	}
	return strings.Contains(p, "/"+part+"/")
}
