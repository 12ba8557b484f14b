package seccomp

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Text returns the rules as stable lines for people and golden files: one line
// a rule, by number, the rules of one call in the order of their evaluation.
func (r Rules) Text() string {
	rules := slices.Clone(r.Rules)
	slices.SortStableFunc(rules, func(a, b Rule) int { return cmp.Compare(a.Nr, b.Nr) })
	var b strings.Builder
	fmt.Fprintf(&b, "foreign architecture, x32: kill\n")
	fmt.Fprintf(&b, "default: %s\n", r.Default)
	for _, rule := range rules {
		fmt.Fprintf(&b, "%3d %s: %s", rule.Nr, rule.Name, rule.Action)
		for i, a := range rule.Args {
			word := " and"
			if i == 0 {
				word = " if"
			}
			fmt.Fprintf(&b, "%s %s", word, a)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// String returns "allow", "errno EPERM" and the like.
func (a Action) String() string {
	if a.Kind != Errno {
		return a.Kind.String()
	}
	if name := unix.ErrnoName(unix.Errno(a.Errno)); name != "" {
		return "errno " + name
	}
	return fmt.Sprintf("errno %d", a.Errno)
}

// String returns the condition as it would stand in C.
func (a Arg) String() string {
	if a.Mask == ^uint64(0) {
		return fmt.Sprintf("arg%d == %#x", a.Index, a.Value)
	}
	return fmt.Sprintf("arg%d & %#x == %#x", a.Index, a.Mask, a.Value)
}
