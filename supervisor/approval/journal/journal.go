package journal

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"clawjail/supervisor/approval"
)

const bucket = "approvals"

// batchDelay is how long a commit waits for others to join it. A request waits
// for a human anyway; an fsync takes longer than this.
const batchDelay = time.Millisecond

// openTimeout bounds the wait for another process that has the file open.
const openTimeout = 2 * time.Second

// Journal keeps requests in a file.
type Journal struct{ db *bolt.DB }

// Open opens or makes the file.
func Open(path string) (*Journal, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: openTimeout, FreelistType: bolt.FreelistMapType})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("open %s: another supervisor uses it", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.MaxBatchDelay = batchDelay
	if err := db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists([]byte(bucket))
		return err
	}); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", path, err), db.Close())
	}
	return &Journal{db: db}, nil
}

// Put writes a request and returns when it is on the disk.
func (j *Journal) Put(r approval.Request) error {
	b, err := approval.Encode(r)
	if err != nil {
		return fmt.Errorf("journal request %s: %w", r.ID, err)
	}
	err = j.db.Batch(func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(r.ID), b) })
	if err != nil {
		return fmt.Errorf("journal request %s: %w", r.ID, err)
	}
	return nil
}

// Remove removes requests in one commit. One that is not there is no error.
func (j *Journal) Remove(ids ...string) error {
	return j.db.Batch(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		for _, id := range ids {
			if err := b.Delete([]byte(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Load gives every request, and an error for those that cannot be read; these
// are removed.
func (j *Journal) Load() ([]approval.Request, error) {
	var out []approval.Request
	var errs []error
	err := j.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		var bad [][]byte
		err := b.ForEach(func(k, v []byte) error {
			r, err := approval.Decode(v)
			if err == nil && r.ID != string(k) {
				err = fmt.Errorf("request %s is stored as %q", r.ID, k)
			}
			if err != nil {
				errs = append(errs, err)
				bad = append(bad, append([]byte(nil), k...))
				return nil
			}
			out = append(out, r)
			return nil
		})
		for _, k := range bad {
			err = errors.Join(err, b.Delete(k))
		}
		return err
	})
	return out, errors.Join(append(errs, err)...)
}

// Close closes the file.
func (j *Journal) Close() error { return j.db.Close() }
