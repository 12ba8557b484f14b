package api

import (
	"time"

	"clawjail/supervisor/checklist/ledger"
)

// Checklist is what the supervisor knows of the production checklist.
type Checklist struct {
	Scraped time.Time               `json:"scraped"` // when its counters were last read; zero: never
	Done    map[string]ledger.Entry `json:"done"`
}

// TaskDone says that a task was done.
type TaskDone struct {
	Note string `json:"note,omitempty"`
}
