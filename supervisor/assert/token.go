package assert

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Audience is what a token is for.
type Audience string

// The audiences.
const (
	Access  Audience = "access"  // a person's session, at the gateway
	Console Audience = "console" // one request, at the supervisor
	Device  Audience = "device"  // a browser that signed in before
)

// The bounds of tokens.
const (
	MinSecret    = 32      // bytes
	MaxToken     = 4 << 10 // bytes of its text
	MaxSkew      = 30 * time.Second
	ConsoleLife  = 30 * time.Second
	AccessLife   = time.Hour
	DeviceLife   = 90 * 24 * time.Hour
	issuer       = "clawjail"
	rotation     = 24 * 60 * 60 // seconds that one key signs
	headerFormat = `{"alg":"HS256","kid":"%d","typ":"JWT"}`
)

// Claims is what a token says.
type Claims struct {
	Issuer   string   `json:"iss"`
	Audience Audience `json:"aud"`
	Subject  string   `json:"sub"` // the person's name
	Role     Role     `json:"role,omitempty"`
	// UID is the person's account on this host; nil: not known.
	UID *uint32 `json:"uid,omitempty"`
	// NoAccount says that the person has none, and so started no jail.
	NoAccount bool   `json:"no_account,omitempty"`
	Session   string `json:"sid,omitempty"`
	// StepUp is the fresh second factor that was given for exactly this request:
	// "code" or "passkey". Of Console; empty: none was.
	StepUp    string `json:"step_up,omitempty"`
	Action    string `json:"act,omitempty"` // of Console: see Action
	Digest    string `json:"dig,omitempty"` // of Console: sha256 of the body, in hex
	ID        string `json:"jti"`
	Issued    int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
}

// Why a token does not count.
var (
	ErrToken   = errors.New("not a token of this clawjail")
	ErrExpired = errors.New("the token has expired")
	ErrFuture  = errors.New("the token is of the future: look at the clocks")
)

// Keys sign and verify.
type Keys struct{ secret []byte }

// New takes the operator's secret.
func New(secret []byte) (*Keys, error) {
	if len(secret) < MinSecret {
		return nil, fmt.Errorf("the secret has %d bytes, at least %d", len(secret), MinSecret)
	}
	return &Keys{secret: append([]byte(nil), secret...)}, nil
}

// key is of one audience and one day.
func (k *Keys) key(a Audience, day int64) ([]byte, error) {
	return hkdf.Key(sha256.New, k.secret, nil, "clawjail token 1 "+string(a)+" "+strconv.FormatInt(day, 10), sha256.Size)
}

// Sign makes a token that holds from now for life. It fills issuer and times.
func (k *Keys) Sign(c Claims, now time.Time, life time.Duration) (string, error) {
	c.Issuer, c.Issued = issuer, now.Unix()
	c.NotBefore, c.Expires = c.Issued, now.Add(life).Unix()
	day := c.Issued / rotation
	key, err := k.key(c.Audience, day)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	head := encode(fmt.Appendf(nil, headerFormat, day)) + "." + encode(body)
	if len(head) > MaxToken-64 {
		return "", fmt.Errorf("a token of %d bytes; at most %d", len(head), MaxToken)
	}
	return head + "." + encode(mac(key, head)), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// Verify gives the claims of a token that was signed for an audience and holds
// now. The error is ErrToken, ErrExpired or ErrFuture.
func (k *Keys) Verify(token string, a Audience, now time.Time) (Claims, error) {
	head, sum, ok := cutLast(token)
	if !ok || len(token) > MaxToken {
		return Claims{}, ErrToken
	}
	first, rest, ok := strings.Cut(head, ".")
	if !ok {
		return Claims{}, ErrToken
	}
	day, err := dayOf(first)
	if err != nil {
		return Claims{}, ErrToken
	}
	key, err := k.key(a, day)
	if err != nil {
		return Claims{}, err
	}
	given, err := base64.RawURLEncoding.Strict().DecodeString(sum)
	if err != nil || !hmac.Equal(given, mac(key, head)) {
		return Claims{}, ErrToken
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if err != nil {
		return Claims{}, ErrToken
	}
	var c Claims
	if err := json.Unmarshal(body, &c); err != nil {
		return Claims{}, ErrToken
	}
	return c, c.holds(a, day, now)
}

// holds says why claims that were signed do not count now.
func (c Claims) holds(a Audience, day int64, now time.Time) error {
	switch skew := int64(MaxSkew / time.Second); {
	case c.Issuer != issuer || c.Audience != a || c.Issued/rotation != day || c.Subject == "":
		return ErrToken
	case c.Issued > now.Unix()+skew || c.NotBefore > now.Unix()+skew:
		return ErrFuture
	case c.Expires <= now.Unix() || c.Expires-c.Issued > int64(lifeOf(a)/time.Second):
		return ErrExpired
	}
	return nil
}

// lifeOf is how long a token of an audience may hold at most.
func lifeOf(a Audience) time.Duration {
	switch a {
	case Access:
		return AccessLife
	case Console:
		return ConsoleLife
	case Device:
		return DeviceLife
	}
	return 0
}

// dayOf reads the key id out of the only header there is.
func dayOf(first string) (int64, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(first)
	if err != nil {
		return 0, err
	}
	rest, ok := strings.CutPrefix(string(b), `{"alg":"HS256","kid":"`)
	kid, tail, found := strings.Cut(rest, `"`)
	if !ok || !found || tail != `,"typ":"JWT"}` {
		return 0, ErrToken
	}
	day, err := strconv.ParseInt(kid, 10, 32)
	if err != nil || day < 0 || strconv.FormatInt(day, 10) != kid {
		return 0, ErrToken
	}
	return day, nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}
