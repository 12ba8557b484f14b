package approval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxTrail bounds the JSON of a trail: every list full of long names.
const maxTrail = 256 << 10

// trailForm is a Trail in JSON. It is what a journal keeps, and what approvers
// are given.
type trailForm struct {
	Category text          `json:"category,omitempty"`
	Severity string        `json:"severity,omitempty"`
	People   int           `json:"people,omitempty"`
	Steps    []steppedForm `json:"steps,omitempty"`
	Sent     []sentForm    `json:"sent,omitempty"`
	Seen     []seenForm    `json:"seen,omitempty"`
	Consents []consentForm `json:"approved,omitempty"`
}

type steppedForm struct {
	Step     int       `json:"step"`
	To       text      `json:"to"`
	AfterMS  int64     `json:"after_ms"`
	At       time.Time `json:"at"`
	Channels []text    `json:"channels,omitempty"`
	Kept     []text    `json:"kept,omitempty"`
	Again    int       `json:"again,omitempty"`
}

type sentForm struct {
	Event   string    `json:"event"`
	Channel text      `json:"channel"`
	Outcome string    `json:"outcome"`
	At      time.Time `json:"at"`
}

type seenForm struct {
	byForm
	At time.Time `json:"at"`
}

type consentForm struct {
	byForm
	At      time.Time `json:"at"`
	Scope   string    `json:"scope"`
	For     int64     `json:"for_ns,omitempty"`
	Reason  text      `json:"reason,omitempty"`
	Waiting int       `json:"waiting,omitempty"`
}

type byForm struct {
	By     text    `json:"by"`
	UID    *uint32 `json:"by_uid,omitempty"`
	Person text    `json:"person,omitempty"`
	Login  *uint32 `json:"login_uid,omitempty"`
	For    text    `json:"in_place_of,omitempty"`
}

func formOf(b By) byForm {
	f := byForm{By: text(b.Name), Person: text(b.Person), Login: b.Login, For: text(b.For)}
	if b.UID != NoAccount {
		f.UID = &b.UID
	}
	return f
}

func (f byForm) by() By {
	b := By{UID: NoAccount, Name: string(f.By), Person: string(f.Person), Login: f.Login, For: string(f.For)}
	if f.UID != nil {
		b.UID = *f.UID
	}
	return b
}

// EncodeTrail gives a trail as one line of JSON that is safe on a terminal.
func EncodeTrail(t Trail) ([]byte, error) {
	f := trailForm{Category: text(t.Rule.Category), Severity: t.Rule.Severity, People: t.Rule.People}
	for _, s := range t.Steps {
		f.Steps = append(f.Steps, steppedForm{s.Step, text(s.To), s.After.Milliseconds(), s.At, texts(s.Channels), texts(s.Kept), s.Again})
	}
	for _, s := range t.Sent {
		f.Sent = append(f.Sent, sentForm{s.Event, text(s.Channel), s.Outcome, s.At})
	}
	for _, s := range t.Seen {
		f.Seen = append(f.Seen, seenForm{formOf(s.By), s.At})
	}
	for _, c := range t.Consents {
		f.Consents = append(f.Consents, consentForm{formOf(c.By), c.At, string(c.Scope.Kind), int64(c.Scope.For), text(c.Reason), c.Waiting})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(f)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// DecodeTrail reads what EncodeTrail gave, strictly.
func DecodeTrail(b []byte) (Trail, error) {
	bad := func(err error) (Trail, error) {
		return Trail{}, fmt.Errorf("decode who was told of a request: %w", err)
	}
	if len(b) > maxTrail {
		return bad(fmt.Errorf("%d bytes, at most %d", len(b), maxTrail))
	}
	var f trailForm
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return bad(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad(errors.New("text after its end"))
	}
	if len(f.Steps) > MaxStepped || len(f.Sent) > MaxSent || len(f.Seen) > MaxSeen || len(f.Consents) > MaxConsents || f.People < 0 || f.People > MaxConsents {
		return bad(errors.New("more of something than there can be"))
	}
	t := Trail{Rule: Rule{Category: string(f.Category), Severity: f.Severity, People: f.People}}
	for _, s := range f.Steps {
		if s.Again < 0 {
			return bad(errors.New("a negative count"))
		}
		t.Steps = append(t.Steps, Stepped{Step: s.Step, To: string(s.To), After: time.Duration(s.AfterMS) * time.Millisecond, At: s.At,
			Channels: plain(s.Channels), Kept: plain(s.Kept), Again: s.Again})
	}
	for _, s := range f.Sent {
		t.Sent = append(t.Sent, Sent{s.Event, string(s.Channel), s.Outcome, s.At})
	}
	for _, s := range f.Seen {
		t.Seen = append(t.Seen, Seen{s.by(), s.At})
	}
	for _, c := range f.Consents {
		scope := Scope{ScopeKind(c.Scope), time.Duration(c.For)}
		if err := scope.Validate(); err != nil {
			return bad(err)
		}
		if c.Waiting < 0 {
			return bad(errors.New("a negative count"))
		}
		t.Consents = append(t.Consents, Consent{By: c.by(), At: c.At, Scope: scope, Reason: string(c.Reason), Waiting: c.Waiting})
	}
	return t, nil
}
