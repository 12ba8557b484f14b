package daemon

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// answered is a refusal that somebody decided, and whose reason the client may
// know.
type answered struct {
	error
	reason string
}

func (a *answered) Unwrap() error { return a.error }

// Bounds of telling a client.
const (
	maxReason = 512
	tellTime  = 2 * time.Second // for the client to take it, and to close
	maxLate   = 64 << 10        // bytes that it still sends
)

// alert is fatal access_denied (RFC 8446, 6.2) as the first record of a server,
// which every version of TLS reads.
const alert = "\x15\x03\x03\x00\x02\x02\x31"

// tell answers a client that was refused in the words of its protocol, and says
// what it was told; "" if its protocol has no such words. The connection is still
// to be closed.
func tell(ctx context.Context, c *net.TCPConn, protocol, reason string) string {
	var text, told string
	switch protocol {
	case "tls":
		text, told = alert, "a TLS alert: access denied"
	case "http":
		body := "clawjail refused this connection: " + plain(reason) + "\n"
		text = fmt.Sprintf("HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
		told = "HTTP 403"
	default:
		return ""
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := c.SetDeadline(time.Now().Add(tellTime)); err != nil {
		return ""
	}
	if _, err := io.WriteString(c, text); err != nil || c.CloseWrite() != nil {
		return ""
	}
	// Closed with bytes unread, the connection would be reset, and the answer lost.
	_, _ = io.CopyN(io.Discard, c, maxLate)
	return told
}

// plain is a reason as printable ASCII, cut.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), maxReason)]
}
