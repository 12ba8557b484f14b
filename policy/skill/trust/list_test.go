package trust

import (
	"encoding/pem"
	"strings"
	"testing"
)

func TestBadSigners(t *testing.T) {
	_, line := newKey(t, "ed25519")
	tests := []struct{ name, text, say string }{
		{"too few words", "alice", "PRINCIPALS [OPTIONS] TYPE KEY"},
		{"an unknown type", "alice ssh-dss AAAA AAAA", "has no value"},
		{"an unknown option", `alice skils="a" ` + line, `unknown option "skils"`},
		{"an option without a value", "alice cert-authority " + line, "has no value"},
		{"an option without quotes", "alice skills=a " + line, "double quotes"},
		{"an open quote", `alice skills="a ` + line, "PRINCIPALS"},
		{"an option twice", `alice skills="a",skills="b" ` + line, "twice"},
		{"a bad date", `alice valid-after="soon" ` + line, "is no time"},
		{"never valid", `alice valid-after="20270101Z",valid-before="20260101Z" ` + line, "never valid"},
		{"an unknown permission", `alice permissions="root" ` + line, `no kind "root"`},
		{"a pattern that is none", `alice skills="[a" ` + line, "not a name"},
		{"a broken key", "alice ssh-ed25519 AAAA", "the key"},
		{"a key of another type", "alice " + strings.Replace(line, "ssh-ed25519", "ssh-rsa", 1), "not a ssh-rsa"},
		{"an empty principal", "a,,b " + line, "empty principal"},
		{"a binary file", "\x00", "not text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseSigners("signers", []byte("# first line\n"+tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("got %v, want an error with %q", err, tt.say)
			}
		})
	}
}

func TestBadRevocations(t *testing.T) {
	for text, say := range map[string]string{
		"key abc":                       "no fingerprint",
		"skill sha256:12":               "64 lower-case",
		"skill abc":                     "does not begin",
		"host a":                        "not key, cert, skill",
		"ssh-ed25519 AAAA":              "the key",
		"cert SHA256:abc this is wrong": "does not begin",
	} {
		if _, err := ParseRevoked("revoked", []byte(text)); err == nil || !strings.Contains(err.Error(), say) || !strings.Contains(err.Error(), "revoked:1:") {
			t.Errorf("%q: got %v, want an error at revoked:1 with %q", text, err, say)
		}
	}
}

func TestNameIn(t *testing.T) {
	for text, want := range map[string]string{
		"---\nname: weather\n---\n":            "weather",
		"---\r\nname: \"weather\"\r\n---\r\n":  "weather",
		"---\ndescription: x\nname: 'w-1'\n--": "w-1",
		"# no front matter\nname: x":           "",
		"---\n---\nname: late":                 "",
		"---\nname: ../up\n---":                "",
		"---\n  name: nested\n---":             "",
		"":                                     "",
	} {
		if got := NameIn([]byte(text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestFormOf(t *testing.T) {
	for name, want := range map[string]Form{"skill.sig": SSH, "skill.oms.sig": Bundle, "skill.bob.sig": SSH, "skill.bob.oms.sig": Bundle,
		"a/skill.sig": None, "skill.sig.bak": None, "SKILL.md": None, "skill..sig": None} {
		if got := FormOf(name); got != want {
			t.Errorf("%s: form %d, want %d", name, got, want)
		}
	}
	for name, want := range map[string]bool{".git/config": true, ".github/x": false, "sub/.git/config": false, "_meta.json": true, "a/_meta.json": false, "skill.sig": true, ".clawhub/origin.json": true} {
		if got := Ignored(name); got != want {
			t.Errorf("Ignored(%s) = %v", name, got)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, bad := range []string{"", "/a", "../a", "a/../b", "a//b", "./a", "a/", ".", "..", "a\x00b", "a\nb", "a\xffb", `a\b`,
		strings.Repeat("a/", MaxDepth) + "b", strings.Repeat("a", MaxName+1)} {
		if CheckPath(bad) == nil {
			t.Errorf("%q passes", bad)
		}
	}
	for _, good := range []string{"a", ".hidden", "a/b.c", "..a", "日本語/é"} {
		if err := CheckPath(good); err != nil {
			t.Error(err)
		}
	}
}

// FuzzSignature: whatever a signature is, it verifies nothing.
func FuzzSignature(f *testing.F) {
	m := manifest(f, nil)
	k, line := newKey(f, "ed25519")
	p := Policy{Signers: signers(f, "a "+line), Now: now}
	other := manifest(f, func(files []File) []File { return files[:1] })
	b, err := SignBundle(other.Statement(), k, nil)
	if err != nil {
		f.Fatal(err)
	}
	s, err := SignSSH(other.Statement(), k)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(s)
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: []byte("SSHSIG")}))
	f.Add([]byte(`{"mediaType":"` + mediaType + `","verificationMaterial":{"x509CertificateChain":{"certificates":[{"rawBytes":"AA=="}]}},"dsseEnvelope":{"payload":"e30=","payloadType":"` + payloadType + `","signatures":[{"sig":""}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, file := range []string{"skill.sig", "skill.oms.sig"} {
			if o := Verify(m, []Signature{{file, data}}, p); o.Verified || len(o.Findings) == 0 {
				t.Errorf("%s verifies: %+v", file, o)
			}
		}
	})
}

// FuzzStatement: what is accepted is read back the same from its own encoding.
func FuzzStatement(f *testing.F) {
	f.Add(manifest(f, nil).Statement())
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseStatement(data)
		if err != nil {
			return
		}
		again, err := ParseStatement(s.Statement())
		if err != nil {
			t.Fatal(err)
		}
		if d, n := again.Compare(s.Manifest); n > 0 {
			t.Errorf("%v", d)
		}
	})
}

// FuzzLists: the operator's lists are read without a panic, and what is
// accepted has a key.
func FuzzLists(f *testing.F) {
	_, line := newKey(f, "ed25519")
	f.Add([]byte("a " + line + " comment\n"))
	f.Add([]byte(`a,b valid-after="20260101",skills="x*" ` + line))
	f.Add([]byte("key SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU reason"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if list, err := ParseSigners("s", data); err == nil {
			for _, s := range list {
				if s.Fingerprint() == "" || len(s.Principals) == 0 {
					t.Errorf("%+v", s)
				}
			}
		}
		_, _ = ParseRevoked("r", data)
	})
}
