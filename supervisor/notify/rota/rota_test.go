package rota

import (
	"slices"
	"testing"
	"time"

	"clawjail/supervisor/config"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func sample() config.Config {
	c := config.Default()
	for _, name := range []string{"team", "ann-mail", "ben-mail", "cy-phone"} {
		c.Channels = append(c.Channels, config.Channel{Name: name, Kind: config.Run, Command: []string{"/bin/true"}})
	}
	c.People = []config.Person{{Name: "ann", Account: "ann1", Channels: []string{"ann-mail"}}, {Name: "ben", Channels: []string{"ben-mail", "team"}}, {Name: "cy", Channels: []string{"cy-phone"}}}
	c.Groups = []config.Group{{Name: "oncall", People: []string{"ann", "ben"}, Channels: []string{"team"}}, {Name: "leads", People: []string{"cy"}, Unix: "wheel"}}
	c.Delegates = []config.Delegate{
		{Person: "ann", To: "ben", From: "2026-12-20", Until: "2026-12-31"},
		{Person: "ben", To: "cy", From: "2026-12-24", Until: "2026-12-24"},
	}
	c.Categories = []config.Category{{Name: "pay", Of: []string{"action.make_payment"}, By: []string{"oncall"}, Escalate: []config.Step{{To: "oncall"}, {After: config.Duration(time.Minute), To: "leads"}}}}
	c.Quiet = []config.Quiet{
		{From: "22:00", Until: "07:00"},
		{Channels: []string{"team"}, From: "07:00", Until: "09:00", Pass: "critical"},
		{Channels: []string{"cy-phone"}, From: "22:00", Until: "06:00", Pass: "critical"},
	}
	return c
}

func sampleRota(t *testing.T) Rota {
	t.Helper()
	c := sample()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhoIsReached(t *testing.T) {
	r := sampleRota(t)
	for _, tt := range []struct {
		name, group, at string
		want            []string
	}{
		{"everybody is there", "oncall", "2026-12-19T23:59:59Z", []string{"team", "ann-mail", "ben-mail"}},
		{"one is away", "oncall", "2026-12-20T00:00:00Z", []string{"team", "ben-mail"}},
		{"who stands in is away too", "oncall", "2026-12-24T12:00:00Z", []string{"team", "cy-phone"}},
		{"back again", "oncall", "2027-01-01T00:00:00Z", []string{"team", "ann-mail", "ben-mail"}},
		{"the others", "leads", "2026-12-24T12:00:00Z", []string{"cy-phone"}},
		{"a group that is not there", "none", "2026-12-24T12:00:00Z", nil},
	} {
		if got := r.Channels(tt.group, at(t, tt.at)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestWhoMayDecide(t *testing.T) {
	r := sampleRota(t)
	in := func(groups ...string) func(string) bool {
		return func(g string) bool { return slices.Contains(groups, g) }
	}
	for _, tt := range []struct {
		name, at string
		groups   []string
		who      Who
		want     bool
		absent   string
	}{
		{"a member", "2026-12-01T00:00:00Z", []string{"oncall"}, Who{Person: "ann"}, true, ""},
		{"nobody known", "2026-12-01T00:00:00Z", []string{"oncall"}, Who{}, false, ""},
		{"somebody else", "2026-12-01T00:00:00Z", []string{"oncall"}, Who{Person: "cy"}, false, ""},
		{"in the place of two", "2026-12-24T00:00:00Z", []string{"oncall"}, Who{Person: "cy"}, true, "ann"},
		{"a member, who stands in as well", "2026-12-21T00:00:00Z", []string{"oncall"}, Who{Person: "ben"}, true, ""},
		{"of a group of this host", "2026-12-01T00:00:00Z", []string{"oncall", "leads"}, Who{InUnix: in("wheel")}, true, ""},
		{"of another", "2026-12-01T00:00:00Z", []string{"oncall", "leads"}, Who{InUnix: in("users")}, false, ""},
		{"who is away may still", "2026-12-21T00:00:00Z", []string{"oncall"}, Who{Person: "ann"}, true, ""},
	} {
		if got, absent := r.Member(tt.groups, tt.who, at(t, tt.at)); got != tt.want || absent != tt.absent {
			t.Errorf("%s: %v for %q", tt.name, got, absent)
		}
	}
}

func TestWhenItIsQuiet(t *testing.T) {
	r := sampleRota(t)
	for _, tt := range []struct {
		name, channel, severity, at, until string // no until: it is sent
	}{
		{"by day", "ann-mail", "low", "2026-12-01T12:00:00Z", ""},
		{"by night", "ann-mail", "medium", "2026-12-01T23:00:00Z", "2026-12-02T07:00:00Z"},
		{"what is severe", "ann-mail", "high", "2026-12-01T23:00:00Z", ""},
		{"one after the other", "team", "medium", "2026-12-01T23:00:00Z", "2026-12-02T09:00:00Z"},
		{"only the second", "team", "high", "2026-12-02T08:00:00Z", "2026-12-02T09:00:00Z"},
		{"what is critical", "team", "critical", "2026-12-02T08:00:00Z", ""},
		{"the one that ends first keeps more", "cy-phone", "high", "2026-12-01T23:00:00Z", "2026-12-02T06:00:00Z"},
		{"without a severity", "cy-phone", "", "2026-12-01T23:00:00Z", "2026-12-02T07:00:00Z"},
	} {
		until, quiet := r.Quiet(tt.channel, tt.severity, at(t, tt.at))
		if quiet != (tt.until != "") || quiet && !until.Equal(at(t, tt.until)) {
			t.Errorf("%s: %v until %v, want %q", tt.name, quiet, until, tt.until)
		}
	}
}

func TestPeople(t *testing.T) {
	r := sampleRota(t)
	if r.Person("ann1") != "ann" || r.Person("") != "" || r.Person("ben") != "" || r.Account("ann") != "ann1" || r.Account("nobody") != "" {
		t.Error("accounts and people are mixed up")
	}
	if k, ok := r.Category("action", "make_payment"); !ok || k.Name != "pay" || !r.Escalates() || (Rota{}).Escalates() {
		t.Errorf("%+v", k)
	}
	for _, change := range []func(*config.Config){
		func(c *config.Config) { c.Delegates[0].Zone = "Mars" },
		func(c *config.Config) { c.Quiet[0].From = "x" },
	} {
		c := sample()
		change(&c)
		if _, err := New(c); err == nil {
			t.Error("it is read all the same")
		}
	}
}

// TestDuty: who is on duty until when, and which channels are quiet.
func TestDuty(t *testing.T) {
	r := sampleRota(t)
	noon := r.Duty(at(t, "2026-12-24T12:00:00Z"))
	if len(noon.Groups) != 2 || noon.Groups[1].Unix != "wheel" || len(noon.Groups[0].People) != 2 {
		t.Fatalf("%+v", noon)
	}
	ann, ben := noon.Groups[0].People[0], noon.Groups[0].People[1]
	back := at(t, "2026-12-25T00:00:00Z") // then ben stands in for ann again, and for himself
	if ann.OnDuty != "cy" || ben.OnDuty != "cy" || ann.Until == nil || !ann.Until.Equal(back) || ben.Until == nil || !ben.Until.Equal(back) {
		t.Errorf("%+v %+v", ann, ben)
	}
	if len(ann.Channels) != 1 || ann.Channels[0].Name != "cy-phone" || ann.Channels[0].QuietUntil != nil {
		t.Errorf("%+v", ann.Channels)
	}
	night := r.Duty(at(t, "2027-01-05T23:00:00Z"))
	ann = night.Groups[0].People[0]
	if ann.OnDuty != "ann" || ann.Until != nil || ann.Channels[0].QuietUntil == nil || !ann.Channels[0].QuietUntil.Equal(at(t, "2027-01-06T07:00:00Z")) {
		t.Errorf("%+v", ann)
	}
	if team := night.Groups[0].Channels[0]; team.QuietUntil == nil || !team.QuietUntil.Equal(at(t, "2027-01-06T09:00:00Z")) {
		t.Errorf("%+v", team)
	}
	if d := (Rota{}).Duty(back); len(d.Groups) != 0 {
		t.Errorf("%+v", d)
	}
}
