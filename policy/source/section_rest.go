package source

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
	"clawjail/policy/strict"
)

func (r *reader) readLimits(n *yaml.Node, l *layer) {
	fields := r.Fields(n, "limits", "memory", "cpus", "pids", "open_files", "file_size", "wall", "tmp", "shm")
	l.limits = make(map[string]int64, len(fields))
	for key, v := range fields {
		where := "limits." + key
		var num int64
		var ok bool
		switch key {
		case "cpus":
			num, ok = r.cpus(v, where)
		case "pids", "open_files":
			num, ok = r.integer(v, where, key)
		case "wall":
			d, good := r.duration(v, where, key)
			num, ok = int64(d), good
		default:
			num, ok = r.size(v, where, key)
		}
		if ok {
			l.limits[key] = num
		}
	}
}

func (r *reader) readEnv(n *yaml.Node, l *layer) {
	fields := r.Fields(n, "env", "pass", "set")
	if pass := fields["pass"]; pass != nil {
		for _, item := range r.Items(pass, "env.pass", policy.MaxVars) {
			s, ok := r.Str(item, "env.pass")
			if !ok {
				continue
			}
			if err := policy.CheckVar(s, true); err != nil {
				r.Problem(item, "values go to env.set", "%v", err)
				continue
			}
			if slices.Contains(l.pass, s) {
				r.Problem(item, "", "env.pass has %q twice", s)
				continue
			}
			l.pass = append(l.pass, s)
		}
	}
	set := fields["set"]
	if set == nil {
		return
	}
	if set.Kind != yaml.MappingNode {
		r.Problem(set, "as in {CI: \"1\"}", "env.set is a mapping, not a %s", strict.KindName(set))
		return
	}
	if len(set.Content)/2 > policy.MaxVars {
		r.Problem(set, "", "env.set has %d entries, at most %d", len(set.Content)/2, policy.MaxVars)
		return
	}
	for i := 0; i+1 < len(set.Content); i += 2 {
		r.variable(set.Content[i], set.Content[i+1], l)
	}
}

func (r *reader) variable(k, v *yaml.Node, l *layer) {
	if k.Kind != yaml.ScalarNode || slices.ContainsFunc(l.set, func(s policy.Var) bool { return s.Name == k.Value }) {
		return // reported by keys
	}
	if err := policy.CheckVar(k.Value, false); err != nil {
		r.Problem(k, "", "%v", err)
		return
	}
	s, ok := r.Str(v, "env.set."+k.Value)
	if !ok {
		return
	}
	if s, ok = r.expand(v, s, "env.set."+k.Value, nil); !ok {
		return
	}
	if err := policy.CheckValue(s); err != nil {
		r.Problem(v, "", "%v", err)
		return
	}
	if slices.Contains(l.pass, k.Value) {
		r.Problem(k, "keep one of the two", "%q is both in env.pass and in env.set", k.Value)
		return
	}
	l.set = append(l.set, policy.Var{Name: k.Value, Value: s})
}

func (r *reader) readApproval(n *yaml.Node, l *layer) {
	fields := r.Fields(n, "approval", "timeout")
	if t := fields["timeout"]; t != nil {
		l.timeout, _ = r.duration(t, "approval.timeout", "timeout")
	}
}

// refusals are what a program that is refused something hears of it.
func refusals() []string { return []string{"silent", "explain"} }

func (r *reader) readRefusal(n *yaml.Node, l *layer) {
	parse := func(s string) (bool, error) {
		if !slices.Contains(refusals(), s) {
			return false, fmt.Errorf("unknown on_refusal %q", s)
		}
		return s == "explain", nil
	}
	if v, ok := strict.OneWord(r.Reader, n, "on_refusal", refusals(), parse); ok {
		l.explain = &v
	}
}

func (r *reader) readViolation(n *yaml.Node, l *layer) {
	if v, ok := strict.OneWord(r.Reader, n, "on_violation", policy.Responses(), policy.ParseResponse); ok {
		l.onViolation = &v
	}
}
