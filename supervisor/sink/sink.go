package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"clawjail/audit"
)

// The bounds of a sink; the table in doc.go lists them.
const (
	MaxQueued = 8192
	MaxBatch  = 256
)

// OpSink is the operation of the records of what a sink lost.
const OpSink = "sink"

const (
	retryEvery = time.Second      // after a write that did not work
	giveUp     = 10 * time.Second // of one record
	waitTime   = 25 * time.Second // for a batch
)

// writer takes one record, and says why it could not.
type writer interface {
	write(r *audit.Record) error
	close() error
}

// Sink is one of them.
type Sink struct {
	name  string // journald, syslog, otlp
	url   string // of an OTLP receiver
	to    writer // nil: the gateway takes batches
	queue chan audit.Record

	mu      sync.Mutex
	sent    uint64
	dropped uint64
	said    uint64 // of dropped: recorded
	batch   Batch  // that the gateway has
}

// Batch is what the gateway takes.
type Batch struct {
	ID    uint64   `json:"id"` // of the batch, from 1
	URL   string   `json:"url"`
	Lines []string `json:"lines,omitempty"` // of the log, which are ASCII
}

// Set is every sink of a supervisor.
type Set struct {
	dir    string
	sinks  []*Sink
	record func(audit.Record)
	log    *slog.Logger
}

// Open makes sinks as the configuration names them. dir is the log's directory.
func Open(names []string, dir string, record func(audit.Record), log *slog.Logger) *Set {
	s := &Set{dir: dir, record: record, log: log}
	for _, n := range names {
		k := &Sink{name: n, queue: make(chan audit.Record, MaxQueued)}
		switch {
		case n == "journald":
			k.to = &journald{socket: journalSocket}
		case n == "syslog":
			k.to = &syslog{socket: syslogSocket}
		default:
			k.name, k.url = "otlp", strings.TrimPrefix(n, "otlp+")
		}
		s.sinks = append(s.sinks, k)
	}
	return s
}

// Run copies until ctx ends.
func (s *Set) Run(ctx context.Context) {
	if len(s.sinks) == 0 {
		return
	}
	var work sync.WaitGroup
	for _, k := range s.sinks {
		if k.to != nil {
			work.Go(func() { s.drain(ctx, k) })
		}
	}
	for r, err := range audit.Follow(ctx, s.dir, audit.Filter{Limit: -1}) {
		var corrupt *audit.CorruptError
		if errors.As(err, &corrupt) {
			continue // the log says so itself
		}
		if err != nil {
			s.log.Error("follow the audit log for its sinks", "error", err)
			break
		}
		for _, k := range s.sinks {
			k.offer(r)
		}
		s.sayLost(r)
	}
	work.Wait()
}

// offer never waits.
func (k *Sink) offer(r audit.Record) {
	select {
	case k.queue <- r:
	default:
		k.mu.Lock()
		k.dropped++
		k.mu.Unlock()
	}
}

// sayLost records what sinks dropped, when there is room again or it is much. It
// does not answer records of its own.
func (s *Set) sayLost(r audit.Record) {
	if r.Gate == audit.GateSupervisor && r.Subject.Op == OpSink {
		return
	}
	for _, k := range s.sinks {
		k.mu.Lock()
		lost := k.dropped - k.said
		if lost == 0 || len(k.queue) > MaxQueued/2 && lost < MaxQueued {
			k.mu.Unlock()
			continue
		}
		k.said = k.dropped
		k.mu.Unlock()
		s.record(audit.Record{Gate: audit.GateSupervisor, Subject: audit.Subject{Op: OpSink, Name: k.name, Lost: lost,
			Message: fmt.Sprintf("%s did not get %d records, which are in this log", k.name, lost)}})
	}
}

// drain writes what is queued. A record that cannot be written for a while is
// dropped: the next ones matter as much.
func (s *Set) drain(ctx context.Context, k *Sink) {
	defer k.to.close()
	broken := false
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-k.queue:
			err := k.put(ctx, &r, broken)
			if err != nil && !broken && ctx.Err() == nil {
				s.log.Error("copy the audit log; what is missing there is counted", "sink", k.name, "error", err)
			}
			broken = err != nil
		}
	}
}

// put tries to write a record for a while, or once where it did not work before.
func (k *Sink) put(ctx context.Context, r *audit.Record, once bool) error {
	begun := time.Now()
	for {
		err := k.to.write(r)
		if err == nil {
			k.count(1, 0)
			return nil
		}
		if once || time.Since(begun) > giveUp {
			k.count(0, 1)
			return err
		}
		t := time.NewTimer(retryEvery)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
	}
}

func (k *Sink) count(sent, dropped uint64) {
	k.mu.Lock()
	k.sent += sent
	k.dropped += dropped
	k.mu.Unlock()
}

// Count is what became of records.
type Count struct {
	Name          string
	Sent, Dropped uint64
	Queued        int
}

// Counts gives what became of records, by sink.
func (s *Set) Counts() []Count {
	var out []Count
	for _, k := range s.sinks {
		k.mu.Lock()
		out = append(out, Count{k.name, k.sent, k.dropped, len(k.queue) + len(k.batch.Lines)})
		k.mu.Unlock()
	}
	return out
}

// Receivers are the URLs that the gateway copies to.
func (s *Set) Receivers() []string {
	var out []string
	for _, k := range s.sinks {
		if k.to == nil {
			out = append(out, k.url)
		}
	}
	return out
}

// Take gives the gateway a batch for a receiver. done is the batch that it is
// done with, 0 for none; refused says that the receiver did not want it. One
// that it does not say is done is given out again. It gives a batch without
// records when there are none for a while.
func (s *Set) Take(ctx context.Context, url string, done uint64, refused bool) (Batch, error) {
	for _, k := range s.sinks {
		if k.to == nil && k.url == url {
			return k.take(ctx, done, refused), nil
		}
	}
	return Batch{}, errors.New("no OTLP receiver " + strconv.Quote(url) + " in audit.sinks")
}

func (k *Sink) take(ctx context.Context, done uint64, refused bool) Batch {
	k.mu.Lock()
	if n := uint64(len(k.batch.Lines)); done != 0 && done == k.batch.ID {
		if refused {
			k.dropped += n
		} else {
			k.sent += n
		}
		k.batch.Lines = nil
	}
	b := k.batch
	k.mu.Unlock()
	if len(b.Lines) > 0 {
		return b
	}
	b = Batch{ID: b.ID + 1, URL: k.url}
	wait := time.NewTimer(waitTime)
	defer wait.Stop()
	select {
	case r := <-k.queue:
		b.Lines = append(b.Lines, string(r.AppendJSON(nil)))
	case <-wait.C:
		return Batch{URL: k.url}
	case <-ctx.Done():
		return Batch{URL: k.url}
	}
	for len(b.Lines) < MaxBatch {
		select {
		case r := <-k.queue:
			b.Lines = append(b.Lines, string(r.AppendJSON(nil)))
			continue
		default:
		}
		break
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.batch.Lines) > 0 { // two gateways at once: neither may lose the other's
		k.dropped += uint64(len(b.Lines))
		return k.batch
	}
	k.batch = b
	return b
}
