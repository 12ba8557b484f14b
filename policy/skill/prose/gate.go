package prose

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// Hundreds of expressions are tried on each sentence, and few can match. What an
// expression cannot do without is taken from its own syntax: of each of several
// sets of pieces, one must stand in the text. The pairs of letters of a text are
// kept in a small table, so that looking for all pieces costs less than to start
// one expression.

// pattern is an expression with the pieces of which its matches are made.
type pattern struct {
	re *regexp.Regexp
	// need are sets of pieces, of each of which every match has one.
	need [][][]uint16
}

// pairs are the pairs of neighbouring bytes of a text, in lower case, hashed.
type pairs [64]uint64

func (p *pairs) add(h uint16)      { p[h>>6] |= 1 << (h & 63) }
func (p *pairs) has(h uint16) bool { return p[h>>6]&(1<<(h&63)) != 0 }

func lowerByte(c byte) uint16 {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return uint16(c)
}

// pair hashes two bytes; the low bits of letters differ most.
func pair(a, b uint16) uint16 { return (a*67 ^ b*5 ^ a>>3) & 4095 }

func triple(a, b, c uint16) uint16 { return (a*131 ^ b*29 ^ c*7 ^ 0x5a5) & 4095 }

// pairsOf are those of a text.
func pairsOf(text string) *pairs {
	out := &pairs{}
	if strings.Contains(text, "\u017f") || strings.Contains(text, "\u212a") {
		// Letters that are s and k to an expression without case.
		for i := range out {
			out[i] = ^uint64(0)
		}
		return out
	}
	var x, y uint16
	for i := 0; i < len(text); i++ {
		c := lowerByte(text[i])
		if i > 0 {
			out.add(pair(y, c))
		}
		if i > 1 {
			out.add(triple(x, y, c))
		}
		x, y = y, c
	}
	return out
}

// hashes of a piece, all of which a text with the piece has.
func hashes(piece string) []uint16 {
	var out []uint16
	for i := 1; i < len(piece); i++ {
		if i == 1 || len(piece) == 2 {
			out = append(out, pair(lowerByte(piece[i-1]), lowerByte(piece[i])))
		}
		if i > 1 {
			out = append(out, triple(lowerByte(piece[i-2]), lowerByte(piece[i-1]), lowerByte(piece[i])))
		}
	}
	return out
}

// expression compiles an expression that is well-formed.
func expression(expr string) pattern {
	p := pattern{re: regexp.MustCompile(expr)}
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return p
	}
	for _, set := range needs(parsed).sets {
		var one [][]uint16
		for _, piece := range set {
			one = append(one, hashes(piece))
		}
		p.need = append(p.need, one)
	}
	return p
}

// possible says that the expression may match a text with these pairs.
func (p pattern) possible(in *pairs) bool {
	for _, set := range p.need {
		if !anyOf(set, in) {
			return false
		}
	}
	return true
}

func anyOf(set [][]uint16, in *pairs) bool {
next:
	for _, piece := range set {
		for _, h := range piece {
			if !in.has(h) {
				continue next
			}
		}
		return true
	}
	return false
}

// find is FindStringIndex; in are the pairs of the text.
func (p pattern) find(text string, in *pairs) []int {
	if !p.possible(in) {
		return nil
	}
	return p.re.FindStringIndex(text)
}

// matches is MatchString; in are the pairs of the text.
func (p pattern) matches(text string, in *pairs) bool {
	return p.possible(in) && p.re.MatchString(text)
}

// MatchString and FindStringIndex are those of the expression.
func (p pattern) MatchString(text string) bool      { return p.matches(text, pairsOf(text)) }
func (p pattern) FindStringIndex(text string) []int { return p.find(text, pairsOf(text)) }
func (p pattern) String() string                    { return p.re.String() }

// pieces is what an expression is known to need.
type pieces struct {
	// exact are all the texts that it matches, nil when they are too many.
	exact []string
	// sets are those of pieces of which a match has one each.
	sets [][]string
}

// Bounds of the pieces.
const (
	maxExact = 64
	maxSet   = 400
)

// needs derives the pieces of an expression.
func needs(re *syntax.Regexp) pieces {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return pieces{exact: []string{""}}
	case syntax.OpLiteral:
		text := string(re.Rune)
		if re.Flags&syntax.FoldCase != 0 && strings.ContainsFunc(text, func(c rune) bool { return c >= 0x80 }) {
			return pieces{} // the pairs fold ASCII only
		}
		return known([]string{text})
	case syntax.OpCharClass:
		return class(re)
	case syntax.OpCapture:
		return needs(re.Sub[0])
	case syntax.OpPlus:
		return pieces{sets: needs(re.Sub[0]).sets}
	case syntax.OpRepeat:
		if re.Min == 0 {
			return pieces{}
		}
		return pieces{sets: needs(re.Sub[0]).sets}
	case syntax.OpQuest:
		if sub := needs(re.Sub[0]); sub.exact != nil && len(sub.exact) < maxExact {
			return pieces{exact: append([]string{""}, sub.exact...)}
		}
	case syntax.OpConcat:
		return concat(re.Sub)
	case syntax.OpAlternate:
		return alternate(re.Sub)
	}
	return pieces{}
}

// class are the letters of a small class.
func class(re *syntax.Regexp) pieces {
	var out []string
	for i := 0; i+1 < len(re.Rune); i += 2 {
		for c := re.Rune[i]; c <= re.Rune[i+1]; c++ {
			if len(out) >= 8 {
				return pieces{}
			}
			out = append(out, string(c))
		}
	}
	if len(out) == 0 {
		return pieces{}
	}
	return known(out)
}

// known is made of all texts of an expression.
func known(exact []string) pieces {
	p := pieces{exact: exact}
	if set := usable(exact); set != nil {
		p.sets = [][]string{set}
	}
	return p
}

// usable is the set when each of its pieces says something.
func usable(set []string) []string {
	if len(set) == 0 || len(set) > maxSet {
		return nil
	}
	for _, s := range set {
		if len(s) < 2 {
			return nil
		}
	}
	return set
}

// concat joins what stands one after the other: finite parts grow together.
func concat(subs []*syntax.Regexp) pieces {
	out, run := pieces{}, []string{""}
	all := true
	flush := func() {
		if set := usable(run); set != nil {
			out.sets = append(out.sets, set)
		}
		run = []string{""}
	}
	for _, sub := range subs {
		p := needs(sub)
		switch {
		case p.exact != nil && len(run)*len(p.exact) <= maxExact:
			run = product(run, p.exact)
		case p.exact != nil:
			flush()
			all, run = false, p.exact
		default:
			flush()
			all = false
			out.sets = append(out.sets, p.sets...)
		}
	}
	if all {
		return known(run)
	}
	flush()
	return out
}

func product(a, b []string) []string {
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out
}

// alternate joins branches: of each, the set that says most.
func alternate(subs []*syntax.Regexp) pieces {
	var exact, set []string
	finite, bounded := true, true
	for _, sub := range subs {
		p := needs(sub)
		if finite = finite && p.exact != nil; finite {
			exact = append(exact, p.exact...)
		}
		best := strongest(p)
		if bounded = bounded && best != nil; bounded {
			set = append(set, best...)
		}
	}
	out := pieces{}
	if finite && len(exact) <= maxExact {
		out = known(exact)
	}
	if bounded && len(out.sets) == 0 && usable(set) != nil {
		out.sets = [][]string{set}
	}
	return out
}

// strongest is the set whose shortest piece is longest.
func strongest(p pieces) []string {
	var best []string
	score := 0
	for _, set := range p.sets {
		shortest := len(set[0])
		for _, s := range set {
			shortest = min(shortest, len(s))
		}
		if n := shortest*100 - len(set); best == nil || n > score {
			best, score = set, n
		}
	}
	return best
}
