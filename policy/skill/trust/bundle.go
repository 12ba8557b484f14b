package trust

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// MaxSignature bounds the file of one signature: a bundle holds the statement.
const MaxSignature = 24 << 20

// maxChain bounds the certificates of a bundle.
const maxChain = 10

// mediaType is that of what is written; what is read may be older.
const mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

var mediaTypes = [...]string{mediaType, "application/vnd.dev.sigstore.bundle+json;version=0.3",
	"application/vnd.dev.sigstore.bundle+json;version=0.2", "application/vnd.dev.sigstore.bundle+json;version=0.1"}

// The JSON of a sigstore bundle, as far as OMS uses it.
type (
	bundle struct {
		MediaType string         `json:"mediaType"`
		Material  material       `json:"verificationMaterial"`
		Envelope  *dsse.Envelope `json:"dsseEnvelope"`
	}
	material struct {
		PublicKey   *publicKey        `json:"publicKey,omitempty"`
		Chain       *certificateChain `json:"x509CertificateChain,omitempty"`
		Certificate json.RawMessage   `json:"certificate,omitempty"`
	}
	publicKey struct {
		Hint string `json:"hint"`
	}
	certificateChain struct {
		Certificates []certificate `json:"certificates"`
	}
	certificate struct {
		RawBytes []byte `json:"rawBytes"`
	}
)

// opened is a bundle that was read; nothing in it was checked against a key.
type opened struct {
	envelope dsse.Envelope
	hint     string
	chain    []*x509.Certificate // of the x509 method, leaf first
}

// SignBundle signs a statement. With a chain, leaf first, the certificates go
// into the bundle and the key must be the leaf's.
func SignBundle(statement []byte, k *Key, chain []*x509.Certificate) ([]byte, error) {
	signer, err := dsse.NewEnvelopeSigner(envelopeKey{public: k.signer.Public(), private: k.signer})
	if err != nil {
		return nil, err
	}
	envelope, err := signer.SignPayload(context.Background(), payloadType, statement)
	if err != nil {
		return nil, fmt.Errorf("sign the bundle: %w", err)
	}
	b := bundle{MediaType: mediaType, Envelope: envelope}
	if len(chain) > 0 {
		pub, ok := chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		if !ok || !pub.Equal(k.signer.Public()) {
			return nil, errors.New("the first certificate is not that of the private key; the chain begins with the signer's own")
		}
		b.Material.Chain = &certificateChain{}
		for _, c := range chain {
			b.Material.Chain.Certificates = append(b.Material.Chain.Certificates, certificate{c.Raw})
		}
	} else {
		h, err := hint(k.signer.Public())
		if err != nil {
			return nil, err
		}
		b.Material.PublicKey = &publicKey{h}
	}
	out, err := json.MarshalIndent(b, "", "  ")
	return append(out, '\n'), err
}

// ParseCertificates reads a chain of certificates in PEM, leaf first.
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("the chain holds a %q, not only certificates", clip(block.Type))
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(chain)+1, err)
		}
		if chain = append(chain, c); len(chain) > maxChain {
			return nil, fmt.Errorf("the chain has more than %d certificates", maxChain)
		}
	}
	if len(chain) == 0 {
		return nil, errors.New("there is no certificate in PEM")
	}
	return chain, nil
}

// openBundle reads a bundle and refuses a kind that cannot be checked here.
func openBundle(data []byte) (opened, error) {
	if len(data) > MaxSignature {
		return opened{}, fmt.Errorf("the bundle has %d bytes, at most %d", len(data), MaxSignature)
	}
	var b bundle
	if err := decodeOne(data, &b); err != nil {
		return opened{}, fmt.Errorf("the bundle is truncated or no JSON: %w", err)
	}
	switch {
	case !slices.Contains(mediaTypes[:], b.MediaType):
		return opened{}, fmt.Errorf("the bundle has the media type %q, not %s", clip(b.MediaType), mediaType)
	case b.Envelope == nil || b.Envelope.Payload == "":
		return opened{}, errors.New("the bundle has no DSSE envelope")
	case b.Envelope.PayloadType != payloadType:
		return opened{}, fmt.Errorf("the envelope holds %q, not %s", clip(b.Envelope.PayloadType), payloadType)
	case len(b.Envelope.Signatures) != 1:
		return opened{}, fmt.Errorf("the envelope has %d signatures, not 1", len(b.Envelope.Signatures))
	case b.Material.PublicKey == nil && b.Material.Chain == nil && len(b.Material.Certificate) > 0 && !bytes.Equal(b.Material.Certificate, []byte("null")):
		return opened{}, errors.New("the bundle was signed without a key of its own (keyless sigstore), which cannot be checked offline; ask for a signature by a key or a certificate chain")
	case (b.Material.PublicKey == nil) == (b.Material.Chain == nil):
		return opened{}, errors.New("the bundle names neither a public key nor a certificate chain, or both")
	}
	b.Envelope.Signatures[0].KeyID = "" // OMS does not use it; the library would
	o := opened{envelope: *b.Envelope}
	if b.Material.PublicKey != nil {
		o.hint = b.Material.PublicKey.Hint
		return o, nil
	}
	certs := b.Material.Chain.Certificates
	if len(certs) == 0 || len(certs) > maxChain {
		return opened{}, fmt.Errorf("the bundle has a chain of %d certificates, not 1 to %d", len(certs), maxChain)
	}
	for i, c := range certs {
		cert, err := x509.ParseCertificate(c.RawBytes)
		if err != nil {
			return opened{}, fmt.Errorf("certificate %d of the bundle: %w", i+1, err)
		}
		o.chain = append(o.chain, cert)
	}
	return o, nil
}

// payload is the statement within, unchecked.
func (o opened) payload() ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(o.envelope.Payload)
	if err != nil {
		return nil, fmt.Errorf("the envelope's payload is not base64: %w", err)
	}
	return b, nil
}

// check checks the signature with one key.
func (o opened) check(pub crypto.PublicKey) error {
	v, err := dsse.NewEnvelopeVerifier(envelopeKey{public: pub})
	if err != nil {
		return err
	}
	if _, err := v.Verify(context.Background(), &o.envelope); err != nil {
		return errBadSignature
	}
	return nil
}
