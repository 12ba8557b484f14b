package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"clawjail/supervisor/api"
)

// Checklist gives what was done and when.
func (c Client) Checklist(ctx context.Context) (api.Checklist, error) {
	var out api.Checklist
	_, err := c.call(ctx, http.MethodGet, "/v1/checklist", nil, &out)
	return out, err
}

// KeepChecklist has what the checklist found kept for the console.
func (c Client) KeepChecklist(ctx context.Context, report any) error {
	b, err := json.Marshal(report)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, http.MethodPost, "/v1/checklist", api.ChecklistReport{Report: b}, nil)
	return err
}

// TaskDone writes down that a task of the checklist was done; the log gets the
// list of what was looked at as well.
func (c Client) TaskDone(ctx context.Context, task, note string, list ...string) error {
	_, err := c.call(ctx, http.MethodPost, "/v1/checklist/"+url.PathEscape(task), api.TaskDone{Note: note, List: list}, nil)
	return err
}
