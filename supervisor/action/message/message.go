package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
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

// parse reads a flat object. What is JSON is encoding/json's to say; the members of
// what is are taken apart here, because its reader of tokens takes 20 µs for them.
func parse(line []byte) (Request, error) {
	var r Request
	rest := bytes.Trim(line, space)
	if len(rest) == 0 || rest[0] != '{' {
		return r, errors.New(`the request is not an object, as in {"do":"check","type":"send_email"}`)
	}
	if !json.Valid(rest) {
		return r, broken(rest)
	}
	var seen []string
	for rest = after(rest); rest[0] != '}'; {
		quoted, tail := text(rest)
		key, err := unquote(quoted)
		if err != nil {
			return r, err
		}
		if slices.Contains(seen, key) {
			return r, fmt.Errorf("%s is given twice", quote(key))
		}
		seen = append(seen, key)
		if rest, err = r.member(key, after(tail)); err != nil {
			return r, err
		}
		if rest = bytes.TrimLeft(rest, space); rest[0] == ',' {
			rest = after(rest)
		}
	}
	return r, nil
}

// broken says what is wrong with a text that is no JSON.
func broken(b []byte) error {
	var v json.RawMessage
	switch err := json.NewDecoder(bytes.NewReader(b)).Decode(&v); {
	case err == nil:
		return errors.New("text after the end of the request")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the request does not end")
	default:
		return fmt.Errorf("the request is not JSON: %s", clip(err.Error()))
	}
}

// space is what JSON may have between words.
const space = " \t\r\n"

// after gives what follows one mark, which may have space on both sides.
func after(b []byte) []byte {
	return bytes.TrimLeft(bytes.TrimLeft(b, space)[1:], space)
}

// text splits off the string that valid JSON begins with, its quotes included.
func text(b []byte) (quoted, rest []byte) {
	for i := 1; ; i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[:i+1], b[i+1:]
		}
	}
}

func unquote(quoted []byte) (string, error) {
	if !bytes.ContainsRune(quoted, '\\') {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "", errors.New("the request is not JSON")
	}
	return s, nil
}

// member takes the value that valid JSON begins with, and gives what follows it.
func (r *Request) member(key string, b []byte) ([]byte, error) {
	words, number := r.words(key), r.number(key)
	end := bytes.IndexAny(b, ",}"+space) // of a value that is neither text nor nested
	switch {
	case b[0] == '"' && words != nil:
		quoted, rest := text(b)
		var err error
		*words, err = unquote(quoted)
		return rest, err
	case (b[0] == '-' || b[0] >= '0' && b[0] <= '9') && number != nil:
		n, err := whole(string(b[:end]))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		*number = n
	case (b[0] == 't' || b[0] == 'f') && key == "personal_data":
		r.PersonalData = b[0] == 't'
	case (b[0] == 't' || b[0] == 'f') && key == "reversible":
		yes := b[0] == 't'
		r.Reversible = &yes
	case words != nil || number != nil || key == "personal_data" || key == "reversible":
		return nil, fmt.Errorf("%s has a value of another kind", key)
	default:
		return nil, fmt.Errorf("unknown key %s", quote(key))
	}
	return b[end:], nil
}

// words is where the text of a key belongs; nil for other keys.
func (r *Request) words(key string) *string {
	switch key {
	case "do":
		return &r.Do
	case "type":
		return &r.Type
	case "description":
		return &r.Description
	case "currency":
		return &r.Currency
	case "target":
		return &r.Target
	case "token":
		return &r.Token
	case "outcome":
		return &r.Outcome
	case "detail":
		return &r.Detail
	}
	return nil
}

// number is the same for numbers.
func (r *Request) number(key string) *int64 {
	switch key {
	case "amount":
		return &r.Amount
	case "count":
		return &r.Count
	}
	return nil
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
