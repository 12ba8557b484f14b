package supervisor

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"path/filepath"
	"strings"
)

// newID makes a jail id: 13 characters of [a-z2-7], 64 random bits.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand since Go 1.24
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

// madeUpName is the command's name and four random digits.
func madeUpName(argv [][]byte) string {
	base := strings.ToLower(filepath.Base(string(argv[0])))
	base = strings.Join(strings.FieldsFunc(base, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') }), "-")
	if len(base) > 32 {
		base = strings.TrimRight(base[:32], "-")
	}
	if base == "" {
		base = "jail"
	}
	var b [2]byte
	_, _ = rand.Read(b[:])
	return base + "-" + hex.EncodeToString(b[:])
}
