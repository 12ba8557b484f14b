package source

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
	"clawjail/policy/strict"
	"clawjail/supervisor/config"
)

// readActionLimits reads limits of actions. What the file does not speak of stays
// as it is built in.
func readActionLimits(r *strict.Reader, n *yaml.Node, s setting, c *config.Config) {
	var given []policy.ActionLimit
	out := []config.ActionLimit{}
	for i, item := range r.Items(n, s.key, config.MaxActionLimits-len(policy.BuiltinLimits())) {
		where := fmt.Sprintf("%s[%d]", s.key, i)
		l, parsed, ok := readActionLimit(r, item, where)
		if !ok {
			continue
		}
		if slices.ContainsFunc(given, parsed.Same) {
			r.Problem(item, "", "%s has %s of each %s twice", s.key, parsed.Of, parsed.Scope)
			continue
		}
		given, out = append(given, parsed), append(out, l)
	}
	for _, d := range config.DefaultActionLimits() {
		if b, _ := d.Policy(); !slices.ContainsFunc(given, b.Same) {
			out = append(out, d)
		}
	}
	c.ActionLimits = out
}

// readActionLimit reads one; parsed is what it means.
func readActionLimit(r *strict.Reader, item *yaml.Node, where string) (l config.ActionLimit, parsed policy.ActionLimit, ok bool) {
	before := r.Count()
	fields := r.Fields(item, where, config.ActionLimitKeys()...)
	if fields == nil {
		return l, parsed, false
	}
	for _, key := range []string{"of", "limit"} {
		if fields[key] == nil {
			r.Problem(item, "as in {of: send_email, limit: 10/h}", "%s has no %s", where, key)
		}
	}
	for key, to := range map[string]*string{"of": &l.Of, "scope": &l.Scope, "over": &l.Over} {
		text(r, where, key, fields, to)
	}
	if v := fields["limit"]; v != nil {
		l.Limit, _ = r.Word(v, where+".limit")
	}
	if r.Count() != before {
		return l, parsed, false
	}
	parsed, problems := l.Policy()
	for _, p := range problems {
		at := fields[p.Fields[0]]
		if at == nil {
			at = item
		}
		r.Problem(at, p.Hint, "%s.%s: %s", where, p.Fields[0], p.Msg)
	}
	// Written out, so that explain says the same as the file.
	return config.ActionLimit{Of: parsed.Of, Limit: parsed.Amount(), Scope: string(parsed.Scope), Over: parsed.Over.String()}, parsed, r.Count() == before
}
