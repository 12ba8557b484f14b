package api

import (
	"encoding/json"
	"time"

	"clawjail/supervisor/checklist/ledger"
)

// Checklist is what the supervisor knows of the production checklist.
type Checklist struct {
	Scraped time.Time               `json:"scraped"` // when its counters were last read; zero: never
	Done    map[string]ledger.Entry `json:"done"`
}

// ChecklistReport is what `clawjail checklist` found, as JSON of package
// checklist, which the supervisor keeps for the console and does not look into.
type ChecklistReport struct {
	Report json.RawMessage `json:"report"`
}

// KeptChecklist is the last report, and what was done and when.
type KeptChecklist struct {
	At     time.Time               `json:"at"` // zero: there is none
	By     string                  `json:"by"`
	Report json.RawMessage         `json:"report,omitempty"`
	Done   map[string]ledger.Entry `json:"done"`
}

// TaskDone says that a task was done.
type TaskDone struct {
	Note string `json:"note,omitempty"`
	// List is what was looked at, for the audit log: a line each.
	List []string `json:"list,omitempty"`
}
