package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"clawjail/supervisor/config"
)

// The bounds of a message.
const (
	MaxTitle = 200
	MaxText  = 4 << 10
	maxKey   = 256
	MaxError = 500            // of a report
	MaxAge   = 24 * time.Hour // after which a message is given up
)

// The categories that a channel can ask for.
const (
	Incident = "incident" // one was opened, judged, ended
	Approval = "approval" // something is held until a human decides, or was decided
	Notice   = "notice"   // something was done that a human hears of afterwards
	Health   = "health"   // the log cannot be written, records were lost
	// Checkpoint is a signature of the audit log, for a place that keeps it: its
	// text is the line as it stands in the file.
	Checkpoint = "checkpoint"
)

// Categories are all of them.
func Categories() []string { return []string{Incident, Approval, Notice, Health, Checkpoint} }

// The severities, as incidents have them.
var severities = [...]string{"low", "medium", "high", "critical"}

// AtLeast says whether a severity is as bad as the least one; an unknown one is.
func AtLeast(severity, least string) bool {
	is := slices.Index(severities[:], severity)
	return is < 0 || is >= slices.Index(severities[:], least)
}

// Severities are all of them, from the least.
func Severities() []string { return slices.Clone(severities[:]) }

// Message is one thing to be told. Its texts are safe to show as plain text.
type Message struct {
	ID       string    `json:"id"` // of the message; the same on every channel
	Time     time.Time `json:"time"`
	Category string    `json:"category"`
	Event    string    `json:"event"`              // opened, assessed, asked, decided…
	Severity string    `json:"severity,omitempty"` // of an incident
	Key      string    `json:"key,omitempty"`      // what is told once within Window
	Title    string    `json:"title"`
	Text     string    `json:"text"`
	Host     string    `json:"host"`
	Jail     string    `json:"jail,omitempty"`     // its id
	Incident string    `json:"incident,omitempty"` // its id
	Approval string    `json:"approval,omitempty"` // its id
	Digest   string    `json:"digest,omitempty"`   // of what is to be approved
	Drill    bool      `json:"drill,omitempty"`
	// Of an approval: the operator's category, what it touches, how long it has
	// waited by then, how many more people have to approve, and where to decide.
	About    string  `json:"about,omitempty"`
	Impact   *Impact `json:"impact,omitempty"`
	WaitedMS int64   `json:"waited_ms,omitempty"`
	Needs    int     `json:"needs,omitempty"`
	Link     string  `json:"link,omitempty"`
	// Expires is when it is of no use any more; zero: MaxAge after Time.
	Expires time.Time `json:"expires,omitzero"`
}

// Impact is what a held action touches. An empty list: nothing is known.
type Impact struct {
	Financial  []string `json:"financial,omitempty"`
	Legal      []string `json:"legal,omitempty"`
	Data       []string `json:"data,omitempty"`
	Other      []string `json:"other,omitempty"`
	Reversible string   `json:"reversible"` // yes, no, unknown
}

// Check cuts texts and refuses what no channel could be told.
func (m *Message) Check() error {
	if !slices.Contains(Categories(), m.Category) {
		return fmt.Errorf("unknown category %q of a message", m.Category)
	}
	if m.ID == "" || m.Time.IsZero() {
		return fmt.Errorf("a message needs an id and a time")
	}
	m.Title, m.Text = Cut(m.Title, MaxTitle), Cut(m.Text, MaxText)
	m.Key = Cut(m.Key, maxKey)
	if m.Expires.IsZero() || m.Expires.After(m.Time.Add(MaxAge)) {
		m.Expires = m.Time.Add(MaxAge)
	}
	return nil
}

// Cut bounds a text, between two characters.
func Cut(s string, most int) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= most {
		return s
	}
	for len(s) > most-len("…") {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s + "…"
}

// Delivery is a message on its way to one channel.
type Delivery struct {
	ID       string    `json:"id"` // stays the same over attempts and restarts
	Channel  string    `json:"channel"`
	Message  Message   `json:"message"`
	Attempts int       `json:"attempts"` // that were made and did not work
	Next     time.Time `json:"next"`     // not before
	Error    string    `json:"error,omitempty"`
}

// Report is what a sender says of one attempt.
type Report struct {
	ID string `json:"id"`
	// Error is empty when it was sent.
	Error string `json:"error,omitempty"`
	// Refused says that trying again is of no use.
	Refused bool `json:"refused,omitempty"`
}

// Outcome is what an attempt came to.
type Outcome string

// The outcomes.
const (
	Sent    Outcome = "sent"
	Later   Outcome = "later"   // it is tried again
	GivenUp Outcome = "givenup" // refused, or too old
	Dropped Outcome = "dropped" // there was no room for it
	Again   Outcome = "again"   // it was said already
	// Kept means that quiet hours keep it for a while, Withdrawn that it was of no
	// use any more before it was sent.
	Kept      Outcome = "kept"
	Withdrawn Outcome = "withdrawn"
)

// Result is a delivery and what became of it.
type Result struct {
	Delivery Delivery
	Outcome  Outcome
}

// Route is a channel with what is needed to send over it. It holds secrets.
type Route struct {
	Channel config.Channel `json:"channel"`
	Secret  []byte         `json:"secret,omitempty"` // of SecretFile
	URL     string         `json:"url,omitempty"`    // of URLFile
}

// Due is what the gateway is given to do.
type Due struct {
	Routes     []Route    `json:"routes,omitempty"` // those of the deliveries
	Deliveries []Delivery `json:"deliveries,omitempty"`
}
