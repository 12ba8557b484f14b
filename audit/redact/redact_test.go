package redact

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"clawjail/audit"
)

func newRedactor(t testing.TB, names ...string) *Redactor {
	t.Helper()
	r, err := New(bytes.Repeat([]byte{7}, KeyBytes), names)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestArgvLosesItsSecrets(t *testing.T) {
	r := newRedactor(t, "customer")
	fp := r.Fingerprint
	tests := []struct{ in, want []string }{
		{[]string{"curl", "--password", "fake-pass", "https://x"}, []string{"curl", "--password", fp("fake-pass"), "https://x"}},
		{[]string{"tool", "--password=fake-pass"}, []string{"tool", "--password=" + fp("fake-pass")}},
		{[]string{"env", "PGPASSWORD=fake", "psql"}, []string{"env", "PGPASSWORD=" + fp("fake"), "psql"}},
		{[]string{"sh", "-c", "export API_TOKEN=fake123x; run"}, []string{"sh", "-c", "export API_TOKEN=" + fp("fake123x") + "; run"}},
		{[]string{"curl", "-H", "Authorization: Bearer fake.fake"}, []string{"curl", "-H", "Authorization: Bearer " + fp("fake.fake")}},
		{[]string{"curl", "-HX-Api-Key: fake value"}, []string{"curl", "-HX-Api-Key: " + fp("fake value")}},
		{[]string{"curl", "-d", `{"secret": "fake\"x", "n": 1}`}, []string{"curl", "-d", `{"secret": "` + fp(`fake\"x`) + `", "n": 1}`}},
		{[]string{"curl", "https://u:fake@host/p?access_token=fake99x&b=1"}, []string{"curl", "https://u:" + fp("fake") + "@host/p?access_token=" + fp("fake99x") + "&b=1"}},
		{[]string{"git", "clone", "https://ghp_" + strings.Repeat("f", 36) + "@host/r"}, []string{"git", "clone", "https://" + fp("ghp_"+strings.Repeat("f", 36)) + "@host/r"}},
		{[]string{"echo", "sk-ant-" + strings.Repeat("fake", 8)}, []string{"echo", fp("sk-ant-" + strings.Repeat("fake", 8))}},
		{[]string{"curl", "-u", "me:fake"}, []string{"curl", "-u", "me:" + fp("fake")}},
		{[]string{"/usr/bin/mysql", "-pfake", "db"}, []string{"/usr/bin/mysql", "-p" + fp("fake"), "db"}},
		{[]string{"sshpass", "-p", "fake", "ssh"}, []string{"sshpass", "-p", fp("fake"), "ssh"}},
		{[]string{"x", "--customer-ref=4711"}, []string{"x", "--customer-ref=" + fp("4711")}},
		{[]string{"x", "-----BEGIN RSA PRIVATE KEY-----\nfake\n-----END RSA PRIVATE KEY-----\nrest"},
			[]string{"x", fp("-----BEGIN RSA PRIVATE KEY-----\nfake\n-----END RSA PRIVATE KEY-----") + "\nrest"}},
	}
	for _, tt := range tests {
		before := slices.Clone(tt.in)
		if got := r.Argv(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%q\n becomes %q\n    want %q", tt.in, got, tt.want)
		}
		if !slices.Equal(tt.in, before) {
			t.Errorf("%q was written into", before)
		}
	}
}

func TestHonestTextStays(t *testing.T) {
	r := newRedactor(t)
	for _, argv := range [][]string{
		{"sort", "--key=2", "file"}, {"llm", "--max-tokens=100"}, {"ssh", "-i", "~/.ssh/id", "host"}, {"openssl", "--key", "/etc/ssl/key.pem"},
		{"git", "commit", "-m", "fix: keyboard layout = broken"}, {"curl", "https://api.example.com:443/v1"}, {"make", "CC=gcc", "-j2"},
		{"docker", "run", "-u", "1000", "x"}, {"sh", "-c", "echo $TOKEN"}, {"skopeo", "sk-short"}, {"mysql", "--port=3306"}, {"python3", "-c", "monkey=1"},
	} {
		got := r.Argv(argv)
		if !slices.Equal(got, argv) {
			t.Errorf("%q became %q", argv, got)
		}
	}
}

func TestFingerprintsNeedTheKey(t *testing.T) {
	a := newRedactor(t)
	b, err := New(bytes.Repeat([]byte{8}, KeyBytes), nil)
	if err != nil {
		t.Fatal(err)
	}
	again := a.Fingerprint("x")
	if a.Fingerprint("x") != again || a.Fingerprint("x") == a.Fingerprint("y") || a.Fingerprint("x") == b.Fingerprint("x") {
		t.Error("fingerprints do not correlate, or do without the key")
	}
	if got := a.Text(a.Text("password=fake")); strings.Count(got, mark) != 1 {
		t.Errorf("twice: %q", got)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New([]byte("short"), nil); err == nil {
		t.Error("a short key is taken")
	}
	for _, n := range []string{"", "ab", "a b c", strings.Repeat("x", 200)} {
		if _, err := New(make([]byte, KeyBytes), []string{n}); err == nil {
			t.Errorf("name %q is taken", n)
		}
	}
}

func TestRecordIsRedactedWhole(t *testing.T) {
	r := newRedactor(t)
	d := &audit.Decision{ID: "1", Reason: "token: fakefake1"}
	rec := audit.Record{Subject: audit.Subject{Argv: []string{"x", "--secret", "fake"}, Message: "PASSWORD=fake", Path: "/x?token=fakefake1"}, Decision: d}
	r.Record(&rec)
	b := string(rec.AppendJSON(nil))
	if strings.Contains(b, "fakefake") || strings.Contains(b, `"fake"`) || strings.Count(b, mark) != 4 {
		t.Errorf("%s", b)
	}
	if d.Reason != "token: fakefake1" {
		t.Error("the caller's decision was changed")
	}
}

func FuzzText(f *testing.F) {
	r := newRedactor(f)
	for _, s := range []string{"a=b", "password=x", `"token":"x\`, "https://a:b@c", "-----BEGIN PRIVATE KEY-----", "Authorization: Basic ", "=", ":", "key=", "sk-" + strings.Repeat("x", 30)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := r.Text(s)
		if strings.Count(once, mark) < strings.Count(s, mark) {
			t.Fatalf("%q became %q", s, once)
		}
		r.Argv([]string{"x", s, s})
	})
}

func BenchmarkRecord(b *testing.B) {
	r := newRedactor(b)
	argv := []string{"/usr/bin/git", "-c", "core.pager=cat", "commit", "--message", "say what it does: and why", "--author=somebody"}
	for b.Loop() {
		rec := audit.Record{Subject: audit.Subject{Argv: argv, Path: "/usr/bin/git"}}
		r.Record(&rec)
	}
}
