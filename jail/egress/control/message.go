package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Version changes whenever the meaning of a message does. The process outlives
// the supervisor that started it, so both ends may be of different builds; they
// go on together only when they speak the same version.
const Version = 1

// Message types. The supervisor sends add and remove; clawjail-egress sends
// ready once, and one answer for each request. The other way round,
// clawjail-egress sends ask, and withdraw when the connection is gone before
// it was decided; the supervisor sends one decide for an ask that was not
// withdrawn, and maybe for one that was.
const (
	TypeAdd    = "add"
	TypeRemove = "remove"
	TypeCut    = "cut"  // reset a jail's connections, and refuse new ones
	TypeJoin   = "join" // take connections again
	// TypeReady is the first message of a connection: the version, and the jails
	// that are served since a former supervisor.
	TypeReady  = "ready"
	TypeAnswer = "answer"
	// TypeTake goes on with a jail of a former supervisor: its asks are put again.
	TypeTake = "take"
	// TypeEnd ends the process. The end of the connection does not: it waits for
	// the next supervisor then.
	TypeEnd = "end"
	// TypeLink brings, over the handover socket, the connection to the next
	// supervisor. Its form must never change.
	TypeLink = "link"

	TypeAsk      = "ask"
	TypeWithdraw = "withdraw"
	TypeDecide   = "decide"
)

// Message is one control message.
type Message struct {
	Type string `json:"type"`
	// ID pairs an answer with its request, and a decide or withdraw with its
	// ask. Requests and asks are numbered each by their sender, from 1.
	ID    uint64 `json:"id,omitempty"`
	Rules *Rules `json:"rules,omitempty"` // add
	// Sockets says which sockets come with an add, in the order of the
	// descriptors: any of tcp4, tcp6, udp4, udp6.
	Sockets []string `json:"sockets,omitempty"`
	Jail    string   `json:"jail,omitempty"`  // remove, cut, join, take
	Error   string   `json:"error,omitempty"` // answer; "" is success
	Version int      `json:"version,omitempty"`
	Served  []Served `json:"served,omitempty"` // ready

	Ask     *Ask     `json:"ask,omitempty"`     // ask
	Verdict *Verdict `json:"verdict,omitempty"` // decide
}

// Envelope is one message of the event stream: an event, or the word that no
// more of a jail's will come.
type Envelope struct {
	Event *Event `json:"event,omitempty"`
	Ended string `json:"ended,omitempty"`
}

// Encode returns a message's bytes, or an error when they are too many.
func Encode(m Message) ([]byte, error) {
	return encode(m, MaxMessage)
}

// Decode reads a message and checks it.
func Decode(b []byte) (Message, error) {
	var m Message
	if err := decode(b, MaxMessage, &m); err != nil {
		return Message{}, fmt.Errorf("decode egress message: %w", err)
	}
	if err := m.check(); err != nil {
		return Message{}, fmt.Errorf("decode egress message: %w", err)
	}
	return m, nil
}

// EncodeEnvelope returns an envelope's bytes.
func EncodeEnvelope(e Envelope) ([]byte, error) {
	return encode(e, MaxEvent)
}

// DecodeEnvelope reads an envelope and checks every field of its event.
func DecodeEnvelope(b []byte) (Envelope, error) {
	var e Envelope
	if err := decode(b, MaxEvent, &e); err != nil {
		return Envelope{}, fmt.Errorf("decode egress event: %w", err)
	}
	if (e.Event == nil) == (e.Ended == "") {
		return Envelope{}, errors.New("decode egress event: want an event or an end")
	}
	var err error
	if e.Event != nil {
		err = e.Event.check()
	} else {
		err = checkJail(e.Ended)
	}
	if err != nil {
		return Envelope{}, fmt.Errorf("decode egress event: %w", err)
	}
	return e, nil
}

func encode(v any, limit int) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode egress message: %w", err)
	}
	if len(b) > limit {
		return nil, fmt.Errorf("encode egress message: %d bytes, at most %d", len(b), limit)
	}
	return b, nil
}

func decode(b []byte, limit int, v any) error {
	if len(b) > limit {
		return fmt.Errorf("%d bytes, at most %d", len(b), limit)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	again, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return errors.New("not in canonical form")
	}
	return nil
}

func (m Message) check() error {
	var err error
	switch m.Type {
	case TypeAdd:
		err = m.checkAdd()
	case TypeRemove, TypeCut, TypeJoin, TypeTake:
		err = checkJail(m.Jail)
	case TypeReady, TypeLink:
		err = m.checkReady()
	case TypeEnd:
	case TypeAnswer:
		err = checkText("error", m.Error)
	case TypeAsk:
		err = m.checkAsk()
	case TypeWithdraw:
	case TypeDecide:
		if m.Verdict == nil {
			return errors.New("no verdict")
		}
		err = checkText("reason", m.Verdict.Reason)
	default:
		err = fmt.Errorf("unknown type %.40q", m.Type)
	}
	if err == nil && (m.Rules != nil || m.Sockets != nil) != (m.Type == TypeAdd) {
		err = fmt.Errorf("rules or sockets do not fit a message of type %s", m.Type)
	}
	if err == nil && ((m.Ask != nil) != (m.Type == TypeAsk) || (m.Verdict != nil) != (m.Type == TypeDecide)) {
		err = fmt.Errorf("an ask or a verdict does not fit a message of type %s", m.Type)
	}
	if err == nil && (m.Served != nil && m.Type != TypeReady || m.Version != 0 && m.Type != TypeReady && m.Type != TypeLink) {
		err = fmt.Errorf("a version or a list of jails does not fit a message of type %s", m.Type)
	}
	return err
}

func (m Message) checkReady() error {
	if m.Version < 0 || len(m.Served) > MaxServed {
		return fmt.Errorf("version %d, %d jails, at most %d", m.Version, len(m.Served), MaxServed)
	}
	seen := make(map[string]bool, len(m.Served))
	for _, s := range m.Served {
		if seen[s.Jail] {
			return errors.New("a jail twice")
		}
		seen[s.Jail] = true
		if err := errors.Join(checkJail(s.Jail), checkText("digest", s.Digest)); err != nil {
			return err
		}
	}
	return nil
}

func (m Message) checkAsk() error {
	a := m.Ask
	if a == nil || m.ID == 0 {
		return errors.New("no ask, or no id")
	}
	if a.Addr.Zone() != "" || a.Addr.IsValid() == (a.Name != "") {
		return errors.New("an ask names a host, or an address without a zone")
	}
	if len(a.Name) > MaxName {
		return fmt.Errorf("name of %d bytes, at most %d", len(a.Name), MaxName)
	}
	if a.Port == 0 {
		return errors.New("an ask has a port")
	}
	switch a.Protocol {
	case "tls", "http", "tcp":
	default:
		return fmt.Errorf("unknown protocol %.40q", a.Protocol)
	}
	return errors.Join(checkJail(a.Jail), checkText("name", a.Name))
}

func (m Message) checkAdd() error {
	if m.Rules == nil {
		return errors.New("no rules")
	}
	const kinds = 4
	if len(m.Sockets) == 0 || len(m.Sockets) > kinds {
		return fmt.Errorf("%d sockets, want 1 to %d", len(m.Sockets), kinds)
	}
	seen := make(map[string]bool, kinds)
	for _, s := range m.Sockets {
		switch s {
		case "tcp4", "tcp6", "udp4", "udp6":
		default:
			return fmt.Errorf("unknown socket %.40q", s)
		}
		if seen[s] {
			return fmt.Errorf("socket %s twice", s)
		}
		seen[s] = true
	}
	return m.Rules.Validate()
}

func (e Event) check() error {
	if err := checkJail(e.Jail); err != nil {
		return err
	}
	switch e.Kind {
	case KindDNS, KindConn, KindLost:
	default:
		return fmt.Errorf("unknown event kind %.40q", e.Kind)
	}
	if e.Verdict != Allow && e.Verdict != Deny {
		return fmt.Errorf("unknown verdict %.40q", e.Verdict)
	}
	if e.BytesUp < 0 || e.BytesDown < 0 || e.Duration < 0 || e.Count == 0 {
		return errors.New("negative or missing count")
	}
	if e.Addr.Zone() != "" {
		return errors.New("address with a zone")
	}
	return errors.Join(
		checkText("name", e.Name), checkText("protocol", e.Protocol),
		checkText("reason", e.Reason), checkText("rule", e.Rule))
}

// checkText holds a string to printable ASCII or, for rule labels with file
// names, printable UTF-8.
func checkText(what, s string) error {
	if len(s) > MaxText {
		return fmt.Errorf("%s of %d bytes, at most %d", what, len(s), MaxText)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not UTF-8", what)
	}
	for _, r := range s {
		if r < ' ' || 0x7f <= r && r < 0xa0 || !printable(r) {
			return fmt.Errorf("%s has the unprintable %U", what, r)
		}
	}
	return nil
}

func checkJail(s string) error {
	if s == "" || len(s) > MaxJailID {
		return fmt.Errorf("jail id of %d bytes, want 1 to %d", len(s), MaxJailID)
	}
	return checkText("jail id", s)
}
