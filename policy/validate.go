package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Validate reports everything that is wrong with p, joined. What passes is
// safe to evaluate and to lower; whether rules can be reached is not checked
// here, because a base that is overridden legitimately has rules that cannot.
func (p *Policy) Validate() error {
	var c checker
	if p.Version != Version {
		c.add("", fmt.Errorf("version %d is not %d", p.Version, Version))
	}
	c.add("", CheckName(p.Name))
	c.files(p.Files)
	c.exec(p.Exec)
	c.network(p.Network)
	c.env(p.Env)
	c.limits(p.Limits)
	c.delete(p.Delete)
	c.actions(p.Actions)
	c.rangeOf("approval.timeout", "timeout", int64(p.Approval.Timeout))
	if p.OnViolation >= responseEnd {
		c.add("on_violation", fmt.Errorf("unknown %v", p.OnViolation))
	}
	return errors.Join(c.errs...)
}

// checker collects what is wrong.
type checker struct{ errs []error }

func (c *checker) add(where string, err error) {
	switch {
	case err == nil:
	case where == "":
		c.errs = append(c.errs, err)
	default:
		c.errs = append(c.errs, fmt.Errorf("%s: %w", where, err))
	}
}

func (c *checker) origin(where string, o Origin, v Verdict) {
	c.add(where, o.checkCategory(v))
	for _, s := range [...]string{o.Rule, o.At} {
		if len(s) > MaxOrigin {
			c.add(where, fmt.Errorf("origin is longer than %d bytes", MaxOrigin))
		}
		c.add(where, checkPrintable("origin", s))
	}
}

func (c *checker) count(where string, n, most int) {
	if n > most {
		c.add(where, fmt.Errorf("%d entries, at most %d", n, most))
	}
}

func (c *checker) rangeOf(where, name string, n int64) {
	least, most := LimitRange(name)
	if n < least || n > most {
		c.add(where, fmt.Errorf("%d is not between %d and %d", n, least, most))
	}
}

func (c *checker) files(files []File) {
	c.count("files", len(files), MaxFiles)
	seen := make(map[string]bool, len(files))
	for i, f := range files {
		where := fmt.Sprintf("files[%d]", i)
		c.add(where, CheckPath(f.Path))
		c.add(where, CheckShown(f.Path, f.Access))
		c.add(where, f.check())
		c.origin(where, f.Origin, f.Write)
		if seen[f.Path] {
			c.add(where, fmt.Errorf("path %q is listed twice", f.Path))
		}
		seen[f.Path] = true
	}
}

// check looks at how the fields of f go together.
func (f File) check() error {
	switch {
	case f.Access >= accessEnd:
		return fmt.Errorf("unknown %v", f.Access)
	case !f.Write.Valid():
		return fmt.Errorf("unknown %v", f.Write)
	case (f.Access == AccessWrite || f.Access == AccessPrivate) != f.Write.Permits():
		return fmt.Errorf("access %v and write %v contradict each other", f.Access, f.Write)
	case f.Access == AccessNone && (f.Exec || f.Write != Deny):
		return errors.New("access none goes with nothing else")
	case f.Create && f.Access != AccessWrite:
		return fmt.Errorf("create is for access write, not %v", f.Access)
	case f.SizeBytes != 0 && f.Access != AccessPrivate:
		return fmt.Errorf("size is for access private, not %v", f.Access)
	}
	if least, most := LimitRange("size"); f.SizeBytes != 0 && (f.SizeBytes < least || f.SizeBytes > most) {
		return fmt.Errorf("size %d is not between %d and %d", f.SizeBytes, least, most)
	}
	return nil
}

func (c *checker) exec(e Exec) {
	c.count("exec.rules", len(e.Rules), MaxRules)
	c.origin("exec", e.Origin, e.Default)
	if !e.Default.Valid() {
		c.add("exec.default", fmt.Errorf("unknown %v", e.Default))
	}
	names := 0
	for i, r := range e.Rules {
		where := fmt.Sprintf("exec.rules[%d]", i)
		names += len(r.Run)
		c.count(where+".run", len(r.Run), MaxRun)
		c.count(where+".args", len(r.Args), MaxArgs)
		c.origin(where, r.Origin, r.Then)
		for _, s := range r.Run {
			c.add(where, CheckRun(s))
		}
		for _, s := range r.Args {
			c.add(where, CheckArg(s))
		}
		if r.SHA256 != "" {
			c.add(where, CheckSHA256(r.SHA256))
		} else if len(r.Run) == 0 {
			c.add(where, errors.New("neither run nor sha256: it can never match"))
		}
		if !r.Then.Valid() {
			c.add(where, fmt.Errorf("unknown %v", r.Then))
		}
	}
	c.count("exec.rules, all names together,", names, MaxNames)
}

func (c *checker) network(n Network) {
	c.count("network", len(n.Rules), MaxRules)
	c.origin("network", n.Origin, n.Default)
	c.origin("network.private", n.PrivateOrigin, n.Private)
	if n.Default != Deny && n.Default != Ask {
		c.add("network.default", fmt.Errorf("%v is neither deny nor ask", n.Default))
	}
	if n.Private != Deny && n.Private != Allow {
		c.add("network.private", fmt.Errorf("%v is neither deny nor allow", n.Private))
	}
	for i, r := range n.Rules {
		where := fmt.Sprintf("network[%d]", i)
		c.add(where, CheckHost(r.Host))
		c.origin(where, r.Origin, r.Then)
		if r.Protocol >= protocolEnd {
			c.add(where, fmt.Errorf("unknown %v", r.Protocol))
		}
		if !r.Then.Permits() && r.Then != Ask && r.Then != Deny {
			c.add(where, fmt.Errorf("%v is neither allow, audit, ask nor deny", r.Then))
		}
		if r.Needs != "" {
			c.add(where+".needs", CheckAction(r.Needs))
			if !r.Then.Permits() {
				c.add(where, fmt.Errorf("needs an action, and is %v anyway", r.Then))
			}
		}
	}
}

func (c *checker) env(e Env) {
	c.count("env.pass", len(e.Pass), MaxVars)
	c.count("env.set", len(e.Set), MaxVars)
	for _, s := range e.Pass {
		c.add("env.pass", CheckVar(s, true))
	}
	for _, v := range e.Set {
		c.add("env.set", CheckVar(v.Name, false))
		c.add("env.set", CheckValue(v.Value))
	}
	for i := 1; i < len(e.Set); i++ {
		if e.Set[i-1].Name >= e.Set[i].Name {
			c.add("env.set", errors.New("names are not sorted, or not distinct"))
		}
	}
}

func (c *checker) limits(l Limits) {
	for _, v := range [...]struct {
		name string
		n    int64
	}{
		{"memory", l.MemoryBytes}, {"cpus", l.MilliCPUs}, {"pids", l.Pids}, {"open_files", l.OpenFiles},
		{"file_size", l.FileSizeBytes}, {"wall", int64(l.Wall)}, {"tmp", l.TmpBytes}, {"shm", l.ShmBytes},
	} {
		c.rangeOf("limits."+v.name, v.name, v.n)
	}
}

func (c *checker) delete(d Delete) {
	c.origin("delete", d.Origin, d.Over)
	if d.Limit == 0 {
		if d != (Delete{Origin: d.Origin}) {
			c.add("delete", errors.New("has no limit but the rest of one"))
		}
		return
	}
	c.rangeOf("delete.limit", "limit", d.Limit)
	c.rangeOf("delete.limit", "per", int64(d.Per))
	if !d.Over.Valid() || d.Over.Permits() {
		c.add("delete.over", fmt.Errorf("%v is neither ask, deny, kill nor freeze", d.Over))
	}
}

func (c *checker) actions(a Actions) {
	c.count("actions.types", len(a.Types), MaxActions)
	c.count("actions.limits", len(a.Limits), MaxActions)
	for i, k := range a.NeverAsk {
		_, err := ParseActionKind(string(k))
		c.add("actions.never_ask", err)
		if i > 0 && a.NeverAsk[i-1] >= k {
			c.add("actions.never_ask", errors.New("kinds are not sorted, or not distinct"))
		}
	}
	for i, t := range a.Types {
		where := fmt.Sprintf("actions.types[%d]", i)
		c.add(where, CheckAction(t.Name))
		c.origin(where, t.Origin, t.Category.Verdict())
		if t.Category == NoCategory || t.Category >= categoryEnd || t.Origin.Category != t.Category {
			c.add(where, fmt.Errorf("%q is no category of an action, or not that of its origin", t.Category))
		}
		if t.Kind != KindNone {
			_, err := ParseActionKind(string(t.Kind))
			c.add(where, err)
		}
		if t.Name == OfSpending || t.Name == OfTransaction || t.Name == NeedsNone {
			c.add(where, fmt.Errorf("%q is no name for a type", t.Name))
		}
		if i > 0 && a.Types[i-1].Name >= t.Name {
			c.add("actions.types", errors.New("types are not sorted, or not distinct"))
		}
	}
	for i, l := range a.Limits {
		where := fmt.Sprintf("actions.limits[%d]", i)
		c.add(where, l.Check())
		c.origin(where, l.Origin, l.Over)
		if i > 0 && a.Limits[i-1].compare(l) >= 0 {
			c.add("actions.limits", errors.New("limits are not sorted, or not distinct"))
		}
	}
	if a.Window != 0 {
		c.rangeOf("actions.window", "window", int64(a.Window))
	}
}

// Check looks at one limit.
func (l ActionLimit) Check() error {
	if err := CheckAction(l.Of); err != nil {
		return err
	}
	least, most := LimitRange("actions")
	if l.Money() {
		if err := CheckCurrency(l.Currency); err != nil {
			return err
		}
		most = MaxMoney
	} else if l.Currency != "" {
		return fmt.Errorf("%q is counted and has the currency %q", l.Of, l.Currency)
	}
	if l.Max < least || l.Max > most {
		return fmt.Errorf("%d is not between %d and %d", l.Max, least, most)
	}
	if l.Of == OfTransaction {
		if l.Per != 0 || l.Scope != ScopeJail {
			return errors.New("what one transaction costs has no time and no scope")
		}
	} else if a, b := LimitRange("action_per"); int64(l.Per) < a || int64(l.Per) > b {
		return fmt.Errorf("%v is not between %v and %v", l.Per, time.Duration(a), time.Duration(b))
	}
	if !slices.Contains(Scopes(), string(l.Scope)) {
		return fmt.Errorf("unknown scope %q", l.Scope)
	}
	if l.Over != Ask && l.Over != Deny {
		return fmt.Errorf("over: %v is neither ask nor deny", l.Over)
	}
	return nil
}
