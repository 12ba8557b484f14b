package approval

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func aTrail() Trail {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return Trail{Rule: Rule{"payments", "critical", 2},
		Steps:    []Stepped{{1, "oncall", 5 * time.Second, at, []string{"pager", "mail"}, []string{"pager"}, 2}},
		Sent:     []Sent{{"asked", "mail", "sent", at}},
		Seen:     []Seen{{By{UID: NoAccount, Name: "cleo\x1b", Person: "cleo"}, at}},
		Consents: []Consent{{By{UID: 0, Name: "root", Login: uid(1001), For: "ben"}, at, Scope{ScopeFor, time.Hour}, "\xff", 2}}}
}

func TestTrailsAreWritten(t *testing.T) {
	b, err := EncodeTrail(aTrail())
	if err != nil || bytes.ContainsAny(b, "\x1b\xff\n") {
		t.Fatalf("%q, %v", b, err)
	}
	got, err := DecodeTrail(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := EncodeTrail(got)
	if err != nil || !bytes.Equal(again, b) || *got.Consents[0].By.Login != 1001 || got.Seen[0].By.Name != "cleo\x1b" {
		t.Errorf("%s\n%s, %v", b, again, err)
	}
}

func TestBadTrails(t *testing.T) {
	for text, want := range map[string]string{
		`{"more":1}`:    "unknown field",
		`{} {}`:         "after its end",
		`{"people":-1}`: "more of something",
		`{"approved":[{"by":"a","scope":"ever"}]}`:     "no scope",
		`{"approved":[{"scope":"once","waiting":-1}]}`: "negative",
		`{"seen":[` + strings.Repeat(`{"by":"a","at":"2026-11-23T12:00:00Z"},`, MaxSeen) + `{"by":"a","at":"2026-11-23T12:00:00Z"}]}`: "more of something",
		strings.Repeat(" ", maxTrail+1): "at most",
	} {
		if _, err := DecodeTrail([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}

func FuzzDecodeTrail(f *testing.F) {
	good, _ := EncodeTrail(aTrail())
	f.Add(good)
	f.Add([]byte(`{"approved":[{"by":"a","by_uid":0,"scope":"jail","at":"2026-11-23T12:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := DecodeTrail(in)
		if err != nil {
			return
		}
		b, err := EncodeTrail(got)
		if err != nil {
			t.Fatalf("decoded, but does not encode: %v", err)
		}
		if _, err := DecodeTrail(b); err != nil {
			t.Fatalf("encoded, but does not decode: %v", err)
		}
	})
}
