package supervisor

import (
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"clawjail/audit"
	"clawjail/audit/escape"
	"clawjail/supervisor/api"
	"clawjail/supervisor/checklist/ledger"
)

// checks is what the production checklist asks of a supervisor.
type checks struct {
	scraped atomic.Int64 // when counters were last read, in nanoseconds; 0: never
	mu      sync.Mutex
	ledger  *ledger.Ledger
}

func (s *Supervisor) checklistRoutes(add func(string, func(*call) (any, *api.Error))) {
	add("GET /v1/checklist", (*call).checklist)
	add("POST /v1/checklist", (*call).keepChecklist)
	add("POST /v1/checklist/{task}", (*call).taskDone)
}

// tasks opens the ledger when it is first needed: one that cannot be read is no
// reason not to run jails.
func (s *Supervisor) tasks() (*ledger.Ledger, error) {
	s.checks.mu.Lock()
	defer s.checks.mu.Unlock()
	var err error
	if s.checks.ledger == nil {
		s.checks.ledger, err = ledger.Open(filepath.Join(s.opt.Config.StateDir, "checklist.json"))
	}
	return s.checks.ledger, err
}

func (c *call) checklist() (any, *api.Error) {
	l, err := c.s.tasks()
	if err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "what was done and when: %v", err)
	}
	out := api.Checklist{Done: l.All()}
	if at := c.s.checks.scraped.Load(); at != 0 {
		out.Scraped = time.Unix(0, at)
	}
	return out, nil
}

// reportPath is where the last report is kept.
func (s *Supervisor) reportPath() string {
	return filepath.Join(s.opt.Config.StateDir, "checklist-report.json")
}

// keepChecklist keeps what root's run of the checklist found: the console shows
// it, and this process does not look into it. That it was run is a record.
func (c *call) keepChecklist() (any, *api.Error) {
	if c.peer.UID != 0 {
		return nil, api.Errorf(http.StatusForbidden, "the checklist is root's: it looks at what is root's")
	}
	var r api.ChecklistReport
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	if len(r.Report) == 0 || len(r.Report) > ledger.MaxReport {
		return nil, api.Errorf(http.StatusBadRequest, "the report has %d bytes, and has to have 1 to %d", len(r.Report), ledger.MaxReport)
	}
	uid, at := c.peer.UID, time.Now()
	err := c.s.audit.append(audit.Record{Time: at, Gate: audit.GateSupervisor, Subject: audit.Subject{Op: "checklist", Name: "run", UID: &uid}})
	if err != nil {
		return nil, api.Errorf(http.StatusServiceUnavailable, "record that the checklist was run: %v", err)
	}
	if err := ledger.KeepReport(c.s.reportPath(), ledger.Report{At: at, By: userName(uid), Body: r.Report}); err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "keep what the checklist found: %v", err)
	}
	return struct{}{}, nil
}

// keptChecklist gives a person the last report, and what was done since.
func (c *call) keptChecklist() (any, *api.Error) {
	l, err := c.s.tasks()
	if err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "what was done and when: %v", err)
	}
	r, err := ledger.LastReport(c.s.reportPath())
	if err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "what the checklist found: %v", err)
	}
	return api.KeptChecklist{At: r.At, By: r.By, Report: r.Body, Done: l.All()}, nil
}

// taskDone writes down that somebody did what has to be done again and again:
// into the log first, since that is what is believed.
func (c *call) taskDone() (any, *api.Error) {
	var r api.TaskDone
	if apiErr := c.decode(&r); apiErr != nil {
		return nil, apiErr
	}
	task := c.r.PathValue("task")
	if err := ledger.Check(task); err != nil {
		return nil, api.Errorf(http.StatusNotFound, "%v", err)
	}
	if apiErr := c.s.done(task, c.peer.UID, r); apiErr != nil {
		return nil, apiErr
	}
	return struct{}{}, nil
}

func (s *Supervisor) done(task string, uid uint32, r api.TaskDone) *api.Error {
	l, err := s.tasks()
	if err != nil {
		return api.Errorf(http.StatusInternalServerError, "what was done and when: %v", err)
	}
	if len(r.Note) > ledger.MaxNote {
		return api.Errorf(http.StatusBadRequest, "the note has %d bytes, at most %d", len(r.Note), ledger.MaxNote)
	}
	at := time.Now()
	err = s.audit.append(audit.Record{Time: at, Gate: audit.GateSupervisor,
		Subject: audit.Subject{Op: "checklist", Name: task, UID: &uid, Message: r.Note, Argv: r.List}})
	if err != nil {
		return api.Errorf(http.StatusServiceUnavailable, "record that %s was done: %v", task, err)
	}
	if err := l.Done(task, ledger.Entry{At: at, By: userName(uid), Note: escape.String(r.Note)}); err != nil {
		return api.Errorf(http.StatusInternalServerError, "%v", err)
	}
	return nil
}
