package config

import (
	"strings"
	"testing"
	"time"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Quiet hours follow the clock on the wall of their zone, over midnight and over
// the nights in which it is changed.
func TestQuietHoursEnd(t *testing.T) {
	night := Quiet{From: "22:00", Until: "07:00", Zone: "Europe/Berlin"}
	weekend := Quiet{From: "18:00", Until: "08:00", Days: []string{"fri", "sat"}}
	lunch := Quiet{From: "12:00", Until: "13:30"}
	skipped := Quiet{From: "01:00", Until: "02:30", Zone: "Europe/Berlin"}
	tests := []struct {
		name     string
		q        Quiet
		now, end string // no end: it is not quiet
	}{
		{"before", night, "2026-12-01T20:59:59Z", ""},
		{"the first moment", night, "2026-12-01T21:00:00Z", "2026-12-02T06:00:00Z"},
		{"after midnight", night, "2026-12-02T03:00:00Z", "2026-12-02T06:00:00Z"},
		{"the last moment", night, "2026-12-02T05:59:59Z", "2026-12-02T06:00:00Z"},
		{"the end", night, "2026-12-02T06:00:00Z", ""},
		{"in summer", night, "2026-07-01T20:00:00Z", "2026-07-02T05:00:00Z"},
		{"the night that is an hour short", night, "2027-03-27T22:00:00Z", "2027-03-28T05:00:00Z"},
		{"the night that is an hour long", night, "2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z"},
		{"an end that the clock leaves out", skipped, "2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z"},
		{"friday night", weekend, "2026-12-04T23:00:00Z", "2026-12-05T08:00:00Z"},
		{"saturday morning", weekend, "2026-12-05T07:59:00Z", "2026-12-05T08:00:00Z"},
		{"saturday afternoon", weekend, "2026-12-05T17:00:00Z", ""},
		{"sunday morning", weekend, "2026-12-06T01:00:00Z", "2026-12-06T08:00:00Z"},
		{"sunday night", weekend, "2026-12-06T23:00:00Z", ""},
		{"within a day", lunch, "2026-12-06T13:00:00Z", "2026-12-06T13:30:00Z"},
		{"not the day after", lunch, "2026-12-06T13:30:00Z", ""},
	}
	for _, tt := range tests {
		w, err := tt.q.Window()
		if err != nil {
			t.Fatal(err)
		}
		end, quiet := w.Ends(at(t, tt.now))
		if quiet != (tt.end != "") || quiet && !end.Equal(at(t, tt.end)) {
			t.Errorf("%s: %v, ends %v, want %q", tt.name, quiet, end.UTC(), tt.end)
		}
	}
}

// What passes through quiet hours is what is severe enough, and always what is
// critical.
func TestWhatQuietHoursKeep(t *testing.T) {
	c := Config{Quiet: []Quiet{{From: "22:00", Until: "07:00"}, {Channels: []string{"pager"}, From: "22:00", Until: "07:00", Pass: "critical"}}}
	for _, tt := range []struct {
		channel, severity string
		want              int
	}{{"mail", "low", 1}, {"mail", "high", 0}, {"pager", "high", 1}, {"pager", "medium", 2}, {"pager", "critical", 0}, {"mail", "", 1}} {
		if got := c.QuietFor(tt.channel, tt.severity); len(got) != tt.want {
			t.Errorf("%s to %s: kept by %d, want %d", tt.severity, tt.channel, len(got), tt.want)
		}
	}
}

func TestDelegationsHaveSpans(t *testing.T) {
	for _, tt := range []struct{ from, until, zone, first, after string }{
		{"2026-12-20", "2026-12-20", "", "2026-12-20T00:00:00Z", "2026-12-21T00:00:00Z"},
		{"2026-12-20", "2027-01-03", "Europe/Berlin", "2026-12-19T23:00:00Z", "2027-01-03T23:00:00Z"},
		{"2026-12-20T09:00", "2026-12-20T17:30", "America/New_York", "2026-12-20T14:00:00Z", "2026-12-20T22:30:00Z"},
	} {
		from, until, err := Delegate{From: tt.from, Until: tt.until, Zone: tt.zone}.Span()
		if err != nil || !from.Equal(at(t, tt.first)) || !until.Equal(at(t, tt.after)) {
			t.Errorf("%+v: %v to %v, %v", tt, from.UTC(), until.UTC(), err)
		}
	}
}

func TestWarnings(t *testing.T) {
	c := Config{
		Channels:   []Channel{{Name: "pager"}, {Name: "mail"}},
		Groups:     []Group{{Name: "oncall", Channels: []string{"pager"}}, {Name: "all", Channels: []string{"pager", "mail"}}},
		Quiet:      []Quiet{{Channels: []string{"pager"}, From: "22:00", Until: "07:00", Pass: "critical"}},
		Categories: []Category{{Name: "night", Severity: "high", Escalate: []Step{{To: "oncall"}, {After: Duration(time.Hour), To: "oncall"}}}, {Name: "day", Severity: "high", Escalate: []Step{{To: "all"}}}, {Name: "loud", Severity: "critical", Escalate: []Step{{To: "oncall"}}}},
	}
	got := c.Warnings()
	if len(got) != 2 || !strings.Contains(got[0], "night: in quiet hours nobody at all is told of it") || !strings.Contains(got[1], "night: a step after 1h0m0s") {
		t.Errorf("%q", got)
	}
}

func TestCategoryOf(t *testing.T) {
	c := Config{Categories: []Category{{Name: "pay", Of: []string{"action.make_payment"}}, {Name: "act", Of: []string{"action", "exec"}}, {Name: "rest", Of: []string{"any"}}}}
	for _, tt := range []struct{ gate, op, want string }{{"action", "make_payment", "pay"}, {"action", "send_email", "act"}, {"exec", "make_payment", "act"}, {"file", "open", "rest"}} {
		if got, _ := c.CategoryOf(tt.gate, tt.op); got.Name != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.gate, tt.op, got.Name, tt.want)
		}
	}
	if _, ok := (Config{}).CategoryOf("exec", "execve"); ok {
		t.Error("a category that nobody wrote")
	}
}
