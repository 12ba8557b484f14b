package sniff

import (
	"clawjail/jail/egress/match"
)

// RFC 8446 section 5.1, RFC 6066 section 3, RFC 9849.
const (
	recordHeader     = 5
	maxRecord        = 1 << 14 // plaintext records; more is an error there too
	recordCCS        = 20
	recordHandshake  = 22
	recordData       = 23
	clientHello      = 1
	serverHello      = 2
	helloHeader      = 4
	extServerName    = 0
	extECH           = 0xfe0d
	nameTypeHost     = 0
	minExtensionSize = 4
)

// Hello is what a ClientHello says about its destination.
type Hello struct {
	// ServerName is the SNI as it was sent; "" is none.
	ServerName string
	// ECH says that the hello offers Encrypted ClientHello, or greases it.
	ECH bool
	// Size is where the record that ends the hello ends.
	Size int
}

// For returns nil when the hello asks for a canonical name. An IP literal
// (literal is true) is asked for by no SNI at all, RFC 6066 section 3.
func (h Hello) For(name string, literal bool) error {
	if h.ServerName == "" {
		if literal {
			return nil
		}
		return &Mismatch{Field: "SNI"}
	}
	if !sameName(name, h.ServerName) {
		return &Mismatch{Field: "SNI", Seen: h.ServerName}
	}
	return nil
}

// Mismatch says that a client asks for another name than it connected to.
type Mismatch struct{ Field, Seen string }

func (m *Mismatch) Error() string {
	if m.Seen == "" {
		return "no " + m.Field
	}
	return m.Field + " " + match.Quote(m.Seen) + " is not the name connected to"
}

// ParseHello reads a ClientHello from the beginning of a TLS stream. Its error
// is a *Short or matches ErrMalformed.
func ParseHello(b []byte) (Hello, error) {
	var body []byte // joined handshake bytes
	at := 0
	for range MaxRecords {
		fragment, err := record(b[at:], at)
		if err != nil {
			return Hello{}, err
		}
		at += recordHeader + len(fragment)
		if body == nil {
			body = fragment[:len(fragment):len(fragment)] // append must copy
		} else {
			body = append(body, fragment...)
		}
		if len(body) < helloHeader {
			continue
		}
		size := helloHeader + int(body[1])<<16 + int(body[2])<<8 + int(body[3])
		switch {
		case body[0] != clientHello:
			return Hello{}, malformed("handshake message %d before a ClientHello", body[0])
		case size > MaxHello:
			return Hello{}, malformed("ClientHello of %d bytes, at most %d", size, MaxHello)
		case len(body) > size:
			return Hello{}, malformed("handshake bytes behind the ClientHello")
		case len(body) == size:
			h, err := parseBody(body[helloHeader:])
			h.Size = at
			return h, err
		}
	}
	return Hello{}, malformed("ClientHello in more than %d records", MaxRecords)
}

// record returns the fragment of the handshake record that begins b, which
// lies at an offset of the whole buffer.
func record(b []byte, offset int) ([]byte, error) {
	if len(b) < 1 {
		return nil, &Short{Need: offset + recordHeader}
	}
	if b[0] != recordHandshake {
		return nil, malformed("TLS record type %d, want a handshake", b[0])
	}
	if len(b) >= 2 && b[1] != 3 {
		return nil, malformed("TLS record version %d", b[1])
	}
	if len(b) < recordHeader {
		return nil, &Short{Need: offset + recordHeader}
	}
	size := int(b[3])<<8 | int(b[4])
	if size == 0 || size > maxRecord {
		return nil, malformed("TLS record of %d bytes", size)
	}
	if len(b) < recordHeader+size {
		return nil, &Short{Need: offset + recordHeader + size}
	}
	return b[recordHeader : recordHeader+size], nil
}

// parseBody reads the ClientHello itself, RFC 8446 section 4.1.2.
func parseBody(b []byte) (Hello, error) {
	r := reader{b: b}
	if version := r.bytes(2); len(version) == 2 && version[0] != 3 {
		return Hello{}, malformed("ClientHello version %d.%d", version[0], version[1])
	}
	r.bytes(32) // random
	if session := r.vector(1); len(session) > 32 {
		return Hello{}, malformed("session id of %d bytes", len(session))
	}
	if suites := r.vector(2); len(suites) == 0 || len(suites)%2 != 0 {
		return Hello{}, malformed("cipher suites of %d bytes", len(suites))
	}
	if methods := r.vector(1); len(methods) == 0 {
		return Hello{}, malformed("no compression method")
	}
	if r.short {
		return Hello{}, malformed("ClientHello is cut")
	}
	if len(r.b) == 0 {
		return Hello{}, nil // TLS 1.0 without extensions
	}
	extensions := reader{b: r.vector(2)}
	if r.short || len(r.b) != 0 {
		return Hello{}, malformed("extensions do not fill the ClientHello")
	}
	return parseExtensions(extensions)
}

func parseExtensions(r reader) (Hello, error) {
	var h Hello
	named := false
	for len(r.b) >= minExtensionSize {
		kind := r.number(2)
		value := r.vector(2)
		if r.short {
			break
		}
		switch kind {
		case extServerName:
			if named {
				return Hello{}, malformed("two server_name extensions")
			}
			named = true
			name, err := parseServerName(value)
			if err != nil {
				return Hello{}, err
			}
			h.ServerName = name
		case extECH:
			h.ECH = true
		}
	}
	if r.short || len(r.b) != 0 {
		return Hello{}, malformed("extension is cut")
	}
	return h, nil
}

// parseServerName reads a list that must hold exactly one host name.
func parseServerName(b []byte) (string, error) {
	outer := reader{b: b}
	list := reader{b: outer.vector(2)}
	kind := list.number(1)
	name := list.vector(2)
	if outer.short || list.short || len(outer.b) != 0 || len(list.b) != 0 {
		return "", malformed("server_name is not one name")
	}
	if kind != nameTypeHost {
		return "", malformed("server_name of type %d", kind)
	}
	if _, err := match.Name(string(name)); err != nil {
		if _, err := match.Addr(string(name)); err != nil {
			return "", malformed("server_name %s", match.Quote(string(name)))
		}
	}
	return string(name), nil
}

// Retry reports whether the beginning of a server's stream is a
// HelloRetryRequest, after which the client sends a second ClientHello. Its
// error is a *Short.
func Retry(b []byte) (bool, error) {
	const at, size = recordHeader + helloHeader + 2, 32
	fixed := []struct {
		index int
		value byte
	}{{0, recordHandshake}, {1, 3}, {recordHeader, serverHello}}
	for _, f := range fixed {
		if len(b) > f.index && b[f.index] != f.value {
			return false, nil
		}
	}
	random := retryRandom()
	for i := at; i < len(b) && i < at+size; i++ {
		if b[i] != random[i-at] {
			return false, nil
		}
	}
	if len(b) < at+size {
		return false, &Short{Need: at + size}
	}
	return true, nil
}

// retryRandom is SHA-256("HelloRetryRequest"), RFC 8446 section 4.1.3.
func retryRandom() [32]byte {
	return [32]byte{
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
		0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
	}
}

// Skip returns the size of the record that begins b when it is one that may
// stand between a first and a second ClientHello (change_cipher_spec, early
// data), and 0 when it is a handshake record. Its error is a *Short or
// matches ErrMalformed.
func Skip(b []byte) (int, error) {
	if len(b) < recordHeader {
		return 0, &Short{Need: recordHeader}
	}
	const maxCiphertext = maxRecord + 256 // RFC 8446 section 5.2
	size := int(b[3])<<8 | int(b[4])
	switch {
	case b[0] == recordHandshake:
		return 0, nil
	case b[0] != recordCCS && b[0] != recordData:
		return 0, malformed("TLS record type %d between two ClientHellos", b[0])
	case b[1] != 3 || size == 0 || size > maxCiphertext:
		return 0, malformed("TLS record of %d bytes", size)
	}
	return recordHeader + size, nil
}

// reader takes bytes off a slice; once it runs out it stays short and yields
// nothing.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) bytes(n int) []byte {
	if r.short || len(r.b) < n {
		r.short = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) number(size int) int {
	n := 0
	for _, c := range r.bytes(size) {
		n = n<<8 | int(c)
	}
	return n
}

// vector takes a length of some bytes and then that many bytes.
func (r *reader) vector(lengthSize int) []byte {
	return r.bytes(r.number(lengthSize))
}
