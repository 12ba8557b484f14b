package supervisor

import (
	"strings"
	"testing"
	"time"

	"clawjail/audit"
)

func TestRefusalsWithinAWindow(t *testing.T) {
	tr := &triggers{count: 10, window: time.Minute, jail: make(map[string]*refusals)}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for i := range 9 {
		if n := tr.refused("a", now.Add(time.Duration(i)*time.Second)); n != 0 {
			t.Fatalf("refusal %d: %d", i+1, n)
		}
	}
	if n := tr.refused("b", now); n != 0 {
		t.Errorf("another jail: %d", n)
	}
	if n := tr.refused("a", now.Add(30*time.Second)); n != 10 {
		t.Errorf("the tenth: %d", n)
	}
	if n := tr.refused("a", now.Add(31*time.Second)); n != 0 {
		t.Errorf("it began anew: %d", n)
	}
	// Nine before the end of a window and one soon after it.
	later := now.Add(time.Hour)
	for range 9 {
		tr.refused("c", later)
	}
	if n := tr.refused("c", later.Add(61*time.Second)); n == 0 && tr.refused("c", later.Add(62*time.Second)) == 0 {
		t.Error("a burst over the edge of two windows is not seen")
	}
	for range 9 {
		tr.refused("d", later)
	}
	if n := tr.refused("d", later.Add(3*time.Minute)); n != 0 {
		t.Errorf("long ago: %d", n)
	}
	// Slow ones never add up.
	for i := range 1000 {
		if n := tr.refused("e", later.Add(time.Duration(i)*10*time.Second)); n != 0 {
			t.Fatalf("slow refusal %d: %d", i, n)
		}
	}
}

func TestTriggersSee(t *testing.T) {
	var got []string
	tr := &triggers{count: 2, window: time.Minute, files: []string{"/home/a/.aws/canary"}, hosts: []string{"canary.example.org", "*.trap.example.org"},
		jail: make(map[string]*refusals), freeze: func(jail, kind, what string) { got = append(got, jail+" "+kind+" "+what) }}
	tests := []struct {
		name string
		r    audit.Record
		want string
	}{
		{"a name", audit.Record{Jail: "j", Gate: audit.GateDNS, Verdict: "allow", Subject: audit.Subject{Host: "Canary.example.org."}}, "j canary dns of canary host canary.example.org"},
		{"a name below", audit.Record{Jail: "j", Gate: audit.GateDNS, Subject: audit.Subject{Host: "a.b.trap.example.org"}}, "j canary dns of canary host *.trap.example.org"},
		{"another name", audit.Record{Jail: "j", Gate: audit.GateDNS, Subject: audit.Subject{Host: "trap.example.org.evil.example"}}, ""},
		{"a file", audit.Record{Jail: "j", Gate: audit.GateFile, Subject: audit.Subject{Op: "open", Path: "/home/a/.aws/canary"}}, "j canary open of canary file"},
		{"a file is renamed", audit.Record{Jail: "j", Gate: audit.GateFile, Subject: audit.Subject{Op: "rename", Path: "/x", Path2: "/home/a/.aws/canary"}}, "j canary rename"},
		{"nobody's", audit.Record{Gate: audit.GateDNS, Subject: audit.Subject{Host: "canary.example.org"}}, ""},
		{"one refusal", audit.Record{Jail: "k", Gate: audit.GateExec, Verdict: "deny"}, ""},
		{"a decision of the jail's life", audit.Record{Jail: "k", Gate: audit.GateJail, Verdict: "deny"}, ""},
		{"two refusals", audit.Record{Jail: "k", Gate: audit.GateExec, Verdict: "deny"}, "k denials 2 refusals within 1m0s"},
	}
	for _, tt := range tests {
		got = nil
		tr.see(&tt.r)
		if s := strings.Join(got, ";"); (tt.want == "") != (s == "") || !strings.HasPrefix(s, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, s, tt.want)
		}
	}
	tr.see(&audit.Record{Jail: "k", Gate: audit.GateExec, Verdict: "deny"})
	tr.see(&audit.Record{Jail: "k", Gate: audit.GateJail, Subject: audit.Subject{Op: "stop"}})
	if len(tr.jail) != 0 {
		t.Errorf("an ended jail is kept: %v", tr.jail)
	}
	(*triggers)(nil).see(&audit.Record{Jail: "k"})
}

func TestJailOf(t *testing.T) {
	for text, want := range map[string]string{
		"0::/clawjail/aaaaaaaaaaaaa\n":               "aaaaaaaaaaaaa",
		"0::/clawjail/aaaaaaaaaaaaa/hold\n":          "aaaaaaaaaaaaa",
		"5:cpu:/clawjail/bbbbbbbbbbbbb\n0::/x\n":     "bbbbbbbbbbbbb",
		"0::/user.slice\n":                           "",
		"0::/clawjail/../x\n0::/clawjail/not-a-jail": "",
	} {
		if got := jailOf(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
