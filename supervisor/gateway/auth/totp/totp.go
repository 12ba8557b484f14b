package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

const (
	period      = 30 // seconds
	secretBytes = 20
	around      = 1 // steps before and after now
)

// NewSecret makes the secret of an authenticator, in base32.
func NewSecret() string {
	b := make([]byte, secretBytes)
	rand.Read(b) // never fails: crypto/rand since Go 1.24
	return coding().EncodeToString(b)
}

func coding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// URL is what an authenticator scans.
func URL(issuer, user, secret string) string {
	q := url.Values{"secret": {secret}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	return "otpauth://totp/" + url.PathEscape(issuer) + ":" + url.PathEscape(user) + "?" + q.Encode()
}

// Code gives the code of a step: the time divided by the period.
func Code(secret string, step int64) (string, error) {
	key, err := coding().DecodeString(secret)
	if err != nil || len(key) < 10 {
		return "", fmt.Errorf("the secret of an authenticator cannot be read")
	}
	m := hmac.New(sha1.New, key)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 0xf // RFC 4226, 5.3: dynamic truncation
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000), nil
}

// Step is the step of a time.
func Step(t time.Time) int64 { return t.Unix() / period }

// Check reports whether a code is right now and of a step after last, and which
// step it is of. Every step is compared, so that the time says nothing.
func Check(secret, code string, now time.Time, last int64) (step int64, ok bool, err error) {
	for s := Step(now) - around; s <= Step(now)+around; s++ {
		want, err := Code(secret, s)
		if err != nil {
			return 0, false, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && s > last && !ok {
			step, ok = s, true
		}
	}
	return step, ok, nil
}
