package herald

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"clawjail/audit"
	"clawjail/jail/hostns"
	"clawjail/supervisor/config"
	"clawjail/supervisor/hook"
	"clawjail/supervisor/notify"
	"clawjail/supervisor/notify/outbox"
)

const (
	maxDue   = 32               // deliveries handed out at once
	waitTime = 25 * time.Second // for something to be due
	// OpNotify is the operation of the records of what was told.
	OpNotify = "notify"
)

// Options are what a Herald is made of.
type Options struct {
	Channels []config.Channel
	Path     string             // of the queue
	Host     *hostns.Host       // whose mounts and network commands have; nil: the caller's
	Record   func(audit.Record) // into the log
	// Quiet says until when a channel is not to be disturbed by something of a
	// severity; nil: never.
	Quiet func(channel, severity string, at time.Time) (time.Time, bool)
	// Open says whether a held request still waits; nil: nobody knows.
	Open func(approval string) bool
	// Settled hears what became of a message, each time that this changes. May be
	// nil.
	Settled func(notify.Result)
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// Herald tells people.
type Herald struct {
	opt  Options
	box  *outbox.Outbox
	host string

	mu     sync.Mutex
	counts map[Count]uint64
	last   map[string]string             // by channel: the last error, "" when the last attempt worked
	waits  map[string]chan notify.Result // by delivery
}

// Count is what is counted: a kind of channel and what became of a message.
type Count struct {
	Kind    string
	Outcome notify.Outcome
}

// Open opens the queue and looks at the secrets.
func Open(o Options) (*Herald, error) {
	for _, c := range o.Channels {
		if _, err := route(c); err != nil {
			return nil, fmt.Errorf("channel %s: %w", c.Name, err)
		}
	}
	box, err := outbox.Open(o.Path, o.Now, o.fate)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Herald{opt: o, box: box, counts: make(map[Count]uint64), last: make(map[string]string), waits: make(map[string]chan notify.Result)}
	h.host, _ = os.Hostname()
	return h, nil
}

// CopyTo writes the queue, as it is now, to another path.
func (h *Herald) CopyTo(path string) error { return h.box.CopyTo(path) }

// Close closes the queue.
func (h *Herald) Close() error { return h.box.Close() }

func (h *Herald) names(keep func(config.Channel) bool) []string {
	var out []string
	for _, c := range h.opt.Channels {
		if keep(c) {
			out = append(out, c.Name)
		}
	}
	return out
}

// wants says that a channel is for a message.
func wants(c config.Channel, m notify.Message) bool {
	if len(c.Categories) == 0 {
		return m.Category == notify.Incident && atLeast(c, m)
	}
	return slices.Contains(c.Categories, m.Category) && atLeast(c, m)
}

func atLeast(c config.Channel, m notify.Message) bool {
	return m.Category != notify.Incident || notify.AtLeast(m.Severity, c.Severity)
}

// Wanted says that some channel is for messages of a category.
func (h *Herald) Wanted(category string) bool {
	return slices.ContainsFunc(h.opt.Channels, func(c config.Channel) bool {
		return slices.Contains(c.Categories, category) || len(c.Categories) == 0 && category == notify.Incident
	})
}

// Tell queues a message for the channels that are for it, and for others.
func (h *Herald) Tell(m notify.Message, also ...string) {
	h.put(m, h.names(func(c config.Channel) bool { return wants(c, m) || slices.Contains(also, c.Name) }))
}

// TellOnly queues a message for channels, and gives those that quiet hours keep it
// from, with when these end.
func (h *Herald) TellOnly(m notify.Message, channels []string) map[string]time.Time {
	return h.put(m, h.names(func(c config.Channel) bool { return slices.Contains(channels, c.Name) }))
}

// Reachable gives those of some channels over which a reminder of a held request
// would go at once: what is quiet, or has not sent yet what it was given about the
// request, would only pile up.
func (h *Herald) Reachable(m notify.Message, channels []string) []string {
	waiting := h.box.Waiting()
	now := h.opt.Now()
	return h.names(func(c config.Channel) bool {
		if !slices.Contains(channels, c.Name) {
			return false
		}
		if h.opt.Quiet != nil {
			if _, quiet := h.opt.Quiet(c.Name, m.Severity, now); quiet {
				return false
			}
		}
		return !slices.ContainsFunc(waiting, func(d notify.Delivery) bool { return d.Channel == c.Name && d.Message.Approval == m.Approval })
	})
}

// Withdraw takes back what waits about a held request that nobody has to decide
// any more.
func (h *Herald) Withdraw(approval string) {
	gone, err := h.box.Withdraw(func(m notify.Message) bool { return m.Approval == approval && asks(m) })
	if err != nil {
		h.opt.Log.Error("take back notifications", "approval", approval, "error", err)
	}
	for _, r := range gone {
		h.settle(r)
	}
}

// asks says that a message has somebody decide.
func asks(m notify.Message) bool { return m.Category == notify.Approval && m.Event != "decided" }

// fate is what becomes of a delivery. What asks for a decision lasts as long as the
// request does, and not until a time by a clock that can be set.
func (o Options) fate(d notify.Delivery, at time.Time) (f outbox.Fate) {
	if o.Open != nil && d.Message.Approval != "" && asks(d.Message) {
		f.Live = o.Open(d.Message.Approval)
		f.Over = !f.Live
	}
	if o.Quiet != nil && d.Message.Event != testEvent && d.Message.Category != notify.Checkpoint {
		f.Until, _ = o.Quiet(d.Channel, d.Message.Severity, at)
	}
	return f
}

// testEvent is that of a message that somebody sends to see it arrive.
const testEvent = "test"

func (h *Herald) put(m notify.Message, to []string) (kept map[string]time.Time) {
	kept = map[string]time.Time{}
	if len(to) == 0 {
		return kept
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	m.ID, m.Host = hex.EncodeToString(b[:]), h.host
	if m.Time.IsZero() {
		m.Time = h.opt.Now().UTC().Round(0)
	}
	not, err := h.box.Put(m, to)
	if err != nil {
		h.opt.Log.Error("queue a notification", "error", err)
	}
	for _, r := range not {
		if r.Outcome == notify.Kept {
			kept[r.Delivery.Channel] = r.Delivery.Next
		}
		h.settle(r)
	}
	return kept
}

// Test queues a message for one channel, and waits for what becomes of the first
// attempt.
func (h *Herald) Test(ctx context.Context, channel, by string) (notify.Result, error) {
	if !slices.ContainsFunc(h.opt.Channels, func(c config.Channel) bool { return c.Name == channel }) {
		return notify.Result{}, fmt.Errorf("no channel %q in the configuration", channel)
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	m := notify.Message{ID: hex.EncodeToString(b[:]), Host: h.host, Time: h.opt.Now().UTC().Round(0), Category: notify.Health, Event: testEvent,
		Title: "a test of channel " + channel, Text: "Sent by " + by + " with `clawjail notify test`. Nothing has happened.", Expires: h.opt.Now().Add(time.Minute)}
	done := make(chan notify.Result, 1)
	id := m.ID + "." + channel
	h.mu.Lock()
	h.waits[id] = done
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.waits, id)
		h.mu.Unlock()
	}()
	if err := m.Check(); err != nil {
		return notify.Result{}, err
	}
	if _, err := h.box.Put(m, []string{channel}); err != nil {
		h.opt.Log.Error("queue a notification", "error", err)
	}
	select {
	case r := <-done:
		return r, nil
	case <-ctx.Done():
		return notify.Result{}, errors.New("nobody took it up: is clawjail-gateway running?")
	}
}

// settle counts and records what became of a delivery.
func (h *Herald) settle(r notify.Result) {
	d := r.Delivery
	kind := "gone"
	for _, c := range h.opt.Channels {
		if c.Name == d.Channel {
			kind = c.Kind
		}
	}
	h.mu.Lock()
	h.counts[Count{kind, r.Outcome}]++
	if r.Outcome == notify.Sent || r.Outcome == notify.Later || r.Outcome == notify.GivenUp {
		h.last[d.Channel] = map[bool]string{false: d.Error}[r.Outcome == notify.Sent]
	}
	if w := h.waits[d.ID]; w != nil {
		select {
		case w <- r:
		default:
		}
	}
	h.mu.Unlock()
	if r.Outcome == notify.Again || r.Outcome == notify.Later && d.Attempts > 1 {
		return
	}
	if h.opt.Settled != nil {
		h.opt.Settled(r)
	}
	m := d.Message
	if m.Category == notify.Checkpoint {
		return // a record of it would need the next one
	}
	what := map[notify.Outcome]string{notify.Sent: "sent to", notify.Later: "could not be sent yet to", notify.GivenUp: "given up for",
		notify.Dropped: "dropped, too many wait for", notify.Kept: "kept from", notify.Withdrawn: "taken back from"}[r.Outcome]
	text := fmt.Sprintf("%s %s: %s %s (%s)", m.Category, m.Event, what, d.Channel, kind)
	switch {
	case r.Outcome == notify.Kept:
		text += ": quiet hours until " + d.Next.Format(time.RFC3339)
	case r.Outcome == notify.Withdrawn:
		text += ": nobody has to decide any more"
	case d.Error != "" && r.Outcome != notify.Sent:
		text += ": " + d.Error
	}
	if m.Approval != "" {
		text += ", request " + m.Approval
	}
	h.opt.Record(audit.Record{Time: h.opt.Now(), Jail: m.Jail, Gate: audit.GateSupervisor,
		Subject: audit.Subject{Op: OpNotify, Name: d.Channel, Message: text}})
	if r.Outcome == notify.GivenUp || r.Outcome == notify.Dropped {
		h.opt.Log.Error("somebody was not told", "channel", d.Channel, "about", m.Title, "why", d.Error)
	}
}

// Due waits for deliveries that are not commands, hands them out, and gives what
// is needed to send them. It gives nothing when there is nothing for a while.
func (h *Herald) Due(ctx context.Context) notify.Due {
	ctx, cancel := context.WithTimeout(ctx, waitTime)
	defer cancel()
	for {
		ds := h.due(ctx, h.names(func(c config.Channel) bool { return c.Kind != config.Run }), maxDue)
		if len(ds) == 0 {
			return notify.Due{}
		}
		due := notify.Due{}
		for _, d := range ds {
			if slices.ContainsFunc(due.Routes, func(r notify.Route) bool { return r.Channel.Name == d.Channel }) {
				due.Deliveries = append(due.Deliveries, d)
				continue
			}
			i := slices.IndexFunc(h.opt.Channels, func(c config.Channel) bool { return c.Name == d.Channel })
			r, err := route(h.opt.Channels[i])
			if err != nil {
				h.Report(notify.Report{ID: d.ID, Error: err.Error()})
				continue
			}
			due.Routes, due.Deliveries = append(due.Routes, r), append(due.Deliveries, d)
		}
		if len(due.Deliveries) > 0 {
			return due
		}
	}
}

// due waits for deliveries to channels, and gives none when ctx has ended.
func (h *Herald) due(ctx context.Context, channels []string, most int) []notify.Delivery {
	for {
		ds, expired, wait, changed := h.box.Due(channels, most)
		for _, r := range expired {
			h.settle(r)
		}
		if len(ds) > 0 {
			return ds
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-changed:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
		t.Stop()
	}
}

// Report says how an attempt went.
func (h *Herald) Report(r notify.Report) {
	res, known, err := h.box.Done(r)
	if err != nil {
		h.opt.Log.Error("note what became of a notification", "delivery", r.ID, "error", err)
	}
	if known {
		h.settle(res)
	}
}

// Run gives up what waits for channels that are gone, and then runs the channels
// that are commands until ctx ends.
func (h *Herald) Run(ctx context.Context) {
	gone, err := h.box.Prune(h.names(func(config.Channel) bool { return true }))
	if err != nil {
		h.opt.Log.Error("give up notifications to channels that are gone", "error", err)
	}
	for _, r := range gone {
		h.settle(r)
	}
	var work sync.WaitGroup
	for _, c := range h.opt.Channels {
		if c.Kind == config.Run { // one that hangs holds up no other
			work.Go(func() { h.runCommands(ctx, c) })
		}
	}
	work.Wait()
}

func (h *Herald) runCommands(ctx context.Context, c config.Channel) {
	for ctx.Err() == nil {
		for _, d := range h.due(ctx, []string{c.Name}, 1) {
			b, err := json.Marshal(d.Message)
			if err != nil {
				h.Report(notify.Report{ID: d.ID, Error: err.Error(), Refused: true})
				continue
			}
			timeout := time.Duration(c.Timeout)
			if timeout == 0 {
				timeout = config.DefaultTimeout
			}
			res := hook.Run(ctx, hook.Command{Argv: c.Command, User: c.User, Timeout: timeout, Input: append(b, '\n'),
				Host: h.opt.Host, Env: []string{"CLAWJAIL_DELIVERY=" + d.ID}})
			if ctx.Err() != nil && !res.OK() {
				return // we end; it is run again
			}
			h.Report(notify.Report{ID: d.ID, Error: failure(res)})
		}
	}
}

// failure is why a command did not work, with the end of what it said.
func failure(r hook.Result) string {
	if r.OK() || r.Output == "" {
		return r.Error
	}
	return r.Error + ": " + notify.Cut(r.Output, 200)
}

// Counts gives what became of messages.
func (h *Herald) Counts() map[Count]uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[Count]uint64, len(h.counts))
	for k, n := range h.counts {
		out[k] = n
	}
	return out
}

// Status is a channel as it is.
type Status struct {
	Channel config.Channel
	Waiting int
	Error   string // of the last attempt
}

// Status gives every channel and what waits.
func (h *Herald) Status() ([]Status, []notify.Delivery) {
	waiting := h.box.Waiting()
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Status
	for _, c := range h.opt.Channels {
		s := Status{Channel: c, Error: h.last[c.Name]}
		for _, d := range waiting {
			if d.Channel == c.Name {
				s.Waiting++
			}
		}
		out = append(out, s)
	}
	return out, waiting
}
