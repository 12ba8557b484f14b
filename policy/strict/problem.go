package strict

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxProblems bounds how many problems are reported for one file.
const MaxProblems = 100

// Problem is one thing that is wrong with a file.
type Problem struct {
	File string `json:"file"`           // its name as it was given
	Line int    `json:"line,omitempty"` // from 1; 0: the file as a whole
	Col  int    `json:"col,omitempty"`  // from 1
	Msg  string `json:"message"`
	Hint string `json:"hint,omitempty"`
}

// String is "file:line:col: message; hint".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(shown(p.File))
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	b.WriteString(p.Msg)
	if p.Hint != "" {
		b.WriteString("; ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// shown is a file's name on a terminal: a name can be anything but NUL.
func shown(name string) string {
	odd := func(r rune) bool { return !strconv.IsPrint(r) || r == utf8.RuneError }
	if strings.ContainsFunc(name, odd) {
		return strconv.Quote(name)
	}
	return name
}

// Problems is everything that is wrong with a file, in the order of the file.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted puts problems in the order of the file and drops repetitions.
func (ps Problems) sorted() Problems {
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
	return slices.Compact(out)
}

// DidYouMean suggests the known word that s was probably meant to be, or
// lists the known ones.
func DidYouMean(s string, known []string) string {
	if best := Closest(s, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return OneOf(known)
}

// OneOf lists what can be written.
func OneOf(known []string) string {
	quoted := make([]string, len(known))
	for i, k := range known {
		quoted[i] = fmt.Sprintf("%q", k)
	}
	if len(quoted) == 1 {
		return "it can be " + quoted[0]
	}
	last := len(quoted) - 1
	return "it can be " + strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// Closest gives the known word at the least edit distance, if that is small
// for the length of the word; a tie goes to the first.
func Closest(s string, known []string) string {
	best, least := "", 0
	lower := strings.ToLower(s)
	for _, k := range known {
		most := max(1, len(k)/3)
		if len(lower) > len(k)+most {
			continue // far off, and perhaps very long
		}
		if d := distance(lower, strings.ToLower(k)); d <= most && (best == "" || d < least) {
			best, least = k, d
		}
	}
	return best
}

// distance counts insertions, deletions, substitutions and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	var before []int
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev = prev, row
	}
	return prev[len(b)]
}
