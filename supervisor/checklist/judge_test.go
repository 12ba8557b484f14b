package checklist

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"clawjail/supervisor/checklist/ledger"
	"clawjail/supervisor/checklist/probe"
)

var now = time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)

// good is a host on which everything is in order.
func good() Facts {
	done := map[string]ledger.Entry{}
	for _, k := range ledger.Tasks() {
		done[k.ID] = ledger.Entry{At: now.Add(-time.Hour), By: "root"}
	}
	return Facts{
		Time: now, Host: "host",
		Running: Know(Running{Version: "1", Tier: "lsm", Scraped: now}, nil),
		Config: Know(Config{Exists: true, Approvers: 2, Group: "approvers", FourEyes: true, Retain: MinRetain, Anchors: 1,
			Freeze: true, Channels: 1, Verify: true}, nil),
		Policies: Know([]Policy{{Name: "agent", Limits: []string{"10 send_email per hour"}}}, nil),
		Accounts: Know(Accounts{Console: true, TLS: true, People: 3, Admins: 1, CertEnds: now.AddDate(1, 0, 0)}, nil),
		SignIn:   Know(SignIn{Console: true, Requests: 100, Window: 15 * time.Minute}, nil),
		Keys:     Know([]KeyFile{{Path: "/k", Mode: 0o600}}, nil),
		Log:      Know(Log{Proven: true, Records: 3, SignedAt: now}, nil),
		Skills:   Know([]Skill{{Name: "s", Verdict: "approved", Audited: now}}, nil),
		Jail:     Know([]probe.Door{{Name: "a mount"}, {Name: "UDP", Net: true}}, nil),
		Response: Know(Response{Document: ResponseDocument, Bytes: 900, Changed: now}, nil),
		Ledger:   Know(done, nil),
	}
}

func find(r Report, id string) Item {
	for _, i := range r.Items {
		if i.ID == id {
			return i
		}
	}
	for _, t := range r.Tasks {
		if t.ID == id {
			return t.Item
		}
	}
	return Item{}
}

func TestGoodHostIsReady(t *testing.T) {
	r := Judge(good())
	if !r.OK || r.Count(OK) != len(r.Items)+len(r.Tasks) {
		var b bytes.Buffer
		_ = Table(&b, r, 0, false)
		t.Errorf("not ready:\n%s", b.String())
	}
}

func TestEachFaultIsFound(t *testing.T) {
	tests := []struct {
		name, id, says string
		want           Status
		change         func(*Facts)
	}{
		{"no supervisor", "supervisor", "does not answer", Unknown, func(f *Facts) { f.Running.Err = "does not answer" }},
		{"private", "supervisor", "ends with it", Attention, func(f *Facts) { f.Running.Value.Private = true }},
		{"records lost", "supervisor", "3 records", Failed, func(f *Facts) { f.Running.Value.AuditLost = 3 }},
		{"kernel", "host", "no Landlock", Failed, func(f *Facts) { f.Doctor.Value = []string{"no Landlock"} }},
		{"config refused", "config", "line 3", Failed, func(f *Facts) { f.Config.Value.Problems = []string{"line 3"} }},
		{"config weakened", "config", "skills", Attention, func(f *Facts) { f.Config.Value.Overrides = []string{"skills"} }},
		{"key of the world", "keys", "mode 0644", Failed, func(f *Facts) { f.Keys.Value[0].Mode = 0o644 }},
		{"key of somebody", "keys", "user 7", Failed, func(f *Facts) { f.Keys.Value[0].UID = 7 }},
		{"no key", "keys", "no key", Failed, func(f *Facts) { f.Keys.Value = nil }},
		{"only root approves", "approvers", "only root", Attention, func(f *Facts) { f.Config.Value.Group = "" }},
		{"nobody approves", "approvers", "no members", Failed, func(f *Facts) { f.Config.Value.Approvers = 0 }},
		{"two eyes", "approvers", "may approve for it", Attention, func(f *Facts) { f.Config.Value.FourEyes = false }},
		{"no document", "incident-response", "nobody wrote", Failed, func(f *Facts) { f.Response.Value.Bytes = 0 }},
		{"an old document", "incident-response", "2028", Attention, func(f *Facts) { f.Response.Value.Changed = now.AddDate(-2, 0, 0) }},
		{"a play without its program", "incident-response", "rotate: /bin/none", Failed, func(f *Facts) {
			f.Response.Value.Plays, f.Response.Value.Missing = []string{"rotate"}, []string{"rotate: /bin/none"}
		}},
		{"no limit", "limits", "no policy", Failed, func(f *Facts) { f.Policies.Value[0].Limits = nil }},
		{"kinds spared", "asking", "agent spares financial", Attention, func(f *Facts) { f.Policies.Value[0].Spares = []string{"financial"} }},
		{"policy broken", "policies", "line 4", Failed, func(f *Facts) { f.Policies.Value[0].Problem = "line 4" }},
		{"no second factor", "accounts", "eve", Attention, func(f *Facts) { f.Accounts.Value.NoFactor = []string{"eve"} }},
		{"a password that was given", "accounts", "zoe", Attention, func(f *Facts) { f.Accounts.Value.Given = []string{"zoe"} }},
		{"no admin", "accounts", "nobody", Failed, func(f *Facts) { f.Accounts.Value.Admins = 0 }},
		{"certificate ends", "accounts", "ends at", Attention, func(f *Facts) { f.Accounts.Value.CertEnds = now.AddDate(0, 0, 20) }},
		{"certificate broken", "accounts", "no key", Failed, func(f *Facts) { f.Accounts.Value.CertError = "no key" }},
		{"weak password", "passwords", "password1234", Failed, func(f *Facts) { f.Passwords.Value = []string{"password1234"} }},
		{"nobody judges", "passwords", "no program", Unknown, func(f *Facts) { f.Passwords.Err = "no program" }},
		{"secret guessed", "secret", "repeats itself", Failed, func(f *Facts) { f.SignIn.Value.Secret = "the secret repeats itself" }},
		{"secret unseen", "secret", "not looked at", Attention, func(f *Facts) { f.SignIn.Value.Credential = true }},
		{"many requests", "rate-limits", "100000 requests", Attention, func(f *Facts) { f.SignIn.Value.Requests = 100_000 }},
		{"no rate", "rate-limits", "nothing limits", Failed, func(f *Facts) { f.SignIn.Value.Requests = 0 }},
		{"log altered", "audit-proven", "edited", Failed, func(f *Facts) { f.Log.Value.Proven, f.Log.Value.Problems = false, []string{"edited"} }},
		{"log is new", "audit-proven", "none is signed yet", Attention, func(f *Facts) {
			f.Log.Value.Proven, f.Log.Value.New, f.Running.Value.Started = false, true, now
		}},
		{"log never signed", "audit-proven", "no checkpoint", Failed, func(f *Facts) {
			f.Log.Value = Log{New: true, Problems: []string{"no checkpoint"}}
		}},
		{"log unsigned", "audit-proven", "not signed", Failed, func(f *Facts) { f.Log.Value.Unsigned, f.Log.Value.SignedAt = 2, now.Add(-time.Hour) }},
		{"kept too short", "audit-kept", "89 days", Failed, func(f *Facts) { f.Config.Value.Retain -= time.Hour }},
		{"goes on without a log", "audit-kept", "go on", Attention, func(f *Facts) { f.Config.Value.Freeze = false }},
		{"no copies", "audit-copied", "another log", Attention, func(f *Facts) { f.Config.Value.Anchors = 0 }},
		{"skill rejected", "skills-audited", "rejected", Failed, func(f *Facts) { f.Skills.Value[0].Verdict = "rejected" }},
		{"skill of old", "skills-audited", "since long: s", Attention, func(f *Facts) { f.Skills.Value[0].Audited = now.AddDate(0, 0, -10) }},
		{"unsigned skills", "skills-verified", "without a signature", Attention, func(f *Facts) { f.Config.Value.Unsigned = true }},
		{"jail open", "jail", "a mount (it worked)", Failed, func(f *Facts) { f.Jail.Value[0] = probe.Door{Name: "a mount", Open: true, What: "it worked"} }},
		{"network open", "network", "UDP", Failed, func(f *Facts) { f.Jail.Value[1].Open = true }},
		{"network not tried", "network", "nothing was tried", Unknown, func(f *Facts) { f.Jail.Value = f.Jail.Value[:1] }},
		{"no jail", "jail", "no cgroup", Unknown, func(f *Facts) { f.Jail = Know([]probe.Door(nil), errors.New("no cgroup")) }},
		{"shell", "shell", "sudo id", Failed, func(f *Facts) { f.Shell.Value = []string{"sudo id"} }},
		{"never scraped", "monitoring", "nobody has read", Failed, func(f *Facts) { f.Running.Value.Scraped = time.Time{} }},
		{"scraped long ago", "monitoring", "last scraped", Failed, func(f *Facts) { f.Running.Value.Scraped = now.Add(-time.Hour) }},
		{"nobody told", "monitoring", "nobody is told", Attention, func(f *Facts) { f.Config.Value.Channels = 0 }},
		{"never drilled", "incident-drill", "never", Failed, func(f *Facts) { delete(f.Ledger.Value, "incident-drill") }},
		{"drill overdue", "incident-drill", "due since", Failed, func(f *Facts) { f.Ledger.Value["incident-drill"] = ledger.Entry{At: now.AddDate(0, -4, 0)} }},
		{"review due", "log-review", "due at", Attention, func(f *Facts) { f.Ledger.Value["log-review"] = ledger.Entry{At: now.AddDate(0, 0, -8)} }},
		{"done tomorrow", "log-review", "in the future", Failed, func(f *Facts) { f.Ledger.Value["log-review"] = ledger.Entry{At: now.AddDate(0, 0, 1)} }},
		{"ledger broken", "log-review", "bad JSON", Unknown, func(f *Facts) { f.Ledger.Err = "bad JSON" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := good()
			tt.change(&f)
			r := Judge(f)
			i := find(r, tt.id)
			if i.Status != tt.want || !strings.Contains(i.Detail, tt.says) {
				t.Errorf("%+v, want %s with %q", i, tt.want, tt.says)
			}
			if wantOK := tt.want == OK || tt.want == Attention; r.OK != wantOK {
				t.Errorf("ready: %v", r.OK)
			}
		})
	}
}

// A host that nothing is known of is not ready, in any of its items.
func TestNothingKnownIsNotReady(t *testing.T) {
	const why = "could not look"
	r := Judge(Facts{Time: now, Running: Tried[Running]{Err: why}, Doctor: Tried[[]string]{Err: why}, Config: Tried[Config]{Err: why}, Policies: Tried[[]Policy]{Err: why}, Accounts: Tried[Accounts]{Err: why}, SignIn: Tried[SignIn]{Err: why}, Passwords: Tried[[]string]{Err: why},
		Keys: Tried[[]KeyFile]{Err: why}, Log: Tried[Log]{Err: why}, Skills: Tried[[]Skill]{Err: why}, Jail: Tried[[]probe.Door]{Err: why},
		Shell: Tried[[]string]{Err: why}, Response: Tried[Response]{Err: why}, Ledger: Tried[map[string]ledger.Entry]{Err: why}})
	if n := r.Count(Unknown); r.OK || n != len(r.Items)+len(r.Tasks) {
		t.Errorf("%d of %d items are unknown", n, len(r.Items)+len(r.Tasks))
	}
}

// What others wrote is shown as text, on a terminal and in a page.
func TestHostileTextStaysText(t *testing.T) {
	f := good()
	f.Skills.Value[0] = Skill{Name: "\x1b[2J<script>alert(1)</script>", Verdict: "rejected"}
	f.Ledger.Value["log-review"] = ledger.Entry{At: now, By: "\x1b[31mroot", Note: "<img src=x onerror=alert(1)>\u202e"}
	r := Judge(f)
	var text, html bytes.Buffer
	if err := errors.Join(Table(&text, r, 60, false), Page(&html, r)); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text.String(), "\x1b\u202e") {
		t.Errorf("control characters on a terminal:\n%q", text.String())
	}
	if s := html.String(); strings.Contains(s, "<script") || strings.Contains(s, "<img") || strings.ContainsAny(s, "\x1b\u202e") {
		t.Error("markup or control characters in a page")
	}
}

func TestWrap(t *testing.T) {
	for _, line := range wrap(strings.Repeat("word ", 40), 30) {
		if len(line) > 30 {
			t.Errorf("%q is longer than 30", line)
		}
	}
	if got := wrap("a b", 5); len(got) != 1 || got[0] != "a b" {
		t.Errorf("a narrow terminal: %q", got)
	}
}
