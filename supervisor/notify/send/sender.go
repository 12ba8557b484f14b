package send

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"clawjail/supervisor/config"
	"clawjail/supervisor/notify"
)

// workers bounds the deliveries that are sent at the same time.
const workers = 8

// again is how long a sender waits when the supervisor does not answer.
const again = 2 * time.Second

// Supervisor is what a Sender asks and tells.
type Supervisor interface {
	// Due waits for something to send, for a while.
	Due(ctx context.Context) (notify.Due, error)
	// Report says how attempts went.
	Report(ctx context.Context, rs []notify.Report) error
}

// Sender sends what is due.
type Sender struct {
	from Supervisor
	log  *slog.Logger
	http *http.Client
	tls  *tls.Config
}

// NewSender makes one. roots may be nil: the system's. http.DefaultTransport
// must be Bounded, because the library for chats uses it.
func NewSender(from Supervisor, roots *tls.Config, log *slog.Logger) (*Sender, error) {
	if _, ok := http.DefaultTransport.(*Bounded); !ok {
		return nil, errors.New("the default HTTP transport has no bounds")
	}
	if roots == nil {
		roots = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return &Sender{from: from, log: log, tls: roots, http: &http.Client{Transport: NewBounded(roots), Timeout: attemptTime}}, nil
}

// Run sends until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	slots := make(chan struct{}, workers)
	var was string
	for ctx.Err() == nil {
		due, err := s.from.Due(ctx)
		if err != nil {
			if text := err.Error(); text != was && ctx.Err() == nil {
				s.log.Warn("nothing to send can be asked for", "error", err)
				was = text
			}
			pause(ctx, again)
			continue
		}
		was = ""
		for _, d := range due.Deliveries {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return // what was not tried is given out again
			}
			work.Go(func() {
				defer func() { <-slots }()
				s.deliver(ctx, due.Routes, d)
			})
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// deliver makes one attempt and says how it went.
func (s *Sender) deliver(ctx context.Context, routes []notify.Route, d notify.Delivery) {
	r := s.Try(ctx, routes, d)
	if ctx.Err() != nil && r.Error != "" {
		return // we end: that was no failure of the channel's
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attemptTime)
	defer cancel()
	if err := s.from.Report(ctx, []notify.Report{r}); err != nil {
		s.log.Error("say how sending went; it is sent again", "delivery", d.ID, "error", err)
	}
}

// Try makes one attempt.
func (s *Sender) Try(ctx context.Context, routes []notify.Route, d notify.Delivery) notify.Report {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	for _, r := range routes {
		if r.Channel.Name != d.Channel {
			continue
		}
		refused, err := s.send(ctx, r, d)
		if err != nil {
			return notify.Report{ID: d.ID, Error: scrub(err, r.URL), Refused: refused}
		}
		return notify.Report{ID: d.ID}
	}
	return notify.Report{ID: d.ID, Error: "no such channel"}
}

func (s *Sender) send(ctx context.Context, r notify.Route, d notify.Delivery) (refused bool, err error) {
	switch r.Channel.Kind {
	case config.Webhook:
		return s.webhook(ctx, r, d)
	case config.SMTP:
		return s.smtp(ctx, r, d)
	case config.Slack:
		return false, slack(r, d)
	case config.Shoutrrr:
		return false, chat(r, d)
	}
	return true, fmt.Errorf("channels of kind %q are not sent over from here", r.Channel.Kind)
}
