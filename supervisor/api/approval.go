package api

import (
	"encoding/json"
	"fmt"
	"time"
)

// Approval is a held request as approvers see it.
type Approval struct {
	// Request is the form of package approval: strings are escaped texts.
	// approval.Decode reads it and checks its digest.
	Request json.RawMessage `json:"request"`
	// WaitedMS and LeftMS are right even when the host's clock is not.
	WaitedMS int64 `json:"waited_ms"`
	LeftMS   int64 `json:"left_ms"`
	// Trail is what people were told of it, who looked at it, and who approved it
	// so far: also a form of package approval, which approval.DecodeTrail reads.
	Trail json.RawMessage `json:"trail,omitempty"`
}

// EndedApproval is a held request that was decided, or ended otherwise.
type EndedApproval struct {
	Decision ApprovalDecision `json:"decision"`
	Trail    json.RawMessage  `json:"trail"` // as in Approval
}

// Approvals is the list of held requests: the oldest of every jail first.
type Approvals struct {
	Approvals []Approval `json:"approvals"`
	// More is how many further ones did not fit into the answer.
	More int `json:"more,omitempty"`
}

// MaxApprovalsBytes bounds the requests in one Approvals.
const MaxApprovalsBytes = 16 << 20

// DecideRequest answers a held request.
type DecideRequest struct {
	Approve bool `json:"approve"`
	// Digest is of the request that the approver saw.
	Digest string `json:"digest"`
	// Waiting is how many identical calls the approver saw; 0: not told.
	Waiting int    `json:"waiting,omitempty"`
	Scope   string `json:"scope,omitempty"` // once (the default), for, jail, always
	// For goes with the scope "for", in nanoseconds.
	For    time.Duration `json:"for_ns,omitempty"`
	Reason string        `json:"reason,omitempty"`
	// File is the policy file that the client wrote a rule to, with the scope "always".
	File string `json:"file,omitempty"`
}

// ApprovalDecision is how a held request ended.
type ApprovalDecision struct {
	ID      string    `json:"id"`
	Digest  string    `json:"digest"`
	Allowed bool      `json:"allowed"`
	Outcome string    `json:"outcome"` // "approved", "denied: timed out"…
	Scope   string    `json:"scope,omitempty"`
	ByUID   *uint32   `json:"by_uid,omitempty"`
	By      string    `json:"by,omitempty"`
	Reason  string    `json:"reason,omitempty"` // raw
	HeldMS  float64   `json:"held_ms"`
	At      time.Time `json:"at"`
	// With names those who approved before By, where it takes several people.
	With string `json:"with,omitempty"`
	// Needs is how many more people have to approve: it is not decided yet.
	Needs int `json:"needs,omitempty"`
}

// String says in one line how it ended. By and Reason are raw in it.
func (d ApprovalDecision) String() string {
	if d.Needs > 0 {
		return fmt.Sprintf("approved by %s, takes %d more", d.By, d.Needs)
	}
	s := d.Outcome
	if d.By != "" {
		s += " by " + d.By
	}
	if d.With != "" {
		s += " with " + d.With
	}
	if d.Allowed && d.Scope != "" {
		s += ", " + d.Scope
	}
	if d.Reason != "" {
		s += ": " + d.Reason
	}
	return s
}

// DecideAnswer says what was decided, and about what.
type DecideAnswer struct {
	Request  json.RawMessage  `json:"request"` // as in Approval
	Decision ApprovalDecision `json:"decision"`
}

// ApprovalEvent is one line of the stream of changes. It begins with a
// "resync", which carries the whole list.
type ApprovalEvent struct {
	// Kind is resync (the list is List), added, changed, removed or told.
	Kind     string            `json:"kind"`
	List     *Approvals        `json:"list,omitempty"`
	Approval *Approval         `json:"approval,omitempty"`
	Decision *ApprovalDecision `json:"decision,omitempty"` // of removed
	Notice   *Notice           `json:"notice,omitempty"`   // of told
}

// Notice tells that something was done which a policy has a human told of.
// Texts are escaped.
type Notice struct {
	Jail     string    `json:"jail"`
	JailName string    `json:"jail_name"`
	Gate     string    `json:"gate"`
	Rule     string    `json:"rule"`
	What     string    `json:"what,omitempty"`    // left out: many things
	Default  bool      `json:"default,omitempty"` // about what no written rule is about
	Count    uint64    `json:"count"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

// Notices is what was told, the latest at the end.
type Notices struct {
	Notices []Notice `json:"notices"`
}
