package trust

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"clawjail/policy/skill"
)

func attestation(m Manifest) Attestation {
	return Attestation{Name: m.Name, Root: m.Root(), Tree: m.Tree(), RuleSet: "2026.1/x", Verdict: skill.Approved,
		Report: json.RawMessage(`{"schema": 1, "name": "<weather>"}`), Policy: "version: 1\n", At: now}
}

// rules are the identifiers of findings, in their order.
func rules(list []skill.Finding) string {
	var out []string
	for _, f := range list {
		out = append(out, f.Rule)
	}
	return strings.Join(out, " ")
}

func TestAttestation(t *testing.T) {
	m := manifest(t, nil)
	key, line := newKey(t, "ed25519")
	other, _ := newKey(t, "p256")
	p := Policy{Signers: signers(t, `auditor@example.org namespaces="clawjail-skill@v1" `+line), Now: now}
	signed := func(edit func(*Attestation), k *Key) []byte {
		a := attestation(m)
		if edit != nil {
			edit(&a)
		}
		b, err := SignAttestation(a, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	a, v, bad := p.Attested(m, signed(nil, key), "a.json", "2026.1/x")
	if len(bad) > 0 || v.Principal != "auditor@example.org" || a.Policy != "version: 1\n" || a.PolicyDigest() != attestation(m).PolicyDigest() || !a.At.Equal(now) {
		t.Fatalf("%+v %+v %+v", a, v, bad)
	}
	changed := manifest(t, func(f []File) []File { f[0].Digest[0]++; return f })
	executable := manifest(t, func(f []File) []File { f[0].Exec = true; return f })
	renamed := m
	renamed.Name = "weather2"
	for _, c := range []struct {
		name string
		m    Manifest
		data []byte
		set  string
		want string
	}{
		{"another content", changed, signed(nil, key), "2026.1/x", "CJS-SIG-005"},
		{"another mode", executable, signed(nil, key), "2026.1/x", "CJS-SIG-005"},
		{"another name", renamed, signed(nil, key), "2026.1/x", "CJS-SIG-005"},
		{"other rules", m, signed(nil, key), "2026.2/x", "CJS-SIG-005"},
		{"a rejected skill", m, signed(func(a *Attestation) { a.Verdict = skill.Rejected }, key), "2026.1/x", "CJS-SIG-005"},
		{"an unknown signer", m, signed(nil, other), "2026.1/x", "CJS-SIG-003"},
		{"a bundle over files", m, bundleOf(t, m, key), "2026.1/x", "CJS-SIG-002"},
		{"a truncated bundle", m, signed(nil, key)[:200], "2026.1/x", "CJS-SIG-002"},
		{"no rule set", m, signed(func(a *Attestation) { a.RuleSet = "" }, key), "", "CJS-SIG-002"},
		{"a payload that was changed", m, repacked(t, signed(nil, key)), "2026.1/x", "CJS-SIG-002"},
	} {
		if _, _, bad := p.Attested(c.m, c.data, "a.json", c.set); rules(bad) != c.want {
			t.Errorf("%s: %+v, want %s", c.name, bad, c.want)
		}
	}
	// And an attestation is no signature of the skill.
	if o := Verify(m, []Signature{{"skill.oms.sig", signed(nil, key)}}, p); o.Verified {
		t.Error("an attestation counts as a signature over the files")
	}
}

func bundleOf(t *testing.T, m Manifest, k *Key) []byte {
	t.Helper()
	b, err := SignBundle(m.Statement(), k, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// repacked changes the verdict in a bundle and leaves the signature.
func repacked(t *testing.T, data []byte) []byte {
	t.Helper()
	o, err := openBundle(data)
	if err != nil {
		t.Fatal(err)
	}
	body, err := o.payload()
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Replace(body, []byte(`"approved"`), []byte(`"manual review"`), 1)
	return bytes.Replace(data, []byte(o.envelope.Payload), []byte(base64.StdEncoding.EncodeToString(forged)), 1)
}

func FuzzAttestation(f *testing.F) {
	m := manifest(f, nil)
	key, line := newKey(f, "ed25519")
	good, err := SignAttestation(attestation(m), key, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	o, _ := openBundle(good)
	body, _ := o.payload()
	f.Add(body)
	p := Policy{Signers: signers(f, "a@example.org "+line), Now: now}
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := parseAttestation(data); err == nil && (a.Name == "" || a.RuleSet == "") {
			t.Errorf("%+v", a)
		}
		if _, _, bad := p.Attested(m, data, "x", "2026.1/x"); len(bad) == 0 && !bytes.Contains(data, []byte(o.envelope.Payload)) {
			t.Error("a bundle that nobody signed counts")
		}
	})
}
