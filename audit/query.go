package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"
)

// Filter chooses records. Empty fields choose everything.
type Filter struct {
	Jail         string    // one jail's id, or several separated by commas
	Gate         string    // likewise
	Verdict      string    // likewise
	Since, Until time.Time // by Record.Time; Since inclusive, Until exclusive
	Limit        int       // only the newest so many; 0: all. In Follow it bounds what is old, and negative means nothing old
}

// CorruptError says where a log cannot be trusted: a line that cannot be read,
// or one that does not follow the line before it.
type CorruptError struct {
	Segment string
	Line    int // in the segment, from 1
	Err     error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("audit segment %s, line %d: %v", e.Segment, e.Line, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// Query gives the records of dir that f chooses, oldest first. It checks the
// chain of what it reads, if f chooses it or not: a line that cannot be read or
// does not follow gives a *CorruptError, and the walk goes on behind it. Any
// other error is the last thing given.
func Query(dir string, f Filter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		w, err := newWalk(dir, f)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer w.close()
		if err := w.begin(f.Limit); err != nil {
			yield(Record{}, err)
			return
		}
		w.old(yield)
	}
}

// walk goes through the segments of a log.
type walk struct {
	root  *os.Root
	match matcher
	segs  []segment // still to be read; the first is open
	skip  int       // matches that Limit leaves out

	file  segmentFile
	lines *lineReader
	line  int    // in the open segment
	seq   uint64 // of the next record
	prev  [sha256Hex]byte
	chain bool // prev is known
	lost  bool // the rest of the open segment cannot be read
}

func newWalk(dir string, f Filter) (*walk, error) {
	root, err := openRoot(dir)
	if err != nil {
		return nil, err
	}
	return &walk{root: root, match: newMatcher(f), lines: newLineReader(nil, MaxLineBytes)}, nil
}

func (w *walk) close() {
	w.shut()
	w.root.Close()
}

func (w *walk) shut() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
}

// begin goes to where the newest limit matches begin.
func (w *walk) begin(limit int) error {
	segs, err := listSegments(w.root)
	if err != nil {
		return err
	}
	start, off := 0, int64(0)
	if limit > 0 {
		found := 0
		for start = len(segs); start > 0 && found < limit; start-- {
			var n int
			if n, off, err = w.last(segs[start-1], limit-found); err != nil {
				return err
			}
			found += n
		}
		w.skip = max(0, found-limit)
	}
	w.segs = segs[start:]
	if len(w.segs) == 0 {
		return nil
	}
	if err := w.open(); err != nil || off == 0 {
		return err
	}
	return w.jump(off)
}

// jump goes to a line of the open segment that is not its first. What stands
// before it is not checked.
func (w *walk) jump(off int64) error {
	lines, err := countLines(w.file, off)
	if err != nil {
		return fmt.Errorf("read audit segment: %w", err)
	}
	w.lines.off, w.line, w.seq, w.chain = off, int(lines), 0, false
	return nil
}

// last finds the newest matches of a segment, at most want of them, and where
// the first of them begins. In a compressed one, which is read from its
// beginning, it counts all.
func (w *walk) last(s segment, want int) (n int, off int64, err error) {
	if s.packed {
		n, err = w.count(s)
		return n, 0, err
	}
	f, err := openSegment(w.root, s)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	size, err := f.size()
	if err == nil {
		n, off, err = w.match.backwards(f, size, want)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read audit segment %s: %w", s.name, err)
	}
	return n, off, nil
}

// count tells how many records of a segment match.
func (w *walk) count(s segment) (int, error) {
	f, err := openSegment(w.root, s)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w.lines.reset(f)
	for n := 0; ; {
		line, err := w.lines.next()
		switch {
		case err == nil:
			if sh, ok := shapeOf(line); ok && w.match.line(line, sh) {
				n++
			}
		case errors.Is(err, errLong): // reported when it is read for good
		case err == io.EOF, errors.Is(err, errPartial):
			return n, nil
		default:
			return 0, fmt.Errorf("read audit segment %s: %w", s.name, err)
		}
	}
}

// open opens the first of segs. Its name says which number comes next, unless
// the walk knows better.
func (w *walk) open() error {
	w.shut()
	f, err := openSegment(w.root, w.segs[0])
	if err != nil {
		return err
	}
	w.file, w.line = f, 0
	w.lines.reset(f)
	if w.seq == 0 {
		w.seq = w.segs[0].first
	}
	return nil
}

// old gives what is there; false when the consumer has enough or the walk
// cannot go on.
func (w *walk) old(yield func(Record, error) bool) bool {
	for len(w.segs) > 0 {
		last := len(w.segs) == 1
		if w.lines.off == 0 && !(last && w.match.follow) && !w.stream(yield, last) {
			return false
		}
		// What a writer is about to add, or what begins in the middle.
		if !w.lost && !w.drain(yield, !last || !w.match.follow) {
			return false
		}
		w.lost = false
		if last {
			return true
		}
		w.segs = w.segs[1:]
		if err := w.open(); err != nil {
			yield(Record{}, err)
			return false
		}
	}
	return true
}

// A line that is just being written can be seen half done, where it crosses a
// page. A writer needs microseconds for the rest, so a reader waits this often
// and this long before it says that something is wrong.
const (
	partialWaits = 10
	partialWait  = 5 * time.Millisecond
)

// drain reads the open segment to its end. At the end of a segment that can
// still grow the beginning of a line is no complaint.
func (w *walk) drain(yield func(Record, error) bool, whole bool) bool {
	for waits := 0; ; {
		line, err := w.lines.next()
		if err == io.EOF || errors.Is(err, errPartial) && !whole {
			return true
		}
		if errors.Is(err, errPartial) && len(w.segs) == 1 && waits < partialWaits {
			waits++
			time.Sleep(partialWait)
			continue
		}
		w.line++
		switch {
		case errors.Is(err, errPartial):
			w.chain = false
			return yield(Record{}, w.corrupt(err))
		case errors.Is(err, errLong):
			w.chain = false
			w.seq++
			if !yield(Record{}, w.corrupt(err)) {
				return false
			}
			continue
		case err != nil:
			yield(Record{}, fmt.Errorf("read audit segment %s: %w", w.segs[0].name, err))
			return false
		}
		if e := w.match.look(line); !w.give(&e, yield) {
			return false
		}
	}
}

func (w *walk) corrupt(err error) error {
	return &CorruptError{Segment: w.segs[0].name, Line: w.line, Err: err}
}

// give checks one line and yields it when it matches.
func (w *walk) give(e *entry, yield func(Record, error) bool) bool {
	if !e.ok {
		w.follow(e.hash, w.seq)
		return yield(Record{}, w.corrupt(e.err))
	}
	if err := w.check(e.shape); err != nil && !yield(Record{}, w.corrupt(err)) {
		return false
	}
	w.follow(e.hash, e.seq)
	if !e.match {
		return true
	}
	if w.skip > 0 {
		w.skip--
		return true
	}
	if e.err != nil {
		return yield(Record{}, w.corrupt(e.err))
	}
	return yield(*e.record, nil)
}

// check says how a line does not follow the one before.
func (w *walk) check(sh shape) error {
	switch {
	case w.seq != 0 && sh.seq > w.seq:
		return fmt.Errorf("records %d to %d are missing", w.seq, sh.seq-1)
	case w.seq != 0 && sh.seq < w.seq:
		return fmt.Errorf("record %d stands where %d belongs", sh.seq, w.seq)
	case w.chain && !bytes.Equal(sh.prev, w.prev[:]):
		return fmt.Errorf("record %d does not follow the line before it: one of the two was altered", sh.seq)
	}
	return nil
}

// follow remembers what the next line has to say.
func (w *walk) follow(hash [sha256Hex]byte, seq uint64) {
	w.prev = hash
	w.chain = true
	w.seq = seq + 1
}

// matcher decides by the raw line. A member's name and quote cannot occur
// inside a string, where every quote has a backslash before it.
type matcher struct {
	anyOf        [][][]byte // of each group one must occur
	since, until []byte     // as in the log, so they compare as text
	follow       bool
}

func newMatcher(f Filter) matcher {
	var m matcher
	m.group("jail", strings.Split(f.Jail, ",")...)
	m.group("gate", strings.Split(f.Gate, ",")...)
	m.group("verdict", strings.Split(f.Verdict, ",")...)
	if !f.Since.IsZero() {
		m.since = appendTime(nil, f.Since)
	}
	if !f.Until.IsZero() {
		m.until = appendTime(nil, f.Until)
	}
	return m
}

func (m *matcher) group(name string, values ...string) {
	var g [][]byte
	for _, v := range values {
		if v != "" {
			g = append(g, appendString([]byte(`,"`+name+`":`), v))
		}
	}
	if len(g) > 0 {
		m.anyOf = append(m.anyOf, g)
	}
}

func (m *matcher) line(line []byte, sh shape) bool {
	if m.since != nil && bytes.Compare(sh.time, m.since) < 0 || m.until != nil && bytes.Compare(sh.time, m.until) >= 0 {
		return false
	}
	for _, g := range m.anyOf {
		if !containsAny(line, g) {
			return false
		}
	}
	return true
}

func containsAny(line []byte, needles [][]byte) bool {
	for _, n := range needles {
		if bytes.Contains(line, n) {
			return true
		}
	}
	return false
}
