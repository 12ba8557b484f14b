package api

import "clawjail/supervisor/incident"

// The incidents have the types of package incident; these are the requests.

// OpenIncidentRequest opens one about a jail that runs.
type OpenIncidentRequest struct {
	Jail     string `json:"jail"`
	Reason   string `json:"reason"`
	Hold     string `json:"hold,omitempty"`     // jail, agent or user; empty: jail
	Severity string `json:"severity,omitempty"` // empty: medium
	Drill    bool   `json:"drill,omitempty"`
}

// PreserveRequest takes evidence.
type PreserveRequest struct {
	Memory []int `json:"memory,omitempty"` // processes whose memory is taken; pids of the host
}

// ReasonRequest releases, kills or closes.
type ReasonRequest struct {
	Reason string `json:"reason"`
}

// SeverityRequest is a person's judgement.
type SeverityRequest struct {
	Severity string `json:"severity"`
}

// Incident is an incident as the supervisor knows it.
type Incident = incident.Incident
