package client

import (
	"context"
	"net/http"

	"clawjail/supervisor/api"
)

// Limits lists what is used of the limits of actions.
func (c Client) Limits(ctx context.Context) ([]api.ActionLimit, error) {
	var out []api.ActionLimit
	_, err := c.call(ctx, http.MethodGet, "/v1/limits", nil, &out)
	return out, err
}
