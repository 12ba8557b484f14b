package plan

import (
	"clawjail/policy"
	"clawjail/seccomp"
)

// Gates says which system calls a policy needs trapped. A policy that neither
// refuses nor holds anything of a kind traps nothing of that kind.
func Gates(p *policy.Policy) seccomp.Gates {
	return seccomp.Gates{Exec: p.GatesExec()}
}
