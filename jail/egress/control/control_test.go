package control

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func rules() Rules {
	return Rules{
		Jail: "j1", Dests: []Dest{{Host: "a.test", Port: 443, Rule: "x.yaml:3"}},
		VirtualV4: DefaultV4(), MaxConns: 10, Idle: time.Minute,
		Upstream: []netip.AddrPort{netip.MustParseAddrPort("[2001:db8::1]:53")},
	}
}

func event() Event {
	return Event{
		Kind: KindConn, Jail: "j1", Name: "a.test", Addr: netip.MustParseAddr("192.0.2.1"), Port: 443,
		Verdict: Allow, BytesUp: 1, BytesDown: 2, Duration: time.Second, Count: 1,
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
	}
}

func TestMessagesSurvive(t *testing.T) {
	r := rules()
	for _, m := range []Message{
		{Type: TypeAdd, ID: 1, Rules: &r, Sockets: []string{"tcp4", "udp6"}},
		{Type: TypeAdd, ID: 2, Rules: &Rules{Jail: "j"}, Sockets: []string{"tcp4"}},
		{Type: TypeRemove, ID: 3, Jail: "j1"},
		{Type: TypeReady},
		{Type: TypeReady, Version: Version, Served: []Served{{Jail: "j1", Digest: "ab"}, {Jail: "j2", Digest: "cd", Cut: true}}},
		{Type: TypeLink, Version: Version},
		{Type: TypeTake, ID: 7, Jail: "j1"},
		{Type: TypeEnd},
		{Type: TypeAnswer, ID: 4, Error: "no"},
		{Type: TypeAsk, ID: 5, Ask: &Ask{Jail: "j", Name: "a.test", Port: 443, Protocol: "tls"}},
		{Type: TypeAsk, ID: 6, Ask: &Ask{Jail: "j", Addr: netip.MustParseAddr("192.0.2.1"), Port: 22, Protocol: "tcp"}},
		{Type: TypeWithdraw, ID: 6},
		{Type: TypeDecide, ID: 5, Verdict: &Verdict{Allow: true}},
		{Type: TypeDecide, ID: 6, Verdict: &Verdict{Reason: "no"}},
	} {
		b, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%s became %+v, %v", b, got, err)
		}
	}
	e := event()
	for _, v := range []Envelope{{Event: &e}, {Ended: "j1"}, {Event: &Event{Kind: KindLost, Jail: "j", Verdict: Deny, Count: 3}}} {
		b, err := EncodeEnvelope(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeEnvelope(b)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%s became %+v, %v", b, got, err)
		}
	}
}

func TestLargestRulesFit(t *testing.T) {
	r := rules()
	r.Dests = nil
	for range MaxDests {
		r.Dests = append(r.Dests, Dest{Host: strings.Repeat("a", 60), Port: 65535, Protocol: "http", Rule: strings.Repeat("r", 80), Then: ThenDeny})
	}
	if _, err := Encode(Message{Type: TypeAdd, Rules: &r, Sockets: []string{"tcp4"}}); err != nil {
		t.Error(err)
	}
}

func TestRefusedMessages(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                                     "canonical",
		`{"type":"ready","extra":1}`:             "unknown field",
		`{"type":"ready","type":"ready"}`:        "canonical",
		`{"Type":"ready"}`:                       "canonical",
		`{"type":"ready"} `:                      "canonical",
		`{"type":"ready"}{}`:                     "canonical",
		`{"type":"other"}`:                       "unknown type",
		`{"type":"remove","id":1}`:               "jail id",
		`{"type":"add","id":1}`:                  "no rules",
		`{"type":"ready","sockets":["tcp4"]}`:    "do not fit",
		`{"type":"answer","error":"\u001b[31m"}`: "unprintable",
		`{"type":"ask","id":1}`:                  "no ask",
		`{"type":"decide","id":1}`:               "no verdict",
		`{"type":"ask","ask":{"jail":"j","name":"a.test","addr":"","port":1,"protocol":"tls"}}`:                                        "no id",
		`{"type":"ask","id":1,"ask":{"jail":"","name":"a.test","addr":"","port":1,"protocol":"tls"}}`:                                  "jail id",
		`{"type":"ask","id":1,"ask":{"jail":"j","addr":"","port":1,"protocol":"tls"}}`:                                                 "names a host",
		`{"type":"ask","id":1,"ask":{"jail":"j","name":"a.test","addr":"192.0.2.1","port":1,"protocol":"tls"}}`:                        "names a host",
		`{"type":"ask","id":1,"ask":{"jail":"j","addr":"fe80::1%a","port":1,"protocol":"tls"}}`:                                        "zone",
		`{"type":"ask","id":1,"ask":{"jail":"j","name":"a.test","addr":"","port":0,"protocol":"tls"}}`:                                 "has a port",
		`{"type":"ask","id":1,"ask":{"jail":"j","name":"a.test","addr":"","port":1,"protocol":"udp"}}`:                                 "unknown protocol",
		`{"type":"ask","id":1,"ask":{"jail":"j","name":"a` + "\u202e" + `","addr":"","port":1,"protocol":"tls"}}`:                      "U+202E",
		`{"type":"ask","id":1,"ask":{"jail":"j","name":"` + strings.Repeat("n", MaxName+1) + `","addr":"","port":1,"protocol":"tls"}}`: "at most",
		`{"type":"ready","verdict":{}}`:                                                 "does not fit",
		`{"type":"end","version":1}`:                                                    "does not fit",
		`{"type":"take","id":1}`:                                                        "jail id",
		`{"type":"link","served":[{"jail":"j","digest":""}]}`:                           "does not fit",
		`{"type":"ready","served":[{"jail":"j","digest":""},{"jail":"j","digest":""}]}`: "twice",
		`{"type":"ready","version":-1}`:                                                 "version -1",
		`{"type":"decide","id":1,"verdict":{"reason":"\u001b"}}`:                        "U+001B",
		`[]`:                              "cannot unmarshal",
		strings.Repeat(" ", MaxMessage+1): "at most",
	} {
		if _, err := Decode([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", in, err, want)
		}
	}
}

func TestRefusedEvents(t *testing.T) {
	for want, change := range map[string]func(*Event){
		"jail id":      func(e *Event) { e.Jail = "" },
		"event kind":   func(e *Event) { e.Kind = "exec" },
		"verdict":      func(e *Event) { e.Verdict = "maybe" },
		"count":        func(e *Event) { e.BytesUp = -1 },
		"missing":      func(e *Event) { e.Count = 0 },
		"negative":     func(e *Event) { e.Duration = -1 },
		"zone":         func(e *Event) { e.Addr = netip.MustParseAddr("fe80::1%a") },
		"name of":      func(e *Event) { e.Name = strings.Repeat("n", MaxText+1) },
		"unprintable":  func(e *Event) { e.Reason = "a\nb" },
		"U+202E":       func(e *Event) { e.Rule = "a\u202eb" },
		"U+009B":       func(e *Event) { e.Name = "a\u009bb" },
		"protocol has": func(e *Event) { e.Protocol = "\x7f" },
	} {
		e := event()
		change(&e)
		b, err := json.Marshal(Envelope{Event: &e})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeEnvelope(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, in := range []string{`{}`, `{"ended":"\u0000"}`, `{"event":null,"ended":"j"}`} {
		if _, err := DecodeEnvelope([]byte(in)); err == nil {
			t.Errorf("%s accepted", in)
		}
	}
}

func TestRulesReportEveryProblem(t *testing.T) {
	err := Rules{
		Jail: "", MaxConns: -1, Idle: -1, Dests: []Dest{{Host: "a\x00"}},
		Upstream: []netip.AddrPort{netip.MustParseAddrPort("0.0.0.0:53")},
	}.Validate()
	for _, want := range []string{"jail id", "connections", "idle", "destination 0", "resolver"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

// FuzzDecode and FuzzEnvelope: what is taken comes out as the same bytes and
// passes the checks again.
func FuzzDecode(f *testing.F) {
	r := rules()
	for _, m := range []Message{{Type: TypeAdd, ID: 1, Rules: &r, Sockets: []string{"tcp4"}}, {Type: TypeReady}, {Type: TypeRemove, Jail: "j"},
		{Type: TypeReady, Version: 1, Served: []Served{{Jail: "j", Digest: "ab", Cut: true}}}, {Type: TypeLink, Version: 1},
		{Type: TypeAsk, ID: 5, Ask: &Ask{Jail: "j", Name: "a.test", Port: 443, Protocol: "tls"}}, {Type: TypeDecide, ID: 5, Verdict: &Verdict{Allow: true}}} {
		b, err := Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Encode(m)
		if err != nil || string(again) != string(b) {
			t.Fatalf("%s became %s, %v", b, again, err)
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	e := event()
	for _, v := range []Envelope{{Event: &e}, {Ended: "j"}} {
		b, err := EncodeEnvelope(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := DecodeEnvelope(b)
		if err != nil {
			return
		}
		if v.Event != nil && (len(v.Event.Name) > MaxText || v.Event.BytesUp < 0 || v.Event.Count == 0) {
			t.Fatalf("out of bounds: %+v", v.Event)
		}
		again, err := EncodeEnvelope(v)
		if err != nil || string(again) != string(b) {
			t.Fatalf("%s became %s, %v", b, again, err)
		}
	})
}
