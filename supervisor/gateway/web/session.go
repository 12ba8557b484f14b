package web

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"clawjail/supervisor/gateway/auth/wire"
)

// The cookies. Their prefix has the browser refuse them from anywhere but this
// host, over TLS.
const (
	accessCookie  = "__Host-clawjail"
	refreshCookie = "__Host-clawjail-refresh"
	deviceCookie  = "__Host-clawjail-device"
	deviceLife    = 90 * 24 * time.Hour
)

func cookie(name, value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if c.MaxAge = int(life.Seconds()); value == "" {
		c.MaxAge = -1
	}
	return c
}

func setTokens(w http.ResponseWriter, t wire.Tokens, now time.Time) {
	http.SetCookie(w, cookie(accessCookie, t.Access, t.Expires.Sub(now)))
	http.SetCookie(w, cookie(refreshCookie, t.Refresh, t.Ends.Sub(now)))
	if t.Device != "" {
		http.SetCookie(w, cookie(deviceCookie, t.Device, deviceLife))
	}
}

func clearTokens(w http.ResponseWriter) {
	http.SetCookie(w, cookie(accessCookie, "", 0))
	http.SetCookie(w, cookie(refreshCookie, "", 0))
}

func value(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// visitor is who makes a request.
type visitor struct {
	wire.Identity
	access string
	client netip.Addr
}

// visit finds out who makes a request with cookies, and renews what is over.
// An *wire.Refusal with 401 means nobody.
func (s *Server) visit(w http.ResponseWriter, r *http.Request) (visitor, error) {
	v := visitor{access: value(r, accessCookie), client: clientOf(r)}
	if v.access != "" {
		id, err := s.opt.Auth.Check(r.Context(), v.access)
		v.Identity = id
		var refused *wire.Refusal
		if err == nil || !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
			return v, err
		}
	}
	refresh := value(r, refreshCookie)
	if refresh == "" {
		return v, &wire.Refusal{Status: http.StatusUnauthorized, Message: "nobody is signed in"}
	}
	// A stranger with a made-up token is to cost no more than any other.
	if wait, ok := s.strangers.take(network(v.client), time.Now()); !ok {
		return v, &wire.Refusal{Status: http.StatusTooManyRequests, Message: "too many requests; try again in " + wait.Round(time.Second).String(), Retry: wait}
	}
	t, err := s.renewed.get(r.Context(), refresh, s.opt.Auth.Refresh)
	if err != nil {
		return v, err
	}
	setTokens(w, t, time.Now())
	v.access = t.Access
	v.Identity, err = s.opt.Auth.Check(r.Context(), v.access)
	return v, err
}

// renewals gives requests of one browser that come at the same time the same
// new tokens: a refresh token counts once.
type renewals struct {
	mu   sync.Mutex
	done map[string]*renewal
}

type renewal struct {
	ready  chan struct{}
	tokens wire.Tokens
	err    error
	until  time.Time
}

// renewalTime is how long requests count as at the same time.
const renewalTime = 10 * time.Second

func (n *renewals) get(ctx context.Context, refresh string, fn func(context.Context, string) (wire.Tokens, error)) (wire.Tokens, error) {
	now := time.Now()
	n.mu.Lock()
	for k, old := range n.done {
		if now.After(old.until) {
			delete(n.done, k)
		}
	}
	one, begun := n.done[refresh]
	if !begun {
		one = &renewal{ready: make(chan struct{}), until: now.Add(renewalTime)}
		n.done[refresh] = one
	}
	n.mu.Unlock()
	if !begun {
		// Not with the request's context: others wait for it as well.
		one.tokens, one.err = fn(context.WithoutCancel(ctx), refresh)
		close(one.ready)
	}
	select {
	case <-one.ready:
		return one.tokens, one.err
	case <-ctx.Done():
		return wire.Tokens{}, ctx.Err()
	}
}

// clientOf is the address that a request came from. What headers say about it
// is a client's word.
func clientOf(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr()
}
