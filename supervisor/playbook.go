package supervisor

import (
	"encoding/json"
	"fmt"
	"time"

	"clawjail/supervisor/config"
	"clawjail/supervisor/hook"
	"clawjail/supervisor/incident"
	"clawjail/supervisor/notify"
)

// briefing is what a command of the playbook reads on its standard input: what
// it needs to know and no lists without end.
type briefing struct {
	ID       string             `json:"id"`
	At       incident.State     `json:"at"`
	State    incident.State     `json:"state"`
	Severity incident.Severity  `json:"severity"`
	Drill    bool               `json:"drill"`
	Opened   time.Time          `json:"opened"`
	Trigger  incident.Trigger   `json:"trigger"`
	Subject  incident.Subject   `json:"subject"`
	Secrets  []string           `json:"secrets,omitempty"` // names of credentials that the jail could see
	Findings []incident.Finding `json:"findings,omitempty"`
	Hosts    []string           `json:"hosts,omitempty"` // where data was sent to
}

// maxHosts bounds the hosts of a briefing, and maxArgs the words of the command.
const (
	maxHosts = 100
	maxArgs  = 64
)

func brief(in incident.Incident, at incident.State) ([]byte, error) {
	b := briefing{ID: in.ID, At: at, State: in.State, Severity: in.Severity, Drill: in.Drill, Opened: in.Opened, Trigger: in.Trigger, Subject: in.Subject}
	b.Subject.Argv = b.Subject.Argv[:min(len(b.Subject.Argv), maxArgs)]
	if a := in.Assessment; a != nil {
		b.Secrets, b.Findings = a.Secrets[:min(len(a.Secrets), maxHosts)], a.Findings
		for h := range a.Sent {
			if len(b.Hosts) < maxHosts {
				b.Hosts = append(b.Hosts, h)
			}
		}
	}
	out, err := json.Marshal(b)
	if err == nil && len(out) >= hook.MaxInput {
		b.Subject.Argv, b.Findings, b.Secrets = nil, nil, nil // `incident show` has them
		out, err = json.Marshal(b)
	}
	return append(out, '\n'), err
}

// play runs the commands of the playbook for a stage, one after the other, and
// puts what came of them into the incident. One that has worked is not run
// again, however often an incident comes to the stage.
func (s *Supervisor) play(id string, at incident.State) {
	for _, p := range s.opt.Config.Playbook {
		in, err := s.incidents.Get(id)
		if err != nil {
			s.log.Error("run the playbook", "incident", id, "error", err)
			return
		}
		if p.At != string(at) || !notify.AtLeast(string(in.Severity), p.Severity) || in.Done(p.Name, at) {
			continue
		}
		r := incident.Played{Time: time.Now().UTC().Round(0), Name: p.Name, At: at}
		if in.Drill && !p.Drill {
			r.Output = "not run: this is an exercise, and the command is not marked drill: true"
		} else {
			s.runPlay(&r, p, in, at)
		}
		if in, err = s.incidents.AddPlayed(id, r); err != nil {
			s.log.Error("note what came of a command of the playbook", "incident", id, "command", p.Name, "error", err)
		}
		text := fmt.Sprintf("playbook %s at %s: ", p.Name, at)
		if r.Failed == "" {
			s.incidentRecord(in, "play", "clawjail", text+"done")
			continue
		}
		s.incidentRecord(in, "play", "clawjail", text+r.Failed)
		s.tellIncident(in, "playbook", text+r.Failed)
	}
}

func (s *Supervisor) runPlay(r *incident.Played, p config.Play, in incident.Incident, at incident.State) {
	input, err := brief(in, at)
	if err != nil {
		r.Failed = err.Error()
		return
	}
	timeout := time.Duration(p.Timeout)
	if timeout == 0 {
		timeout = config.DefaultTimeout
	}
	res := hook.Run(s.base, hook.Command{Argv: p.Command, User: p.User, Timeout: timeout, Input: input,
		Host: s.opt.Namespaces, Env: []string{"CLAWJAIL_INCIDENT=" + in.ID, "CLAWJAIL_STAGE=" + string(at)}})
	r.Exit, r.Took, r.Output, r.Failed = res.Exit, res.Took, res.Output, res.Error
	if res.Truncated {
		r.Output += "\n…"
	}
}
