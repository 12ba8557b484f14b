package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"clawjail/supervisor/api"
)

// Duty says who is asked at a moment; the zero time is now.
func (c Client) Duty(ctx context.Context, at time.Time) (api.Duty, error) {
	path := "/v1/approvals/on-duty"
	if !at.IsZero() {
		path += "?at=" + url.QueryEscape(at.Format(time.RFC3339))
	}
	var out api.Duty
	_, err := c.call(ctx, http.MethodGet, path, nil, &out)
	return out, err
}
