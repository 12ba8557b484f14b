package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"
)

// authority makes a root and a leaf.
func authority(t *testing.T, from, until time.Time) (root *x509.Certificate, chain []*x509.Certificate, key *Key) {
	t.Helper()
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example Root"}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	make := func(c, parent *x509.Certificate, pub crypto.PublicKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, rootKey)
		if err != nil {
			t.Fatal(err)
		}
		out, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	root = make(template, template, rootKey.Public())
	leaf := make(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Alice"}, EmailAddresses: []string{"alice@example.org"},
		NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}, root, leafKey.Public())
	key, _ = keyOf(t, leafKey)
	return root, []*x509.Certificate{leaf, root}, key
}

func TestCertificateChains(t *testing.T) {
	m := manifest(t, nil)
	root, chain, key := authority(t, now.AddDate(0, -1, 0), now.AddDate(0, 1, 0))
	_, expired, expiredKey := authority(t, now.AddDate(0, -2, 0), now.AddDate(0, -1, 0))
	expiredRoot := expired[1]
	stranger, _, _ := authority(t, now, now.AddDate(1, 0, 0))
	entry := func(principals string, c *x509.Certificate) string {
		return principals + " " + x509Root + " " + base64.StdEncoding.EncodeToString(c.Raw)
	}
	tests := []struct {
		name, signers, revoked string
		chain                  []*x509.Certificate
		key                    *Key
		rule, say              string
	}{
		{name: "a listed root", signers: entry("alice@example.org", root), chain: chain, key: key},
		{name: "a pattern of principals", signers: entry("*@example.org", root), chain: chain, key: key},
		{name: "another principal", signers: entry("bob@example.org", root), chain: chain, key: key, rule: "CJS-SIG-003", say: "none of the principals"},
		{name: "another root", signers: entry("*@example.org", stranger), chain: chain, key: key, rule: "CJS-SIG-003", say: "not in the list"},
		{name: "an expired certificate", signers: entry("*@example.org", expiredRoot), chain: expired, key: expiredKey, rule: "CJS-SIG-003", say: "expired"},
		{name: "a revoked certificate", signers: entry("*@example.org", root), revoked: "cert " + certificateFingerprint(chain[0]) + " lost", chain: chain, key: key, rule: "CJS-SIG-003", say: "lost"},
		{name: "a revoked root", signers: entry("*@example.org", root), revoked: "cert " + certificateFingerprint(root), chain: chain, key: key, rule: "CJS-SIG-003", say: "revoked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := SignBundle(m.Statement(), tt.key, tt.chain)
			if err != nil {
				t.Fatal(err)
			}
			r, err := ParseRevoked("revoked", []byte(tt.revoked))
			if err != nil {
				t.Fatal(err)
			}
			o := Verify(m, []Signature{{"skill.oms.sig", b}}, Policy{Signers: signers(t, tt.signers), Revoked: r, Now: now})
			if tt.rule == "" {
				if !o.Verified || o.Vouches[0].Principal != "alice@example.org" || o.Vouches[0].Root == "" {
					t.Errorf("%+v", o)
				}
				return
			}
			if o.Verified || o.Findings[0].Rule != tt.rule || !strings.Contains(o.Findings[0].Message, tt.say) {
				t.Errorf("%+v", o)
			}
		})
	}
	if _, err := SignBundle(m.Statement(), expiredKey, chain); err == nil {
		t.Error("a chain that is not the key's is accepted")
	}
}
