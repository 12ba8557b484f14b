package sniff

// Chunks follows a chunked body, RFC 9112 section 7.1. The zero value stands
// at its beginning.
type Chunks struct {
	state   chunkState
	digits  int
	left    uint64
	trailer int
	empty   bool // nothing on this trailer line yet
}

type chunkState uint8

const (
	atSize chunkState = iota
	afterSize
	inData
	afterData
	afterDataCR
	inTrailer
	afterTrailerCR
	ended
)

// maxDigits bounds a chunk size to what every server's integer holds.
const maxDigits = 15

// Feed follows the body through b and returns how many of b's bytes belong to
// it and whether it ends with them. Extensions are refused: servers differ
// over where they end.
func (c *Chunks) Feed(b []byte) (n int, done bool, err error) {
	for n < len(b) {
		if c.state == inData {
			take := min(uint64(len(b)-n), c.left)
			n += int(take)
			if c.left -= take; c.left == 0 {
				c.state = afterData
			}
			continue
		}
		if err := c.step(b[n]); err != nil {
			return n, false, err
		}
		n++
		if c.state == ended {
			return n, true, nil
		}
	}
	return n, false, nil
}

func (c *Chunks) step(b byte) error {
	switch c.state {
	case atSize:
		return c.size(b)
	case afterSize:
		return c.newline(b)
	case afterData:
		return c.expect(b, '\r', afterDataCR)
	case afterDataCR:
		c.digits = 0
		return c.expect(b, '\n', atSize)
	case inTrailer:
		return c.trailers(b)
	case afterTrailerCR:
		next := inTrailer
		if c.empty {
			next = ended
		}
		c.empty = true
		return c.expect(b, '\n', next)
	}
	return malformed("bytes behind a chunked body")
}

func (c *Chunks) size(b byte) error {
	digit := uint64(0)
	switch {
	case '0' <= b && b <= '9':
		digit = uint64(b - '0')
	case 'a' <= b && b <= 'f':
		digit = uint64(b-'a') + 10
	case 'A' <= b && b <= 'F':
		digit = uint64(b-'A') + 10
	case b == '\r' && c.digits > 0:
		c.state = afterSize
		return nil
	default:
		return malformed("byte %#02x in a chunk size", b)
	}
	if c.digits++; c.digits > maxDigits {
		return malformed("chunk size of more than %d digits", maxDigits)
	}
	c.left = c.left<<4 | digit
	return nil
}

func (c *Chunks) newline(b byte) error {
	next := inData
	if c.left == 0 {
		next, c.empty = inTrailer, true
	}
	return c.expect(b, '\n', next)
}

func (c *Chunks) trailers(b byte) error {
	if c.trailer++; c.trailer > MaxTrailer {
		return malformed("trailer section over %d bytes", MaxTrailer)
	}
	switch {
	case b == '\r':
		c.state = afterTrailerCR
	case b < ' ' && b != '\t' || b == 0x7f:
		return malformed("byte %#02x in a trailer", b)
	default:
		c.empty = false
	}
	return nil
}

func (c *Chunks) expect(b, want byte, next chunkState) error {
	if b != want {
		return malformed("byte %#02x in a chunked body, want %#02x", b, want)
	}
	c.state = next
	return nil
}
