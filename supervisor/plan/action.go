package plan

import (
	"clawjail/jail"
	"clawjail/policy"
)

// Where a jail finds what actions need.
const (
	ActionDir    = "/run/clawjail"
	ActionClient = ActionDir + "/clawjail-act"
)

// actions shows the directory with the jail's action socket, and the client over
// the empty file that is there for it.
func (l *lowering) actions() {
	if l.r.Actions == "" {
		return
	}
	l.add(jail.Mount{Kind: jail.Bind, Source: l.r.Actions, Target: ActionDir})
	if l.r.ActionClient != "" {
		l.add(jail.Mount{Kind: jail.Bind, Source: l.r.ActionClient, Target: ActionClient, Exec: true})
	}
}

// clientRule lets the client run where a policy lists what may. It stands last:
// what refuses it comes first.
func clientRule() policy.ExecRule {
	return policy.ExecRule{Run: []string{ActionClient}, Then: policy.Allow, Origin: policy.Origin{Rule: "actions.client"}}
}
