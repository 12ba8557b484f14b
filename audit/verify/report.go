package verify

import (
	"fmt"
	"time"
)

// Kind is how something was altered.
type Kind string

// The kinds.
const (
	Edited     Kind = "edited"     // a record's text was changed
	Deleted    Kind = "deleted"    // records are missing
	Inserted   Kind = "inserted"   // a record was added
	Reordered  Kind = "reordered"  // records stand in another order
	Swapped    Kind = "swapped"    // a segment holds what another one's name promises
	Truncated  Kind = "truncated"  // the end was cut off behind a checkpoint
	Rewritten  Kind = "rewritten"  // whole in itself, but not what was signed
	Unreadable Kind = "unreadable" // a line is no record
	Unsigned   Kind = "unsigned"   // nothing is signed at all
	Checkpoint Kind = "checkpoint" // the checkpoints themselves were altered
	Key        Kind = "key"        // signed with a key that is not trusted
	Anchor     Kind = "anchor"     // a copy that was kept elsewhere says otherwise
)

// Problem is one thing that is wrong, and where.
type Problem struct {
	Kind    Kind   `json:"kind"`
	Segment string `json:"segment,omitempty"`  // or the file of the checkpoints
	Line    int    `json:"line,omitempty"`     // in it, from 1
	Seq     uint64 `json:"seq,omitempty"`      // of the record
	LastSeq uint64 `json:"last_seq,omitempty"` // of the last, where it is about several
	Message string `json:"message"`
}

func (p Problem) String() string {
	at := ""
	if p.Segment != "" {
		at = " " + p.Segment
		if p.Line > 0 {
			at += fmt.Sprintf(":%d", p.Line)
		}
		at += ":"
	}
	return fmt.Sprintf("%s:%s %s", p.Kind, at, p.Message)
}

// MaxProblems bounds how many problems a report names; More counts the rest.
const MaxProblems = 100

// Report is what a verification found.
type Report struct {
	OK          bool      `json:"ok"`
	First       uint64    `json:"first"` // number of the first record that is there
	Last        uint64    `json:"last"`
	Head        string    `json:"head,omitempty"` // hash of the last record
	Records     uint64    `json:"records"`
	Bytes       int64     `json:"bytes"` // uncompressed
	Segments    int       `json:"segments"`
	Retired     uint64    `json:"retired,omitempty"` // removed by retention, signed
	Checkpoints int       `json:"checkpoints"`
	Signed      uint64    `json:"signed"`             // number of the last record that a checkpoint covers
	SignedAt    time.Time `json:"signed_at,omitzero"` // when it did
	Unsigned    uint64    `json:"unsigned"`           // records after it
	Key         string    `json:"key,omitempty"`      // id of the key that signed last
	Anchors     int       `json:"anchors,omitempty"`  // copies that were compared
	Torn        bool      `json:"torn,omitempty"`     // the very last line has no end: it is being written, or its writer died
	Problems    []Problem `json:"problems,omitempty"` // the first MaxProblems
	More        int       `json:"more,omitempty"`     // problems beyond these
}

// add keeps a problem. Neighbours of one kind become one.
func (r *Report) add(p Problem) {
	r.OK = false
	if p.LastSeq == 0 {
		p.LastSeq = p.Seq
	}
	if n := len(r.Problems); n > 0 && p.Seq > 0 {
		last := &r.Problems[n-1]
		if last.Kind == p.Kind && last.Segment == p.Segment && last.Message == p.Message && p.Seq == last.LastSeq+1 {
			last.LastSeq = p.LastSeq
			return
		}
	}
	if len(r.Problems) >= MaxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, p)
}
