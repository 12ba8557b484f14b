package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"clawjail/supervisor/api"
)

// The bounds of live views.
const (
	maxLive     = 128
	maxLiveEach = 8 // of one session
	beat        = 3 * time.Second
)

// liveViews counts them.
type liveViews struct {
	mu   sync.Mutex
	all  int
	each map[string]int
}

func newLiveViews() *liveViews { return &liveViews{each: map[string]int{}} }

func (l *liveViews) begin(session string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxLive || l.each[session] >= maxLiveEach {
		return false
	}
	l.all++
	l.each[session]++
	return true
}

func (l *liveViews) end(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.each[session]--; l.each[session] == 0 {
		delete(l.each, session)
	}
}

// events is a stream of server-sent events: "held" when what is held changed,
// "tick" now and then, when a view may look at the rest again. It says that
// something changed and never what, so that there is one way to see it.
func events(v *view) error {
	if !v.s.live.begin(v.Session) {
		return &api.Error{Status: http.StatusServiceUnavailable, Message: "Too many live views are open."}
	}
	defer v.s.live.end(v.Session)
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no") // a proxy is not to collect them
	ctx, cancel := context.WithCancel(v.r.Context())
	defer cancel()
	changed := make(chan struct{}, 1) // a level: one is as good as many
	watched := make(chan error, 1)
	go func() { watched <- v.watch(ctx, changed) }()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	out := http.NewResponseController(v.w)
	for {
		name := "tick"
		select {
		case <-changed:
			name = "held"
		case <-tick.C:
		case err := <-watched:
			if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				name = "lost"
			}
			if ctx.Err() != nil {
				return nil
			}
			_ = out.SetWriteDeadline(time.Now().Add(10 * time.Second))
			_, _ = fmt.Fprintf(v.w, "event: %s\ndata: \n\n", name)
			_ = out.Flush()
			return nil // the browser comes again, and its session is looked at then
		}
		if err := out.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return nil
		}
		if _, err := fmt.Fprintf(v.w, "event: %s\ndata: \n\n", name); err != nil || out.Flush() != nil {
			cancel()
			<-watched
			return nil
		}
	}
}

// watch follows the supervisor's changes until its stream ends.
func (v *view) watch(ctx context.Context, changed chan<- struct{}) error {
	res, err := v.s.up.send(ctx, v.access, http.MethodGet, "/v1/approvals/watch", nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	lines := bufio.NewReaderSize(res.Body, 64<<10)
	for {
		_, more, err := lines.ReadLine()
		if err != nil {
			return nil // it ends after a while
		}
		for more {
			if _, more, err = lines.ReadLine(); err != nil {
				return nil
			}
		}
		// The first line too: it is what is held now, and the page is older.
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}
