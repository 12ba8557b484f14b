package api

import (
	"encoding/json"
	"time"
)

// AssertionHeader carries who stands behind a request of the console: a token
// of package assert.
const AssertionHeader = "Clawjail-Assertion"

// CodeHeader carries a fresh code of the person's authenticator, for a request
// to the console that takes one.
const CodeHeader = "Clawjail-Code"

// AuditPage is what a search of the log found, the newest at the end.
type AuditPage struct {
	Records []json.RawMessage `json:"records"`        // of package audit
	More    bool              `json:"more,omitempty"` // there may be further ones
	Damaged int               `json:"damaged,omitempty"`
}

// Limits is what is left of limits.
type Limits struct {
	Limits []Limit `json:"limits"`
}

// Limit is how much of something a jail did, of how much it may.
type Limit struct {
	Jail string        `json:"jail"`
	Name string        `json:"name"`
	What string        `json:"what"`
	Max  int64         `json:"max"`
	Per  time.Duration `json:"per_ns"`
	Used int64         `json:"used"`
	Left int64         `json:"left"`
	// Whose is counted together: of the jail, or of each agent, user or all.
	Whose string `json:"whose,omitempty"`
	// Currency is of money; then the numbers are its minor units.
	Currency string `json:"currency,omitempty"`
	// Over is what becomes of more than that: ask or deny.
	Over    string `json:"over,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// SkillRecords are those of the installed skills, as package policy/skill/store
// wrote them.
type SkillRecords struct {
	Records    [][]byte `json:"records"`
	Bytes      int64    `json:"bytes"`
	Unreadable int      `json:"unreadable,omitempty"`
}
