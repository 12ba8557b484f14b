package daemon

import (
	"context"
	"sync"
	"time"
)

// bucket spaces out what comes faster than rate, after a burst.
type bucket struct {
	mu    sync.Mutex
	rate  float64 // tokens a second
	burst float64
	have  float64
	at    time.Time
}

func newBucket(rate, burst float64) *bucket {
	return &bucket{rate: rate, burst: burst, have: burst, at: time.Now()}
}

// take waits for a token. It reports whether it had to.
func (b *bucket) take(ctx context.Context) (waited bool) {
	if d := b.reserve(time.Now()); d > 0 {
		wait(ctx, d)
		return true
	}
	return false
}

// try takes a token if there is one.
func (b *bucket) try(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	if b.have < 1 {
		return false
	}
	b.have--
	return true
}

func (b *bucket) fill(now time.Time) {
	b.have = min(b.burst, b.have+now.Sub(b.at).Seconds()*b.rate)
	b.at = now
}

// reserve takes a token, on credit if need be, and returns how long to wait
// for it.
func (b *bucket) reserve(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	b.have--
	if b.have >= 0 {
		return 0
	}
	return time.Duration(-b.have / b.rate * float64(time.Second))
}
