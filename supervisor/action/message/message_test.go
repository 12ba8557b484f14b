package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestGoodRequests(t *testing.T) {
	no := false
	tests := []struct {
		in   string
		want Request
	}{
		{`{"do":"check","type":"send_email"}`, Request{Do: "check", Type: "send_email"}},
		{` {"type":"make_payment", "do":"request","amount":1250,"currency":"USD","target":"shop","reversible":false,"personal_data":true,"count":2,"description":"x"} ` + "\n",
			Request{Do: "request", Type: "make_payment", Amount: 1250, Currency: "USD", Target: "shop", Reversible: &no, PersonalData: true, Count: 2, Description: "x"}},
		{`{"do":"report","token":"t","outcome":"done","detail":"d"}`, Request{Do: "report", Token: "t", Outcome: "done", Detail: "d"}},
	}
	for _, tt := range tests {
		got, err := DecodeRequest([]byte(tt.in))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v", tt.in, got, err)
		}
	}
}

func TestBadRequests(t *testing.T) {
	pay := func(rest string) string { return `{"do":"request","type":"make_payment",` + rest + `}` }
	tests := []struct{ name, in, want string }{
		{"nothing", ``, "not an object"},
		{"a list", `[]`, "not an object"},
		{"half an object", `{"do":"check","type":"x"`, "does not end"},
		{"two", `{"do":"check","type":"x"}{}`, "text after the end"},
		{"no verb", `{"type":"x"}`, `do is "check"`},
		{"another verb", `{"do":"approve","type":"x"}`, `not "approve"`},
		{"no type", `{"do":"check"}`, "no type"},
		{"a type that is no word", `{"do":"check","type":"Send Email"}`, `type "Send Email": a-z`},
		{"a type that hides", `{"do":"check","type":"a\u202eb"}`, `a-z and`},
		{"an unknown key", `{"do":"check","type":"x","approved":true}`, `unknown key "approved"`},
		{"a key in another case", `{"do":"check","Type":"x"}`, `unknown key "Type"`},
		{"a key twice", `{"do":"check","type":"x","type":"y"}`, `"type" is given twice`},
		{"a value of another kind", `{"do":"check","type":1}`, "another kind"},
		{"an object inside", `{"do":"check","type":{"a":1}}`, "another kind"},
		{"null", `{"do":"check","type":null}`, "another kind"},
		{"a number as text", pay(`"amount":"5","currency":"USD"`), "another kind"},
		{"a negative amount", pay(`"amount":-5,"currency":"USD"`), "-5 is negative"},
		{"a fraction", pay(`"amount":12.50,"currency":"USD"`), "12.50 is not a whole number"},
		{"an exponent", pay(`"amount":1e3,"currency":"USD"`), "1e3 is not a whole number"},
		{"not a number", pay(`"amount":NaN,"currency":"USD"`), "not JSON"},
		{"infinite", pay(`"amount":Infinity,"currency":"USD"`), "not JSON"},
		{"more than 64 bits", pay(`"amount":99999999999999999999,"currency":"USD"`), "more than can be counted"},
		{"more than can be counted", pay(`"amount":1099511627777,"currency":"USD"`), "more than can be counted"},
		{"an amount of nothing", pay(`"amount":5`), "amount and currency go together"},
		{"a currency of nothing", pay(`"currency":"USD"`), "amount and currency go together"},
		{"no code", pay(`"amount":5,"currency":"usd"`), `currency "usd" is no code`},
		{"a count too high", `{"do":"check","type":"x","count":10001}`, "more than 10000"},
		{"a long description", `{"do":"check","type":"x","description":"` + strings.Repeat("d", MaxDescription+1) + `"}`, "description has 4097 bytes"},
		{"a megabyte", `{"do":"check","type":"x","description":"` + strings.Repeat("d", 1<<20) + `"}`, "at most 16384"},
		{"no UTF-8", "{\"do\":\"check\",\"type\":\"x\",\"target\":\"\xff\"}", "not UTF-8"},
		{"a report without a token", `{"do":"report","outcome":"done"}`, "has the token"},
		{"a report of something else", `{"do":"report","token":"t","outcome":"approved"}`, `"dropped"`},
		{"a report with a type", `{"do":"report","token":"t","outcome":"done","type":"x"}`, "nothing else"},
		{"a check with a token", `{"do":"check","type":"x","token":"t"}`, "are for a report"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if r, err := DecodeRequest([]byte(tt.in)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v, %v; want %q", r, err, tt.want)
			}
		})
	}
}

// FuzzDecodeRequest: what is taken is within every bound, and is the same again
// when it is written and read.
func FuzzDecodeRequest(f *testing.F) {
	for _, s := range []string{`{"do":"check","type":"send_email"}`, `{"do":"request","type":"make_payment","amount":1250,"currency":"USD","reversible":false}`,
		`{"do":"report","token":"t","outcome":"done"}`, `{"do":"check","type":"x","amount":1e9}`, `{"do":{}}`, " {\t\"do\" : \"che\\u0063k\" ,\r\n\"count\":3 , \"personal_data\" : true }\n", `{}`, `{"":1}`, `{"do":"\\""}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRequest(b)
		if len(b) <= MaxLine && utf8.Valid(b) {
			slow, slowErr := byTokens(b)
			if fast, fastErr := parse(b); (fastErr == nil) != (slowErr == nil) || fastErr == nil && !reflect.DeepEqual(fast, slow) {
				t.Fatalf("%q: %+v, %v; by tokens %+v, %v", b, fast, fastErr, slow, slowErr)
			}
		}
		if err != nil {
			if len(err.Error()) > 400 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if r.Amount < 0 || r.Amount > MaxAmount || r.Count < 0 || len(r.Description) > MaxDescription || len(r.Target) > MaxTarget {
			t.Errorf("%+v", r)
		}
		line, err := Encode(r)
		if err != nil { // only when escapes made it longer than a line
			if len(b) < MaxLine/8 {
				t.Errorf("%q was read and cannot be written: %v", b, err)
			}
			return
		}
		again, err := DecodeRequest(line)
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%s became %+v, %v", line, again, err)
		}
		if !json.Valid(bytes.TrimSpace(line)) {
			t.Errorf("%q", line)
		}
	})
}

// byTokens reads a request by encoding/json's tokens: slower, and nothing of our own.
func byTokens(line []byte) (Request, error) {
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
		if err := setToken(&r, key, value); err != nil {
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

// setToken takes one member.
func setToken(r *Request, key string, value json.Token) error {
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
