//go:build e2e

package console

import (
	"encoding/json"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/checklist"
	"clawjail/supervisor/checklist/ledger"
	"clawjail/supervisor/incident"
)

func incidentAt(now time.Time, jail, what string) api.Incident {
	return api.Incident{Schema: 1, ID: "20261123-1f4c", State: incident.Assessed, Opened: now.Add(-12 * time.Minute), Severity: incident.High, SeverityBy: "clawjail", Scope: incident.HoldJail,
		Trigger: incident.Trigger{Kind: "mismatch", Rule: "exec.rules[2]", What: what, By: "clawjail"},
		Subject: incident.Subject{Jail: "j2", Name: jail, Agent: "openclaw", UID: 1000, User: "ana", Workspace: "/home/ana/work", Argv: []string{"claude", what}},
		Steps: []incident.Step{{Time: now.Add(-12 * time.Minute), By: "clawjail", Action: "contain", To: "contained", Detail: "every process stands still; " + what},
			{Time: now.Add(-11 * time.Minute), By: "clawjail", Action: "preserve", To: "preserved"}},
		Evidence:   []incident.Bundle{{Time: now, By: "clawjail", Path: "/var/lib/clawjail/incidents/20261123-1f4c/evidence-1.tar.zst", SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Bytes: 1 << 21, Files: 9}},
		Assessment: &incident.Assessment{Time: now, By: "clawjail", Written: []string{what}, Sent: map[string]incident.Volume{what: {Up: 1200, Down: 90000}}, Refused: 4, Findings: []incident.Finding{{Severity: "high", Title: "A program ran that nobody approved", Why: what}}}}
}

// checklistAt is a run of the checklist, and what was done before it.
func checklistAt(now time.Time, detail string) api.KeptChecklist {
	b, err := json.Marshal(checklist.Report{Time: now, Host: "jails.example.org", Items: []checklist.Item{
		{ID: "host", Title: "The kernel has what jails are made of", Status: checklist.OK, Detail: "every feature was tried and works"},
		{ID: "approvers", Title: "Somebody can answer what is asked", Status: checklist.Attention, Detail: detail, Fix: "set hitl.four_eyes: true"},
		{ID: "monitored", Title: "Somebody reads the counters", Status: checklist.Failed, Detail: "never read", Fix: "scrape 127.0.0.1:9420"}}})
	if err != nil {
		return api.KeptChecklist{}
	}
	return api.KeptChecklist{At: now.Add(-3 * time.Hour), By: "root", Report: b, Done: map[string]ledger.Entry{
		"log-review": {At: now.Add(-48 * time.Hour), By: "ana", Note: detail}, "skill-audit": {At: now.Add(-20 * 24 * time.Hour), By: "root"}, "access-review": {At: now.Add(-29 * 24 * time.Hour), By: "ana"}}}
}

// skill is the record of an installed one, with a finding.
func skill(name, rule, evidence string) []byte {
	type object = map[string]any
	b, err := json.Marshal(object{"name": name, "tree": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "kinds": []string{"net", "exec"}, "installed": time.Now().Add(-48 * time.Hour),
		"report": object{"schema": 1, "name": name, "rule_set": "1", "verdict": "manual review", "findings": []object{{"rule": rule, "severity": "high", "confidence": "high", "class": "threat", "file": "scripts/setup.sh", "line": 12,
			"message": "downloads a program and executes it: " + evidence, "evidence": evidence, "fix": "pin it by digest"}}}})
	if err != nil {
		return nil
	}
	return b
}
