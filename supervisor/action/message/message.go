package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// Bounds of a request.
const (
	MaxLine        = 16 << 10 // of a whole message, with its newline
	MaxDescription = 4 << 10
	MaxTarget      = 512
	MaxDetail      = 1 << 10
	MaxType        = 64
	MaxToken       = 64
	MaxCount       = 10_000
	MaxAmount      = 1 << 40 // minor units
)

// What a request asks for.
const (
	DoCheck   = "check"   // would it pass?
	DoRequest = "request" // may it be done? waits for the verdict
	DoReport  = "report"  // what came of it
)

// Outcomes of a report.
const (
	Done    = "done"
	Failed  = "failed"
	Dropped = "dropped" // was not tried
)

// Request is what a jail says that it is about to do, or has done.
type Request struct {
	Do          string `json:"do"`
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
	// Amount is what it costs, in minor units of Currency.
	Amount   int64  `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
	// Count is how many times it is done; 0 is 1.
	Count        int64  `json:"count,omitempty"`
	Target       string `json:"target,omitempty"`
	PersonalData bool   `json:"personal_data,omitempty"`
	Reversible   *bool  `json:"reversible,omitempty"`

	Token   string `json:"token,omitempty"`   // of a report
	Outcome string `json:"outcome,omitempty"` // of a report
	Detail  string `json:"detail,omitempty"`  // of a report
}

// Use is how much of one limit is used.
type Use struct {
	Limit string `json:"limit"`
	Scope string `json:"scope"`
	Used  int64  `json:"used"`
	Max   int64  `json:"max"`
	Over  bool   `json:"over,omitempty"`
}

// Answer is the supervisor's.
type Answer struct {
	// Verdict is allow, audit (done, and a human is told), ask (of a check: a
	// human would be asked) or deny.
	Verdict  string `json:"verdict,omitempty"`
	Category string `json:"category,omitempty"`
	Rule     string `json:"rule,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// Token stands for the action that was let through, for LeftMS.
	Token  string `json:"token,omitempty"`
	LeftMS int64  `json:"left_ms,omitempty"`
	Uses   []Use  `json:"uses,omitempty"`
	// Error says why the request was no good; then there is no verdict.
	Error string `json:"error,omitempty"`
}

// Allowed reports whether the action may be done.
func (a Answer) Allowed() bool {
	return a.Error == "" && (a.Verdict == "allow" || a.Verdict == "audit")
}

// Encode gives a message as its line.
func Encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	if len(b) >= MaxLine {
		return nil, fmt.Errorf("encode a message: %d bytes, at most %d", len(b), MaxLine-1)
	}
	return append(b, '\n'), nil
}

// DecodeAnswer reads what the supervisor answered.
func DecodeAnswer(line []byte) (Answer, error) {
	var a Answer
	if err := json.Unmarshal(line, &a); err != nil {
		return Answer{}, fmt.Errorf("decode the answer: %w", err)
	}
	return a, nil
}

// DecodeRequest reads a request and checks everything that can be checked
// without a policy.
func DecodeRequest(line []byte) (Request, error) {
	if len(line) > MaxLine {
		return Request{}, fmt.Errorf("the request has %d bytes, at most %d", len(line), MaxLine)
	}
	if !utf8.Valid(line) {
		return Request{}, errors.New("the request is not UTF-8")
	}
	r, err := parse(line)
	if err != nil {
		return Request{}, err
	}
	return r, r.check()
}

// parse reads a flat object.
func parse(line []byte) (Request, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var r Request
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return r, errors.New(`the request is not an object, as in {"do":"check","type":"send_email"}`)
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return r, errors.New("the request is not JSON")
		}
		if seen[key] {
			return r, fmt.Errorf("%s is given twice", quote(key))
		}
		seen[key] = true
		value, err := d.Token()
		if err != nil {
			return r, fmt.Errorf("the value of %s is not JSON", quote(key))
		}
		if err := r.set(key, value); err != nil {
			return r, err
		}
	}
	if _, err := d.Token(); err != nil {
		return r, errors.New("the request does not end")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return r, errors.New("text after the end of the request")
	}
	return r, nil
}

// set takes one member.
func (r *Request) set(key string, value json.Token) error {
	texts := map[string]*string{"do": &r.Do, "type": &r.Type, "description": &r.Description, "currency": &r.Currency, "target": &r.Target,
		"token": &r.Token, "outcome": &r.Outcome, "detail": &r.Detail}
	numbers := map[string]*int64{"amount": &r.Amount, "count": &r.Count}
	switch v := value.(type) {
	case string:
		if to := texts[key]; to != nil {
			*to = v
			return nil
		}
	case json.Number:
		if to := numbers[key]; to != nil {
			n, err := whole(v.String())
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			*to = n
			return nil
		}
	case bool:
		switch key {
		case "personal_data":
			r.PersonalData = v
			return nil
		case "reversible":
			r.Reversible = &v
			return nil
		}
	}
	if texts[key] != nil || numbers[key] != nil || key == "personal_data" || key == "reversible" {
		return fmt.Errorf("%s has a value of another kind", key)
	}
	return fmt.Errorf("unknown key %s", quote(key))
}

// whole reads a number of minor units, or a count.
func whole(s string) (int64, error) {
	for _, c := range []byte(s) {
		switch {
		case c == '-':
			return 0, fmt.Errorf("%s is negative", clip(s))
		case c < '0' || c > '9':
			return 0, fmt.Errorf("%s is not a whole number; amounts are in minor units, 1250 for 12.50", clip(s))
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > MaxAmount {
		return 0, fmt.Errorf("%s is more than can be counted", clip(s))
	}
	return n, nil
}

// check looks at how the members go together.
func (r Request) check() error {
	for _, t := range [...]struct {
		key, s string
		most   int
	}{{"type", r.Type, MaxType}, {"description", r.Description, MaxDescription}, {"currency", r.Currency, 8}, {"target", r.Target, MaxTarget},
		{"token", r.Token, MaxToken}, {"detail", r.Detail, MaxDetail}} {
		if len(t.s) > t.most {
			return fmt.Errorf("%s has %d bytes, at most %d", t.key, len(t.s), t.most)
		}
	}
	switch r.Do {
	case DoCheck, DoRequest:
		if r.Token != "" || r.Outcome != "" || r.Detail != "" {
			return fmt.Errorf("token, outcome and detail are for a report, not a %s", r.Do)
		}
		return r.checkAction()
	case DoReport:
		if r.Token == "" || r.Outcome != Done && r.Outcome != Failed && r.Outcome != Dropped {
			return errors.New(`a report has the token of its action, and the outcome "done", "failed" or "dropped"`)
		}
		if r != (Request{Do: r.Do, Token: r.Token, Outcome: r.Outcome, Detail: r.Detail}) {
			return errors.New("a report has token, outcome and detail, and nothing else")
		}
		return nil
	}
	return fmt.Errorf(`do is "check", "request" or "report", not %s`, quote(r.Do))
}

func (r Request) checkAction() error {
	if r.Type == "" {
		return errors.New("the action has no type")
	}
	for i, c := range []byte(r.Type) {
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return fmt.Errorf("type %s: a-z and, behind the first, 0-9 and underscores", quote(r.Type))
		}
	}
	if r.Count > MaxCount {
		return fmt.Errorf("count %d is more than %d", r.Count, MaxCount)
	}
	if (r.Amount > 0) != (r.Currency != "") {
		return errors.New("amount and currency go together")
	}
	for _, c := range []byte(r.Currency) {
		if c < 'A' || c > 'Z' || len(r.Currency) != 3 {
			return fmt.Errorf("currency %s is no code like USD", quote(r.Currency))
		}
	}
	return nil
}

func quote(s string) string { return strconv.QuoteToASCII(clip(s)) }

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
