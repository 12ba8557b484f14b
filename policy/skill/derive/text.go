package derive

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"clawjail/policy"
	"clawjail/policy/skill"
	"clawjail/policy/skill/rule"
)

// writer writes YAML with remarks.
type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.Builder, format+"\n", args...) }

// text writes the policy.
func text(r skill.Report, o Options, p Policy) string {
	var w writer
	w.line("# Derived from what the skill declares and was seen to do, and from what the")
	w.line("# operator granted. Rules %s, verdict: %s.", rule.Escape(r.RuleSet, 80), r.Verdict)
	w.line("version: 1")
	w.line("name: %s", PolicyName(r.Name))
	w.line("extends: [skill]")
	w.files(o, p)
	w.exec(o, p)
	w.network(p)
	w.env(p)
	for _, l := range of(p, skill.CapListen) {
		w.line("# It listens on %s: the jail's loopback is its own. Because: %s", l.Value, l.Because)
	}
	return w.String()
}

// PolicyName is what the policy of a skill is called: a DNS label.
func PolicyName(name string) string {
	s := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	s = strings.Trim("skill-"+s, "-")
	return strings.Trim(s[:min(len(s), 63)], "-")
}

func of(p Policy, kind string) []Line {
	var out []Line
	for _, l := range p.Lines {
		if l.Kind == kind {
			out = append(out, l)
		}
	}
	return out
}

func (w *writer) files(o Options, p Policy) {
	w.line("files:")
	w.line("  - {path: %s, access: read, exec: true} # because: the skill itself", strconv.Quote(o.Dir))
	writes := of(p, skill.CapWrite)
	for _, l := range writes {
		switch {
		case l.path == "${WORKSPACE}":
			w.line("  - {path: \"${WORKSPACE}\", access: write} # because: %s", l.Because)
		default:
			w.line("  - {path: %s, access: write, optional: true} # because: %s", strconv.Quote(l.path), l.Because)
		}
	}
	for _, l := range of(p, skill.CapRead) {
		if slices.ContainsFunc(writes, func(x Line) bool { return x.path == l.path }) {
			continue // it may do more there
		}
		w.line("  - {path: %s, access: read, exec: false} # because: %s", strconv.Quote(l.path), l.Because)
	}
	for _, dir := range programDirs(p, o) {
		w.line("  - {path: %s, access: read} # because: programs below", strconv.Quote(dir))
	}
}

// programDirs are where granted programs are that no jail shows by itself.
func programDirs(p Policy, o Options) []string {
	var out []string
	for _, l := range of(p, skill.CapExec) {
		f := l.program.Path
		if f == "" || policy.Below(f, "/usr") || policy.Below(f, "/bin") || policy.Below(f, "/sbin") {
			continue
		}
		shownAlready := slices.ContainsFunc(p.Lines, func(x Line) bool { return x.path != "" && policy.Below(f, x.path) }) || o.Dir != "" && policy.Below(f, o.Dir)
		if dir := path.Dir(f); !shownAlready && !slices.Contains(out, dir) && policy.CheckShown(dir, policy.AccessRead) == nil && dir != "/" {
			out = append(out, dir)
		}
	}
	return out
}

func (w *writer) exec(o Options, p Policy) {
	w.line("exec:")
	w.line("  default: deny")
	w.line("  rules:")
	if o.Dir != "" {
		w.line("    - {run: %s, then: allow} # because: the skill itself", strconv.Quote(quoteGlob(o.Dir)+"/**"))
	}
	seen := map[string]bool{}
	for _, l := range of(p, skill.CapExec) {
		if l.program.Path == "" {
			w.line("    - {run: %s, then: audit} # because: %s", strconv.Quote(l.Value), l.Because)
			continue
		}
		if seen[l.program.Path] {
			continue // another name of the same program
		}
		seen[l.program.Path] = true
		w.line("    - {run: %s, sha256: %q, then: audit} # %s, because: %s", strconv.Quote(quoteGlob(l.program.Path)), l.program.SHA256, l.Value, l.Because)
	}
	w.line("    # These only read and move files, which the jail bounds.")
	w.line("    - {run: [%s], then: allow}", strings.Join(tools(), ", "))
}

func quoteGlob(s string) string { return strings.NewReplacer(`\`, `\\`, "*", `\*`).Replace(s) }

func (w *writer) network(p Policy) {
	hosts := of(p, skill.CapNet)
	if len(hosts) == 0 {
		return // the preset has no network
	}
	w.line("network:")
	w.line("  allow:")
	for _, l := range hosts {
		w.line("    - %s # because: %s", strconv.Quote(l.Value), l.Because)
	}
}

func (w *writer) env(p Policy) {
	vars := of(p, skill.CapEnv)
	if len(vars) == 0 {
		return
	}
	w.line("env:")
	w.line("  pass:")
	for _, l := range vars {
		w.line("    - %s # because: %s", strconv.Quote(l.Value), l.Because)
	}
}
