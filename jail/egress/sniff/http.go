package sniff

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"

	"clawjail/jail/egress/match"
)

// Request is the head of one HTTP/1 request.
type Request struct {
	Method string
	// Host is the Host field, or the authority of an absolute target, as it
	// was sent and without its port.
	Host string
	// Port is the one named beside the host; 0 is none.
	Port uint16
	// Size is the length of the head with its empty line.
	Size int
	// Body is the length of the body that follows; Chunked says that it is
	// unknown and chunked.
	Body    int64
	Chunked bool
	// Upgrade says that the client asks to go on with another protocol.
	Upgrade bool
}

// For returns nil when the request asks for a canonical name, or for an IP
// literal, on a port.
func (r Request) For(name string, port uint16) error {
	if r.Port != 0 && r.Port != port {
		return &Mismatch{Field: "port", Seen: strconv.Itoa(int(r.Port))}
	}
	if literal, err := match.Addr(name); err == nil {
		seen, err := match.Addr(r.Host)
		if err != nil || seen != literal {
			return &Mismatch{Field: "Host", Seen: r.Host}
		}
		return nil
	}
	if !sameName(name, r.Host) {
		return &Mismatch{Field: "Host", Seen: r.Host}
	}
	return nil
}

// ParseRequest reads the head that begins b. scanned is how many bytes of b an
// earlier call found to hold no whole head. Its error is a *Short or matches
// ErrMalformed.
func ParseRequest(b []byte, scanned int) (Request, error) {
	from := max(0, scanned-3)
	end := bytes.Index(b[from:], []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) >= MaxHead {
			return Request{}, malformed("request head over %d bytes", MaxHead)
		}
		// A stream that is no HTTP is refused when it shows, not when it
		// has filled the buffer.
		if err := plain(b[scanned:]); err != nil {
			return Request{}, err
		}
		if line, _, ok := bytes.Cut(b, []byte("\r\n")); ok {
			if _, err := parseLine(string(line)); err != nil {
				return Request{}, err
			}
		}
		return Request{}, &Short{Need: len(b) + 1}
	}
	size := from + end + 4
	if size > MaxHead {
		return Request{}, malformed("request head over %d bytes", MaxHead)
	}
	if err := plain(b[scanned:size]); err != nil {
		return Request{}, err
	}
	lines := strings.Split(string(b[:size-4]), "\r\n")
	if len(lines)-1 > MaxFields {
		return Request{}, malformed("%d header fields, at most %d", len(lines)-1, MaxFields)
	}
	r, err := parseLine(lines[0])
	if err != nil {
		return Request{}, err
	}
	r.Size = size
	return r.fields(lines[1:])
}

// plain refuses control bytes. CR and LF are judged when lines are split:
// a lone one then stands inside a line.
func plain(b []byte) error {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f {
			return malformed("byte %#02x in a request head", c)
		}
	}
	return nil
}

// head gathers what decides, across the lines of one head.
type head struct {
	Request
	version10 bool
	absolute  bool
	hosts     int
	lengths   int
}

func parseLine(line string) (*head, error) {
	parts := strings.Split(line, " ")
	if len(parts) != 3 || !token(parts[0]) || parts[1] == "" || strings.ContainsAny(line, "\r\n\t") {
		return nil, malformed("request line %s", match.Quote(line))
	}
	h := &head{Request: Request{Method: parts[0]}}
	switch parts[2] {
	case "HTTP/1.1":
	case "HTTP/1.0":
		h.version10 = true
	case "HTTP/2.0":
		return nil, malformed("HTTP/2 without TLS")
	default:
		return nil, malformed("HTTP version %s", match.Quote(parts[2]))
	}
	return h, h.target(parts[1])
}

// target reads a request target, RFC 9112 section 3.2. The authority form
// belongs to proxies, and this is none.
func (h *head) target(s string) error {
	switch {
	case h.Method == "CONNECT" || h.Method == "PRI":
		return malformed("method %s", h.Method)
	case s[0] == '/' || s == "*" && h.Method == "OPTIONS":
		return nil
	}
	const scheme = "http://"
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return malformed("request target %s", match.Quote(s))
	}
	authority := s[len(scheme):]
	if end := strings.IndexAny(authority, "/?#\\"); end >= 0 {
		authority = authority[:end]
	}
	h.absolute = true
	return h.setHost(authority)
}

func (h *head) setHost(s string) error {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || port[0] == '+' {
			return malformed("port in host %s", match.Quote(s))
		}
		h.Port = uint16(n)
	}
	if _, err := match.Name(host); err != nil {
		if _, err := parseLiteral(host); err != nil {
			return malformed("host %s", match.Quote(s))
		}
	}
	h.Host = host
	return nil
}

// parseLiteral takes an IPv4 literal or an IPv6 one in brackets.
func parseLiteral(host string) (netip.Addr, error) {
	a, err := match.Addr(host)
	if err == nil && a.Is6() && host[0] != '[' {
		return netip.Addr{}, malformed("host %s", match.Quote(host))
	}
	return a, err
}

// fields reads the header fields and judges the head as a whole.
func (h *head) fields(lines []string) (Request, error) {
	for _, line := range lines {
		if err := h.field(line); err != nil {
			return Request{}, err
		}
	}
	switch {
	case h.hosts == 0:
		return Request{}, &missing{}
	case h.lengths > 1 || h.lengths == 1 && h.Chunked:
		return Request{}, malformed("two body lengths")
	case h.Chunked && h.version10:
		return Request{}, malformed("chunked body in HTTP/1.0")
	case h.Upgrade && (h.Chunked || h.Body > 0):
		return Request{}, malformed("upgrade with a body")
	}
	return h.Request, nil
}

type missing struct{}

func (*missing) Error() string   { return "no Host" }
func (*missing) Is(t error) bool { return t == ErrMalformed }

func (h *head) field(line string) error {
	name, value, ok := strings.Cut(line, ":")
	// A line that begins with white space is a folded one; token refuses
	// it, and white space before the colon.
	if !ok || !token(name) || strings.ContainsAny(line, "\r\n") {
		return malformed("header field %s", match.Quote(line))
	}
	value = strings.Trim(value, " \t")
	switch strings.ToLower(name) {
	case "host":
		return h.hostField(value)
	case "content-length":
		h.lengths++
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || strings.Trim(value, "0123456789") != "" {
			return malformed("Content-Length %s", match.Quote(value))
		}
		h.Body = n
	case "transfer-encoding":
		if h.Chunked || !strings.EqualFold(value, "chunked") {
			return malformed("Transfer-Encoding %s", match.Quote(value))
		}
		h.Chunked = true
	case "upgrade":
		// h2c would go on with requests that are not looked at.
		if strings.Contains(strings.ToLower(value), "h2c") {
			return malformed("upgrade to h2c")
		}
		h.Upgrade = true
	case "http2-settings":
		return malformed("upgrade to h2c")
	}
	return nil
}

// hostField reads a Host field. In an absolute form both must agree, whichever
// of them a server prefers.
func (h *head) hostField(value string) error {
	if h.hosts++; h.hosts > 1 {
		return malformed("two Host fields")
	}
	host, port := h.Host, h.Port
	h.Port = 0
	if err := h.setHost(value); err != nil {
		return err
	}
	if h.absolute && (!strings.EqualFold(host, h.Host) || port != h.Port) {
		return malformed("Host %s beside target host %s", match.Quote(value), match.Quote(host))
	}
	return nil
}

// token reports an RFC 9110 section 5.6.2 token.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// Switched reports whether the beginning of a server's stream is a 101
// response. Its error is a *Short.
func Switched(b []byte) (bool, error) {
	const status = "HTTP/1.1 101"
	n := min(len(b), len(status))
	if string(b[:n]) != status[:n] {
		return false, nil
	}
	if n < len(status) {
		return false, &Short{Need: len(status)}
	}
	return true, nil
}
