package approval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Scopes keeps remembered scopes over a restart. Keep returns when a scope is
// durable. Both are called like a Journal's methods. Package approval/journal
// is the real one.
type Scopes interface {
	Keep(Remembered) error
	Drop(names ...string) error
}

// Remembered is a decision whose scope is wider than once, as a journal keeps it.
type Remembered struct {
	Jail, Gate, Key string
	Decision        Decision
	Until           time.Duration // CLOCK_BOOTTIME; 0: as long as the jail lives
	Boot            string        // boot that Until belongs to
}

// Name is what a journal keeps it under: a jail has one decision for a key.
func (m Remembered) Name() string { return keyOf(m.Jail, m.Gate, m.Key) }

// rememberedForm is a Remembered in JSON.
type rememberedForm struct {
	Jail    text      `json:"jail"`
	Gate    string    `json:"gate"`
	Key     text      `json:"key"`
	ID      string    `json:"id"`
	Digest  string    `json:"digest"`
	Outcome string    `json:"outcome"` // approved or rejected
	Scope   string    `json:"scope"`
	For     int64     `json:"for_ns,omitempty"`
	ByUID   uint32    `json:"by_uid"`
	By      text      `json:"by"`
	Reason  text      `json:"reason,omitempty"`
	Held    int64     `json:"held_ns"`
	At      time.Time `json:"at"`
	File    text      `json:"file,omitempty"`
	Until   int64     `json:"until_boot_ns,omitempty"`
	Boot    text      `json:"boot"`
}

// EncodeRemembered gives a remembered scope as one line of JSON.
func EncodeRemembered(m Remembered) ([]byte, error) {
	d := m.Decision
	f := rememberedForm{Jail: text(m.Jail), Gate: m.Gate, Key: text(m.Key), ID: d.ID, Digest: d.Digest, Outcome: "rejected",
		Scope: string(d.Scope.Kind), For: int64(d.Scope.For), ByUID: d.By.UID, By: text(d.By.Name), Reason: text(d.Reason),
		Held: int64(d.Held), At: d.At.UTC(), File: text(d.File), Until: int64(m.Until), Boot: text(m.Boot)}
	if d.Outcome == Approved {
		f.Outcome = "approved"
	}
	return json.Marshal(f)
}

// DecodeRemembered reads what EncodeRemembered gave, strictly.
func DecodeRemembered(b []byte) (Remembered, error) {
	bad := func(err error) (Remembered, error) {
		return Remembered{}, fmt.Errorf("decode a remembered scope: %w", err)
	}
	if len(b) > MaxRequest {
		return bad(fmt.Errorf("%d bytes, at most %d", len(b), MaxRequest))
	}
	var f rememberedForm
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return bad(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad(errors.New("text after its end"))
	}
	m := Remembered{Jail: string(f.Jail), Gate: f.Gate, Key: string(f.Key), Until: time.Duration(f.Until), Boot: string(f.Boot),
		Decision: Decision{ID: f.ID, Digest: f.Digest, Scope: Scope{ScopeKind(f.Scope), time.Duration(f.For)},
			By: By{UID: f.ByUID, Name: string(f.By)}, Reason: string(f.Reason), Held: time.Duration(f.Held), At: f.At, File: string(f.File)}}
	switch f.Outcome {
	case "approved":
		m.Decision.Outcome = Approved
	case "rejected":
		m.Decision.Outcome = Rejected
	default:
		return bad(fmt.Errorf("the outcome %q", clipText(f.Outcome, 32)))
	}
	if err := m.validate(); err != nil {
		return bad(err)
	}
	return m, nil
}

// validate says what no remembered scope of ours can be.
func (m Remembered) validate() error {
	d := m.Decision
	if err := d.Scope.Validate(); err != nil {
		return err
	}
	switch {
	case d.Scope.Kind == ScopeOnce:
		return errors.New("a single use is not remembered")
	case (d.Scope.Kind == ScopeFor) != (m.Until > 0) || m.Until < 0:
		return errors.New("the scope and its end contradict each other")
	case m.Jail == "" || m.Key == "" || len(m.Jail) > MaxName || len(m.Key) > MaxKey || len(m.Boot) > MaxName:
		return errors.New("no jail or key, or one that is too long")
	case len(d.Digest) != 64 || !validID(d.ID):
		return errors.New("it names no decision")
	case len(d.Reason) > MaxReason || len(d.File) > MaxPath || len(d.By.Name) > MaxName:
		return errors.New("a text that is too long")
	}
	return nil
}

// Recall brings back the scopes that were remembered when the supervisor ended:
// those of this boot that have not run out. Call it before the first Submit;
// Retain forgets those of jails that did not come back.
func (q *Queue) Recall(kept []Remembered) {
	var drop []string
	q.mu.Lock()
	now := q.clock.Boot()
	for _, m := range kept {
		r := Request{Jail: m.Jail, Gate: m.Gate, Key: m.Key}
		if m.Boot != q.opt.Boot || m.validate() != nil || m.Until != 0 && now >= m.Until || !q.grants.room(r, now) {
			drop = append(drop, m.Name())
			continue
		}
		q.grants.put(r, grant{decision: m.Decision, until: m.Until})
	}
	q.mu.Unlock()
	q.dropScopes(drop)
}

// keepScope makes a scope durable that settle has remembered. Without that it
// holds until the supervisor ends, and is asked for again then.
func (q *Queue) keepScope(r Request) {
	if q.opt.Scopes == nil {
		return
	}
	q.mu.Lock()
	g, ok := q.grants.find(r, q.clock.Boot())
	q.mu.Unlock()
	if !ok {
		return
	}
	m := Remembered{Jail: r.Jail, Gate: r.Gate, Key: r.Key, Decision: g.decision, Until: g.until, Boot: q.opt.Boot}
	if err := q.opt.Scopes.Keep(m); err != nil && q.opt.OnError != nil {
		q.opt.OnError(fmt.Errorf("keep the scope of decision %s over a restart: %w", g.decision.ID, err))
	}
	q.mu.Lock()
	_, ended := q.ended.get(r.Jail)
	q.mu.Unlock()
	if ended { // meanwhile, maybe before Keep was done
		q.dropScopes([]string{m.Name()})
	}
}

// dropScopes removes scopes from the journal.
func (q *Queue) dropScopes(names []string) {
	if q.opt.Scopes == nil || len(names) == 0 {
		return
	}
	if err := q.opt.Scopes.Drop(names...); err != nil && q.opt.OnError != nil {
		q.opt.OnError(fmt.Errorf("remove %d remembered scopes from the journal: %w", len(names), err))
	}
}
