package audit

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ErrFull says that the disk has no room for a record. Nothing of the record
// was kept, and a later Append can succeed.
var ErrFull = errors.New("no space left for the audit log")

// ErrLocked says that another process writes the log.
var ErrLocked = errors.New("another process writes this audit log")

// ErrClosed says that the log was closed.
var ErrClosed = errors.New("audit log is closed")

// The defaults of Options.
const (
	DefaultMaxBytes = 128 << 20
	DefaultInterval = 100 * time.Millisecond
)

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

	// Redact takes secrets out of each record before anything else is done with
	// it; nil leaves records as they are.
	Redact func(*Record)
	// Rotated is told where a segment was closed. It is called with the log
	// locked: it must neither wait nor call the log.
	Rotated func(seq uint64, head string)

	now func() (wall time.Time, mono time.Duration) // for tests
}

// Log is the one writer of a directory.
type Log struct {
	opts Options
	root *os.Root
	lock *os.File // the directory, with the flock

	mu     sync.Mutex
	seg    *os.File
	size   int64  // of the lines in seg; what is behind is to be cut off
	dirty  bool   // a write failed and left something behind size
	bytes  uint64 // written by this Log
	seq    uint64
	prev   string // hex hash of the last line
	buf    []byte
	lost   uint64   // records refused since the last that was not
	why    string   // for what reason
	owed   []Record // notes of our own to be written before the next record
	clock  clock
	err    error // once set, nothing is written any more
	synced uint64
	flush  *sync.Cond // synced or err changed

	wake   chan struct{} // there is something to flush; capacity 1: a level, not a count
	urgent chan struct{} // and it should not wait; likewise
	stop   chan struct{}
	done   chan struct{}
}

// Open opens the log in dir for writing, and makes dir when it is missing. It
// fails with ErrLocked when another process holds it, and when others than its
// owner can write to dir.
func Open(dir string, o Options) (*Log, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make audit directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open audit directory: %w", err)
	}
	l := &Log{
		opts: o, root: root, prev: Genesis,
		wake: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}),
	}
	l.flush = sync.NewCond(&l.mu)
	if err := l.start(dir); err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.MaxBytes < 0 || o.Interval < 0 || o.Sync > SyncNever {
		return o, fmt.Errorf("audit options: negative size or interval, or unknown sync policy %d", o.Sync)
	}
	if o.Boot == "" {
		b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
		if err != nil {
			return o, fmt.Errorf("read boot id: %w", err)
		}
		o.Boot = strings.TrimSpace(string(b))
	}
	if o.now == nil {
		start := time.Now()
		o.now = func() (time.Time, time.Duration) {
			t := time.Now()
			return t, t.Sub(start)
		}
	}
	return o, nil
}

// start locks the directory, finds the end of the log and starts the flusher.
func (l *Log) start(dir string) error {
	var err error
	if l.lock, err = l.root.Open("."); err != nil {
		return fmt.Errorf("open audit directory: %w", err)
	}
	if err := lockDir(l.lock, dir); err != nil {
		return err
	}
	if err := l.recover(); err != nil {
		return fmt.Errorf("audit log %q: %w", dir, err)
	}
	l.synced = l.seq
	go l.flusher()
	// When there is no room even for this, it stays owed.
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.settle(); err != nil && !errors.Is(err, ErrFull) {
		close(l.stop)
		<-l.done
		return err
	}
	if l.seq > l.synced {
		l.notify(true)
	}
	return nil
}

// lockDir takes the writer's lock, and refuses a directory in which somebody
// else could change the log.
func lockDir(d *os.File, dir string) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(d.Fd()), &st); err != nil {
		return &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	if int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return fmt.Errorf("audit directory %q (owner %d, mode %#o) can be written by others: chown it to uid %d and chmod go-w",
			dir, st.Uid, st.Mode&0o7777, os.Geteuid())
	}
	switch err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return fmt.Errorf("audit directory %q: %w", dir, ErrLocked)
	case err != nil:
		return os.NewSyscallError("flock", err)
	}
	return nil
}

// Append writes one record and returns its sequence number; it is in the
// kernel's hands then, and on the disk by the policy. The error matches ErrFull
// when there is no space. A record that is refused is counted, and the count is
// the first thing written when writing works again: a caller that keeps the
// record and appends it once more will find it behind the gap that counts it. A
// caller that counts for itself appends a gap of ClassAudit, which replaces the
// log's own.
func (l *Log) Append(r Record) (uint64, error) {
	if l.opts.Redact != nil {
		l.opts.Redact(&r)
	}
	bound(&r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	wall := l.tick()
	if r.Time.IsZero() {
		r.Time = wall
	}
	err := l.put(&r)
	if err != nil {
		return 0, err
	}
	seq := l.seq
	l.notify(urgent(&r))
	if err := l.waitSynced(seq); err != nil {
		return 0, err
	}
	return seq, nil
}

// waitSynced waits until a record is on the disk, where each is waited for. The
// lock is held.
func (l *Log) waitSynced(seq uint64) error {
	if l.opts.Sync != SyncAlways {
		return nil
	}
	for l.synced < seq && l.err == nil {
		l.flush.Wait()
	}
	if l.synced < seq {
		return l.err
	}
	return nil
}

// tick reads the clock, and owes a record where it was set. The lock is held.
func (l *Log) tick() time.Time {
	wall, mono := l.opts.now()
	if note, ok := l.clock.step(wall, mono); ok {
		l.owe(note)
	}
	return wall
}

// Head gives the sequence number and the hash of the newest record.
func (l *Log) Head() (seq uint64, hash string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq, l.prev
}

// Bytes gives how much this Log has written.
func (l *Log) Bytes() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes
}

// Close flushes and releases the log.
func (l *Log) Close() error {
	l.mu.Lock()
	if errors.Is(l.err, ErrClosed) {
		l.mu.Unlock()
		return nil
	}
	err := errors.Join(l.settle(), l.err)
	l.err = ErrClosed
	l.mu.Unlock()
	close(l.stop)
	<-l.done
	if e := l.seg.Sync(); e != nil {
		err = errors.Join(err, fmt.Errorf("flush audit log: %w", e))
	}
	l.flush.Broadcast()
	l.release()
	return err
}

func (l *Log) release() {
	if l.seg != nil {
		l.seg.Close()
	}
	if l.lock != nil {
		l.lock.Close()
	}
	l.root.Close()
}

// put writes a record behind what the log itself has to say, or counts it.
func (l *Log) put(r *Record) error {
	counts := r.Gate == GateGap && r.Subject.Class == ClassAudit
	err := l.notes()
	if err == nil && !counts {
		err = l.settle()
	}
	if err == nil {
		err = l.write(r)
	}
	switch {
	case err == nil && counts:
		l.lost = 0
	case err != nil && !counts:
		l.lost++
		l.why = err.Error()
	}
	return err
}

// notes writes the notes that are owed.
func (l *Log) notes() error {
	for len(l.owed) > 0 {
		if err := l.write(&l.owed[0]); err != nil {
			return err
		}
		l.owed = l.owed[1:]
	}
	return nil
}

// settle writes everything that the log itself has to say.
func (l *Log) settle() error {
	if err := l.notes(); err != nil || l.lost == 0 {
		return err
	}
	gap := Record{Gate: GateGap, Subject: Subject{Class: ClassAudit, Lost: l.lost, Message: "records could not be written: " + l.why}}
	gap.Time, _ = l.opts.now()
	bound(&gap)
	if err := l.write(&gap); err != nil {
		return err
	}
	l.lost = 0
	return nil
}

// maxOwed bounds the notes kept while the disk is full. The first ones stay:
// they say how it began.
const maxOwed = 16

func (l *Log) owe(r Record) {
	if len(l.owed) < maxOwed {
		l.owed = append(l.owed, r)
	}
}

// write appends one line to the segment, or changes nothing.
func (l *Log) write(r *Record) error {
	b := l.line(l.buf[:0], r, l.seq+1, l.prev)
	l.buf = b[:0]
	if l.size > 0 && l.size+int64(len(b)) > l.opts.MaxBytes {
		if err := l.rotate(r.Seq); err != nil {
			return err
		}
	}
	if err := l.store(b); err != nil {
		return err
	}
	sum := hashLine(b[:len(b)-1])
	l.seq, l.prev = r.Seq, string(sum[:])
	return nil
}

// line appends the line of a record to b.
func (l *Log) line(b []byte, r *Record, seq uint64, prev string) []byte {
	r.Schema, r.Seq = Schema, seq
	if r.Boot == "" {
		r.Boot = l.opts.Boot
	}
	if r.Tier == "" {
		r.Tier = l.opts.Tier
	}
	b = append(r.appendBody(b), `,"prev":"`...)
	b = append(b, prev...)
	return append(b, '"', '}', '\n')
}

// store puts lines at the end of the segment, or changes nothing.
func (l *Log) store(b []byte) error {
	if l.dirty {
		if err := l.seg.Truncate(l.size); err != nil {
			return fmt.Errorf("cut off half a record: %w", err)
		}
		l.dirty = false
	}
	if _, err := l.seg.WriteAt(b, l.size); err != nil {
		l.dirty = l.seg.Truncate(l.size) != nil
		return writeError(err)
	}
	l.size += int64(len(b))
	l.bytes += uint64(len(b))
	return nil
}

// writeError marks the errors that mean a full disk.
func writeError(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("write audit record: %w", err)
}

// rotate closes the segment and begins the one whose first record is first.
// When the new one cannot be made, the old one stays.
func (l *Log) rotate(first uint64) error {
	next := segmentAt(first)
	f, err := l.root.OpenFile(next.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return writeError(err)
	}
	if err := errors.Join(l.seg.Sync(), syncDir(l.root, ".")); err != nil {
		f.Close()
		l.fail(err)
		return l.err
	}
	l.synced = l.seq
	l.flush.Broadcast()
	l.seg.Close()
	l.seg, l.size, l.dirty = f, 0, false
	if l.opts.Rotated != nil {
		l.opts.Rotated(l.seq, l.prev)
	}
	return nil
}
