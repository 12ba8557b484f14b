package compiled

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"clawjail/policy"
)

// Format is the version of the form itself.
const Format = 1

// MaxBytes bounds an encoded policy.
const MaxBytes = 1 << 20

// ErrNotCanonical is what Decode says of JSON that means a policy and is not
// the form that Encode gives it.
var ErrNotCanonical = errors.New("not in canonical form: keys unknown, doubled, misspelt or out of order, or bytes outside of the document")

// Encode gives the canonical form of p, or says why p is not a valid policy.
// Bindings are left out: they belong to one host.
func Encode(p *policy.Policy) ([]byte, error) {
	if p == nil {
		return nil, errors.New("encode policy: there is none")
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("encode policy %q: %w", p.Name, err)
	}
	return marshal(fromPolicy(p))
}

func marshal(d document) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("encode policy: %w", err)
	}
	out := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(out) > MaxBytes {
		return nil, fmt.Errorf("encode policy: %d bytes, at most %d", len(out), MaxBytes)
	}
	return out, nil
}

// Digest names an encoded policy: "sha256:" and 64 hexadecimal digits.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Decode gives the policy that Encode made b of. It accepts nothing else.
func Decode(b []byte) (*policy.Policy, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("decode policy: %d bytes, at most %d", len(b), MaxBytes)
	}
	var d document
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("decode policy: %w", err)
	}
	if d.Format != Format {
		return nil, fmt.Errorf("decode policy: format %d, this clawjail speaks %d: use the clawjail and clawjaild of one version", d.Format, Format)
	}
	p, err := d.policy()
	if err != nil {
		return nil, fmt.Errorf("decode policy: %w", err)
	}
	again, err := Encode(p) // validates
	if err != nil {
		return nil, fmt.Errorf("decode policy: %w", err)
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("decode policy: %w", ErrNotCanonical)
	}
	return p, nil
}
