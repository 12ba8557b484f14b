package limit

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	bolt "go.etcd.io/bbolt"

	"clawjail/supervisor/database"
)

// maxReserve bounds the units that are reserved at once.
const maxReserve = 4096

// share is the part of a limit that is reserved at once.
const share = 16

// forgotten is what moving the file away means.
const forgotten = "what was used of every limit is forgotten"

// Store counts.
type Store struct {
	db    *bolt.DB
	own   bool
	time  *timeline
	group group

	mu     sync.RWMutex // held for reading by every take
	closed bool

	keysMu sync.Mutex
	keys   map[string]*slot
}

// slot is one key.
type slot struct {
	mu   sync.Mutex
	w    *window // nil: what is on disk is damaged
	gone bool    // no longer in the table: look again
}

// Open opens or makes the file.
func Open(path string) (*Store, error) {
	db, err := database.Open(path, forgotten)
	if err != nil {
		return nil, err
	}
	s, err := New(db, nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w%s", err, database.Hint(err, forgotten)), database.Safely(db.Close))
	}
	s.own = true
	return s, nil
}

// New counts in a bucket of a database that somebody else owns. A nil clock is
// the system's.
func New(db *bolt.DB, clock Clock) (*Store, error) {
	if clock == nil {
		clock = systemClock{}
	}
	s := &Store{db: db, keys: map[string]*slot{}}
	s.group.db = db
	last, err := s.load()
	if err != nil {
		return nil, fmt.Errorf("read the limits in %s: %w", db.Path(), err)
	}
	if s.time, err = resume(clock, last); err != nil {
		return nil, err
	}
	s.group.time = s.time
	if err := s.settle(); err != nil {
		return nil, fmt.Errorf("prepare the limits in %s: %w", db.Path(), err)
	}
	return s, nil
}

// CopyTo writes the whole file, as it is now, to another path.
func (s *Store) CopyTo(path string) error {
	return s.db.View(func(tx *bolt.Tx) error { return tx.CopyFile(path, 0o600) })
}

// firstTx is the last transaction of a database that was only made: bbolt's
// db.go:init writes two.
const firstTx = 1

// load reads every key and the last anchor, whose time is never before that of
// an entry.
func (s *Store) load() (anchor, error) {
	var last anchor
	err := database.Safely(func() error { return s.db.View(func(tx *bolt.Tx) error { return s.read(tx, &last) }) })
	for _, sl := range s.keys {
		if sl.w != nil && len(sl.w.entries) > 0 {
			last.Now = max(last.Now, sl.w.entries[len(sl.w.entries)-1].at)
		}
	}
	return last, err
}

// read reads what load wants.
func (s *Store) read(tx *bolt.Tx, last *anchor) error {
	b := tx.Bucket([]byte(bucket))
	if b == nil && tx.ID() > firstTx {
		return fmt.Errorf("%w: it was written to, and holds nothing", database.ErrDamaged)
	}
	if b == nil {
		return nil
	}
	if v := b.Get([]byte(anchorKey)); v != nil {
		// Without a readable one, no time has passed since the last entry.
		*last, _ = decodeAnchor(v)
	}
	err := b.ForEach(func(k, v []byte) error {
		if len(k) == 0 || k[0] != windowPrefix {
			return nil
		}
		if len(s.keys) >= MaxKeys {
			return ErrKeys
		}
		s.group.sum.add(k, v)
		w, err := decodeWindow(v)
		if err != nil {
			w = nil // denied until removed
		}
		s.keys[string(k[1:])] = &slot{w: w}
		return nil
	})
	if err != nil {
		return err
	}
	if is := b.Get([]byte(sumKey)); !bytes.Equal(is, s.group.sum.encode()) {
		return fmt.Errorf("%w: its records are not those that were written", database.ErrDamaged)
	}
	return nil
}

// settle counts what a crash left reserved as taken now, and writes that down.
func (s *Store) settle() error {
	now, err := s.time.now()
	if err != nil {
		return err
	}
	records := map[string][]byte{}
	for key, sl := range s.keys {
		if sl.w == nil || sl.w.reserved == 0 {
			continue
		}
		sl.w.take(now, sl.w.reserved)
		sl.w.reserved = 0
		records[key] = encodeWindow(sl.w)
	}
	return s.group.write(records)
}

// Take takes n units of key if the limit has room for all of them. used is how
// many the window holds, these included. An error denies.
func (s *Store) Take(key string, l Limit, n int64) (ok bool, used int64, err error) {
	if !l.valid() || n <= 0 || n > MaxMax || key == "" || len(key) > MaxKey {
		return false, 0, fmt.Errorf("take %d of %q: %w", n, key, ErrInvalid)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false, 0, ErrClosed
	}
	sl, err := s.slot(key)
	if err != nil {
		return false, 0, err
	}
	defer sl.mu.Unlock()
	ok, used, err = s.take(key, sl.w, l, n)
	if err != nil {
		return false, used, fmt.Errorf("take %d of %q: %w", n, key, err)
	}
	return ok, used, nil
}

// take is Take with the key's window at hand.
func (s *Store) take(key string, w *window, l Limit, n int64) (ok bool, used int64, err error) {
	if w == nil {
		return false, 0, ErrDamaged
	}
	now, err := s.time.now()
	if err != nil {
		return false, 0, err
	}
	w.keep = max(w.keep, int64(l.Per))
	w.expire(now)
	used = w.used(now, int64(l.Per))
	if n > l.Max-used {
		return false, used, nil
	}
	if w.reserved < n {
		if err := s.reserve(key, w, max(n, min(l.Max-used, l.Max/share+1, maxReserve))); err != nil {
			return false, used, err
		}
		// The units are taken when they are granted, not when the disk was asked.
		if now, err = s.time.now(); err != nil {
			return false, used, err
		}
	}
	w.reserved -= n
	w.take(now, n)
	return true, used + n, nil
}

// reserve writes what was taken, and units more as reserved.
func (s *Store) reserve(key string, w *window, units int64) error {
	next := *w
	next.reserved = units
	if err := s.group.commit(key, encodeWindow(&next)); err != nil {
		return err
	}
	w.reserved = units
	return nil
}

// Used is how many units the window of key holds.
func (s *Store) Used(key string, l Limit) (int64, error) {
	if !l.valid() {
		return 0, fmt.Errorf("count %q: %w", key, ErrInvalid)
	}
	s.keysMu.Lock()
	sl := s.keys[key]
	s.keysMu.Unlock()
	if sl == nil {
		return 0, nil
	}
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if sl.w == nil {
		return 0, fmt.Errorf("count %q: %w", key, ErrDamaged)
	}
	now, err := s.time.now()
	if err != nil {
		return 0, err
	}
	sl.w.expire(now)
	return sl.w.used(now, int64(l.Per)), nil
}

// Close writes down what was really taken, so that no reservation counts any
// more, and ends the Store. Without it, reservations count as taken.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	records := map[string][]byte{}
	for key, sl := range s.keys {
		if sl.w == nil {
			continue
		}
		sl.w.reserved = 0
		records[key] = encodeWindow(sl.w)
	}
	err := s.group.write(records)
	if s.own {
		err = errors.Join(err, s.db.Close())
	}
	return err
}
