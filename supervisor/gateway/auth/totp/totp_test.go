package totp

import (
	"net/url"
	"testing"
	"time"
)

// TestRFC6238 has the vectors of its appendix B, cut to six digits.
func TestRFC6238(t *testing.T) {
	secret := coding().EncodeToString([]byte("12345678901234567890"))
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got, err := Code(secret, Step(time.Unix(at, 0))); err != nil || got != want {
			t.Errorf("at %d: %s, %v, want %s", at, got, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	secret := NewSecret()
	now := time.Unix(1_800_000_010, 0)
	code := func(steps int64) string { c, _ := Code(secret, Step(now)+steps); return c }
	tests := []struct {
		name, code string
		last       int64
		want       bool
	}{
		{"now", code(0), 0, true},
		{"a clock that is 30 seconds slow", code(-1), 0, true},
		{"a clock that is 30 seconds fast", code(1), 0, true},
		{"a minute old", code(-2), 0, false},
		{"a minute early", code(2), 0, false},
		{"used before", code(0), Step(now), false},
		{"older than the last one", code(-1), Step(now), false},
		{"newer than the last one", code(1), Step(now), true},
		{"nothing", "", 0, false},
		{"too long", code(0) + "0", 0, false},
	}
	for _, tt := range tests {
		if _, ok, err := Check(secret, tt.code, now, tt.last); ok != tt.want || err != nil {
			t.Errorf("%s: %v, %v", tt.name, ok, err)
		}
	}
	if _, _, err := Check("!", "000000", now, 0); err == nil {
		t.Error("a broken secret is no error")
	}
}

func TestURL(t *testing.T) {
	u, err := url.Parse(URL("clawjail", "a b/c", "ABC"))
	if err != nil || u.Path != "/clawjail:a b/c" || u.Query().Get("secret") != "ABC" {
		t.Errorf("%v, %v", u, err)
	}
}
