package strict

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"clawjail/policy"
)

// Fields gives the values of a mapping by key, and reports keys that are not
// known. where is the mapping's name in messages.
func (r *Reader) Fields(n *yaml.Node, where string, known ...string) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		if n.Kind != yaml.AliasNode {
			r.Problem(n, "its keys are "+strings.Join(known, ", "), "%s is a mapping, not a %s", where, KindName(n))
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
			r.Problem(k, DidYouMean(k.Value, known), "unknown key %q in %s", k.Value, where)
			continue
		}
		if _, twice := out[k.Value]; !twice {
			out[k.Value] = v
		}
	}
	return out
}

// Items gives the elements of a list.
func (r *Reader) Items(n *yaml.Node, where string, most int) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		if n.Kind != yaml.AliasNode {
			r.Problem(n, "put it in brackets: [ ]", "%s is a list, not a %s", where, KindName(n))
		}
		return nil
	}
	if len(n.Content) > most {
		r.Problem(n.Content[most], "", "%s has %d entries, at most %d", where, len(n.Content), most)
		return n.Content[:most]
	}
	return n.Content
}

// Str gives a text. A number or a boolean is none unless it is quoted.
func (r *Reader) Str(n *yaml.Node, where string) (string, bool) {
	kind := KindName(n)
	if n.Kind == yaml.ScalarNode && kind == "text" {
		return n.Value, true
	}
	switch {
	case n.Kind == yaml.AliasNode:
	case kind == "nothing":
		r.Problem(n, `for an empty text write ""`, "%s has no value", where)
	case n.Kind == yaml.ScalarNode:
		r.Problem(n, fmt.Sprintf("quote it: %q", n.Value), "%s is a text, not a %s", where, kind)
	default:
		r.Problem(n, "", "%s is a text, not a %s", where, kind)
	}
	return "", false
}

// Word gives a bare or quoted scalar whatever YAML would take it for.
func (r *Reader) Word(n *yaml.Node, where string) (string, bool) {
	if n.Kind == yaml.ScalarNode && KindName(n) != "nothing" {
		return n.Value, true
	}
	if n.Kind != yaml.AliasNode {
		kind := KindName(n)
		if kind != "nothing" {
			kind = "a " + kind
		}
		r.Problem(n, "", "%s is one value, not %s", where, kind)
	}
	return "", false
}

// Boolean accepts true and false and no other spelling.
func (r *Reader) Boolean(n *yaml.Node, where string) bool {
	switch {
	case n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == "true":
		return true
	case n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == "false":
		return false
	case n.Kind == yaml.AliasNode:
		return false
	}
	hint := OneOf([]string{"true", "false"})
	switch strings.ToLower(n.Value) {
	case "yes", "y", "on", "true", "1":
		hint = `did you mean "true"?`
	case "no", "n", "off", "false", "0":
		hint = `did you mean "false"?`
	}
	if n.Kind != yaml.ScalarNode {
		r.Problem(n, hint, "%s is true or false, not a %s", where, KindName(n))
	} else {
		r.Problem(n, hint, "%s is true or false, not %q", where, n.Value)
	}
	return false
}

// OneWord parses a word of a fixed set.
func OneWord[T any](r *Reader, n *yaml.Node, what string, known []string, parse func(string) (T, error)) (T, bool) {
	var zero T
	s, ok := r.Word(n, what)
	if !ok {
		return zero, false
	}
	v, err := parse(s)
	if err != nil || s == "" {
		r.Problem(n, DidYouMean(s, known), "unknown %s %q", what, s)
		return zero, false
	}
	return v, true
}

// Range is what a number may be: both ends are part of it. Sizes are in bytes,
// durations in nanoseconds.
type Range struct{ Least, Most int64 }

// Integer parses a decimal number.
func (r *Reader) Integer(n *yaml.Node, where string, in Range) (int64, bool) {
	s, ok := r.Word(n, where)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || s != strconv.FormatInt(v, 10) || n.Style != 0 {
		r.Problem(n, "write it with digits and nothing else", "%s is a whole number, not %q", where, s)
		return 0, false
	}
	return v, r.Within(n, where, in, v, func(v int64) string { return strconv.FormatInt(v, 10) })
}

// Within checks a value against a range; it is quoted as written.
func (r *Reader) Within(n *yaml.Node, where string, in Range, v int64, show func(int64) string) bool {
	if v < in.Least || v > in.Most {
		r.Problem(n, "", "%s is between %s and %s, not %s", where, show(in.Least), show(in.Most), n.Value)
		return false
	}
	return true
}

const sizeUnitNames = "the units are B, KiB, MiB, GiB and TiB"

// Size parses a number of bytes with its unit.
func (r *Reader) Size(n *yaml.Node, where string, in Range) (int64, bool) {
	s, ok := r.Word(n, where)
	if !ok {
		return 0, false
	}
	number, name, ok := quantity(s)
	if !ok {
		r.Problem(n, sizeUnitNames+", as in 512MiB", "%s is a size, not %q", where, s)
		return 0, false
	}
	if name == "" {
		r.Problem(n, sizeUnitNames, "%s %q has no unit", where, s)
		return 0, false
	}
	num, _ := strconv.ParseInt(number, 10, 64)
	if unit := policy.UnitBytes(name); unit != 0 {
		v := int64(math.MaxInt64)
		if num <= math.MaxInt64/unit {
			v = num * unit
		}
		return v, r.Within(n, where, in, v, policy.Size)
	}
	hint := sizeUnitNames
	if best := Closest(name, policy.SizeUnits()); best != "" {
		hint = fmt.Sprintf("did you mean %q? %s", number+best, sizeUnitNames)
	}
	r.Problem(n, hint, "unknown unit %q in %s %q", name, where, s)
	return 0, false
}

// quantity splits a number of up to 18 digits from the letters after it and the
// space that may be between them. (By hand: to compile an expression takes longer
// than to read a policy's other lines.)
func quantity(s string) (number, letters string, ok bool) {
	number, letters = cutFunc(s, isDigit)
	letters = strings.TrimPrefix(letters, " ")
	_, rest := cutFunc(letters, isLetter)
	return number, letters, number != "" && len(number) <= 18 && rest == ""
}

// cutFunc cuts s after the runes at its beginning that are in a set.
func cutFunc(s string, in func(rune) bool) (head, rest string) {
	if i := strings.IndexFunc(s, func(c rune) bool { return !in(c) }); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func isDigit(c rune) bool  { return c >= '0' && c <= '9' }
func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// TimeUnits says what units Duration knows, for hints.
const TimeUnits = "the units are s, m, h and d"

// Duration parses a time with its units, the longest first: 90s, 8h, 1h30m.
func (r *Reader) Duration(n *yaml.Node, where string, in Range) (time.Duration, bool) {
	s, ok := r.Word(n, where)
	if !ok {
		return 0, false
	}
	if s != "" && strings.Trim(s, "0123456789") == "" {
		r.Problem(n, TimeUnits, "%s %q has no unit", where, s)
		return 0, false
	}
	parts, ok := spans(s)
	if !ok {
		r.Problem(n, TimeUnits+", as in 90s or 1h30m", "%s is a time, not %q", where, s)
		return 0, false
	}
	var total time.Duration
	last := time.Duration(math.MaxInt64)
	for _, p := range parts {
		unit := policy.UnitDuration(p.unit)
		if unit == 0 {
			r.Problem(n, TimeUnits, "unknown unit %q in %s %q", p.unit, where, s)
			return 0, false
		}
		if unit >= last {
			r.Problem(n, "the longest unit comes first, each once", "%s is a time, not %q", where, s)
			return 0, false
		}
		num, _ := strconv.ParseInt(p.number, 10, 64)
		last = unit
		total += time.Duration(min(num, int64(400*24*time.Hour/unit))) * unit // beyond every range, and no overflow
	}
	return total, r.Within(n, where, in, int64(total), func(v int64) string { return policy.Duration(time.Duration(v)) })
}

// timeSpan is one number of up to nine digits and its unit.
type timeSpan struct{ number, unit string }

// spans splits 1h30m into its parts.
func spans(s string) (parts []timeSpan, ok bool) {
	for s != "" {
		var p timeSpan
		p.number, s = cutFunc(s, isDigit)
		p.unit, s = cutFunc(s, func(c rune) bool { return isLetter(c) || c == 'µ' })
		if p.number == "" || len(p.number) > 9 || p.unit == "" {
			return nil, false
		}
		parts = append(parts, p)
	}
	return parts, len(parts) > 0
}
