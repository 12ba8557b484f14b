package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"clawjail/supervisor/api"
	"clawjail/supervisor/notify"
	"clawjail/supervisor/sink"
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

// Receivers are the gateway's: where it copies the audit log to.
func (c Client) Receivers(ctx context.Context) ([]string, error) {
	var out []string
	_, err := c.call(ctx, http.MethodGet, "/v1/gateway/sinks", nil, &out)
	return out, err
}

// Batch is the gateway's: records for a receiver. done is the batch that it is
// done with, 0 for none.
func (c Client) Batch(ctx context.Context, to string, done uint64, refused bool) (sink.Batch, error) {
	var out sink.Batch
	path := fmt.Sprintf("/v1/gateway/logs?url=%s&done=%d&refused=%t", url.QueryEscape(to), done, refused)
	_, err := c.call(ctx, http.MethodGet, path, nil, &out)
	return out, err
}

// CopyDatabases has the supervisor write copies of what it has open, and gives
// their directory, which the caller removes.
func (c Client) CopyDatabases(ctx context.Context) (string, error) {
	var out api.BackupAnswer
	_, err := c.call(ctx, http.MethodPost, "/v1/backup", nil, &out)
	return out.Copies, err
}
