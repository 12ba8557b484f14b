package send

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"clawjail/audit/escape"
)

const (
	attemptTime = 20 * time.Second // for one attempt, whatever it does
	dialTime    = 10 * time.Second
	maxAnswer   = 64 << 10 // bytes of a server's answer that are read
)

// transport is what all HTTP goes through.
func transport(roots *tls.Config) *http.Transport {
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTime}).DialContext,
		TLSClientConfig:        roots.Clone(), // net/http adds its own protocols to it, which no mail server speaks
		TLSHandshakeTimeout:    dialTime,
		ResponseHeaderTimeout:  attemptTime,
		MaxResponseHeaderBytes: maxAnswer,
		DisableKeepAlives:      true, // there is little to send, and rarely
		ForceAttemptHTTP2:      true,
	}
}

// Bounded is an HTTP transport for libraries that know no bounds: answers end
// after maxAnswer bytes, everything is over after attemptTime, and a redirect is
// an error.
type Bounded struct{ next http.RoundTripper }

// NewBounded makes one. roots may be nil: the system's.
func NewBounded(roots *tls.Config) *Bounded { return &Bounded{transport(roots)} }

// errRedirect keeps secrets in URLs and bodies where they were sent to.
var errRedirect = errors.New("the server redirects; write down where to")

// RoundTrip implements http.RoundTripper.
func (b *Bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), attemptTime)
	res, err := b.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	res.Body = &bounded{Reader: io.LimitReader(res.Body, maxAnswer), body: res.Body, cancel: cancel}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		_ = res.Body.Close()
		return nil, errRedirect
	}
	return res, nil
}

// bounded is the body of an answer.
type bounded struct {
	io.Reader
	body   io.Closer
	cancel context.CancelFunc
}

func (b *bounded) Close() error {
	err := b.body.Close()
	b.cancel()
	return err
}

// scrub makes an error one short line without what is secret in a URL.
func scrub(err error, secret string) string {
	var u *url.Error
	if errors.As(err, &u) && secret == "" {
		err = u.Err
	}
	text := err.Error()
	for _, part := range secrets(secret) {
		text = strings.ReplaceAll(text, part, "…")
	}
	return escape.Clip(text, 300)
}

// secrets are the parts of a URL that nobody is to see: all but scheme, host and
// port.
func secrets(raw string) []string {
	if raw == "" {
		return nil
	}
	parts := []string{raw}
	u, err := url.Parse(raw)
	if err != nil {
		return parts
	}
	add := func(s string) {
		const least = 4 // shorter ones are words
		if len(s) >= least {
			parts = append(parts, s, url.PathEscape(s), url.QueryEscape(s))
		}
	}
	for s := range strings.SplitSeq(u.Path, "/") {
		add(s)
	}
	add(u.RawQuery)
	for _, values := range u.Query() {
		for _, v := range values {
			add(v)
		}
	}
	add(u.User.Username())
	if p, ok := u.User.Password(); ok {
		add(p)
	}
	return parts
}
