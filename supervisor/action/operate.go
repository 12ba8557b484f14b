package action

import (
	"context"

	"clawjail/policy"
	"clawjail/supervisor/action/message"
	"clawjail/supervisor/approval"
)

// Operation is an action of somebody on this host, in no jail: a command of
// clawjail that does what an agent would have to ask for.
type Operation struct {
	Type   string
	Target string
	// Who is counted: limits of jails go by Name, of agents by Agent, of users by
	// StartedBy. It has no policy, so that the host's limits hold.
	Who Jail
	// Decided says that it need not be asked about, unless it is over a limit.
	Decided bool
	// Ask has a human decide; rule is why, empty where that is what such an
	// operation always needs, and notes are what is to be said about limits.
	Ask func(ctx context.Context, rule string, notes []string) (approval.Decision, error)
}

// Operate lets an operation through, or does not, counts it, and records it. The
// decision is nil where nobody was asked.
func (s *Service) Operate(ctx context.Context, o Operation) (message.Answer, *approval.Decision) {
	o.Who.ID, o.Who.Policy = "", &policy.Policy{}
	a := acting{jail: &jail{s: s}, who: o.Who, r: message.Request{Do: message.DoRequest, Type: o.Type, Target: o.Target}, operation: &o}
	out, d := a.decide(ctx)
	return a.recorded(out, d), d
}

// decided leaves only limits to ask about.
func (j *judgement) decided() {
	if j.verdict == policy.Ask {
		j.verdict, j.rule = policy.Allow, ""
	}
}

// ask holds an action until a human decided.
func (a acting) ask(ctx context.Context, j judgement) (approval.Decision, error) {
	if a.operation == nil {
		return a.jail.s.o.Ask(ctx, a.approval(j))
	}
	rule := ""
	if j.limited {
		rule = j.rule
	}
	return a.operation.Ask(ctx, rule, j.tally.notes())
}
