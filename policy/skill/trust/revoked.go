package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Revoked lists what no longer counts, whoever lists it elsewhere.
type Revoked struct {
	keys   map[string]string // fingerprint to reason
	skills map[string]string // digest to reason
}

// ParseRevoked reads a list of revocations. A line is one of
//
//	key SHA256:FINGERPRINT [reason]
//	cert sha256:HEX [reason]      (of a certificate's DER)
//	skill sha256:HEX [reason]     (its tree digest, or its root digest)
//	ssh-ed25519 KEY [reason]      (or another kind of key)
func ParseRevoked(file string, text []byte) (Revoked, error) {
	r := Revoked{keys: map[string]string{}, skills: map[string]string{}}
	lines, err := listLines(file, text)
	if err != nil {
		return r, err
	}
	var errs []error
	for _, l := range lines {
		if err := r.add(l.text); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", file, l.number, err))
		}
	}
	return r, errors.Join(errs...)
}

func (r Revoked) add(text string) error {
	kind, rest, _ := strings.Cut(text, " ")
	what, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
	reason = strings.TrimSpace(reason)
	if reason == "" {
		reason = "no reason given"
	}
	switch {
	case kind == "key":
		if !strings.HasPrefix(what, "SHA256:") || len(what) != len("SHA256:")+43 {
			return fmt.Errorf("%q is no fingerprint; ssh-keygen -lf KEY prints one", clip(what))
		}
		r.keys[what] = reason
	case kind == "skill" || kind == "cert":
		d, err := ParseDigest(what)
		if err != nil {
			return err
		}
		if kind == "skill" {
			r.skills[d.String()] = reason
		} else {
			r.keys[d.String()] = reason
		}
	case keyType(kind) && kind != x509Root:
		k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(kind + " " + what))
		if err != nil {
			return fmt.Errorf("the key: %w", err)
		}
		r.keys[ssh.FingerprintSHA256(k)] = reason
	default:
		return fmt.Errorf("%q is not key, cert, skill or a type of key", clip(kind))
	}
	return nil
}

// Key says why a key or certificate was revoked, by its fingerprint.
func (r Revoked) Key(fingerprint string) (reason string, revoked bool) {
	reason, revoked = r.keys[fingerprint]
	return reason, revoked
}

// Skill says why a skill was revoked, by its digests.
func (r Revoked) Skill(digests ...Digest) (reason string, revoked bool) {
	for _, d := range digests {
		if reason, revoked = r.skills[d.String()]; revoked {
			return reason, true
		}
	}
	return "", false
}

func certificateFingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}
