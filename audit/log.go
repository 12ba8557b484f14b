package audit

import (
	"errors"
	"time"
)

// ErrFull says that the disk has no room for a record. Nothing of the record
// was kept, and a later Append can succeed.
var ErrFull = errors.New("no space left for the audit log")

// ErrLocked says that another process writes the log.
var ErrLocked = errors.New("another process writes this audit log")

// ErrClosed says that the log was closed.
var ErrClosed = errors.New("audit log is closed")

// Sync is the policy for flushing records to the disk.
type Sync uint8

// The flush policies; see the package documentation.
const (
	SyncInterval Sync = iota
	SyncAlways
	SyncNever
)

// Options are the settings of a log. The zero value is the default.
type Options struct {
	MaxBytes int64         // size at which a segment is closed; 0: DefaultMaxBytes
	Sync     Sync          // flush policy
	Interval time.Duration // of SyncInterval; 0: DefaultInterval
	Boot     string        // boot id; "": the kernel's
	Tier     string        // put in records that have none
}

// Log is the one writer of a directory.
type Log struct{}

// Open opens the log in dir for writing, and makes dir when it is missing. It
// fails with ErrLocked when another process holds it.
func Open(dir string, o Options) (*Log, error) { return nil, errors.ErrUnsupported }

// Append writes one record and returns its sequence number. The error matches
// ErrFull when there is no space; then nothing was written.
func (l *Log) Append(r Record) (uint64, error) { return 0, errors.ErrUnsupported }

// Sync flushes everything appended so far to the disk.
func (l *Log) Sync() error { return errors.ErrUnsupported }

// Head gives the sequence number and the hash of the newest record.
func (l *Log) Head() (seq uint64, hash string) { return 0, Genesis }

// Close flushes and releases the log.
func (l *Log) Close() error { return nil }
