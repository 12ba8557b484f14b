package approval

import (
	"context"
	"time"
)

// lookInterval is how often AwaitReturn looks.
const lookInterval = 5 * time.Millisecond

// AwaitReturn waits until somebody waits for every restored request again, or ctx
// ends. An answer that came earlier would reach nobody. Connections are left out:
// they are made again by who wants them.
func (q *Queue) AwaitReturn(ctx context.Context) {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for q.unclaimed(func(r Request) bool { return r.Gate != GateConnect }) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (q *Queue) unclaimed(is func(Request) bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.byID {
		if e.restored && e.state == open && is(e.request) {
			return true
		}
	}
	return false
}

// WithdrawRestored ends the restored requests that nobody has come back for:
// their callers are gone.
func (q *Queue) WithdrawRestored() {
	q.mu.Lock()
	var gone []*entry
	for _, e := range q.byID {
		if e.restored && e.state == open && q.begin(e) {
			gone = append(gone, e)
		}
	}
	q.mu.Unlock()
	q.settleAll(gone, Decision{Outcome: Withdrawn})
}
