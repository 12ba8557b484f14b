package redact

import "strings"

// strong are words after which any value is a secret; weak ones after which a
// short number or a path is none.
var (
	strong = []string{"password", "passwd", "passphrase", "pwd", "secret", "credential", "credentials", "authorization", "cookie", "pin", "otp", "bearer", "pass"}
	weak   = []string{"token", "key", "apikey", "accesskey", "secretkey", "privatekey", "auth", "session", "sessionid", "signature", "jwt", "pat"}
)

// rank is how much a name says about its value.
type rank uint8

const (
	harmless rank = iota
	maybe         // a secret unless it is a short number or a path
	surely
)

// rank judges a name by its words: PGPASSWORD, api-key, X-Auth-Token.
func (r *Redactor) rank(name string) rank {
	if len(name) == 0 || len(name) > maxName {
		return harmless
	}
	if len(r.extra) > 0 {
		lower := strings.ToLower(name)
		for _, e := range r.extra {
			if strings.Contains(lower, e) {
				return surely
			}
		}
	}
	best := harmless
	for word := range words(name) {
		switch {
		case oneOf(word, strong) || strings.HasSuffix(word, "password") || strings.HasSuffix(word, "passwd"):
			return surely
		case oneOf(word, weak) || strings.HasSuffix(word, "apikey") || strings.HasSuffix(word, "token"):
			best = maybe
		}
	}
	return best
}

// maxName bounds what is looked at as a name.
const maxName = 128

// words gives the words of a name in lower case: they end at any mark and where
// a capital follows a small letter.
func words(name string) func(func(string) bool) {
	return func(yield func(string) bool) {
		start := 0
		for i := 0; i <= len(name); i++ {
			end := i == len(name) || !letterOrDigit(name[i])
			hump := !end && i > start && upper(name[i]) && !upper(name[i-1])
			if !end && !hump {
				continue
			}
			if i > start && !yield(strings.ToLower(name[start:i])) {
				return
			}
			start = i
			if end {
				start++
			}
		}
	}
}

func oneOf(word string, list []string) bool {
	for _, w := range list {
		if word == w {
			return true
		}
	}
	return false
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letterOrDigit(c byte) bool {
	return upper(c) || c >= 'a' && c <= 'z' || digit(c)
}

// nameByte is what a name is made of.
func nameByte(c byte) bool { return letterOrDigit(c) || c == '_' || c == '-' || c == '.' }

// isSecret decides about the value of a name.
func isSecret(rk rank, value string) bool {
	switch {
	case rk == harmless || value == "" || strings.HasPrefix(value, mark):
		return false
	case rk == surely:
		return true
	}
	if value[0] == '/' || value[0] == '~' || strings.HasPrefix(value, "./") || strings.HasPrefix(value, "$") || strings.HasPrefix(value, "@") {
		return false // a file or a variable: what is in it is not here
	}
	return len(value) > 6 || strings.Trim(value, "0123456789.,") != ""
}
