package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"clawjail/audit"
)

// The bounds of an assessment's lists; Truncated says that there was more.
const (
	maxPaths   = 1000
	maxHosts   = 1000
	notableOut = 1 << 20 // bytes to one host after which the amount itself is worth a look
)

// Assessor judges what a jail did by its audit records.
type Assessor struct {
	out     Assessment
	written map[string]bool
	deleted map[string]bool
	secret  *audit.Record // the first record that touched a credential
	after   map[string]int64
	hits    int // mismatches and kills
	// Credential says whether a path is where credentials are.
	Credential func(path string) bool
}

// NewAssessor begins. Secrets are the names of the credentials that the jail
// could see from its start.
func NewAssessor(secrets []string, credential func(string) bool) *Assessor {
	return &Assessor{out: Assessment{Secrets: secrets, Sent: make(map[string]Volume)},
		written: make(map[string]bool), deleted: make(map[string]bool), after: make(map[string]int64), Credential: credential}
}

// Add takes one record of the jail, in their order.
func (a *Assessor) Add(r *audit.Record) {
	s := &r.Subject
	switch r.Verdict {
	case "deny", "kill", "freeze":
		a.out.Refused++
	}
	if r.Verdict == "kill" {
		a.hits++
	}
	refused := r.Verdict == "deny" || r.Verdict == "kill" || s.Errno != 0
	switch r.Gate {
	case audit.GateFile:
		if !refused {
			a.note(a.written, &a.out.Written, s.Path)
		}
	case audit.GateDelete:
		if !refused {
			a.note(a.deleted, &a.out.Deleted, s.Path)
		}
	case audit.GateEgress:
		a.sent(r)
	}
	if a.secret == nil && a.touches(r) {
		c := *r
		a.secret = &c
	}
}

// touches says that a record is about a credential: its file, or a command line
// that names it.
func (a *Assessor) touches(r *audit.Record) bool {
	s := &r.Subject
	if r.Gate != audit.GateExec && r.Gate != audit.GateFile && r.Gate != audit.GateDelete {
		return false
	}
	if a.Credential(s.Path) || a.Credential(s.Path2) {
		return true
	}
	return slices.ContainsFunc(s.Argv, a.Credential)
}

func (a *Assessor) note(seen map[string]bool, list *[]string, path string) {
	switch {
	case path == "" || seen[path]:
	case len(*list) >= maxPaths:
		a.out.Truncated = true
	default:
		seen[path] = true
		*list = append(*list, path)
	}
}

func (a *Assessor) sent(r *audit.Record) {
	host := r.Subject.Host
	if host == "" {
		host = r.Subject.Addr
	}
	if r.Verdict == "deny" || host == "" {
		return
	}
	v, there := a.out.Sent[host]
	if !there && len(a.out.Sent) >= maxHosts {
		a.out.Truncated = true
		return
	}
	v.Up += r.Subject.BytesUp
	v.Down += r.Subject.BytesDown
	v.Connections++
	a.out.Sent[host] = v
	if a.secret != nil {
		a.after[host] += r.Subject.BytesUp
	}
}

// Result gives the assessment and the severity that its findings come to.
func (a *Assessor) Result(t Trigger, by string, now time.Time) (Assessment, Severity) {
	a.out.Time, a.out.By = now.UTC().Round(0), by
	find := func(s Severity, title, why string, args ...any) {
		a.out.Findings = append(a.out.Findings, Finding{Severity: s, Title: title, Why: fmt.Sprintf(why, args...)})
	}
	if t.Kind == "mismatch" {
		find(Critical, "Race against the gate", "something was executed that was not what had been let through: %s", t.What)
	}
	if a.secret != nil && len(a.after) > 0 {
		find(Critical, "Possible exfiltration", "data left to %s after %s touched a credential at %s", hosts(a.after), subject(a.secret), a.secret.Time.UTC().Format(time.RFC3339))
	} else if a.secret != nil {
		find(High, "A credential was touched", "%s at %s", subject(a.secret), a.secret.Time.UTC().Format(time.RFC3339))
	}
	for _, h := range sorted(a.out.Sent) {
		if v := a.out.Sent[h]; v.Up >= notableOut {
			find(Medium, "Much data sent", "%d bytes to %s in %d connections", v.Up, h, v.Connections)
		}
	}
	if n := len(a.out.Deleted); n > 0 {
		find(Medium, "Deletions", "%d files or directories were deleted", n)
	}
	if a.hits > 0 {
		find(High, "Forbidden programs", "%d times something was killed that must not run", a.hits)
	}
	if a.out.Refused > 0 && len(a.out.Findings) == 0 {
		find(Low, "Refusals only", "%d operations were refused and nothing else stands out", a.out.Refused)
	}
	worst := Low
	for _, f := range a.out.Findings {
		if slices.Index(Severities(), string(f.Severity)) > slices.Index(Severities(), string(worst)) {
			worst = f.Severity
		}
	}
	return a.out, worst
}

func subject(r *audit.Record) string {
	s := r.Subject
	what := s.Path
	if len(s.Argv) > 0 {
		what = strings.Join(s.Argv, " ")
	}
	return cut(fmt.Sprintf("%s %s %q", r.Gate, s.Op, what))
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func hosts(m map[string]int64) string {
	var list []string
	for _, h := range sorted(m) {
		list = append(list, fmt.Sprintf("%s (%d bytes)", h, m[h]))
	}
	return cut(strings.Join(list, ", "))
}
