package source

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
)

// fields gives the values of a mapping by key, and reports keys that are not
// known. where is the mapping's name in messages.
func (r *reader) fields(n *yaml.Node, where string, known ...string) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		if n.Kind != yaml.AliasNode {
			r.problem(n, "its keys are "+strings.Join(known, ", "), "%s is a mapping, not a %s", where, kindName(n))
		}
		return nil
	}
	out := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && !r.full; i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode || k.Value == "<<" {
			continue // reported by keys
		}
		if !slices.Contains(known, k.Value) {
			r.problem(k, didYouMean(k.Value, known), "unknown key %q in %s", k.Value, where)
			continue
		}
		if _, twice := out[k.Value]; !twice {
			out[k.Value] = v
		}
	}
	return out
}

// items gives the elements of a list.
func (r *reader) items(n *yaml.Node, where string, most int) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		if n.Kind != yaml.AliasNode {
			r.problem(n, "put it in brackets: [ ]", "%s is a list, not a %s", where, kindName(n))
		}
		return nil
	}
	if len(n.Content) > most {
		r.problem(n.Content[most], "", "%s has %d entries, at most %d", where, len(n.Content), most)
		return n.Content[:most]
	}
	return n.Content
}

// str gives a text. A number or a boolean is none unless it is quoted.
func (r *reader) str(n *yaml.Node, where string) (string, bool) {
	kind := kindName(n)
	if n.Kind == yaml.ScalarNode && kind == "text" {
		return n.Value, true
	}
	switch {
	case n.Kind == yaml.AliasNode:
	case kind == "nothing":
		r.problem(n, `for an empty text write ""`, "%s has no value", where)
	case n.Kind == yaml.ScalarNode:
		r.problem(n, fmt.Sprintf("quote it: %q", n.Value), "%s is a text, not a %s", where, kind)
	default:
		r.problem(n, "", "%s is a text, not a %s", where, kind)
	}
	return "", false
}

// word gives a bare or quoted scalar whatever YAML would take it for.
func (r *reader) word(n *yaml.Node, where string) (string, bool) {
	if n.Kind == yaml.ScalarNode && kindName(n) != "nothing" {
		return n.Value, true
	}
	if n.Kind != yaml.AliasNode {
		kind := kindName(n)
		if kind != "nothing" {
			kind = "a " + kind
		}
		r.problem(n, "", "%s is one value, not %s", where, kind)
	}
	return "", false
}

// boolean accepts true and false and no other spelling.
func (r *reader) boolean(n *yaml.Node, where string) bool {
	switch {
	case n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == "true":
		return true
	case n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == "false":
		return false
	case n.Kind == yaml.AliasNode:
		return false
	}
	hint := oneOf([]string{"true", "false"})
	switch strings.ToLower(n.Value) {
	case "yes", "y", "on", "true", "1":
		hint = `did you mean "true"?`
	case "no", "n", "off", "false", "0":
		hint = `did you mean "false"?`
	}
	if n.Kind != yaml.ScalarNode {
		r.problem(n, hint, "%s is true or false, not a %s", where, kindName(n))
	} else {
		r.problem(n, hint, "%s is true or false, not %q", where, n.Value)
	}
	return false
}

// oneWord parses a word of a fixed set.
func oneWord[T any](r *reader, n *yaml.Node, what string, known []string, parse func(string) (T, error)) (T, bool) {
	var zero T
	s, ok := r.word(n, what)
	if !ok {
		return zero, false
	}
	v, err := parse(s)
	if err != nil || s == "" {
		r.problem(n, didYouMean(s, known), "unknown %s %q", what, s)
		return zero, false
	}
	return v, true
}

// verdict parses a verdict that is among some, and that can be enforced.
func (r *reader) verdict(n *yaml.Node, where string, some ...policy.Verdict) (policy.Verdict, bool) {
	v, ok := oneWord(r, n, "verdict", policy.Verdicts(), policy.ParseVerdict)
	if !ok {
		return v, false
	}
	if !slices.Contains(some, v) {
		names := make([]string, len(some))
		for i, s := range some {
			names[i] = s.String()
		}
		r.problem(n, oneOf(names), "verdict %q has no meaning for %s", v, where)
		return v, false
	}
	if !r.features.Gate && (v == policy.Ask || v == policy.Freeze) {
		r.problem(n, `use "deny" or "audit" until then`, "verdict %q needs the gate that holds operations, which this clawjail does not have yet", v)
		return v, false
	}
	return v, true
}

// integer parses a decimal number within the range of a limit.
func (r *reader) integer(n *yaml.Node, where, limit string) (int64, bool) {
	s, ok := r.word(n, where)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || s != strconv.FormatInt(v, 10) || n.Style != 0 {
		r.problem(n, "write it with digits and nothing else", "%s is a whole number, not %q", where, s)
		return 0, false
	}
	return v, r.within(n, where, limit, v, func(v int64) string { return strconv.FormatInt(v, 10) })
}

// within checks a value against the range of a limit; it is quoted as written.
func (r *reader) within(n *yaml.Node, where, limit string, v int64, show func(int64) string) bool {
	least, most := policy.LimitRange(limit)
	if v < least || v > most {
		r.problem(n, "", "%s is between %s and %s, not %s", where, show(least), show(most), n.Value)
		return false
	}
	return true
}

// cpus parses a number of processors with up to three decimals into thousandths.
func (r *reader) cpus(n *yaml.Node, where string) (int64, bool) {
	s, ok := r.word(n, where)
	if !ok {
		return 0, false
	}
	m := regexp.MustCompile(`^(\d{1,6})(?:\.(\d{1,3}))?$`).FindStringSubmatch(s)
	if m == nil || n.Style != 0 {
		r.problem(n, "write 2 or 0.5, with up to three decimals", "%s is a number of processors, not %q", where, s)
		return 0, false
	}
	whole, _ := strconv.ParseInt(m[1], 10, 64)
	milli, _ := strconv.ParseInt((m[2] + "000")[:3], 10, 64)
	v := whole*1000 + milli
	return v, r.within(n, where, "cpus", v, policy.CPUs)
}

const sizeUnitNames = "the units are B, KiB, MiB, GiB and TiB"

// size parses a number of bytes with its unit.
func (r *reader) size(n *yaml.Node, where, limit string) (int64, bool) {
	s, ok := r.word(n, where)
	if !ok {
		return 0, false
	}
	m := regexp.MustCompile(`^(\d{1,18}) ?([A-Za-z]*)$`).FindStringSubmatch(s)
	if m == nil {
		r.problem(n, sizeUnitNames+", as in 512MiB", "%s is a size, not %q", where, s)
		return 0, false
	}
	if m[2] == "" {
		r.problem(n, sizeUnitNames, "%s %q has no unit", where, s)
		return 0, false
	}
	num, _ := strconv.ParseInt(m[1], 10, 64)
	if unit := policy.UnitBytes(m[2]); unit != 0 {
		v := int64(math.MaxInt64)
		if num <= math.MaxInt64/unit {
			v = num * unit
		}
		return v, r.within(n, where, limit, v, policy.Size)
	}
	hint := sizeUnitNames
	if best := closest(m[2], policy.SizeUnits()); best != "" {
		hint = fmt.Sprintf("did you mean %q? %s", m[1]+best, sizeUnitNames)
	}
	r.problem(n, hint, "unknown unit %q in %s %q", m[2], where, s)
	return 0, false
}

const timeUnitNames = "the units are s, m, h and d"

// duration parses a time with its units, the longest first: 90s, 8h, 1h30m.
func (r *reader) duration(n *yaml.Node, where, limit string) (time.Duration, bool) {
	s, ok := r.word(n, where)
	if !ok {
		return 0, false
	}
	if s != "" && strings.Trim(s, "0123456789") == "" {
		r.problem(n, timeUnitNames, "%s %q has no unit", where, s)
		return 0, false
	}
	parts := regexp.MustCompile(`^(?:\d{1,9}[a-zA-Zµ]+)+$`).FindString(s)
	if parts == "" {
		r.problem(n, timeUnitNames+", as in 90s or 1h30m", "%s is a time, not %q", where, s)
		return 0, false
	}
	var total time.Duration
	last := time.Duration(math.MaxInt64)
	for _, m := range regexp.MustCompile(`(\d+)([a-zA-Zµ]+)`).FindAllStringSubmatch(s, -1) {
		unit := policy.UnitDuration(m[2])
		if unit == 0 {
			r.problem(n, timeUnitNames, "unknown unit %q in %s %q", m[2], where, s)
			return 0, false
		}
		if unit >= last {
			r.problem(n, "the longest unit comes first, each once", "%s is a time, not %q", where, s)
			return 0, false
		}
		num, _ := strconv.ParseInt(m[1], 10, 64)
		last = unit
		total += time.Duration(min(num, int64(400*24*time.Hour/unit))) * unit // beyond every range, and no overflow
	}
	return total, r.within(n, where, limit, int64(total), func(v int64) string { return policy.Duration(time.Duration(v)) })
}
