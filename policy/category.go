package policy

import "fmt"

// Category is a verdict by what an operation means to people and not by what
// is done about it. A policy may write one wherever a verdict stands; it is then
// part of the rule's name wherever that is shown.
type Category uint8

// The categories. The zero value says that a verdict was written as such.
const (
	NoCategory Category = iota
	// Routine is done: Allow.
	Routine
	// Sensitive is done, and a human is told: Audit.
	Sensitive
	// Critical waits for a human: Ask.
	Critical
	categoryEnd
)

var categoryNames = [categoryEnd]string{"", "routine", "sensitive", "critical"}

// String gives the name that policies use; empty for NoCategory.
func (c Category) String() string {
	if c >= categoryEnd {
		return fmt.Sprintf("category(%d)", uint8(c))
	}
	return categoryNames[c]
}

// Verdict is what a category stands for; Deny for what is none.
func (c Category) Verdict() Verdict {
	switch c {
	case Routine:
		return Allow
	case Sensitive:
		return Audit
	case Critical:
		return Ask
	}
	return Deny
}

// ParseCategory is the inverse of String.
func ParseCategory(s string) (Category, error) {
	for c, name := range categoryNames {
		if s == name {
			return Category(c), nil
		}
	}
	return NoCategory, fmt.Errorf("unknown category %q", s)
}

// Categories lists the names that can be written.
func Categories() []string { return []string{"routine", "sensitive", "critical"} }

// Word is a verdict as it was written, for people: with the category that
// stands for it, if one does.
func (o Origin) Word(v Verdict) string {
	if o.Category == NoCategory {
		return v.String()
	}
	return o.Category.String() + " (" + v.String() + ")"
}

// checkCategory says when a category does not stand for the verdict beside it.
func (o Origin) checkCategory(v Verdict) error {
	if o.Category >= categoryEnd || o.Category != NoCategory && o.Category.Verdict() != v {
		return fmt.Errorf("category %q is not the verdict %q", o.Category, v)
	}
	return nil
}
