package assert

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func keys(t testing.TB, with byte) *Keys {
	t.Helper()
	k, err := New(bytes.Repeat([]byte{with}, MinSecret))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestShortSecretsAreRefused(t *testing.T) {
	if _, err := New(make([]byte, MinSecret-1)); err == nil {
		t.Error("31 bytes are a secret")
	}
}

func head(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestVerify(t *testing.T) {
	k := keys(t, 1)
	c := Claims{Audience: Console, Subject: "alice", Role: Approver, ID: "1", Action: "POST /v1/x"}
	good, err := k.Sign(c, noon, ConsoleLife)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := keys(t, 2).Sign(c, noon, ConsoleLife)
	long, _ := k.Sign(c, noon, time.Hour)
	nobody, _ := k.Sign(Claims{Audience: Console, ID: "1"}, noon, ConsoleLife)
	part := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + part[1] + "."
	tests := []struct {
		name, token string
		audience    Audience
		now         time.Time
		want        error
	}{
		{"what was signed", good, Console, noon, nil},
		{"for another audience", good, Access, noon, ErrToken},
		{"with another secret", other, Console, noon, ErrToken},
		{"alg none", none, Console, noon, ErrToken},
		{"alg none with a MAC", none + part[2], Console, noon, ErrToken},
		{"HS512", head(`{"alg":"HS512","kid":"20780","typ":"JWT"}`) + good[strings.IndexByte(good, '.'):], Console, noon, ErrToken},
		{"RS256, as if the secret were a public key", head(`{"alg":"RS256","typ":"JWT"}`) + good[strings.IndexByte(good, '.'):], Console, noon, ErrToken},
		{"a key of its own in the header", head(`{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"typ":"JWT"}`) + good[strings.IndexByte(good, '.'):], Console, noon, ErrToken},
		{"a key id that is a path", head(`{"alg":"HS256","kid":"../../dev/null","typ":"JWT"}`) + good[strings.IndexByte(good, '.'):], Console, noon, ErrToken},
		{"alg None", head(`{"alg":"None","typ":"JWT"}`) + "." + part[1] + ".", Console, noon, ErrToken},
		{"another body", part[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"eve"}`)) + "." + part[2], Console, noon, ErrToken},
		{"a cut MAC", good[:len(good)-4], Console, noon, ErrToken},
		{"no MAC", part[0] + "." + part[1], Console, noon, ErrToken},
		{"nothing", "", Console, noon, ErrToken},
		{"too long", good + strings.Repeat("A", MaxToken), Console, noon, ErrToken},
		{"expired", good, Console, noon.Add(ConsoleLife), ErrExpired},
		{"of the future", good, Console, noon.Add(-MaxSkew - time.Second), ErrFuture},
		{"clocks that differ a little", good, Console, noon.Add(-MaxSkew), nil},
		{"signed for too long", long, Console, noon, ErrExpired},
		{"of nobody", nobody, Console, noon, ErrToken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := k.Verify(tt.token, tt.audience, tt.now)
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if err == nil && (got.Subject != "alice" || got.Role != Approver) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestKeysRotate: a token of yesterday's key holds until it expires, and no key
// signs under another day's id.
func TestKeysRotate(t *testing.T) {
	k := keys(t, 1)
	late := time.Date(2026, 11, 23, 23, 59, 50, 0, time.UTC)
	a, _ := k.Sign(Claims{Audience: Access, Subject: "alice", ID: "1"}, late, AccessLife)
	b, _ := k.Sign(Claims{Audience: Access, Subject: "alice", ID: "1"}, late.Add(time.Minute), AccessLife)
	if strings.Split(a, ".")[0] == strings.Split(b, ".")[0] {
		t.Error("two days, one key")
	}
	if _, err := k.Verify(a, Access, late.Add(time.Minute)); err != nil {
		t.Error(err)
	}
	mixed := strings.Split(b, ".")[0] + a[strings.IndexByte(a, '.'):]
	if _, err := k.Verify(mixed, Access, late.Add(time.Minute)); !errors.Is(err, ErrToken) {
		t.Error(err)
	}
}

// TestOursAreJWTs: golang-jwt reads what we write, and we read what it writes.
func TestOursAreJWTs(t *testing.T) {
	k := keys(t, 1)
	now := time.Now()
	key, err := k.key(Access, now.Unix()/rotation)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := k.Sign(Claims{Audience: Access, Subject: "alice", ID: "1"}, now, AccessLife)
	parsed, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return key, nil }, jwt.WithValidMethods([]string{"HS256"}),
		jwt.WithAudience("access"), jwt.WithIssuer("clawjail"), jwt.WithExpirationRequired())
	if err != nil || !parsed.Valid {
		t.Fatal(err)
	}
	theirs := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "clawjail", "aud": "access", "sub": "alice", "jti": "1",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix()})
	theirs.Header["kid"] = fmt.Sprint(now.Unix() / rotation)
	text, err = theirs.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := k.Verify(text, Access, now); err != nil || c.Subject != "alice" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestRoles(t *testing.T) {
	for _, tt := range []struct {
		have, need Role
		want       bool
	}{{Admin, Viewer, true}, {Responder, Approver, true}, {Approver, Approver, true}, {Viewer, Approver, false}, {"", Viewer, false}, {Admin, "", false}, {"root", "root", false}} {
		if got := tt.have.Includes(tt.need); got != tt.want {
			t.Errorf("%q includes %q: %v", tt.have, tt.need, got)
		}
	}
}

func TestOnce(t *testing.T) {
	var o Once
	c := Claims{ID: "1", Expires: noon.Add(time.Second).Unix()}
	if !o.Use(c, noon) || o.Use(c, noon) || o.Use(Claims{}, noon) {
		t.Error("once is not once")
	}
	for i := range maxUsed {
		o.Use(Claims{ID: fmt.Sprint("x", i), Expires: c.Expires}, noon)
	}
	if o.Use(Claims{ID: "new", Expires: c.Expires}, noon) {
		t.Error("it remembers without bound")
	}
	if !o.Use(Claims{ID: "new", Expires: c.Expires}, noon.Add(time.Minute)) {
		t.Error("it never forgets")
	}
}

func FuzzVerify(f *testing.F) {
	k := keys(f, 1)
	good, _ := k.Sign(Claims{Audience: Access, Subject: "alice", ID: "1"}, noon, AccessLife)
	f.Add(good)
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0..")
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := k.Verify(s, Access, noon); err == nil && s != good {
			t.Errorf("%q counts", s)
		}
	})
}
