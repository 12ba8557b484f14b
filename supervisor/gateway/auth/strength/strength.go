package strength

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go"

	"clawjail/supervisor/gateway/auth/password"
)

const (
	// minEntropy is the least strength, as a power of two: about what zxcvbn
	// calls 3 of 4.
	minEntropy = 34
	// judged bounds what zxcvbn looks at; it takes longer than linear time.
	judged = 64
)

// Weak says why a password is not good enough; nil when it is. known are words
// that whoever guesses would try first, such as the name of the user.
func Weak(secret string, known ...string) error {
	n := utf8.RuneCountInString(secret)
	switch {
	case !utf8.ValidString(secret):
		return errors.New("the password is not text")
	case n < password.MinLength:
		return fmt.Errorf("the password has %d characters; at least %d", n, password.MinLength)
	case len(secret) > password.MaxLength:
		return fmt.Errorf("the password has %d bytes; at most %d", len(secret), password.MaxLength)
	}
	head := secret
	if len(head) > judged {
		head = strings.ToValidUTF8(head[:judged], "")
	}
	m := zxcvbn.PasswordStrength(head, append(known, "clawjail", "openclaw", "console", "supervisor"))
	if m.Entropy < minEntropy {
		return errors.New("the password is easy to guess: take four or more unrelated words, or what a password manager makes")
	}
	return nil
}
