package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"clawjail/audit"
)

const hexLen = 2 * sha256.Size

// fact is what the chain needs of one line.
type fact struct {
	ok   bool // the line has the form of a record
	long bool // it was over the bound, and hash is of nothing
	seq  uint64
	prev [hexLen]byte
	hash [hexLen]byte
}

// factsOf looks at every line of a block.
func factsOf(data []byte, out []fact) []fact {
	for len(data) > 0 {
		line := data
		if nl := bytes.IndexByte(data, '\n'); nl >= 0 {
			line, data = data[:nl], data[nl+1:]
		} else {
			data = nil
		}
		var f fact
		if len(line) > audit.MaxLineBytes {
			f.long = true
			out = append(out, f)
			continue
		}
		if l, ok := audit.ParseLine(line); ok {
			f.ok, f.seq = true, l.Seq
			copy(f.prev[:], l.Prev)
		}
		sum := sha256.Sum256(line)
		hex.Encode(f.hash[:], sum[:])
		out = append(out, f)
	}
	return out
}
