package audit

import (
	"crypto/sha256"
	"encoding/hex"
)

// sha256Hex is the length of a hash in the log.
const sha256Hex = 2 * sha256.Size

// hashLine gives what the next record's Prev has to be.
func hashLine(line []byte) (out [sha256Hex]byte) {
	sum := sha256.Sum256(line)
	hex.Encode(out[:], sum[:])
	return out
}
