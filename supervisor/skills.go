package supervisor

import (
	"net/http"
	"strings"
	"time"

	"clawjail/audit"
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

// approveSkill holds the call until a human decided. Only a yes to exactly what
// was shown is one.
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
	notes := append([]string{
		"the audit says: " + r.Verdict + " (rules " + r.RuleSet + ")",
		"from " + r.Source,
		"policy " + r.Policy + ", root digest " + r.Root,
	}, r.Lines...)
	d, err := c.s.approvals.Submit(c.r.Context(), approval.Request{
		Jail: skillJail, JailName: skillJail, Agent: "clawjail skill " + r.Op, Policy: "skill " + r.Name, StartedBy: c.peer.UID,
		Gate: approval.GateSkill, Op: r.Op, Path: r.Name, SHA256: strings.TrimPrefix(r.Tree, "sha256:"),
		Rule: "skills are critical", Notes: notes,
	})
	if err != nil {
		return nil, api.Errorf(http.StatusBadRequest, "ask about skill %s: %v", r.Name, err)
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
