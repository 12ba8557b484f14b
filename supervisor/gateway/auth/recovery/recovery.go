package recovery

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"slices"
	"strings"
)

const (
	number    = 10
	codeBytes = 10
)

// Codes makes codes, and what is kept of them.
func Codes() (codes, kept []string) {
	for range number {
		b := make([]byte, codeBytes)
		rand.Read(b) // never fails: crypto/rand since Go 1.24
		c := base32.StdEncoding.EncodeToString(b)
		kept = append(kept, digest(c))
		codes = append(codes, c[:4]+"-"+c[4:8]+"-"+c[8:12]+"-"+c[12:])
	}
	return codes, kept
}

// Use takes a code, as a person typed it, out of those that are kept.
func Use(kept []string, code string) ([]string, bool) {
	used := digest(strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code)))
	for i, have := range kept {
		if subtle.ConstantTimeCompare([]byte(have), []byte(used)) == 1 {
			return slices.Delete(kept, i, i+1), true
		}
	}
	return kept, false
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
