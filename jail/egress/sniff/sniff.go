package sniff

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of what is read before a connection is decided.
const (
	MaxHello   = 64 << 10 // handshake bytes of a ClientHello
	MaxRecords = 256      // TLS records that carry it
	MaxHead    = 64 << 10 // bytes of an HTTP request head
	MaxFields  = 256      // header fields of a request
	MaxTrailer = 16 << 10 // bytes of a chunked body's trailer section
	// MaxPrefix holds the larger of both with record headers.
	MaxPrefix = MaxHello + MaxRecords*recordHeader + maxRecord
)

// ErrMalformed is matched by every error that more bytes would not mend.
var ErrMalformed = errors.New("malformed")

// Short says that a buffer is a good beginning that must grow to Need bytes
// at least before it can be judged.
type Short struct{ Need int }

func (s *Short) Error() string { return fmt.Sprintf("incomplete: want %d bytes", s.Need) }

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Kind is what the first byte of a connection looks like.
type Kind uint8

// Kinds.
const (
	Unknown Kind = iota
	TLS
	HTTP
)

func (k Kind) String() string {
	switch k {
	case TLS:
		return "tls"
	case HTTP:
		return "http"
	}
	return "unknown"
}

// Detect judges a first byte. A method is upper case in practice, and no
// client of another protocol that matters begins like that.
func Detect(first byte) Kind {
	switch {
	case first == recordHandshake:
		return TLS
	case 'A' <= first && first <= 'Z':
		return HTTP
	}
	return Unknown
}

// sameName compares a canonical name with a client's spelling of it, of which
// one trailing dot is dropped.
func sameName(name, seen string) bool {
	return name != "" && strings.EqualFold(name, strings.TrimSuffix(seen, "."))
}
