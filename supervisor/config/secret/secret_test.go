package secret

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func TestGuessable(t *testing.T) {
	for _, s := range []string{"", "short", strings.Repeat("a", 64), strings.Repeat("ab", 32), "changemechangemechangemechangeme!",
		"0123456789abcdefghijklmnopqrstuvwxyz", "my-super-secret-key-for-my-tokens-1", strings.Repeat("Xk9#", 16), strings.Repeat("ab", 15) + "xyz12", strings.Repeat("x", 5000)} {
		if Guessable([]byte(s)) == nil {
			t.Errorf("%.40q is a secret", s)
		}
	}
	for range 1000 {
		for _, b := range [][]byte{random(32), random(48), []byte(hex.EncodeToString(random(20))), []byte(base64.StdEncoding.EncodeToString(random(33)))} {
			if err := Guessable(b); err != nil {
				t.Fatalf("%q: %v", b, err)
			}
		}
	}
}

func TestToken(t *testing.T) {
	dir := t.TempDir()
	good := base64.StdEncoding.EncodeToString(random(48))
	write := func(name, text string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for _, tt := range []struct{ setting, want string }{
		{write("good", good+"\n", 0o600), ""},
		{"credential:good", ""},
		{write("open", good, 0o644), "chmod 600"},
		{write("group", good, 0o640), "chmod 600"},
		{write("short", "x", 0o600), "at least 32"},
		{write("default", "changeme-changeme-changeme-changeme", 0o600), "config init --new-secret"},
		{filepath.Join(dir, "none"), "clawjail config init"},
		{dir, "is not a regular file"},
	} {
		b, err := Token(tt.setting)
		if tt.want == "" && (err != nil || string(b) != good) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.setting, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), good) {
			t.Errorf("%s: the error has the secret", tt.setting)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := Token("credential:good"); err == nil || !strings.Contains(err.Error(), "LoadCredential") {
		t.Error(err)
	}
}
