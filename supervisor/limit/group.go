package limit

import (
	"errors"
	"sync"

	bolt "go.etcd.io/bbolt"

	"clawjail/supervisor/database"
)

// Where things are in the database.
const (
	bucket       = "limits"
	anchorKey    = "anchor"
	sumKey       = "sum"
	windowPrefix = 'k'
)

// group writes records. Commits that come while one is being written wait and
// are then one; nobody waits for company.
type group struct {
	db   *bolt.DB
	time *timeline

	mu      sync.Mutex
	next    *commit
	writing sync.Mutex
	broken  error // held by writing: nothing is written any more
	sum     sum   // held by writing: of all records that are there
}

// commit is one transaction to be.
type commit struct {
	records map[string][]byte
	done    chan struct{}
	err     error
}

// commit writes one key's record, nil to remove it, and returns when it is on
// the disk. A key is committed by one caller at a time.
func (g *group) commit(key string, record []byte) error {
	g.mu.Lock()
	c := g.next
	leads := c == nil
	if leads {
		c = &commit{records: map[string][]byte{}, done: make(chan struct{})}
		g.next = c
	}
	c.records[key] = record
	g.mu.Unlock()
	if !leads {
		<-c.done
		return c.err
	}
	g.writing.Lock()
	defer g.writing.Unlock()
	g.mu.Lock()
	g.next = nil
	g.mu.Unlock()
	c.err = errNotWritten
	defer close(c.done)
	c.err = g.transact(c.records)
	return c.err
}

// errNotWritten is what the others learn if the leader never came to an end.
var errNotWritten = errors.New("not written")

// write commits several records at once.
func (g *group) write(records map[string][]byte) error {
	g.writing.Lock()
	defer g.writing.Unlock()
	return g.transact(records)
}

// transact is one transaction, the time of it included.
func (g *group) transact(records map[string][]byte) error {
	now, err := g.time.anchor()
	if err != nil {
		return err
	}
	if g.broken != nil {
		return g.broken
	}
	next := g.sum
	err = database.Safely(func() error { return g.db.Update(func(tx *bolt.Tx) error { return next.put(tx, now, records) }) })
	if err == nil {
		g.sum = next
	}
	if errors.Is(err, database.ErrDamaged) {
		g.broken = err // what the database holds by now, and which of its locks, nobody knows
	}
	return err
}
