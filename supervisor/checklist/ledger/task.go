package ledger

import (
	"fmt"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Task is something to do again and again.
type Task struct {
	ID, Title string
	Every     string        // in words
	Within    time.Duration // some days more than Every, for weekends
	Fix       string        // how it is done
}

// Tasks are those of a deployment.
func Tasks() []Task {
	return []Task{
		{"skill-audit", "Audit installed skills again", "week", 9 * day, "sudo clawjail skill reaudit"},
		{"log-review", "Review the audit log", "week", 9 * day, "clawjail audit query --since 7d --verdict deny; then: sudo clawjail checklist done log-review"},
		{"access-review", "Review who may do what", "month", 33 * day, "sudo clawjail access review --sign-off"},
		{"dependency-update", "Update clawjail and what it depends on", "month", 33 * day, "update, then: sudo clawjail checklist done dependency-update"},
		{"backup-restore", "Restore a backup, as a test", "quarter", 95 * day, "sudo clawjail backup FILE; restore it elsewhere; then: sudo clawjail checklist done backup-restore"},
		{"incident-drill", "Drill an incident", "quarter", 95 * day, "sudo clawjail incident drill"},
		{"penetration-test", "Have somebody try to break out", "quarter", 95 * day, "then: sudo clawjail checklist done penetration-test --note REPORT"},
	}
}

// Check says whether there is such a task.
func Check(id string) error {
	var ids []string
	for _, k := range Tasks() {
		if k.ID == id {
			return nil
		}
		ids = append(ids, k.ID)
	}
	return fmt.Errorf("no task is called %q; there are %s", id, strings.Join(ids, ", "))
}
