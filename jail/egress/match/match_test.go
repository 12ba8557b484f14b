package match

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"clawjail/jail/egress/control"
)

func TestName(t *testing.T) {
	long := strings.Repeat("a", 63)
	for in, want := range map[string]string{
		"Example.COM":                     "example.com",
		"example.com.":                    "example.com",
		"_srv.a-b.c":                      "_srv.a-b.c",
		"xn--bcher-kva.de":                "xn--bcher-kva.de",
		long + ".de":                      long + ".de",
		"1.2.3.4a":                        "1.2.3.4a",
		"3com.com":                        "3com.com",
		"":                                "",
		".":                               "",
		"..":                              "",
		"a..b":                            "",
		".a":                              "",
		"a..":                             "",
		"a b":                             "",
		"a\\.b":                           "",
		"bücher.de":                       "",
		"a\x00.com":                       "",
		"*.a.com":                         "",
		"127.0.0.1":                       "",
		"127.1":                           "",
		"0x7f000001":                      "",
		"0X7F.1.":                         "",
		"::1":                             "",
		long + "a.de":                     "",
		strings.Repeat(long+".", 4) + "a": "",
	} {
		got, err := Name(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Name(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestSet(t *testing.T) {
	set, err := Compile([]control.Dest{
		{Host: "api.example.com", Port: 443, Rule: "exact"},
		{Host: "*.Example.com", Port: 8443, Rule: "wild"},
		{Host: "any.test", Rule: "any"},
		{Host: "192.0.2.7", Port: 22, Rule: "literal"},
		{Host: "2001:db8::7", Port: 22, Rule: "literal6"},
		{Host: "api.example.com", Port: 443, Protocol: "tcp", Rule: "again"},
	})
	if err != nil {
		t.Fatal(err)
	}
	rules := func(dests []control.Dest) string {
		var out []string
		for _, d := range dests {
			out = append(out, d.Rule)
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		name string
		port uint16
		want string
	}{
		{"api.example.com", 443, "exact again"},
		{"api.example.com", 8443, "wild"},
		{"a.b.example.com", 8443, "wild"},
		{"a.b.example.com", 443, ""},
		{"example.com", 8443, ""},
		{"evilexample.com", 8443, ""},
		{"example.com.evil.test", 8443, ""},
		{"any.test", 1, "any"},
		{"any.test", 65535, "any"},
		{"x.any.test", 1, ""},
		{"com", 8443, ""},
	} {
		if got := rules(set.Find(c.name, c.port)); got != c.want {
			t.Errorf("Find(%q, %d) = %q, want %q", c.name, c.port, got, c.want)
		}
	}
	if got := rules(set.FindAddr(netip.MustParseAddr("::ffff:192.0.2.7"), 22)); got != "literal" {
		t.Errorf("mapped literal: %q", got)
	}
	if got := rules(set.FindAddr(netip.MustParseAddr("2001:db8::7"), 23)); got != "" {
		t.Errorf("literal, other port: %q", got)
	}
	if got := set.Rule("api.example.com") + set.Rule("x.example.com") + set.Rule("other.test"); got != "exactwild" {
		t.Errorf("rules %q", got)
	}
	if got := strings.Join(set.Names(), " "); got != "api.example.com any.test" {
		t.Errorf("Names() = %q", got)
	}
}

func TestCompileReportsEveryProblem(t *testing.T) {
	_, err := Compile([]control.Dest{{Host: "*"}, {Host: "ok.test"}, {Host: "a.*.b"}, {Host: "x.test", Protocol: "udp"}, {Host: "*.192.0.2.1"}, {Host: "y.test", Then: "maybe"}})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"destination 0:", "destination 2:", "destination 3:", "destination 4:", "destination 5:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

func TestWildcardIsLabelsNotText(t *testing.T) {
	set, err := Compile([]control.Dest{{Host: "*.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	label := rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,10}`)
	rapid.Check(t, func(t *rapid.T) {
		prefix := strings.Join(rapid.SliceOfN(label, 0, 4).Draw(t, "labels"), ".")
		dot := rapid.SampledFrom([]string{"", "."}).Draw(t, "dot")
		name, err := Name(prefix + dot + "example.com")
		if err != nil {
			return // "." and a name is not a name
		}
		got := set.Knows(name)
		if want := prefix != "" && dot == "."; got != want {
			t.Fatalf("Knows(%q) = %v", name, got)
		}
	})
}

func TestTheFirstInTheListDecides(t *testing.T) {
	set, err := Compile([]control.Dest{
		{Host: "secret.example.com", Then: control.ThenDeny, Rule: "never"},
		{Host: "ask.example.com", Port: 443, Then: control.ThenAsk, Rule: "ask"},
		{Host: "ask.example.com", Port: 443, Protocol: "tcp", Then: control.ThenAsk, Rule: "ask tcp"},
		{Host: "*.example.com", Port: 443, Rule: "wild"},
		{Host: "half.example.org", Port: 80, Then: control.ThenDeny, Rule: "half"},
		{Host: "*.late.test", Port: 443, Rule: "early"},
		{Host: "x.late.test", Port: 443, Then: control.ThenDeny, Rule: "late"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		port uint16
		want string
	}{
		{"secret.example.com", 443, "never"},
		{"ask.example.com", 443, "ask ask tcp"},
		{"other.example.com", 443, "wild"},
		{"half.example.org", 80, "half"},
		{"half.example.org", 443, ""},
		{"x.late.test", 443, "early"},
	} {
		var got []string
		for _, d := range set.Find(c.name, c.port) {
			got = append(got, d.Rule)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("Find(%q, %d) = %q, want %q", c.name, c.port, got, c.want)
		}
	}
	for name, want := range map[string]struct{ knows, refuses bool }{
		"secret.example.com": {false, true},
		"ask.example.com":    {true, false},
		"half.example.org":   {false, false},
		"unknown.test":       {false, false},
	} {
		if set.Knows(name) != want.knows || set.Refuses(name) != want.refuses {
			t.Errorf("%s: known %v, refused %v", name, set.Knows(name), set.Refuses(name))
		}
	}
	if got := strings.Join(set.Names(), " "); got != "ask.example.com x.late.test" {
		t.Errorf("Names() = %q", got)
	}
}

func TestPublic(t *testing.T) {
	for name, want := range map[string]bool{
		"example.com": true, "a.b.example.co.uk": true, "xn--bcher-kva.de": true, "local.example.com": true,
		"localhost": false, "router": false, "router.lan": false, "x.local": false, "1.0.0.127.in-addr.arpa": false,
		"db.internal": false, "abc.onion": false,
	} {
		if Public(name) != want {
			t.Errorf("Public(%q) = %v", name, !want)
		}
	}
}
