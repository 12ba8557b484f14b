package doctor

import "encoding/json"

// Status is how a check ended.
type Status string

// The statuses: with a warning jails run, with a failure they do not.
const (
	OK   Status = "ok"
	Warn Status = "warn"
	Fail Status = "fail"
)

// Check is one thing that was tried.
type Check struct {
	ID     string `json:"id"`   // stable, for scripts
	Name   string `json:"name"` // for people
	Status Status `json:"status"`
	Detail string `json:"detail,omitempty"` // what was found
	Fix    string `json:"fix,omitempty"`    // what to do about it
}

// Report is everything that was found out.
type Report struct {
	OK      bool    `json:"ok"`   // false: `clawjail run` would fail
	Tier    string  `json:"tier"` // of enforcement: lsm or notify; empty when unknown
	Kernel  string  `json:"kernel"`
	Version string  `json:"version"` // of clawjail
	Checks  []Check `json:"checks"`
}

// MaxReportBytes bounds a report that is read from another process.
const MaxReportBytes = 1 << 20

// Decode reads the JSON form of a report.
func Decode(b []byte) (Report, error) {
	var r Report
	err := json.Unmarshal(b, &r)
	return r, err
}

// add appends a check.
func (r *Report) add(c Check) {
	r.Checks = append(r.Checks, c)
	if c.Status == Fail {
		r.OK = false
	}
}
