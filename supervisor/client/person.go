package client

import (
	"context"
	"net/http"

	"clawjail/supervisor/api"
)

// RecordPeople has the supervisor record what happened about people who sign
// in to the console: all of it, or an error.
func (c Client) RecordPeople(ctx context.Context, events []api.PersonEvent) error {
	_, err := c.call(ctx, http.MethodPost, "/v1/people", events, nil)
	return err
}
