package supervisor

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/action"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
)

// skillJail stands where the id of a jail does in requests about skills: no
// jail has one like it.
const skillJail = "skills"

// skillRoutes adds the calls of who installs skills. The supervisor reads
// nothing of a skill: it asks a human, and it records.
func (s *Supervisor) skillRoutes(add func(string, func(*call) (any, *api.Error))) {
	add("POST /v1/skills/approve", (*call).approveSkill)
	add("POST /v1/skills/events", (*call).skillEvent)
}

// opInstall is the type of the action that installing a skill is, and, of a jail's
// token, what it is used for.
const opInstall, opInstallFor = "install_skill", "install"

// ruleSkills is why a skill is asked about.
const ruleSkills = "skills are critical"

// installation is the action of whoever installs a skill: a user on this host.
func installation(uid uint32) action.Operation {
	return action.Operation{Type: opInstall, Who: action.Jail{Name: skillJail, Agent: "clawjail skill", StartedBy: uid}}
}

// approveSkill holds the call until a human decided, and counts what is installed.
// Only a yes to exactly what was shown is one.
func (c *call) approveSkill() (any, *api.Error) {
	var r api.SkillRequest
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	if err := r.Check(); err != nil {
		return nil, api.Errorf(http.StatusBadRequest, "the request about a skill: %v", err)
	}
	// A private supervisor does not end under a question.
	c.s.idle.hold()
	defer c.s.idle.release()
	ask := func(ctx context.Context, rule string, notes []string) (approval.Decision, error) {
		return c.s.approvals.Submit(ctx, c.aboutSkill(r, rule, notes))
	}
	switch {
	case r.For != "":
		return c.installFor(r, ask)
	case r.Counts():
		return c.installOwn(r, ask)
	}
	return skillAnswer(ask(c.r.Context(), "", nil))
}

// aboutSkill is what the approver sees.
func (c *call) aboutSkill(r api.SkillRequest, rule string, first []string) approval.Request {
	notes := append(slices.Clone(first),
		"the audit says: "+r.Verdict+" (rules "+r.RuleSet+")",
		"from "+r.Source,
		"policy "+r.Policy+", root digest "+r.Root)
	notes = append(notes, r.Lines...)
	return approval.Request{
		Jail: skillJail, JailName: skillJail, Agent: "clawjail skill " + r.Op, Policy: "skill " + r.Name, StartedBy: c.peer.UID,
		Gate: approval.GateSkill, Op: r.Op, Path: r.Name, SHA256: strings.TrimPrefix(r.Tree, "sha256:"),
		Rule: cmp.Or(rule, ruleSkills), Notes: notes[:min(len(notes), approval.MaxLines)],
	}
}

type askSkill func(ctx context.Context, rule string, notes []string) (approval.Decision, error)

// installOwn installs for the caller: an action under the limits of this host.
func (c *call) installOwn(r api.SkillRequest, ask askSkill) (any, *api.Error) {
	o := installation(c.peer.UID)
	o.Target, o.Decided = r.Name+" "+r.Tree, r.Decided
	var failed error
	o.Ask = func(ctx context.Context, rule string, notes []string) (approval.Decision, error) {
		d, err := ask(ctx, rule, notes)
		failed = err
		return d, err
	}
	out, d := c.s.actions.Operate(c.r.Context(), o)
	switch {
	case failed != nil:
		return skillAnswer(approval.Decision{}, failed)
	case d == nil:
		return unasked(out.Allowed(), out.Reason), nil
	case d.Allowed() && !out.Allowed(): // approved, and not to be counted or recorded
		return unasked(false, out.Reason), nil
	}
	return skillAnswer(*d, nil)
}

// installFor installs what an agent asked for: its approved action is used up.
func (c *call) installFor(r api.SkillRequest, ask askSkill) (any, *api.Error) {
	c.r.SetPathValue("id", r.For)
	e, apiErr := c.jail()
	if apiErr != nil {
		return nil, apiErr
	}
	ok, reason := c.s.actions.SpendFor(c.r.Context(), e.jail.ID, opInstallFor, opInstall, r.Name, ruleSkills)
	if !ok || r.Decided {
		return unasked(ok, reason), nil
	}
	return skillAnswer(ask(c.r.Context(), "", []string{"for the agent in jail " + e.jail.Name + ", " + reason}))
}

// unasked is the answer where no human was asked.
func unasked(allowed bool, reason string) api.ApprovalDecision {
	outcome := api.SkillDenied
	if allowed {
		outcome = api.SkillAllowed
	}
	return api.ApprovalDecision{Allowed: allowed, Outcome: outcome, Reason: reason, At: time.Now()}
}

// skillAnswer is what a human decided.
func skillAnswer(d approval.Decision, err error) (any, *api.Error) {
	if err != nil {
		return nil, api.Errorf(http.StatusBadRequest, "ask about a skill: %v", err)
	}
	uid := d.By.UID
	out := api.ApprovalDecision{ID: d.ID, Digest: d.Digest, Allowed: d.Allowed(), Outcome: d.Outcome.String(), By: d.By.String(), Reason: d.Reason,
		HeldMS: float64(d.Held.Microseconds()) / 1000, At: d.At}
	if d.Outcome == approval.Approved || d.Outcome == approval.Rejected {
		out.ByUID = &uid
	}
	return out, nil
}

// skillEvent records what was done with a skill.
func (c *call) skillEvent() (any, *api.Error) {
	var e api.SkillEvent
	if apiErr := c.decode(&e); apiErr != nil {
		return nil, apiErr
	}
	if err := e.Check(); err != nil {
		return nil, api.Errorf(http.StatusBadRequest, "the event of a skill: %v", err)
	}
	uid := c.peer.UID
	err := c.s.audit.append(audit.Record{Time: time.Now(), Gate: audit.GateSkill, Verdict: e.Verdict,
		Subject: audit.Subject{Op: e.Op, Path: e.Name, SHA256: strings.TrimPrefix(e.Tree, "sha256:"), UID: &uid, Message: e.Message}})
	if err != nil {
		return nil, api.Errorf(http.StatusServiceUnavailable, "record what was done with skill %s: %v", e.Name, err)
	}
	return struct{}{}, nil
}
