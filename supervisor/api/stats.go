package api

// Stats is what the gateway turns into metrics. Labels are closed sets: no
// path, argv, pid, address or host ever becomes one.
type Stats struct {
	Version              string            `json:"version"`
	Tier                 string            `json:"tier"`
	Decisions            []DecisionCount   `json:"decisions"`
	HoldsPending         map[string]uint64 `json:"holds_pending"`   // by gate
	Notices              map[string]uint64 `json:"notices"`         // things done that a human is told of, by gate
	HoldSeconds          Histogram         `json:"hold_seconds"`    // from hold to answer
	VerifyMismatch       map[string]uint64 `json:"verify_mismatch"` // by gate
	EventsLost           map[string]uint64 `json:"events_lost"`     // by class
	Jails                map[State]uint64  `json:"jails"`
	FreezeSeconds        Histogram         `json:"freeze_seconds"`
	AuditRecords         uint64            `json:"audit_records"`
	AuditBytes           uint64            `json:"audit_bytes"`
	AuditErrors          uint64            `json:"audit_errors"`
	AuditUnsigned        uint64            `json:"audit_unsigned"`    // records after the last checkpoint
	AuditSealErrors      uint64            `json:"audit_seal_errors"` // checkpoints or copies of them that failed
	Incidents            map[string]uint64 `json:"incidents"`         // by state
	Overrides            uint64            `json:"config_overrides"`  // unsafe settings that the operator accepted
	Escalations          uint64            `json:"escalations"`       // steps that were made because nobody had decided
	Notifications        []NotifyCount     `json:"notifications"`
	NotificationsWaiting map[string]uint64 `json:"notifications_waiting"` // by kind of channel
	Sinks                []SinkCount       `json:"sinks"`
	StartSeconds         Histogram         `json:"start_seconds"`
	SupervisorBytes      uint64            `json:"supervisor_resident_bytes"`
	StartTimeUnix        float64           `json:"start_time_unix"`
	JailEvents           map[string]uint64 `json:"jail_events"`   // steps of jails' lives that were recorded: start, stop, adopt…
	PeopleEvents         []EventCount      `json:"people_events"` // of the console's people that were recorded: sign-in, step-up…
}

// EventCount is one cell of clawjail_people_events_total.
type EventCount struct {
	Event   string `json:"event"`
	Verdict string `json:"verdict"`
	Count   uint64 `json:"count"`
}

// DecisionCount is one cell of clawjail_decisions_total.
type DecisionCount struct {
	Gate    string `json:"gate"`
	Verdict string `json:"verdict"`
	Count   uint64 `json:"count"`
}

// Histogram is cumulative: Buckets[le] counts the observations <= le seconds.
type Histogram struct {
	Bounds  []float64 `json:"bounds"`  // ascending, seconds
	Buckets []uint64  `json:"buckets"` // cumulative, one per bound
	Count   uint64    `json:"count"`
	Sum     float64   `json:"sum"`
}
