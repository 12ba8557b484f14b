package source

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
	"clawjail/policy/strict"
)

// word is a verdict as it is written: as such, or as the category for it.
type word struct {
	verdict  policy.Verdict
	category policy.Category
}

// verdictWords are what can be written for a verdict.
func verdictWords() []string { return append(policy.Verdicts(), policy.Categories()...) }

func parseWord(s string) (word, error) {
	if c, err := policy.ParseCategory(s); err == nil && c != policy.NoCategory {
		return word{c.Verdict(), c}, nil
	}
	v, err := policy.ParseVerdict(s)
	return word{verdict: v}, err
}

// verdict parses a verdict, or a category for one, that is among some, and that
// can be enforced. The category goes to the origin of what is judged so.
func (r *reader) verdict(n *yaml.Node, where string, o *policy.Origin, some ...policy.Verdict) (policy.Verdict, bool) {
	w, ok := strict.OneWord(r.Reader, n, "verdict", verdictWords(), parseWord)
	v := w.verdict
	if !ok {
		return v, false
	}
	o.Category = w.category
	if !slices.Contains(some, v) {
		names := make([]string, len(some))
		for i, s := range some {
			names[i] = s.String()
		}
		r.Problem(n, strict.OneOf(names), "verdict %q has no meaning for %s", n.Value, where)
		return v, false
	}
	if !r.features.Gate && (v == policy.Ask || v == policy.Freeze) {
		r.Problem(n, `use "deny" or "audit" until then`, "verdict %q needs the gate that holds operations, which this clawjail does not have yet", n.Value)
		return v, false
	}
	return v, true
}

// span is the range of a limit of policies.
func span(limit string) strict.Range {
	least, most := policy.LimitRange(limit)
	return strict.Range{Least: least, Most: most}
}

func (r *reader) integer(n *yaml.Node, where, limit string) (int64, bool) {
	return r.Integer(n, where, span(limit))
}

func (r *reader) size(n *yaml.Node, where, limit string) (int64, bool) {
	return r.Size(n, where, span(limit))
}

func (r *reader) duration(n *yaml.Node, where, limit string) (time.Duration, bool) {
	return r.Duration(n, where, span(limit))
}

// cpus parses a number of processors with up to three decimals into thousandths.
func (r *reader) cpus(n *yaml.Node, where string) (int64, bool) {
	s, ok := r.Word(n, where)
	if !ok {
		return 0, false
	}
	ones, decimals, point := strings.Cut(s, ".")
	if !digits(ones, 6) || point && !digits(decimals, 3) || n.Style != 0 {
		r.Problem(n, "write 2 or 0.5, with up to three decimals", "%s is a number of processors, not %q", where, s)
		return 0, false
	}
	whole, _ := strconv.ParseInt(ones, 10, 64)
	milli, _ := strconv.ParseInt((decimals + "000")[:3], 10, 64)
	v := whole*1000 + milli
	return v, r.Within(n, where, span("cpus"), v, policy.CPUs)
}

// digits reports whether s is a decimal number of one to most digits.
func digits(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "0123456789") == ""
}
