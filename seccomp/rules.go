package seccomp

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

// Action is a verdict of the filter.
type Action struct {
	Kind  ActionKind
	Errno uint16 // for Errno only: 1..4095
}

// Arg is one condition on a register: register Index, and-ed with Mask, equals
// Value. The kernel reads many arguments as 32 bits wide, so a condition on
// such an argument must not look at the upper half: use Mask 0xffffffff.
type Arg struct {
	Index uint8 // 0..5
	Mask  uint64
	Value uint64
}

// Rule gives one system call an action where all of Args hold.
type Rule struct {
	Name   string // as in the kernel's table: "openat"
	Nr     int    // the number on this architecture
	Args   []Arg  `json:",omitempty"`
	Action Action
}

// Rules is a whole filter. For one system call the first rule whose conditions
// hold decides; with none, Default does. A foreign architecture and the x32
// range kill the process, whatever the rules say.
type Rules struct {
	Default Action
	Rules   []Rule
}
