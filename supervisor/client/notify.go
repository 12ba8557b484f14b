package client

import (
	"context"
	"net/http"

	"clawjail/supervisor/api"
	"clawjail/supervisor/notify"
)

// Due is the gateway's: it waits for something to send, for a while.
func (c Client) Due(ctx context.Context) (notify.Due, error) {
	var out notify.Due
	_, err := c.call(ctx, http.MethodGet, "/v1/gateway/due", nil, &out)
	return out, err
}

// Report is the gateway's: it says how attempts went.
func (c Client) Report(ctx context.Context, rs []notify.Report) error {
	_, err := c.call(ctx, http.MethodPost, "/v1/gateway/report", rs, nil)
	return err
}

// Notifications gives the channels and what waits.
func (c Client) Notifications(ctx context.Context) (api.Notifications, error) {
	var out api.Notifications
	_, err := c.call(ctx, http.MethodGet, "/v1/notifications", nil, &out)
	return out, err
}

// TestNotification sends a message to one channel.
func (c Client) TestNotification(ctx context.Context, channel string) (api.NotifyTest, error) {
	var out api.NotifyTest
	_, err := c.call(ctx, http.MethodPost, "/v1/notifications/test", api.NotifyTestRequest{Channel: channel}, &out)
	return out, err
}
