package journal

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"clawjail/supervisor/approval"
	"clawjail/supervisor/database"
)

const (
	bucket = "approvals"
	scopes = "scopes"
	trails = "trails"
)

// batchDelay is how long a commit waits for others to join it. A request waits
// for a human anyway; an fsync takes longer than this.
const batchDelay = time.Millisecond

// Journal keeps requests in a file.
type Journal struct{ db *bolt.DB }

// Open opens or makes the file.
func Open(path string) (*Journal, error) {
	db, err := database.Open(path, "requests that wait are denied, and what was allowed for longer is asked again")
	if err != nil {
		return nil, err
	}
	db.MaxBatchDelay = batchDelay
	if err := database.Safely(func() error { return db.Update(prepare) }); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", path, err), database.Safely(db.Close))
	}
	return &Journal{db: db}, nil
}

func prepare(tx *bolt.Tx) error {
	for _, name := range []string{bucket, scopes, trails} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// CopyTo writes the whole file, as it is now, to another path.
func (j *Journal) CopyTo(path string) error {
	return j.db.View(func(tx *bolt.Tx) error { return tx.CopyFile(path, 0o600) })
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

// Remove removes requests, and their trails, in one commit. One that is not there
// is no error.
func (j *Journal) Remove(ids ...string) error { return j.remove(ids, bucket, trails) }

// PutTrail writes who was told of a request and who approved it so far, as that is
// when it is written.
func (j *Journal) PutTrail(id string, latest func() (approval.Trail, bool)) error {
	return j.db.Batch(func(tx *bolt.Tx) error {
		t, open := latest()
		if !open {
			return nil
		}
		b, err := approval.EncodeTrail(t)
		if err != nil {
			return err
		}
		return tx.Bucket([]byte(trails)).Put([]byte(id), b)
	})
}

// Trails gives every trail by the id of its request, as Load gives requests.
func (j *Journal) Trails() (map[string]approval.Trail, error) {
	out := map[string]approval.Trail{}
	var errs []error
	err := j.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(trails))
		var gone [][]byte
		err := b.ForEach(func(k, v []byte) error {
			t, err := approval.DecodeTrail(v)
			if err != nil {
				errs = append(errs, err)
			}
			if err != nil || tx.Bucket([]byte(bucket)).Get(k) == nil {
				gone = append(gone, append([]byte(nil), k...))
				return nil
			}
			out[string(k)] = t
			return nil
		})
		for _, k := range gone {
			err = errors.Join(err, b.Delete(k))
		}
		return err
	})
	return out, errors.Join(append(errs, err)...)
}

// Keep writes a remembered scope and returns when it is on the disk.
func (j *Journal) Keep(m approval.Remembered) error {
	b, err := approval.EncodeRemembered(m)
	if err != nil {
		return err
	}
	return j.db.Batch(func(tx *bolt.Tx) error { return tx.Bucket([]byte(scopes)).Put([]byte(m.Name()), b) })
}

// Drop removes remembered scopes in one commit. One that is not there is no error.
func (j *Journal) Drop(names ...string) error { return j.remove(names, scopes) }

func (j *Journal) remove(keys []string, buckets ...string) error {
	return j.db.Batch(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			b := tx.Bucket([]byte(name))
			for _, k := range keys {
				if err := b.Delete([]byte(k)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Load gives every request, and an error for those that cannot be read; these
// are removed.
func (j *Journal) Load() ([]approval.Request, error) {
	return load(j, bucket, approval.Decode, func(r approval.Request) string { return r.ID })
}

// Scopes gives every remembered scope, as Load gives requests.
func (j *Journal) Scopes() ([]approval.Remembered, error) {
	return load(j, scopes, approval.DecodeRemembered, approval.Remembered.Name)
}

func load[T any](j *Journal, bucket string, decode func([]byte) (T, error), name func(T) string) ([]T, error) {
	var out []T
	var errs []error
	err := j.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		var bad [][]byte
		err := b.ForEach(func(k, v []byte) error {
			r, err := decode(v)
			if err == nil && name(r) != string(k) {
				err = fmt.Errorf("%q is stored as %q", name(r), k)
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
