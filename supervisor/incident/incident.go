package incident

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The bounds of what an incident keeps.
const (
	MaxSteps  = 1000
	MaxText   = 4096 // bytes of a reason, a conclusion, a detail
	MaxBundle = 100
)

// Severity is how bad it is.
type Severity string

// The severities.
const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Severities are all of them, from the least.
func Severities() []string {
	return []string{string(Low), string(Medium), string(High), string(Critical)}
}

// ParseSeverity reads one.
func ParseSeverity(s string) (Severity, error) {
	if !slices.Contains(Severities(), s) {
		return "", fmt.Errorf("unknown severity %q; there are %s", s, strings.Join(Severities(), ", "))
	}
	return Severity(s), nil
}

// Trigger is why an incident was opened.
type Trigger struct {
	Kind string `json:"kind"` // freeze, kill, mismatch, person
	Rule string `json:"rule,omitempty"`
	What string `json:"what"`
	By   string `json:"by"` // "clawjail", or the person
}

// Subject is the jail that an incident is about, as it was.
type Subject struct {
	Jail      string    `json:"jail"` // id
	Name      string    `json:"name"`
	Agent     string    `json:"agent"` // name of its policy
	Digest    string    `json:"policy_digest"`
	UID       uint32    `json:"uid"`
	User      string    `json:"user"`
	Workspace string    `json:"workspace"`
	Argv      []string  `json:"argv"`
	Started   time.Time `json:"started"`
	FirstSeq  uint64    `json:"first_seq,omitempty"` // of the audit log, when the jail was made
}

// Scope is what a hold keeps from starting.
type Scope string

// The scopes.
const (
	HoldJail  Scope = "jail"  // this jail, and a new one under its name
	HoldAgent Scope = "agent" // and any under a policy of that name for the same user
	HoldUser  Scope = "user"  // and any of the same user
)

// Step is something that was done.
type Step struct {
	Time   time.Time `json:"time"`
	By     string    `json:"by"`
	Action Action    `json:"action"`
	To     State     `json:"to"`
	Detail string    `json:"detail,omitempty"`
	Failed string    `json:"failed,omitempty"` // what of it did not work
}

// Bundle is evidence that was taken.
type Bundle struct {
	Time   time.Time `json:"time"`
	By     string    `json:"by"`
	Path   string    `json:"path"`
	SHA256 string    `json:"sha256"`
	Bytes  int64     `json:"bytes"`
	Files  int       `json:"files"`
	Failed []string  `json:"failed,omitempty"` // sources that could not be read
}

// Finding is one thing that the assessment says.
type Finding struct {
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`
	Why      string   `json:"why"`
}

// Assessment is what is known of the damage.
type Assessment struct {
	Time      time.Time         `json:"time"`
	By        string            `json:"by"`
	Written   []string          `json:"written,omitempty"`
	Deleted   []string          `json:"deleted,omitempty"`
	Sent      map[string]Volume `json:"sent,omitempty"` // by host
	Refused   int               `json:"refused"`
	Secrets   []string          `json:"secrets,omitempty"` // names of credentials that the jail could see
	Findings  []Finding         `json:"findings,omitempty"`
	Truncated bool              `json:"truncated,omitempty"`
}

// Volume is what went to and came from a host.
type Volume struct {
	Up          int64 `json:"up"`
	Down        int64 `json:"down"`
	Connections int   `json:"connections"`
}

// Incident is one.
type Incident struct {
	Schema     int         `json:"schema"`
	ID         string      `json:"id"`
	State      State       `json:"state"`
	Opened     time.Time   `json:"opened"`
	Trigger    Trigger     `json:"trigger"`
	Subject    Subject     `json:"subject"`
	Scope      Scope       `json:"hold"`
	Severity   Severity    `json:"severity"`
	SeverityBy string      `json:"severity_by"`
	Steps      []Step      `json:"steps"`
	Evidence   []Bundle    `json:"evidence,omitempty"`
	Assessment *Assessment `json:"assessment,omitempty"`
	Played     []Played    `json:"played,omitempty"` // commands of the playbook
	Conclusion string      `json:"conclusion,omitempty"`
	Drill      bool        `json:"drill,omitempty"` // an exercise
}

// Schema is the version of an incident's form.
const Schema = 1

// step appends what was done, and moves on.
func (i *Incident) step(s Step) error {
	to, err := next(i.State, s.Action)
	if err != nil {
		return fmt.Errorf("incident %s: %w", i.ID, err)
	}
	if len(i.Steps) >= MaxSteps {
		return fmt.Errorf("incident %s has %d steps, which is the limit", i.ID, MaxSteps)
	}
	s.To, s.Detail, s.Failed = to, cut(s.Detail), cut(s.Failed)
	i.State, i.Steps = to, append(i.Steps, s)
	return nil
}

// needReason refuses an empty reason: whoever reads it later has nothing else.
func needReason(what, s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New(what + " is needed, in words for whoever reads this later")
	}
	if len(s) > MaxText {
		return fmt.Errorf("%s of %d bytes; at most %d", what, len(s), MaxText)
	}
	return nil
}

func cut(s string) string {
	if len(s) > MaxText {
		return s[:MaxText]
	}
	return s
}
