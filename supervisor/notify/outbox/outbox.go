package outbox

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"clawjail/supervisor/database"
	"clawjail/supervisor/notify"
)

// The bounds of a queue; the table in doc.go lists them.
const (
	MaxQueued = 1024             // messages that wait, per channel
	Window    = 10 * time.Minute // within which the same thing is said once
	MaxKeys   = 4096             // of things said
	leaseTime = 2 * time.Minute  // for one attempt; then another may begin
)

const (
	bucketWaiting = "waiting"
	bucketSaid    = "said"
)

// delays are the waits after each failed attempt; the last one goes on.
var delays = [...]time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// Fate is what is to become of a delivery at a moment.
type Fate struct {
	// Over means that it is of no use any more, Live that it still is, whatever
	// time it was given.
	Over, Live bool
	Until      time.Time // until when it waits; zero: it does not
}

// Judge says what is to become of a delivery at a moment. It may not use the
// Outbox.
type Judge func(notify.Delivery, time.Time) Fate

// recheck bounds the wait for what Judge keeps: a clock that is set is noticed.
const recheck = time.Minute

// Outbox is the queue.
type Outbox struct {
	db    *bolt.DB
	now   func() time.Time
	judge Judge

	mu      sync.Mutex
	waiting map[string]*entry // by Delivery.ID
	said    map[string]time.Time
	behind  behind
	next    uint64
	changed chan struct{} // closed and replaced when something was queued
}

// entry is a delivery with its place in the file.
type entry struct {
	notify.Delivery
	key    [8]byte
	leased time.Time // until when a sender has it
}

// Open opens or makes the file. A nil clock is the system's, a nil judge keeps
// nothing.
func Open(path string, now func() time.Time, judge Judge) (*Outbox, error) {
	if now == nil {
		now = time.Now
	}
	if judge == nil {
		judge = func(notify.Delivery, time.Time) Fate { return Fate{} }
	}
	db, err := database.Open(path, "what was not told yet is told to nobody")
	if err != nil {
		return nil, err
	}
	o := &Outbox{db: db, now: now, judge: judge, waiting: make(map[string]*entry), said: make(map[string]time.Time), changed: make(chan struct{}),
		behind: behind{entries: make(map[[8]byte]*entry), keys: make(map[string]bool)}}
	if err := database.Safely(o.load); err != nil {
		return nil, errors.Join(fmt.Errorf("read notifications in %s: %w", path, err), database.Safely(db.Close))
	}
	return o, nil
}

// load reads what was left. An entry that cannot be read is removed: it could
// never be sent.
func (o *Outbox) load() error {
	return o.db.Update(func(tx *bolt.Tx) error {
		w, err := tx.CreateBucketIfNotExists([]byte(bucketWaiting))
		if err != nil {
			return err
		}
		s, err := tx.CreateBucketIfNotExists([]byte(bucketSaid))
		if err != nil {
			return err
		}
		var bad [][]byte
		_ = w.ForEach(func(k, v []byte) error {
			e := &entry{}
			if len(k) != len(e.key) || json.Unmarshal(v, &e.Delivery) != nil || e.ID == "" {
				bad = append(bad, slices.Clone(k))
				return nil
			}
			copy(e.key[:], k)
			o.next = max(o.next, binary.BigEndian.Uint64(k)+1)
			o.waiting[e.ID] = e
			return nil
		})
		_ = s.ForEach(func(k, v []byte) error {
			var at time.Time
			if at.UnmarshalBinary(v) == nil && len(o.said) < MaxKeys {
				o.said[string(k)] = at
			}
			return nil
		})
		for _, k := range bad {
			if err := w.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// CopyTo writes the whole file, as it is now, to another path.
func (o *Outbox) CopyTo(path string) error {
	return o.db.View(func(tx *bolt.Tx) error { return tx.CopyFile(path, 0o600) })
}

// Close writes what is not written yet, and closes the file.
func (o *Outbox) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return errors.Join(o.save(), o.db.Close())
}

// Put queues a message for channels and returns when that is on the disk; with an
// error it is queued and is not on the disk yet. Results are about the channels that do not
// get it, Again and Dropped, and those that get it later, Kept.
func (o *Outbox) Put(m notify.Message, channels []string) ([]notify.Result, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var not []notify.Result
	var add []*entry
	var keys []string
	for _, c := range channels {
		d := notify.Delivery{ID: m.ID + "." + c, Channel: c, Message: m, Next: m.Time}
		key := c + "\x00" + m.Key
		switch {
		case o.waiting[d.ID] != nil, m.Key != "" && o.saidLately(key):
			not = append(not, notify.Result{Delivery: d, Outcome: notify.Again})
			continue
		case o.queued(c) >= MaxQueued:
			not = append(not, notify.Result{Delivery: d, Outcome: notify.Dropped})
			continue
		}
		if until := o.judge(d, o.now()).Until; until.After(o.now()) {
			d.Next = until // for people to see; what counts is what Judge says then
			not = append(not, notify.Result{Delivery: d, Outcome: notify.Kept})
		}
		e := &entry{Delivery: d}
		binary.BigEndian.PutUint64(e.key[:], o.next+uint64(len(add)))
		add = append(add, e)
		if m.Key != "" {
			keys = append(keys, key)
		}
	}
	if len(add) == 0 {
		return not, nil
	}
	o.next += uint64(len(add))
	for _, e := range add {
		o.waiting[e.ID] = e
		o.behind.entries[e.key] = e
	}
	o.remember(keys)
	o.wake()
	// A full disk is a reason to tell somebody: what cannot be written is told
	// all the same, if this process lives so long.
	return not, o.save()
}

func (o *Outbox) saidLately(key string) bool {
	at, ok := o.said[key]
	age := o.now().Sub(at)
	return ok && age >= 0 && age < Window
}

func (o *Outbox) queued(channel string) int {
	n := 0
	for _, e := range o.waiting {
		if e.Channel == channel {
			n++
		}
	}
	return n
}

// remember notes that something was said just now.
func (o *Outbox) remember(keys []string) {
	if len(keys) == 0 {
		return
	}
	now := o.now().UTC()
	for _, k := range o.forget(now, len(keys)) {
		delete(o.said, k)
		o.behind.keys[k] = true
	}
	for _, k := range keys {
		o.said[k] = now
		o.behind.keys[k] = true
	}
}

// drop takes entries off the queue.
func (o *Outbox) drop(entries []*entry) {
	for _, e := range entries {
		delete(o.waiting, e.ID)
		o.behind.entries[e.key] = nil
	}
}

// behind is what the file does not have yet: a disk may be full.
type behind struct {
	entries map[[8]byte]*entry // nil: it is to go
	keys    map[string]bool    // of said
}

func (o *Outbox) upToDate() bool { return len(o.behind.entries)+len(o.behind.keys) == 0 }

// save brings the file to where the memory is. What it cannot write now is written
// with what changes next, and by Due.
func (o *Outbox) save() error {
	if o.upToDate() {
		return nil
	}
	err := o.db.Update(func(tx *bolt.Tx) error {
		waiting, said := tx.Bucket([]byte(bucketWaiting)), tx.Bucket([]byte(bucketSaid))
		for k, e := range o.behind.entries {
			if e == nil {
				if err := waiting.Delete(k[:]); err != nil {
					return err
				}
				continue
			}
			b, err := json.Marshal(e.Delivery)
			if err != nil {
				return err
			}
			if err := waiting.Put(k[:], b); err != nil {
				return err
			}
		}
		for k := range o.behind.keys {
			at, ok := o.said[k]
			if !ok {
				if err := said.Delete([]byte(k)); err != nil {
					return err
				}
				continue
			}
			b, err := at.MarshalBinary()
			if err != nil {
				return err
			}
			if err := said.Put([]byte(k), b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("notifications are kept in memory until they can be written: %w", err)
	}
	clear(o.behind.entries)
	clear(o.behind.keys)
	return nil
}

// forget gives the keys that make room for more: those that are past their
// window, and if that is not enough the oldest.
func (o *Outbox) forget(now time.Time, room int) []string {
	var old, rest []string
	for k, at := range o.said {
		if now.Sub(at) >= Window || now.Before(at) {
			old = append(old, k)
		} else {
			rest = append(rest, k)
		}
	}
	if over := len(rest) + room - MaxKeys; over > 0 {
		slices.SortFunc(rest, func(a, b string) int { return o.said[a].Compare(o.said[b]) })
		old = append(old, rest[:min(over, len(rest))]...)
	}
	return old
}

func (o *Outbox) wake() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// Prune gives up what waits for channels that are not in known: they are no
// longer configured.
func (o *Outbox) Prune(known []string) ([]notify.Result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var gone []*entry
	for _, e := range o.waiting {
		if !slices.Contains(known, e.Channel) {
			gone = append(gone, e)
		}
	}
	return o.giveUp(gone, "its channel is no longer configured"), o.save()
}

func (o *Outbox) giveUp(gone []*entry, why string) []notify.Result {
	o.drop(gone)
	var out []notify.Result
	for _, e := range gone {
		e.Error = cmp.Or(e.Error, why)
		out = append(out, notify.Result{Delivery: e.Delivery, Outcome: notify.GivenUp})
	}
	return out
}

// Due gives up to most deliveries to some channels that can be tried now, the
// oldest first, and leases them. expired are those that have become too old.
// wait is how long to wait for the next one, and changed is closed when there
// may be one sooner.
func (o *Outbox) Due(channels []string, most int) (due []notify.Delivery, expired []notify.Result, wait time.Duration, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	wait = time.Hour
	var ready, gone []*entry
	for _, e := range o.waiting {
		if !slices.Contains(channels, e.Channel) {
			continue
		}
		fate := o.judge(e.Delivery, now)
		at := e.notBefore(now)
		switch {
		case fate.Over, !fate.Live && !now.Before(e.Message.Expires):
			if fate.Until.After(now) {
				e.Error = cmp.Or(e.Error, "quiet hours last until it is of no use")
			}
			gone = append(gone, e)
		case at.After(now):
			wait = min(wait, at.Sub(now))
		case fate.Until.After(now):
			wait = min(wait, fate.Until.Sub(now), recheck)
		default:
			ready = append(ready, e)
		}
	}
	expired = o.giveUp(gone, "it has become too old")
	if o.save() != nil { // which was said when it began; telling goes on
		wait = min(wait, recheck)
	}
	slices.SortFunc(ready, func(a, b *entry) int { return slices.Compare(a.key[:], b.key[:]) })
	for _, e := range ready[:min(len(ready), most)] {
		e.leased = now.Add(leaseTime)
		due = append(due, e.Delivery)
	}
	return due, expired, wait, o.changed
}

// notBefore is when an entry can be tried. What was never tried can be at once, and
// one that waits for longer than any delay waits for a clock that was set back.
func (e *entry) notBefore(now time.Time) time.Time {
	at := e.leased
	if e.Attempts > 0 && e.Next.After(at) {
		at = e.Next
	}
	if at.Sub(now) > delays[len(delays)-1] {
		return now
	}
	return at
}

// Withdraw takes back what waits and is of no use any more. What a sender has
// already may still be sent.
func (o *Outbox) Withdraw(is func(notify.Message) bool) ([]notify.Result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var gone []*entry
	for _, e := range o.waiting {
		if is(e.Message) {
			gone = append(gone, e)
		}
	}
	o.drop(gone)
	var out []notify.Result
	for _, e := range gone {
		out = append(out, notify.Result{Delivery: e.Delivery, Outcome: notify.Withdrawn})
	}
	return out, o.save()
}

// Done says how an attempt went. A delivery that is not there any more is no
// error: it was told twice. With an error the result holds, and is not on the disk yet.
func (o *Outbox) Done(r notify.Report) (notify.Result, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.waiting[r.ID]
	if e == nil {
		return notify.Result{}, false, nil
	}
	r.Error = notify.Cut(r.Error, notify.MaxError)
	if r.Error == "" {
		o.drop([]*entry{e})
		return notify.Result{Delivery: e.Delivery, Outcome: notify.Sent}, true, o.save()
	}
	again := *e
	again.Error, again.Attempts = r.Error, e.Attempts+1
	again.Next = o.now().Add(delays[min(e.Attempts, len(delays)-1)]).UTC()
	again.leased = time.Time{}
	if r.Refused || !again.Next.Before(e.Message.Expires) {
		o.drop([]*entry{e})
		return notify.Result{Delivery: again.Delivery, Outcome: notify.GivenUp}, true, o.save()
	}
	o.waiting[r.ID], o.behind.entries[e.key] = &again, &again
	o.wake()
	return notify.Result{Delivery: again.Delivery, Outcome: notify.Later}, true, o.save()
}

// Waiting lists what is queued, the oldest first.
func (o *Outbox) Waiting() []notify.Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]notify.Delivery, 0, len(o.waiting))
	for _, e := range o.waiting {
		out = append(out, e.Delivery)
	}
	slices.SortFunc(out, func(a, b notify.Delivery) int {
		return cmp.Or(a.Message.Time.Compare(b.Message.Time), strings.Compare(a.ID, b.ID))
	})
	return out
}
