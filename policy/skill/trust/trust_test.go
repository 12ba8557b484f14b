package trust

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func manifest(t testing.TB, edit func([]File) []File) Manifest {
	t.Helper()
	files := []File{
		{Name: "SKILL.md", Digest: sha256.Sum256([]byte("---\nname: weather\n---\n"))},
		{Name: "scripts/get.sh", Digest: sha256.Sum256([]byte("echo sunny\n")), Exec: true},
		{Name: "references/\u00e9.md", Digest: sha256.Sum256([]byte("text"))},
	}
	if edit != nil {
		files = edit(files)
	}
	m, err := New("weather", files)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// newKey makes a key of a kind, and its line in a list of signers.
func newKey(t testing.TB, kind string) (*Key, string) {
	t.Helper()
	var private crypto.Signer
	var err error
	switch kind {
	case "ed25519":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case "p384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "p521":
		private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	default:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keyOf(t, private)
}

func keyOf(t testing.TB, private crypto.Signer) (*Key, string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ParseKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.ssh.PublicKey())))
}

func signers(t testing.TB, lines ...string) Signers {
	t.Helper()
	s, err := ParseSigners("signers", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRootDigestOfTheSpecification(t *testing.T) {
	// The digests of the conformance suite's simplest model.
	var a, b, want Digest
	for d, text := range map[*Digest]string{
		&a:    "bc9a717db6064a32cbe9eae6fc40651dd6d36ef1757183f590eff2b1765d7ebc",
		&b:    "32dcb1f8e1ae52d5963e56a6ba06ab58b424c15ed2a6b70d2feca1d089370028",
		&want: "92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4",
	} {
		if err := d.fromHex(text); err != nil {
			t.Fatal(err)
		}
	}
	m, err := New("my-model", []File{{Name: "signme-2", Digest: b}, {Name: "signme-1", Digest: a}})
	if err != nil {
		t.Fatal(err)
	}
	if m.Root() != want {
		t.Errorf("root digest %s, want %s", m.Root(), want)
	}
}

func TestStatementReadsBack(t *testing.T) {
	m := manifest(t, nil)
	s, err := ParseStatement(m.Statement())
	if err != nil {
		t.Fatal(err)
	}
	if d, n := s.Compare(m); n != 0 || !s.Modes || s.Name != "weather" {
		t.Errorf("differences %v, modes %v, name %q", d, s.Modes, s.Name)
	}
	if !bytes.Equal(s.Statement(), m.Statement()) {
		t.Error("the statement is not the same once more")
	}
}

// tampers are ways to change a skill after it was signed.
func tampers() map[string]func([]File) []File {
	return map[string]func([]File) []File{
		"edit":        func(f []File) []File { f[0].Digest[3] ^= 1; return f },
		"add":         func(f []File) []File { return append(f, File{Name: "extra.sh"}) },
		"delete":      func(f []File) []File { return f[:2] },
		"rename":      func(f []File) []File { f[1].Name = "scripts/run.sh"; return f },
		"chmod":       func(f []File) []File { f[0].Exec = true; return f },
		"chmod away":  func(f []File) []File { f[1].Exec = false; return f },
		"case change": func(f []File) []File { f[0].Name = "Skill.md"; return f },
		"normal form": func(f []File) []File { f[2].Name = "references/e\u0301.md"; return f },
		"swap":        func(f []File) []File { f[0].Digest, f[2].Digest = f[2].Digest, f[0].Digest; return f },
	}
}

func TestTamperMatrix(t *testing.T) {
	good := manifest(t, nil)
	k, line := newKey(t, "ed25519")
	p := Policy{Signers: signers(t, "alice@example.org "+line), Now: now}
	sshSig, err := SignSSH(good.Statement(), k)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := SignBundle(good.Statement(), k, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Signature{{"skill.sig", sshSig}, {"skill.oms.sig", bundle}} {
		if o := Verify(good, []Signature{s}, p); !o.Verified || !o.Modes || o.Vouches[0].Principal != "alice@example.org" {
			t.Fatalf("%s: the skill as it was signed: %+v", s.File, o)
		}
		for name, tamper := range tampers() {
			o := Verify(manifest(t, tamper), []Signature{s}, p)
			if o.Verified || len(o.Findings) == 0 {
				t.Errorf("%s: %s is not seen: %+v", s.File, name, o)
			}
			want := "CJS-SIG-002"
			if name == "add" && s.File == "skill.oms.sig" {
				want = "CJS-SIG-004"
			}
			if o.Findings[0].Rule != want {
				t.Errorf("%s: %s is %s, want %s", s.File, name, o.Findings[0].Rule, want)
			}
		}
	}
}

// A rename that keeps the order leaves the root digest of OMS as it is; what
// approvals and the store go by must change.
func TestTreeDigestCoversNamesAndModes(t *testing.T) {
	good := manifest(t, nil)
	for name, tamper := range tampers() {
		if m := manifest(t, tamper); m.Tree() == good.Tree() {
			t.Errorf("%s: same tree digest", name)
		}
	}
	renamed := manifest(t, tampers()["rename"])
	if renamed.Root() != good.Root() {
		t.Error("the root digest covers names by now; the tree digest is no longer needed")
	}
}

func TestEveryKindOfKey(t *testing.T) {
	m := manifest(t, nil)
	for _, kind := range []string{"ed25519", "p256", "p384", "p521"} {
		k, line := newKey(t, kind)
		p := Policy{Signers: signers(t, "a "+line), Now: now}
		b, err := SignBundle(m.Statement(), k, nil)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		s, err := SignSSH(m.Statement(), k)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		for _, sig := range []Signature{{"skill.oms.sig", b}, {"skill.sig", s}} {
			if o := Verify(m, []Signature{sig}, p); !o.Verified {
				t.Errorf("%s, %s: %+v", kind, sig.File, o)
			}
		}
	}
}

func TestWhoseSignaturesCount(t *testing.T) {
	m := manifest(t, nil)
	k, line := newKey(t, "ed25519")
	other, otherLine := newKey(t, "p256")
	sign := func(k *Key, form Form) []byte {
		f := SignSSH
		if form == Bundle {
			f = func(s []byte, k *Key) ([]byte, error) { return SignBundle(s, k, nil) }
		}
		b, err := f(m.Statement(), k)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one := func(form Form) []Signature {
		return []Signature{{map[Form]string{SSH: "skill.sig", Bundle: "skill.oms.sig"}[form], sign(k, form)}}
	}
	both := append(one(SSH), Signature{"skill.auditor.oms.sig", sign(other, Bundle)})
	revoked := func(s string) string { return s }
	tests := []struct {
		name      string
		signers   []string
		revoked   string
		sigs      []Signature
		threshold int
		rule, say string // "" verifies
	}{
		{name: "a listed key", signers: []string{"a " + line}},
		{name: "no signature", signers: []string{"a " + line}, sigs: []Signature{}, rule: "CJS-SIG-001", say: "no signature"},
		{name: "an unknown key", signers: []string{"a " + otherLine}, rule: "CJS-SIG-003", say: "not in the list of allowed signers"},
		{name: "an expired key", signers: []string{`a valid-before="20260101Z" ` + line}, rule: "CJS-SIG-003", say: "expired at 2026-01-01"},
		{name: "a key that is not valid yet", signers: []string{`a valid-after="20270101Z" ` + line}, rule: "CJS-SIG-003", say: "not valid before"},
		{name: "a key in its time", signers: []string{`a valid-after="20260101Z",valid-before="202701010000Z" ` + line}},
		{name: "a key for other namespaces", signers: []string{`a namespaces="git,file" ` + line}, rule: "CJS-SIG-003", say: "namespaces"},
		{name: "a key for this namespace", signers: []string{`a namespaces="git,clawjail-*" ` + line}},
		{name: "a key for other skills", signers: []string{`a skills="git-*" ` + line}, rule: "CJS-SIG-003", say: "may sign the skills"},
		{name: "a key for this skill", signers: []string{`a skills="git-*,wea????" ` + line}},
		{name: "a second entry that allows", signers: []string{`a skills="git-*" ` + line, "b " + line}},
		{name: "a revoked key", signers: []string{"a " + line}, revoked: revoked("key " + k.Fingerprint() + " stolen"), rule: "CJS-SIG-003", say: "revoked: stolen"},
		{name: "a revoked key by itself", signers: []string{"a " + line}, revoked: line, rule: "CJS-SIG-003", say: "revoked"},
		{name: "a revoked skill", signers: []string{"a " + line}, revoked: "skill " + m.Tree().String() + " malware", rule: "CJS-SIG-003", say: "malware"},
		{name: "a skill revoked by its root digest", signers: []string{"a " + line}, revoked: "skill " + m.Root().String(), rule: "CJS-SIG-003", say: "revoked"},
		{name: "one of two signers", signers: []string{"a " + line}, threshold: 2, rule: "CJS-SIG-003", say: "1 of 2 required"},
		{name: "two of two signers", signers: []string{"a " + line, "b " + otherLine}, sigs: both, threshold: 2},
		{name: "one principal with two keys is one", signers: []string{"a " + line, "a " + otherLine}, sigs: both, threshold: 2, rule: "CJS-SIG-003", say: "1 of 2 required"},
		{name: "one signature too many that is unknown", signers: []string{"a " + line}, sigs: both},
	}
	for _, tt := range tests {
		for _, form := range []Form{SSH, Bundle} {
			t.Run(tt.name, func(t *testing.T) {
				r, err := ParseRevoked("revoked", []byte(tt.revoked))
				if err != nil {
					t.Fatal(err)
				}
				sigs := tt.sigs
				if sigs == nil {
					sigs = one(form)
				}
				o := Verify(m, sigs, Policy{Signers: signers(t, tt.signers...), Revoked: r, Threshold: tt.threshold, Now: now})
				if tt.rule == "" {
					if !o.Verified || len(o.Findings) > 0 {
						t.Errorf("%+v", o)
					}
					return
				}
				if o.Verified {
					t.Fatal("it verifies")
				}
				last := o.Findings[len(o.Findings)-1]
				if last.Rule != tt.rule || !strings.Contains(last.Message, tt.say) {
					t.Errorf("%s: %s; want %s with %q", last.Rule, last.Message, tt.rule, tt.say)
				}
			})
		}
	}
}

func TestPermissionsAreTheNarrowest(t *testing.T) {
	o := Outcome{Vouches: []Vouch{{Permissions: nil}, {Permissions: []string{"net", "exec"}}, {Permissions: []string{"exec", "env"}}}}
	if got := o.Permissions(); len(got) != 1 || got[0] != "exec" {
		t.Errorf("got %q", got)
	}
	if got := (Outcome{Vouches: []Vouch{{}}}).Permissions(); got != nil {
		t.Errorf("no restriction became %q", got)
	}
}

func TestBadSignatures(t *testing.T) {
	m := manifest(t, nil)
	k, line := newKey(t, "p256")
	p := Policy{Signers: signers(t, "a "+line), Now: now}
	bundle, err := SignBundle(m.Statement(), k, nil)
	if err != nil {
		t.Fatal(err)
	}
	armored, err := SignSSH(m.Statement(), k)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(f func(map[string]any)) []byte {
		var v map[string]any
		if err := json.Unmarshal(bundle, &v); err != nil {
			t.Fatal(err)
		}
		f(v)
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	envelope := func(v map[string]any) map[string]any { return v["dsseEnvelope"].(map[string]any) }
	tests := []struct {
		name, file string
		data       []byte
		say        string
	}{
		{"a truncated bundle", "skill.oms.sig", bundle[:len(bundle)/2], "truncated"},
		{"an empty bundle", "skill.oms.sig", nil, "truncated"},
		{"two bundles in one", "skill.oms.sig", append(bytes.Clone(bundle), bundle...), "text follows"},
		{"another media type", "skill.oms.sig", edit(func(v map[string]any) { v["mediaType"] = "text/plain" }), "media type"},
		{"no envelope", "skill.oms.sig", edit(func(v map[string]any) { delete(v, "dsseEnvelope") }), "no DSSE envelope"},
		{"another payload type", "skill.oms.sig", edit(func(v map[string]any) { envelope(v)["payloadType"] = "text/plain" }), "holds"},
		{"no signature", "skill.oms.sig", edit(func(v map[string]any) { envelope(v)["signatures"] = []any{} }), "0 signatures"},
		{"no key and no chain", "skill.oms.sig", edit(func(v map[string]any) { v["verificationMaterial"] = map[string]any{} }), "neither"},
		{"keyless", "skill.oms.sig", edit(func(v map[string]any) {
			v["verificationMaterial"] = map[string]any{"certificate": map[string]any{"rawBytes": "AA=="}}
		}), "keyless"},
		{"another payload", "skill.oms.sig", edit(func(v map[string]any) {
			envelope(v)["payload"] = base64.StdEncoding.EncodeToString(append(m.Statement(), ' '))
		}), "changed after it was signed"},
		{"a signature that is no base64", "skill.oms.sig", edit(func(v map[string]any) {
			envelope(v)["signatures"] = []any{map[string]any{"sig": "!"}}
		}), "does not match"},
		{"a truncated SSH signature", "skill.sig", armored[:len(armored)/2], "truncated"},
		{"an SSH signature cut within", "skill.sig", cutArmor(t, armored), "truncated"},
		{"an empty SSH signature", "skill.sig", nil, "truncated"},
		{"a name that is no signature's", "README.md", armored, "not named"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Verify(m, []Signature{{tt.file, tt.data}}, p)
			if o.Verified || len(o.Findings) != 1 || o.Findings[0].Rule != "CJS-SIG-002" || !strings.Contains(o.Findings[0].Message, tt.say) {
				t.Errorf("%+v, want CJS-SIG-002 with %q", o.Findings, tt.say)
			}
		})
	}
}

// cutArmor shortens what is within the armor.
func cutArmor(t *testing.T, armored []byte) []byte {
	b, _ := pem.Decode(armored)
	if b == nil {
		t.Fatal("no armor")
	}
	return pem.EncodeToMemory(&pem.Block{Type: b.Type, Bytes: b.Bytes[:len(b.Bytes)-7]})
}

// A bundle of the reference tool has no modes and other ignore paths.
func TestForeignBundle(t *testing.T) {
	m := manifest(t, nil)
	k, line := newKey(t, "p256")
	p := Policy{Signers: signers(t, "a "+line), Now: now}
	s, err := ParseStatement(m.Statement())
	if err != nil {
		t.Fatal(err)
	}
	foreign := func(ignore ...string) []byte {
		var v map[string]any
		if err := json.Unmarshal(s.Statement(), &v); err != nil {
			t.Fatal(err)
		}
		p := v["predicate"].(map[string]any)
		for _, r := range p["resources"].([]any) {
			delete(r.(map[string]any), "annotations")
		}
		p["serialization"].(map[string]any)["ignore_paths"] = ignore
		b, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		signed, err := SignBundle(b, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	o := Verify(m, []Signature{{"skill.oms.sig", foreign(".github", ".git")}}, p)
	if !o.Verified || o.Modes {
		t.Errorf("verified %v, modes %v; want true and false: %+v", o.Verified, o.Modes, o.Findings)
	}
	extra := manifest(t, func(f []File) []File { return append(f, File{Name: ".github/x.sh"}) })
	o = Verify(extra, []Signature{{"skill.oms.sig", foreign(".github", ".git")}}, p)
	if o.Verified || o.Findings[0].Rule != "CJS-SIG-004" {
		t.Errorf("a file that the bundle ignores passes: %+v", o)
	}
}
