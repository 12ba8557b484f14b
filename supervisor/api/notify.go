package api

import "clawjail/supervisor/notify"

// Notifications is how people are told, and what they were not told yet.
type Notifications struct {
	Channels []NotifyChannel   `json:"channels"`
	Waiting  []notify.Delivery `json:"waiting"`
}

// NotifyChannel is a channel as it is.
type NotifyChannel struct {
	Name       string   `json:"name"`
	Kind       string   `json:"kind"`
	Categories []string `json:"categories"`
	Severity   string   `json:"severity,omitempty"` // the least of an incident
	Waiting    int      `json:"waiting"`
	Error      string   `json:"error,omitempty"` // of the last attempt
}

// NotifyTestRequest sends a message to one channel.
type NotifyTestRequest struct {
	Channel string `json:"channel"`
}

// NotifyTest is what became of the first attempt.
type NotifyTest struct {
	Outcome notify.Outcome `json:"outcome"`
	Error   string         `json:"error,omitempty"`
}

// SinkCount is what a sink of the audit log got.
type SinkCount struct {
	Sink    string `json:"sink"` // journald, syslog, otlp
	Sent    uint64 `json:"sent"`
	Dropped uint64 `json:"dropped"`
	Queued  uint64 `json:"queued"`
}

// NotifyCount is one cell of clawjail_notifications_total.
type NotifyCount struct {
	Kind    string `json:"kind"`
	Outcome string `json:"outcome"`
	Count   uint64 `json:"count"`
}

// BackupAnswer says where copies of the databases are; who asked removes them.
type BackupAnswer struct {
	Copies string `json:"copies"`
}
