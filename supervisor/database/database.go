package database

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrDamaged is what a file gives that is damaged beyond an entry.
var ErrDamaged = errors.New("the file is damaged")

// openTimeout bounds the wait for another process that has the file open.
const openTimeout = 2 * time.Second

// Open opens or makes the file at path and reads all that is in it. lost is what
// nobody knows any more without the file, for the error's advice.
func Open(path, lost string) (*bolt.DB, error) {
	var db *bolt.DB
	var file *os.File // a database that panics does not close it
	err := Safely(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: openTimeout, FreelistType: bolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
				file, err = os.OpenFile(name, flag, mode)
				return file, err
			}})
		return err
	})
	if errors.Is(err, ErrDamaged) && file != nil {
		_ = file.Close()
	}
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("open %s: another supervisor uses it", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w%s", path, err, Hint(err, lost))
	}
	if err := Safely(func() error { return db.View(readAll) }); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w%s", path, err, Hint(err, lost)), Safely(db.Close))
	}
	return db, nil
}

// readAll looks at every entry, and so at every page that holds one.
func readAll(tx *bolt.Tx) error {
	return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		if b == nil {
			return fmt.Errorf("%w: %q is no bucket", ErrDamaged, name)
		}
		sum := byte(0) // reads what is faulted in only when it is looked at
		err := b.ForEach(func(k, v []byte) error {
			for _, c := range [][]byte{k, v} {
				for _, x := range c {
					sum += x
				}
			}
			return nil
		})
		_ = sum
		return err
	})
}

// Safely does something with a database, whose code panics where a page is not
// what it should be, and is faulted by the kernel where the file has ended.
func Safely(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return do()
}

// Hint says what to do about a file that cannot be used. What the system refuses
// says nothing about the file.
func Hint(err error, lost string) string {
	var errno syscall.Errno
	if err == nil || errors.As(err, &errno) {
		return ""
	}
	return "; restore it from a backup (clawjail restore), or move it away: then " + lost
}
