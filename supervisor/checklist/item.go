package checklist

import (
	"time"

	"clawjail/supervisor/checklist/ledger"
)

// Status is what became of one item.
type Status string

// The statuses.
const (
	OK        Status = "ok"
	Attention Status = "attention" // permitted, and somebody should know
	Failed    Status = "failed"
	Unknown   Status = "unknown" // could not be tried, which is no better than Failed
)

// Word is a status as a page shows it.
func (s Status) Word() string {
	switch s {
	case OK:
		return "in order"
	case Attention:
		return "look at it"
	case Failed:
		return "failed"
	}
	return "not known"
}

// Item is one line of the checklist.
type Item struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Status Status `json:"status"`
	Detail string `json:"detail"`
	// Fix is the command or the setting that mends it.
	Fix string `json:"fix,omitempty"`
}

// Task is something that has to be done again and again.
type Task struct {
	Item
	Every string     `json:"every"` // in words: "week", "quarter"
	Last  *time.Time `json:"last,omitempty"`
	By    string     `json:"by,omitempty"`
	Note  string     `json:"note,omitempty"`
	Due   *time.Time `json:"due,omitempty"`
}

// Report is the whole checklist.
type Report struct {
	Time  time.Time `json:"time"`
	Host  string    `json:"host"`
	OK    bool      `json:"ok"` // nothing failed and nothing is unknown
	Items []Item    `json:"items"`
	Tasks []Task    `json:"tasks"`
}

// Count gives how many items and tasks have a status.
func (r Report) Count(s Status) int {
	n := 0
	for _, i := range r.Items {
		if i.Status == s {
			n++
		}
	}
	for _, t := range r.Tasks {
		if t.Status == s {
			n++
		}
	}
	return n
}

// Judge turns facts into the checklist.
func Judge(f Facts) Report {
	r := Report{Time: f.Time, Host: f.Host}
	for _, judge := range []func(Facts) Item{
		supervisorRuns, hostReady, configTrusted, keysPrivate, approvers, accounts,
		passwordsRefused, secretKept, ratesLimited,
		policiesSound, humansAsked, actionLimits, auditProven, auditKept, auditCopied,
		skillsAudited, skillsVerified, jailHolds, networkHolds, shellRefuses, monitored,
		responseWritten,
	} {
		r.Items = append(r.Items, judge(f))
	}
	for _, k := range ledger.Tasks() {
		r.Tasks = append(r.Tasks, judgeTask(k, f))
	}
	r.OK = r.Count(Failed)+r.Count(Unknown) == 0
	return r
}
