package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
)

const (
	life = 397 * 24 * time.Hour
	// Soon is when a certificate is about to expire.
	Soon = 30 * 24 * time.Hour
)

// Make makes a certificate for a host, and its key, as PEM.
func Make(host string, addresses []net.IP, now time.Time) (certificate, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host, Organization: []string{"clawjail"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, DNSNames: []string{host}, IPAddresses: addresses,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, k.Public(), k)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// Load gives what a server needs, and when the certificate expires. One that
// does not hold now is refused.
func Load(certificate, key []byte, host string, now time.Time) (*tls.Config, time.Time, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("the certificate: %w\n  make another: clawjail config init --new-certificate", err)
	}
	leaf := pair.Leaf
	switch {
	case now.After(leaf.NotAfter):
		err = fmt.Errorf("the certificate expired on %s\n  renew it, or make another: clawjail config init --new-certificate", leaf.NotAfter.Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		err = fmt.Errorf("the certificate holds from %s: look at the clock", leaf.NotBefore.Format(time.DateOnly))
	case leaf.VerifyHostname(host) != nil:
		err = fmt.Errorf("the certificate is for %s and not for %s (network.name)\n  make another: clawjail config init --new-certificate", strings.Join(leaf.DNSNames, ", "), host)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}, leaf.NotAfter, err
}

// Fingerprint is what people compare: SHA-256 of the certificate, as browsers
// show it.
func Fingerprint(certificate []byte) (string, error) {
	b, _ := pem.Decode(certificate)
	if b == nil {
		return "", fmt.Errorf("the certificate is not PEM")
	}
	sum := sha256.Sum256(b.Bytes)
	out := make([]string, len(sum))
	for i, c := range sum {
		out[i] = fmt.Sprintf("%02X", c)
	}
	return strings.Join(out, ":"), nil
}
