package client

import (
	"context"
	"net/http"

	"clawjail/supervisor/api"
)

// ApproveSkill asks a human about a skill and waits for the decision. It is
// withdrawn when ctx ends.
func (c Client) ApproveSkill(ctx context.Context, r api.SkillRequest) (api.ApprovalDecision, error) {
	var d api.ApprovalDecision
	_, err := c.call(ctx, http.MethodPost, "/v1/skills/approve", r, &d)
	return d, err
}

// RecordSkill has the supervisor record what was done with a skill.
func (c Client) RecordSkill(ctx context.Context, e api.SkillEvent) error {
	_, err := c.call(ctx, http.MethodPost, "/v1/skills/events", e, nil)
	return err
}
