package source

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
	"clawjail/policy/strict"
)

// actions is what one document says about actions.
type actions struct {
	auto      *bool // auto_approve_routine
	alwaysAsk *[]policy.ActionKind
	window    time.Duration
	types     []policy.ActionType
	limits    []policy.ActionLimit
}

func (r *reader) readActions(n *yaml.Node, l *layer) {
	fields := r.Fields(n, "actions", "auto_approve_routine", "always_ask", "window", "types", "limits")
	if fields == nil {
		return
	}
	if !r.features.Gate {
		r.Problem(n, "leave actions out until then", "actions need the gate that holds operations, which this clawjail does not have yet")
		return
	}
	a := &l.actions
	if v := fields["auto_approve_routine"]; v != nil {
		auto := r.Boolean(v, "actions.auto_approve_routine")
		a.auto = &auto
	}
	if v := fields["always_ask"]; v != nil {
		kinds := []policy.ActionKind{}
		for _, item := range r.Items(v, "actions.always_ask", len(policy.ActionKinds())) {
			k, ok := strict.OneWord(r.Reader, item, "kind", policy.ActionKinds(), policy.ParseActionKind)
			if ok && slices.Contains(kinds, k) {
				r.Problem(item, "", "actions.always_ask has %q twice", k)
			}
			kinds = append(kinds, k)
		}
		a.alwaysAsk = &kinds
	}
	if v := fields["window"]; v != nil {
		a.window, _ = r.duration(v, "actions.window", "window")
	}
	if v := fields["types"]; v != nil {
		for i, item := range r.Items(v, "actions.types", policy.MaxActions) {
			r.actionType(item, fmt.Sprintf("actions.types[%d]", i), a)
		}
	}
	if v := fields["limits"]; v != nil {
		for i, item := range r.Items(v, "actions.limits", policy.MaxActions) {
			r.actionLimit(item, fmt.Sprintf("actions.limits[%d]", i), a)
		}
	}
}

// actionName reads the name of a type.
func (r *reader) actionName(n *yaml.Node, where string) (string, bool) {
	s, ok := r.Str(n, where)
	if !ok {
		return "", false
	}
	if err := policy.CheckAction(s); err != nil {
		r.Problem(n, "as in send_email", "%s: %v", where, err)
		return "", false
	}
	return s, true
}

func (r *reader) actionType(n *yaml.Node, where string, a *actions) {
	fields := r.Fields(n, where, "type", "category", "kind")
	if fields == nil {
		return
	}
	t := policy.ActionType{Category: policy.Critical, Origin: r.origin(where, n)}
	ok := false
	switch v := fields["type"]; {
	case v == nil:
		r.Problem(n, "", "%s has no type", where)
	default:
		if t.Name, ok = r.actionName(v, where+".type"); ok && slices.Contains([]string{policy.OfSpending, policy.OfTransaction, policy.NeedsNone}, t.Name) {
			r.Problem(v, "", "%s: %q means something else, and is no name for a type", where, t.Name)
			ok = false
		}
	}
	if v := fields["category"]; v != nil {
		c, good := strict.OneWord(r.Reader, v, "category", policy.Categories(), policy.ParseCategory)
		t.Category, ok = c, ok && good && c != policy.NoCategory
	}
	t.Origin.Category = t.Category
	if v := fields["kind"]; v != nil {
		t.Kind, _ = strict.OneWord(r.Reader, v, "kind", policy.ActionKinds(), policy.ParseActionKind)
	}
	if ok && slices.ContainsFunc(a.types, func(o policy.ActionType) bool { return o.Name == t.Name }) {
		r.Problem(n, "", "actions.types has %q twice", t.Name)
		ok = false
	}
	if ok {
		a.types = append(a.types, t)
	}
}

func (r *reader) actionLimit(n *yaml.Node, where string, a *actions) {
	fields := r.Fields(n, where, "of", "limit", "scope", "over")
	if fields == nil {
		return
	}
	l := policy.ActionLimit{Scope: policy.ScopeJail, Over: policy.Ask, Origin: r.origin(where, n)}
	of, limit := fields["of"], fields["limit"]
	if of == nil || limit == nil {
		r.Problem(n, "as in {of: send_email, limit: 10/h}", "%s has no of, or no limit", where)
		return
	}
	ok := false
	if l.Of, ok = r.actionName(of, where+".of"); !ok {
		return
	}
	before := r.Count()
	r.amount(limit, where+".limit", &l)
	if v := fields["scope"]; v != nil {
		l.Scope, _ = strict.OneWord(r.Reader, v, "scope", policy.Scopes(), func(s string) (policy.Scope, error) {
			if !slices.Contains(policy.Scopes(), s) {
				return "", fmt.Errorf("unknown scope %q", s)
			}
			return policy.Scope(s), nil
		})
		if l.Of == policy.OfTransaction && l.Scope != policy.ScopeJail {
			r.Problem(v, "leave scope out", "%s: what one transaction costs is nobody's sum", where)
		}
	}
	if v := fields["over"]; v != nil {
		l.Over, _ = r.verdict(v, where+".over", &l.Origin, policy.Ask, policy.Deny)
	}
	if r.Count() == before && slices.ContainsFunc(a.limits, l.Same) {
		r.Problem(n, "", "actions.limits has %s of each %s twice", l.Of, l.Scope)
	}
	if r.Count() == before {
		a.limits = append(a.limits, l)
	}
}

// amount reads "10/h", "100 USD/d", and for one transaction "50 USD".
func (r *reader) amount(n *yaml.Node, where string, l *policy.ActionLimit) {
	s, ok := r.Word(n, where)
	if !ok {
		return
	}
	if err := l.SetAmount(s); err != nil {
		r.Problem(n, amountHint(*l), "%s %v", where, err)
		return
	}
	if !l.Money() { // money that is too much is none
		r.Within(n, where, span("actions"), l.Max, func(v int64) string { return strconv.FormatInt(v, 10) })
	}
}

func amountHint(l policy.ActionLimit) string {
	switch l.Of {
	case policy.OfTransaction:
		return "as in 50 USD"
	case policy.OfSpending:
		return "write it as in 100 USD/d; " + strict.TimeUnits
	}
	return "write it as in 10/h; " + strict.TimeUnits
}

// under gives what own and its base say together.
func (own actions) under(base actions) actions {
	out := actions{
		auto: cmp.Or(own.auto, base.auto), alwaysAsk: cmp.Or(own.alwaysAsk, base.alwaysAsk), window: cmp.Or(own.window, base.window),
		types: slices.Clone(own.types), limits: slices.Clone(own.limits),
	}
	for _, t := range base.types {
		if !slices.ContainsFunc(own.types, func(o policy.ActionType) bool { return o.Name == t.Name }) {
			out.types = append(out.types, t)
		}
	}
	for _, l := range base.limits {
		if !slices.ContainsFunc(own.limits, l.Same) {
			out.limits = append(out.limits, l)
		}
	}
	return out
}

// resolve gives the policy's actions.
func (own actions) resolve() policy.Actions {
	out := policy.Actions{Window: own.window, Types: slices.Clone(own.types), Limits: slices.Clone(own.limits)}
	out.AskRoutine = own.auto != nil && !*own.auto
	if own.alwaysAsk != nil {
		for _, k := range policy.ActionKinds() {
			if !slices.Contains(*own.alwaysAsk, policy.ActionKind(k)) {
				out.NeverAsk = append(out.NeverAsk, policy.ActionKind(k))
			}
		}
		slices.Sort(out.NeverAsk)
	}
	slices.SortFunc(out.Types, func(a, b policy.ActionType) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Limits, func(a, b policy.ActionLimit) int {
		return cmp.Or(cmp.Compare(a.Of, b.Of), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Currency, b.Currency))
	})
	return out
}
