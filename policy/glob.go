package policy

import (
	"fmt"
	"strings"
)

// Globs in rules: `*` is any number of characters, in a path none of them a
// slash; `**` is any number of any characters; a backslash makes `*` or
// itself literal. Nothing else is special.

// piece is one element of a parsed glob: a byte, or a wildcard.
type piece struct {
	wild wildcard
	b    byte
}

// wildcard says what a piece may stand for.
type wildcard uint8

const (
	literal wildcard = iota
	star             // any run without a slash
	deep             // any run
)

// parseGlob splits a pattern. With path false, `*` is as good as `**`.
func parseGlob(pattern string, path bool) ([]piece, error) {
	out := make([]piece, 0, len(pattern))
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
			if i == len(pattern) || (pattern[i] != '*' && pattern[i] != '\\' && pattern[i] != '.') {
				return nil, fmt.Errorf("backslash in pattern %q stands before nothing that it could make literal", pattern)
			}
			out = append(out, piece{b: pattern[i]})
		case c == '*' && i+1 < len(pattern) && pattern[i+1] == '*':
			i++
			out = append(out, piece{wild: deep})
		case c == '*' && path:
			out = append(out, piece{wild: star})
		case c == '*':
			out = append(out, piece{wild: deep})
		default:
			out = append(out, piece{b: c})
		}
	}
	return out, nil
}

// literalPieces makes a text comparable with a glob.
func literalPieces(s string) []piece {
	out := make([]piece, len(s))
	for i := range len(s) {
		out[i].b = s[i]
	}
	return out
}

// isLiteral reports whether a pattern has no wildcard and no escape.
func isLiteral(pattern string) bool { return !strings.ContainsAny(pattern, `*\`) }

// consumes reports whether a piece of a pattern accepts a piece of the input.
// A wildcard in the input is accepted only by one at least as wide: that makes
// the same match decide whether a pattern covers another.
func (p piece) consumes(in piece) bool {
	switch p.wild {
	case deep:
		return true
	case star:
		return in.wild == star || in.wild == literal && in.b != '/'
	default:
		return in.wild == literal && in.b == p.b
	}
}

// matchPieces reports whether pattern accepts all of in.
func matchPieces(pattern, in []piece) bool {
	return simulate(len(pattern), len(in),
		func(i int) bool { return pattern[i].wild != literal },
		func(i, j int) bool { return pattern[i].consumes(in[j]) })
}

// simulate runs a pattern of n elements over m inputs as a nondeterministic
// automaton, in n*m steps at most. An element for which many holds may consume
// none or several inputs, any other exactly one.
func simulate(n, m int, many func(i int) bool, consumes func(i, j int) bool) bool {
	now, next := make([]bool, n+1), make([]bool, n+1)
	now[0] = true
	for j := 0; j <= m; j++ {
		alive := false
		for i := 0; i < n; i++ { // in order, so that a run of wildcards is skipped in one pass
			if now[i] && many(i) {
				now[i+1] = true
			}
		}
		if j == m {
			break
		}
		clear(next)
		for i := 0; i < n; i++ {
			if !now[i] || !consumes(i, j) {
				continue
			}
			alive = true
			if many(i) {
				next[i] = true
			} else {
				next[i+1] = true
			}
		}
		if !alive {
			return false
		}
		now, next = next, now
	}
	return now[n]
}

// matchGlob compares a whole text with a pattern. A pattern that does not
// parse matches nothing.
func matchGlob(pattern, text string, path bool) bool {
	if isLiteral(pattern) {
		return pattern == text
	}
	p, err := parseGlob(pattern, path)
	return err == nil && matchPieces(p, literalPieces(text))
}

// coversGlob reports whether every text that b matches is matched by a.
func coversGlob(a, b string, path bool) bool {
	pa, errA := parseGlob(a, path)
	pb, errB := parseGlob(b, path)
	return errA == nil && errB == nil && matchPieces(pa, pb)
}
