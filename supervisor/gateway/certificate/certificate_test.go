package certificate

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"
)

func TestMakeAndLoad(t *testing.T) {
	now := time.Now()
	cert, key, err := Make("console.example.org", []net.IP{net.IPv4(127, 0, 0, 1)}, now)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := Make("console.example.org", nil, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, host string
		cert       []byte
		now        time.Time
		want       string
	}{
		{"as it is", "console.example.org", cert, now, ""},
		{"about to expire", "console.example.org", cert, now.Add(life - time.Minute), ""},
		{"expired", "console.example.org", cert, now.Add(life + time.Minute), "expired on"},
		{"not yet", "console.example.org", cert, now.Add(-2 * time.Hour), "look at the clock"},
		{"another name", "other.example.org", cert, now, "is for console.example.org and not for other.example.org"},
		{"another key", "console.example.org", other, now, "--new-certificate"},
		{"no certificate", "console.example.org", []byte("x"), now, "--new-certificate"},
	} {
		c, expires, err := Load(tt.cert, key, tt.host, tt.now)
		if tt.want == "" && (err != nil || c.MinVersion != tls.VersionTLS13 || !expires.After(tt.now)) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if f, err := Fingerprint(cert); err != nil || len(f) != 95 {
		t.Errorf("%q, %v", f, err)
	}
	if _, err := Fingerprint(key[:10]); err == nil {
		t.Error("no certificate has a fingerprint")
	}
}
