package client

import (
	"context"
	"net/http"
	"net/url"

	"clawjail/supervisor/api"
)

// Incidents lists incidents, the newest first.
func (c Client) Incidents(ctx context.Context) ([]api.Incident, error) {
	var out []api.Incident
	_, err := c.call(ctx, http.MethodGet, "/v1/incidents", nil, &out)
	return out, err
}

// Incident gives one by its id, a unique end of it, or the id of its jail.
func (c Client) Incident(ctx context.Context, id string) (api.Incident, error) {
	var out api.Incident
	_, err := c.call(ctx, http.MethodGet, "/v1/incidents/"+url.PathEscape(id), nil, &out)
	return out, err
}

// OpenIncident freezes a jail, cuts it off and takes evidence.
func (c Client) OpenIncident(ctx context.Context, r api.OpenIncidentRequest) (api.Incident, error) {
	var out api.Incident
	_, err := c.call(ctx, http.MethodPost, "/v1/incidents", r, &out)
	return out, err
}

// Preserve takes evidence again.
func (c Client) Preserve(ctx context.Context, id string, r api.PreserveRequest) (api.Incident, error) {
	return c.incident(ctx, id, "preserve", r)
}

// Assess judges by the log again.
func (c Client) Assess(ctx context.Context, id string) (api.Incident, error) {
	return c.incident(ctx, id, "assess", nil)
}

// Rate sets the severity.
func (c Client) Rate(ctx context.Context, id, severity string) (api.Incident, error) {
	return c.incident(ctx, id, "severity", api.SeverityRequest{Severity: severity})
}

// Release lets the jail go on.
func (c Client) Release(ctx context.Context, id, reason string) (api.Incident, error) {
	return c.incident(ctx, id, "release", api.ReasonRequest{Reason: reason})
}

// KillIncident ends the jail.
func (c Client) KillIncident(ctx context.Context, id, reason string) (api.Incident, error) {
	return c.incident(ctx, id, "kill", api.ReasonRequest{Reason: reason})
}

// RestoredIncident records what was put in the place of what the jail wrote.
func (c Client) RestoredIncident(ctx context.Context, id, what string) (api.Incident, error) {
	return c.incident(ctx, id, "restore", api.ReasonRequest{Reason: what})
}

// CloseIncident ends the incident with a conclusion.
func (c Client) CloseIncident(ctx context.Context, id, conclusion string) (api.Incident, error) {
	return c.incident(ctx, id, "close", api.ReasonRequest{Reason: conclusion})
}

func (c Client) incident(ctx context.Context, id, action string, in any) (api.Incident, error) {
	var out api.Incident
	_, err := c.call(ctx, http.MethodPost, "/v1/incidents/"+url.PathEscape(id)+"/"+action, in, &out)
	return out, err
}
