package policy

import (
	"slices"
	"strings"
)

// secretWords are parts of the names of variables that hold secrets.
var secretWords = [...]string{
	"KEY", "TOKEN", "SECRET", "PASS", "CRED", "COOKIE", "SESSION", "AUTH", "BEARER",
	"JWT", "PWD", "PRIVATE", "MNEMONIC", "WEBHOOK", "DSN", "DATABASE_URL", "CONNECTION_STRING",
}

// LooksSecret reports whether a variable seems to hold a secret, by its name
// or because its value is a URL with a password in it. It errs on the side of
// yes: such a variable can still be passed by naming it.
func LooksSecret(name, value string) bool {
	upper := strings.ToUpper(name)
	if upper == "PWD" || upper == "OLDPWD" {
		return false
	}
	upper = strings.ReplaceAll(upper, "AUTHOR", "") // GIT_AUTHOR_NAME
	for _, word := range secretWords {
		if strings.Contains(upper, word) {
			return true
		}
	}
	if strings.HasSuffix(upper, "_PAT") {
		return true
	}
	_, rest, ok := strings.Cut(value, "://")
	if !ok {
		return false
	}
	authority, _, _ := strings.Cut(rest, "/")
	user, _, ok := strings.Cut(authority, "@")
	return ok && strings.Contains(user, ":")
}

// Passes reports whether Pass lets a variable of the caller into the jail:
// because it is named, or because a glob matches and it does not look like a
// secret.
func (e Env) Passes(name, value string) bool {
	if slices.Contains(e.Pass, name) {
		return true
	}
	for _, pattern := range e.Pass {
		if !isLiteral(pattern) && matchGlob(pattern, name, false) {
			return !LooksSecret(name, value)
		}
	}
	return false
}
