package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The bounds of a secret.
const (
	MinBytes = 32
	MaxBytes = 4096
	// minBits is the least entropy of a token secret, by the frequency of its
	// bytes. 32 random hex digits have about 115.
	minBits = 100
)

// Path gives where a setting points to: "credential:NAME" is in the directory
// that systemd made for this service.
func Path(setting string) (string, error) {
	name, credential := strings.CutPrefix(setting, "credential:")
	if !credential {
		return setting, nil
	}
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", fmt.Errorf("the credential %q is not there: systemd gives it with LoadCredential=%s:FILE in the unit", name, name)
	}
	return filepath.Join(dir, name), nil
}

// Read reads a file that nobody but its owner may read, who is root or who asks.
func Read(setting string) ([]byte, error) {
	path, err := Path(setting)
	if err != nil {
		return nil, err
	}
	// O_NONBLOCK: opening a FIFO must not wait for somebody to write to it.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%w\n  make it: clawjail config init", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok || !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return nil, fmt.Errorf("%s belongs to uid %d, who can replace it\n  mend it: chown root:root %s", path, st.Uid, path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s has mode %04o: others can read it\n  mend it: chmod 600 %s, and make a new one if somebody may have", path, info.Mode().Perm(), path)
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxBytes*16+1))
	if err == nil && len(b) > MaxBytes*16 {
		err = fmt.Errorf("%s has more than %d bytes", path, MaxBytes*16)
	}
	return b, err
}

// Token reads what tokens are signed with, and refuses what can be guessed.
func Token(setting string) ([]byte, error) {
	b, err := Read(setting)
	if err != nil {
		return nil, err
	}
	b = bytes.TrimSpace(b)
	if err := Guessable(b); err != nil {
		return nil, fmt.Errorf("the secret in %s %w\n  make another: clawjail config init --new-secret", setting, err)
	}
	return b, nil
}

// Guessable says why a secret is none.
func Guessable(b []byte) error {
	if len(b) < MinBytes {
		return fmt.Errorf("has %d bytes; at least %d", len(b), MinBytes)
	}
	if len(b) > MaxBytes {
		return fmt.Errorf("has %d bytes; at most %d", len(b), MaxBytes)
	}
	small := strings.ToLower(string(b))
	for _, w := range known() {
		if strings.Contains(small, w) {
			return errors.New("is one that people write when they need one quickly")
		}
	}
	if period(b) <= len(b)/2 {
		return errors.New("repeats itself")
	}
	steps := 0
	for i := 1; i < len(b); i++ {
		if d := int(b[i]) - int(b[i-1]); d >= -1 && d <= 1 {
			steps++
		}
	}
	if steps > len(b)/2 {
		return errors.New("is a row of characters")
	}
	if bits(b) < minBits {
		return errors.New("has too few different characters to be random")
	}
	return nil
}

// known are words in what is no secret; none so short that chance writes it.
func known() []string {
	return []string{"changeme", "change-me", "change_me", "secret", "password", "passwort", "default", "example", "clawjail", "openclaw",
		"qwerty", "letmein", "correct horse", "correcthorse", "placeholder", "12345678", "abcdefgh", "deadbeef"}
}

// period is the least distance at which a text repeats itself.
func period(b []byte) int {
	for p := 1; p < len(b); p++ {
		if bytes.Equal(b[p:], b[:len(b)-p]) {
			return p
		}
	}
	return len(b)
}

// bits is the entropy of the bytes by their frequency, of all of them together.
func bits(b []byte) float64 {
	var count [256]int
	for _, c := range b {
		count[c]++
	}
	sum := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(b))
			sum -= p * math.Log2(p)
		}
	}
	return sum * float64(len(b))
}
