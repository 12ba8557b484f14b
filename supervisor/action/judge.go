package action

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"clawjail/audit"
	"clawjail/policy"
	"clawjail/supervisor/action/message"
	"clawjail/supervisor/approval"
)

// rounds bounds how often a human is asked about one request.
const rounds = 3

// acting is one request of one jail.
type acting struct {
	jail *jail
	who  Jail
	r    message.Request
	// host is the destination whose connection is the action; empty for a request
	// on the socket.
	host string
	// operation is what is done in no jail; nil for what a jail does.
	operation *Operation
}

// count is how many times it is done.
func (a acting) count() int64 { return cmp.Or(a.r.Count, 1) }

// judgement is what is known before anything is taken or anybody asked.
type judgement struct {
	kind    policy.ActionType
	verdict policy.Verdict
	rule    string
	limited bool // rule is a limit's
	tally   tally
	err     error
}

// judge says what the policy and the limits say.
func (a acting) judge() judgement {
	t, d := a.who.Policy.EvaluateAction(a.r.Type, a.r.Amount > 0)
	j := judgement{kind: t, verdict: d.Verdict, rule: d.Rule}
	j.tally, j.err = a.tally()
	if j.err != nil {
		j.verdict = policy.Deny
		return j
	}
	if a.operation != nil && a.operation.Decided {
		j.decided()
	}
	for _, over := range j.tally.over() {
		j.exceed(over)
	}
	if j.tally.foreign && j.verdict.Permits() {
		j.verdict, j.rule = policy.Ask, "actions.limits: none is about "+a.r.Currency
	}
	return j
}

// exceed applies a limit that has no room.
func (j *judgement) exceed(l policy.ActionLimit) {
	if j.verdict == policy.Deny {
		return
	}
	if l.Over == policy.Deny || !j.limited {
		j.rule, j.limited = l.Origin.String(), true
	}
	j.verdict = policy.Ask
	if l.Over == policy.Deny {
		j.verdict = policy.Deny
	}
}

// check answers whether a request would pass, and takes nothing.
func (a acting) check() message.Answer {
	j := a.judge()
	out := a.answer(j)
	if j.verdict == policy.Ask {
		out.Reason = strings.TrimPrefix(out.Reason+"; a human would be asked", "; ")
	}
	return a.recorded(out, nil)
}

// answer is what both check and request say of a judgement.
func (a acting) answer(j judgement) message.Answer {
	out := message.Answer{Verdict: j.verdict.String(), Category: j.kind.Category.String(), Rule: j.rule, Uses: j.tally.uses()}
	if j.err != nil {
		out.Reason = "what is used of the limits cannot be told, so nothing is let through"
	} else if len(j.tally.over()) > 0 {
		out.Reason = "over the limit: " + j.tally.words()
	}
	return out
}

// request lets an action through, or does not.
func (a acting) request(ctx context.Context) message.Answer {
	out, d := a.decide(ctx)
	if out.Allowed() {
		t, ok := a.jail.mint(a.r.Type, a.r.Target, a.count(), a.who.Policy.ActionWindow())
		if !ok {
			out.Verdict, out.Reason = policy.Deny.String(), "too many actions of this jail are open; report what came of them"
		} else {
			out.Token, out.LeftMS = t.id, a.who.Policy.ActionWindow().Milliseconds()
		}
	}
	return a.recorded(out, d)
}

// decide comes to the verdict, and takes from the limits what is let through.
func (a acting) decide(ctx context.Context) (message.Answer, *approval.Decision) {
	for range rounds {
		j := a.judge()
		out := a.answer(j)
		if j.err != nil || j.verdict == policy.Deny {
			return out, nil
		}
		if j.verdict.Permits() {
			switch ok, err := j.tally.take(a.jail.s.o.Limits); {
			case err != nil:
				return a.uncounted(out, err), nil
			case ok:
				return out, nil
			}
			continue // used up this very moment: judged again
		}
		d, err := a.ask(ctx, j)
		if err != nil {
			a.jail.s.o.Logger.Error("ask about an action", "jail", a.who.ID, "error", err)
			out.Verdict, out.Reason = policy.Deny.String(), "it cannot be asked for"
			return out, nil
		}
		if !d.Allowed() {
			out.Verdict, out.Reason = policy.Deny.String(), d.Outcome.String()
			if d.Reason != "" {
				out.Reason += ": " + d.Reason
			}
			return out, &d
		}
		ok := true
		if len(j.tally.over()) > 0 {
			err = j.tally.add(a.jail.s.o.Limits) // a human saw that it is over
		} else {
			ok, err = j.tally.take(a.jail.s.o.Limits)
		}
		if err != nil {
			return a.uncounted(out, err), &d
		}
		if ok {
			out.Verdict, out.Reason = policy.Allow.String(), d.Outcome.String()
			return out, &d
		}
	}
	return message.Answer{Verdict: policy.Deny.String(), Reason: "the limit was used up while it was asked about"}, nil
}

func (a acting) uncounted(out message.Answer, err error) message.Answer {
	a.jail.s.o.Logger.Error("count an action", "jail", a.who.ID, "error", err)
	out.Verdict, out.Reason = policy.Deny.String(), "it cannot be counted, so it is not let through"
	return out
}

// report takes what came of an action.
func (a acting) report() message.Answer {
	kind, problem := a.jail.finish(a.r.Token, a.r.Outcome)
	a.r.Type = kind
	out := message.Answer{Error: problem}
	if problem == "" {
		out = message.Answer{Verdict: policy.Allow.String(), Reason: "on record"}
	}
	return a.recorded(out, nil)
}

// recorded writes an answer down before it is given.
func (a acting) recorded(out message.Answer, d *approval.Decision) message.Answer {
	verdict := out.Verdict
	if out.Error != "" {
		verdict = "error"
	}
	a.jail.s.o.Count(verdict)
	r := audit.Record{Time: time.Now(), Jail: a.who.ID, Gate: audit.GateAction, Verdict: verdict, Rule: out.Rule,
		Subject: audit.Subject{Op: a.r.Do, Name: a.r.Type, Argv: a.words(), Host: a.host, Message: cmp.Or(out.Error, out.Reason)}}
	if a.operation != nil {
		r.Subject.UID = &a.who.StartedBy
	}
	if a.r.Do == message.DoReport {
		r.Subject.Argv = []string{a.r.Outcome, a.r.Detail}
	}
	if d != nil {
		r.Decision = &audit.Decision{ID: d.ID, By: d.By.String(), HeldMS: float64(d.Held.Microseconds()) / 1000, Digest: d.Digest, Reason: d.Outcome.String()}
	}
	if err := a.jail.s.o.Record(r); err != nil && out.Allowed() {
		a.jail.s.o.Count("deny")
		return message.Answer{Verdict: policy.Deny.String(), Reason: "the audit log cannot be written, so nothing is let through"}
	}
	if out.Verdict == policy.Audit.String() && a.r.Do != message.DoCheck {
		a.jail.s.o.Told(a.who, r)
	}
	return out
}

// words are the action as an approver sees it: what the agent says that it is.
func (a acting) words() []string {
	out := []string{a.r.Type}
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+"="+value)
		}
	}
	if a.r.Count > 1 {
		add("count", strconv.FormatInt(a.r.Count, 10))
	}
	if a.r.Currency != "" {
		add("cost", policy.Money(a.r.Amount, a.r.Currency))
	}
	add("target", a.r.Target)
	if a.r.PersonalData {
		add("personal_data", "yes")
	}
	if a.r.Reversible != nil {
		add("reversible", map[bool]string{true: "yes", false: "no"}[*a.r.Reversible])
	}
	return out
}

// approval is what a human sees.
func (a acting) approval(j judgement) approval.Request {
	r := approval.Request{Jail: a.who.ID, JailName: a.who.Name, Agent: a.who.Agent, Policy: a.who.Policy.Name, StartedBy: a.who.StartedBy,
		Gate: approval.GateAction, Op: a.r.Type, Argv: a.words(), Host: a.host, Rule: j.rule, Claim: a.r.Description,
		Timeout: a.who.Policy.Approval.Timeout}
	r.Impact, r.Reversible = impact(a.r, j.kind)
	r.Notes = append(r.Notes, j.tally.notes()...)
	if j.tally.foreign {
		r.Notes = append(r.Notes, "no limit is about "+a.r.Currency)
	}
	if _, known := a.who.Policy.ActionType(a.r.Type); !known {
		r.Notes = append(r.Notes, "no policy defines this type of action")
	}
	if a.host == "" {
		r.Notes = append(r.Notes, "type, cost and target are what the agent says; what it then does may be something else")
	}
	if len(r.Notes) > approval.MaxLines {
		r.Notes = r.Notes[:approval.MaxLines]
	}
	return r
}

// impact says what an action of a kind touches.
func impact(r message.Request, t policy.ActionType) (lines []string, undo approval.Reversible) {
	undo = approval.ReversibleUnknown
	switch t.Kind {
	case policy.KindFinancial:
		lines, undo = append(lines, "money: pays, or binds to pay"), approval.ReversibleNo
	case policy.KindCommunication:
		lines, undo = append(lines, "outside: somebody else gets it, and keeps it"), approval.ReversibleNo
	case policy.KindDeletion:
		lines, undo = append(lines, "data: removes something"), approval.ReversibleNo
	case policy.KindSystem:
		lines = append(lines, "code: changes a system that others use")
	case policy.KindSkill:
		lines = append(lines, "code: agents do what a skill says and run what it brings")
	}
	if r.Amount > 0 && t.Kind != policy.KindFinancial {
		lines, undo = append(lines, "money: costs "+policy.Money(r.Amount, r.Currency)), approval.ReversibleNo
	}
	if r.PersonalData {
		lines = append(lines, "data: personal data of somebody")
	}
	if len(lines) == 0 {
		lines = append(lines, fmt.Sprintf("unknown: nothing is known about %s", r.Type))
	}
	return lines, undo
}
