package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

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
