package web

import (
	"net/netip"
	"sync"
	"time"
)

// maxClients bounds the clients that are counted.
const maxClients = 50_000

// limiter lets each client make so many requests in a window: a bucket that
// refills evenly.
type limiter struct {
	max    float64
	window time.Duration

	mu      sync.Mutex
	clients map[string]*bucket
}

type bucket struct {
	left float64
	at   time.Time
}

func newLimiter(requests int, window time.Duration) *limiter {
	return &limiter{max: float64(requests), window: window, clients: map[string]*bucket{}}
}

// take counts a request. If it is one too many, wait says when it is not.
func (l *limiter) take(client string, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.clients[client]
	if b == nil {
		if len(l.clients) >= maxClients {
			l.forget(now)
		}
		b = &bucket{left: l.max, at: now}
		l.clients[client] = b
	}
	if d := now.Sub(b.at); d > 0 {
		b.left = min(l.max, b.left+l.max*float64(d)/float64(l.window))
		b.at = now
	}
	if b.left < 1 {
		return time.Duration((1 - b.left) / l.max * float64(l.window)), false
	}
	b.left--
	return 0, true
}

// forget makes room: those first whose bucket is full again, then any, since a
// table that cannot take anybody new would refuse everybody.
func (l *limiter) forget(now time.Time) {
	for k, b := range l.clients {
		if now.Sub(b.at) >= l.window {
			delete(l.clients, k)
		}
	}
	for k := range l.clients {
		if len(l.clients) < maxClients*3/4 {
			return
		}
		delete(l.clients, k)
	}
}

// network is what one client can choose addresses from: a /64 for IPv6.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
