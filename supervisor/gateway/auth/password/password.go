package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go"
	"golang.org/x/crypto/argon2"
)

// The bounds of a password, and what its check costs.
const (
	MinLength = 12  // characters
	MaxLength = 256 // bytes: more is a request that wants to cost time

	memoryKiB = 64 << 10
	passes    = 3
	lanes     = 1
	saltBytes = 16
	hashBytes = 32

	maxMemoryKiB = 256 << 10
	maxPasses    = 16

	// minEntropy is the least strength, as a power of two: about what zxcvbn
	// calls 3 of 4.
	minEntropy = 34
	// judged bounds what zxcvbn looks at; it takes longer than linear time.
	judged = 64
)

// Hash gives the PHC string of a password.
func Hash(password string) (string, error) {
	if len(password) > MaxLength {
		return "", fmt.Errorf("a password of %d bytes; at most %d", len(password), MaxLength)
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails: crypto/rand since Go 1.24
	sum := argon2.IDKey([]byte(password), salt, passes, memoryKiB, lanes, hashBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// errHash means that a stored hash was not written by Hash.
var errHash = errors.New("a stored password hash cannot be read")

// Check reports whether a password is the one of a hash. It takes the same time
// whichever character is wrong.
func Check(hash, password string) (bool, error) {
	if len(password) > MaxLength {
		return false, nil
	}
	var version, memory, time, threads int
	part := strings.Split(hash, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" {
		return false, errHash
	}
	if n, err := fmt.Sscanf(part[2]+" "+part[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &time, &threads); n != 4 || err != nil {
		return false, errHash
	}
	if version != argon2.Version || memory < 8 || memory > maxMemoryKiB || time < 1 || time > maxPasses || threads < 1 || threads > 8 {
		return false, errHash
	}
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(part[4])
	want, err2 := base64.RawStdEncoding.Strict().DecodeString(part[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(want) != hashBytes {
		return false, errHash
	}
	got := argon2.IDKey([]byte(password), salt, uint32(time), uint32(memory), uint8(threads), hashBytes)
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// Weak says why a password is not good enough; nil when it is. known are words
// that whoever guesses would try first, such as the name of the user.
func Weak(password string, known ...string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return errors.New("the password is not text")
	case n < MinLength:
		return fmt.Errorf("the password has %d characters; at least %d", n, MinLength)
	case len(password) > MaxLength:
		return fmt.Errorf("the password has %d bytes; at most %d", len(password), MaxLength)
	}
	head := password
	if len(head) > judged {
		head = strings.ToValidUTF8(head[:judged], "")
	}
	m := zxcvbn.PasswordStrength(head, append(known, "clawjail", "openclaw", "console", "supervisor"))
	if m.Entropy < minEntropy {
		return errors.New("the password is easy to guess: take four or more unrelated words, or what a password manager makes")
	}
	return nil
}
