package seccomp

import (
	"errors"
	"fmt"
	"slices"
)

// Bounds of a rule list. Beyond them Validate refuses it.
const (
	MaxRules        = 2048 // rules in all
	MaxRulesPerCall = 64   // rules of one system call
)

// ActionKind is what the kernel does with a system call. The zero value kills:
// an action that nobody set is never a permission.
type ActionKind uint8

// The kinds of action, the strictest first.
const (
	Kill   ActionKind = iota // the whole process, SIGSYS
	Errno                    // the call returns Action.Errno and does nothing
	Notify                   // the call waits for the listener's answer
	Allow                    // the call runs
)

// kindNames is indexed by ActionKind.
func kindNames() []string { return []string{"kill", "errno", "notify", "allow"} }

// String returns the name that JSON and Text use.
func (k ActionKind) String() string {
	if names := kindNames(); int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// MarshalText writes the name. An unknown kind is an error.
func (k ActionKind) MarshalText() ([]byte, error) {
	if int(k) >= len(kindNames()) {
		return nil, fmt.Errorf("unknown seccomp action %d", uint8(k))
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads the name. An unknown name is an error.
func (k *ActionKind) UnmarshalText(b []byte) error {
	i := slices.Index(kindNames(), string(b))
	if i < 0 {
		return fmt.Errorf("unknown seccomp action %q", b)
	}
	*k = ActionKind(i)
	return nil
}

// Action is a verdict of the filter.
type Action struct {
	Kind  ActionKind
	Errno uint16 `json:",omitempty"` // 1..4095 for Errno, else 0
}

// Arg is one condition on a register: register Index, and-ed with Mask, equals
// Value. The kernel reads many arguments as 32 bits wide, so a condition on
// such an argument must not look at the upper half (see Low32); otherwise a
// caller changes the verdict with bits that the kernel then throws away.
type Arg struct {
	Index uint8 // 0..5
	Mask  uint64
	Value uint64
}

// Rule gives one system call an action where all of Args hold.
type Rule struct {
	Name   string // as in the kernel's table: "openat"
	Nr     int    // its number on this architecture
	Args   []Arg  `json:",omitempty"`
	Action Action
}

// Rules is a whole filter. For one system call the first rule whose conditions
// hold decides; with none, Default does. A foreign architecture and the x32
// range kill the process, whatever the rules say.
//
// The order of different system calls does not change a verdict. Among those
// with conditions it is a hint: the first are the cheapest.
type Rules struct {
	Default Action
	Rules   []Rule
}

// Low32 is the mask for an argument that the kernel reads as 32 bits.
const Low32 = 0xffffffff

// Validate reports every problem of the list.
func (r Rules) Validate() error {
	var errs []error
	if err := r.Default.validate(); err != nil {
		errs = append(errs, fmt.Errorf("default: %w", err))
	}
	if len(r.Rules) > MaxRules {
		return fmt.Errorf("%d seccomp rules, at most %d", len(r.Rules), MaxRules)
	}
	known, count, closed := byName(), map[int]int{}, map[int]bool{}
	for i, rule := range r.Rules {
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("rule %d (%q): %w", i, rule.Name, fmt.Errorf(format, args...)))
		}
		if nr, ok := known[rule.Name]; !ok {
			fail("no such system call here")
		} else if nr != rule.Nr {
			fail("number %d, should be %d", rule.Nr, nr)
		}
		if err := rule.Action.validate(); err != nil {
			fail("%w", err)
		}
		if closed[rule.Nr] {
			fail("never reached: an earlier rule of this call has no conditions")
		}
		closed[rule.Nr] = closed[rule.Nr] || len(rule.Args) == 0
		if count[rule.Nr]++; count[rule.Nr] == MaxRulesPerCall+1 {
			fail("more than %d rules for one call", MaxRulesPerCall)
		}
		if err := validateArgs(rule.Args); err != nil {
			fail("%w", err)
		}
	}
	return errors.Join(errs...)
}

func (a Action) validate() error {
	switch {
	case a.Kind > Allow:
		return fmt.Errorf("unknown action %d", uint8(a.Kind))
	case a.Kind == Errno && (a.Errno == 0 || a.Errno > 4095):
		return fmt.Errorf("errno %d is not in 1..4095", a.Errno)
	case a.Kind != Errno && a.Errno != 0:
		return fmt.Errorf("errno %d with action %s", a.Errno, a.Kind)
	}
	return nil
}

// validateArgs also refuses two conditions on one register: libseccomp cannot
// express them, and one mask can.
func validateArgs(args []Arg) error {
	var seen [6]bool
	for _, a := range args {
		switch {
		case a.Index > 5:
			return fmt.Errorf("argument %d does not exist", a.Index)
		case seen[a.Index]:
			return fmt.Errorf("two conditions on argument %d", a.Index)
		case a.Mask == 0:
			return fmt.Errorf("argument %d: empty mask", a.Index)
		case a.Value&^a.Mask != 0:
			return fmt.Errorf("argument %d: value %#x has bits outside mask %#x", a.Index, a.Value, a.Mask)
		}
		seen[a.Index] = true
	}
	return nil
}
