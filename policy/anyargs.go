package policy

import "slices"

// ExecAnyArgs judges a program by its path alone. ok is false where its
// arguments or its content could make a difference; where it is true, Evaluate
// says the same of every execution of this path.
func (p *Policy) ExecAnyArgs(path string) (d Decision, ok bool) {
	if p == nil || path == "" {
		return p.Evaluate(Request{Gate: GateExec, Path: path}), true
	}
	for _, rule := range p.Exec.Rules {
		switch rule.aboutPath(path) {
		case never:
			continue
		case sometimes:
			return Decision{}, false
		}
		if !p.permitsNothing(rule, path) {
			return Decision{rule.Then, rule.Origin.String()}, true
		}
	}
	return Decision{p.Exec.Default, fallback(p.Exec.Origin, ruleExecDefault)}, true
}

// How often a rule matches the executions of one path.
type frequency uint8

const (
	never frequency = iota
	sometimes
	always
)

// aboutPath is Matches for all arguments and contents at once.
func (r ExecRule) aboutPath(path string) frequency {
	named := slices.ContainsFunc(r.Run, func(pattern string) bool { return MatchProgram(pattern, path) })
	bound := slices.ContainsFunc(r.Bound, func(b Binding) bool { return UsrMerged(b.Path) == UsrMerged(path) })
	switch {
	case len(r.Run) > 0 && !named && !bound:
		return never
	case r.SHA256 != "":
		return sometimes
	case len(r.Run) == 0:
		return never // a rule without a program matches nothing
	case named && CoversArgs(r.Args, nil):
		return always
	}
	return sometimes
}
