package seccomp

// Call is what a filter sees of a system call.
type Call struct {
	Arch uint32 // AUDIT_ARCH_*
	Nr   int32
	Args [6]uint64
}

// Arch returns the AUDIT_ARCH value whose calls the rules judge.
func Arch() uint32 { return auditArch }

// Evaluate returns the verdict on one call. It is the meaning of Rules: the
// compiled program is checked against it.
func (r Rules) Evaluate(c Call) Action {
	if c.Foreign() {
		return Action{Kind: Kill}
	}
	for _, rule := range r.Rules {
		if rule.Nr == int(c.Nr) && rule.Matches(c.Args) {
			return rule.Action
		}
	}
	return r.Default
}

// Foreign says that the call comes through an ABI that the rules do not
// describe. Number -1 is not foreign: a tracer writes it to skip a call, and
// the kernel runs nothing for it.
func (c Call) Foreign() bool {
	return c.Arch != auditArch || (c.Nr != -1 && uint32(c.Nr) >= x32Bit)
}

// Matches says that every condition of the rule holds.
func (r Rule) Matches(args [6]uint64) bool {
	for _, a := range r.Args {
		if args[a.Index]&a.Mask != a.Value {
			return false
		}
	}
	return true
}
