package policy

import (
	"path"
	"strings"
)

// AnyArgs is the element of ExecRule.Args that stands for any number of
// arguments, none among them.
const AnyArgs = "..."

// merged are the directories that are links into /usr on most systems.
var merged = [...]string{"/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"}

// UsrMerged gives the path below /usr that p is on a system where /bin and its
// like are links into /usr. Other paths are themselves.
func UsrMerged(p string) string {
	for _, dir := range merged {
		if strings.HasPrefix(p, dir) {
			return "/usr" + p
		}
	}
	return p
}

// MatchProgram reports whether a pattern of ExecRule.Run names the program
// that the kernel executes.
func MatchProgram(pattern, program string) bool {
	if !strings.Contains(pattern, "/") {
		return matchGlob(pattern, path.Base(program), false)
	}
	return matchGlob(UsrMerged(pattern), UsrMerged(program), true)
}

// CoversProgram reports whether every program that b names is named by a.
func CoversProgram(a, b string) bool {
	slashA, slashB := strings.Contains(a, "/"), strings.Contains(b, "/")
	switch {
	case slashA && slashB:
		return coversGlob(UsrMerged(a), UsrMerged(b), true)
	case slashA:
		return a == "/**"
	case slashB:
		return coversGlob(a, b[strings.LastIndexByte(b, '/')+1:], false)
	default:
		return coversGlob(a, b, false)
	}
}

// MatchArgs compares the arguments behind the program's name with patterns.
// nil patterns match anything, an empty list only no arguments.
func MatchArgs(patterns, args []string) bool {
	if patterns == nil {
		return true
	}
	return simulate(len(patterns), len(args),
		func(i int) bool { return patterns[i] == AnyArgs },
		func(i, j int) bool { return patterns[i] == AnyArgs || matchGlob(patterns[i], args[j], false) })
}

// CoversArgs reports whether every list of arguments that b matches is matched by a.
func CoversArgs(a, b []string) bool {
	if a == nil {
		return true
	}
	if b == nil {
		b = []string{AnyArgs}
	}
	return simulate(len(a), len(b),
		func(i int) bool { return a[i] == AnyArgs },
		func(i, j int) bool {
			return a[i] == AnyArgs || b[j] != AnyArgs && coversGlob(a[i], b[j], false)
		})
}

// Matches reports whether the rule is about this program with this argv.
func (r ExecRule) Matches(program string, argv []string, sha256 string) bool {
	if r.SHA256 != "" && r.SHA256 != sha256 {
		return false
	}
	if len(r.Run) == 0 && r.SHA256 == "" {
		return false
	}
	if len(r.Run) > 0 && !r.names(program, argv) {
		return false
	}
	return MatchArgs(r.Args, tail(argv))
}

// namesPath reports whether a pattern of Run that is a path, and not a name, is
// about this program.
func (r ExecRule) namesPath(program string) bool {
	for _, pattern := range r.Run {
		if strings.Contains(pattern, "/") && MatchProgram(pattern, program) {
			return true
		}
	}
	return false
}

// names reports whether Run, or what a name in it is bound to, is this program.
func (r ExecRule) names(program string, argv []string) bool {
	for _, pattern := range r.Run {
		if MatchProgram(pattern, program) {
			return true
		}
	}
	for _, b := range r.Bound {
		if UsrMerged(b.Path) == UsrMerged(program) && r.bindingHolds(b, argv) {
			return true
		}
	}
	return false
}

// bindingHolds decides about a program known under several names. A
// permission holds only for a caller that used the name (a program with many
// applets then runs that applet); a refusal holds whatever the caller said,
// but for such a program only where the name is used, because it would refuse
// all the applets.
func (r ExecRule) bindingHolds(b Binding, argv []string) bool {
	named := func(i int) bool { return len(argv) > i && path.Base(argv[i]) == b.Name }
	if r.Then.Permits() {
		return named(0)
	}
	switch path.Base(b.Path) {
	case "busybox", "toybox", "coreutils":
		return named(0) || named(1)
	}
	return true
}

// Covers reports whether r matches everything that other matches. Bindings
// are left out: they are of one host.
func (r ExecRule) Covers(other ExecRule) bool {
	if !r.CoversShape(other) {
		return false
	}
	if len(r.Run) == 0 {
		return r.SHA256 != "" // a rule without a program matches nothing
	}
	for _, name := range other.Run {
		if !r.CoversName(name) {
			return false
		}
	}
	return len(other.Run) > 0
}

// CoversShape is Covers without the names in Run.
func (r ExecRule) CoversShape(other ExecRule) bool {
	return (r.SHA256 == "" || r.SHA256 == other.SHA256) && CoversArgs(r.Args, other.Args)
}

// CoversName reports whether one pattern is covered by Run.
func (r ExecRule) CoversName(pattern string) bool {
	for _, mine := range r.Run {
		if CoversProgram(mine, pattern) {
			return true
		}
	}
	return len(r.Run) == 0 && r.SHA256 != ""
}

func tail(argv []string) []string {
	if len(argv) == 0 {
		return nil
	}
	return argv[1:]
}
