package trust

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// Key signs.
type Key struct {
	signer crypto.Signer
	ssh    ssh.Signer
}

// ErrPassphrase says that a private key is encrypted.
var ErrPassphrase = errors.New("the private key is encrypted")

// ParseKey reads a private key: OpenSSH's own form or PEM, Ed25519, ECDSA or
// RSA. passphrase may be empty.
func ParseKey(text, passphrase []byte) (*Key, error) {
	var raw any
	var err error
	if len(passphrase) > 0 {
		raw, err = ssh.ParseRawPrivateKeyWithPassphrase(text, passphrase)
	} else {
		raw, err = ssh.ParseRawPrivateKey(text)
	}
	var missing *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &missing):
		return nil, ErrPassphrase
	case err != nil:
		return nil, fmt.Errorf("private key: %w", err)
	}
	if k, ok := raw.(*ed25519.PrivateKey); ok {
		raw = *k
	}
	signer, ok := raw.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("private key: a %T cannot sign", raw)
	}
	if err := checkPublic(signer.Public()); err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	s, err := ssh.NewSignerFromSigner(signer)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	return &Key{signer: signer, ssh: s}, nil
}

// Fingerprint is as ssh-keygen -l has it: "SHA256:…".
func (k *Key) Fingerprint() string { return ssh.FingerprintSHA256(k.ssh.PublicKey()) }

// minRSA is the least length of an RSA key, in bits.
const minRSA = 3072

// checkPublic refuses keys that are too weak.
func checkPublic(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
			return nil
		}
		return fmt.Errorf("the curve %s is not P-256, P-384 or P-521", k.Params().Name)
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return fmt.Errorf("the RSA key has %d bits, at least %d", k.N.BitLen(), minRSA)
		}
		return nil
	}
	return fmt.Errorf("a %T is not a kind of key that is read here", pub)
}

// hashOf is the hash that goes with an ECDSA curve (OMS and sigstore).
func hashOf(curve elliptic.Curve) crypto.Hash {
	switch curve {
	case elliptic.P384():
		return crypto.SHA384
	case elliptic.P521():
		return crypto.SHA512
	}
	return crypto.SHA256
}

// envelopeKey makes and checks the signatures of DSSE envelopes.
type envelopeKey struct {
	public  crypto.PublicKey
	private crypto.Signer // nil to check only
}

// errBadSignature is all that is to be said of one.
var errBadSignature = errors.New("the signature does not match")

// Sign implements dsse.Signer.
func (k envelopeKey) Sign(_ context.Context, data []byte) ([]byte, error) {
	switch pub := k.public.(type) {
	case ed25519.PublicKey:
		return k.private.Sign(rand.Reader, data, crypto.Hash(0))
	case *ecdsa.PublicKey:
		h := hashOf(pub.Curve)
		d := h.New()
		d.Write(data)
		return k.private.Sign(rand.Reader, d.Sum(nil), h)
	}
	return nil, fmt.Errorf("a bundle is signed with Ed25519 or ECDSA, not with a %T; make an SSH signature instead", k.public)
}

// Verify implements dsse.Verifier.
func (k envelopeKey) Verify(_ context.Context, data, sig []byte) error {
	good := false
	switch pub := k.public.(type) {
	case ed25519.PublicKey:
		good = ed25519.Verify(pub, data, sig)
	case *ecdsa.PublicKey:
		d := hashOf(pub.Curve).New()
		d.Write(data)
		good = ecdsa.VerifyASN1(pub, d.Sum(nil), sig)
	}
	if !good {
		return errBadSignature
	}
	return nil
}

// KeyID implements dsse.Verifier: OMS does not use it.
func (k envelopeKey) KeyID() (string, error) { return "", nil }

// Public implements dsse.Verifier.
func (k envelopeKey) Public() crypto.PublicKey { return k.public }

// hint names a public key in a bundle, as the reference tool does: the SHA-256
// of its PEM.
func hint(pub crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return hex.EncodeToString(sum[:]), nil
}

// cryptoKey gives the key within an SSH key, or nil.
func cryptoKey(k ssh.PublicKey) crypto.PublicKey {
	if c, ok := k.(ssh.CryptoPublicKey); ok {
		return c.CryptoPublicKey()
	}
	return nil
}
