package auth

import (
	"net/netip"
	"sync"
	"time"
)

const (
	maxRemembered = 20_000
	freeTries     = 5                // wrong guesses of a pair before it waits
	maxPause      = 15 * time.Minute // the longest wait of a pair
	forgetAfter   = time.Hour
	maxPerUser    = 60 // wrong guesses of all clients that nobody knows, in an hour
)

// failures counts wrong guesses.
type failures struct {
	n     int
	last  time.Time
	until time.Time // no guess before
}

// throttle slows guessing down.
type throttle struct {
	mu    sync.Mutex
	pairs map[[2]string]*failures // user and network of the client
	users map[string]*failures
}

func newThrottle() *throttle {
	return &throttle{pairs: map[[2]string]*failures{}, users: map[string]*failures{}}
}

// network is what one client can choose addresses from: all of a /64 for IPv6.
func network(client string) string {
	a, err := netip.ParseAddr(client)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap()
	n := 32
	if a.Is6() {
		n = 64
	}
	p, err := a.Prefix(n)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

// pause says how long a guess has to wait; 0: it may be tried now, and counts
// as wrong until right is called. known is for a browser that signed in before.
func (t *throttle) pause(user, client string, known bool, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	pair := remember(t.pairs, [2]string{user, network(client)}, now)
	if left := pair.until.Sub(now); left > 0 {
		return left
	}
	if !known {
		all := remember(t.users, user, now)
		if all.n >= maxPerUser {
			return max(all.last.Add(forgetAfter).Sub(now), time.Second)
		}
		// last is of the first of them: the hour begins there.
		if all.n++; all.n == 1 {
			all.last = now
		}
	}
	pair.n, pair.last = pair.n+1, now
	if over := pair.n - freeTries; over >= 0 {
		pair.until = now.Add(min(time.Second<<min(over, 20), maxPause))
	}
	return 0
}

// right forgets what was counted: the guess was none.
func (t *throttle) right(user, client string, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pairs, [2]string{user, network(client)})
	if all := t.users[user]; all != nil && !known {
		all.n = max(all.n-1, 0)
	}
}

// remember finds what is counted under a key. What is old is forgotten.
func remember[K comparable](m map[K]*failures, key K, now time.Time) *failures {
	f := m[key]
	if f != nil && now.Sub(f.last) < forgetAfter {
		return f
	}
	if f == nil && len(m) >= maxRemembered {
		forget(m, now)
	}
	f = &failures{last: now}
	m[key] = f
	return f
}

// forget makes room: of what is old, and else of an arbitrary part, rather than
// letting a stranger decide that nobody is counted any more.
func forget[K comparable](m map[K]*failures, now time.Time) {
	for k, f := range m {
		if now.Sub(f.last) >= forgetAfter {
			delete(m, k)
		}
	}
	for k := range m {
		if len(m) < maxRemembered*3/4 {
			return
		}
		delete(m, k)
	}
}
