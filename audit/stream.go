package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"clawjail/audit/block"
)

// entry is a line that was looked at.
type entry struct {
	shape
	ok     bool // it has the form of a record
	long   bool // it is over the bound, and was not looked at
	match  bool
	hash   [sha256Hex]byte
	record *Record // of a match
	err    error   // why there is none, or no shape
}

// look does with a line everything that needs no other line.
func (m *matcher) look(line []byte) entry {
	if len(line) > MaxLineBytes {
		return entry{long: true}
	}
	e := entry{hash: hashLine(line)}
	if e.shape, e.ok = shapeOf(line); !e.ok {
		if _, e.err = Decode(line); e.err == nil {
			e.err = errors.New("not a record of this log")
		}
		return e
	}
	if e.match = m.line(line, e.shape); e.match {
		r, err := Decode(line)
		e.record, e.err = &r, err
	}
	return e
}

// lookAll looks at the lines of a block.
func (m *matcher) lookAll(data []byte, out []entry) []entry {
	out = out[:0]
	for len(data) > 0 {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		if !whole {
			return append(out, entry{err: errPartial})
		}
		out, data = append(out, m.look(line)), rest
	}
	return out
}

// errEnough ends a scan whose consumer has enough.
var errEnough = errors.New("the consumer has enough")

// stream reads a segment from its beginning with all processors, and gives what
// drain would. Behind it drain finds the end, or the line that is just being
// written to the last segment.
func (w *walk) stream(yield func(Record, error) bool, last bool) bool {
	err := block.Scan(context.Background(), &segmentReader{file: w.file}, w.match.lookAll, func(data []byte, entries []entry, tail bool) error {
		if tail && last {
			data = data[:bytes.LastIndexByte(data, '\n')+1]
			entries = entries[:len(entries)-1]
		}
		w.lines.off += int64(len(data))
		for i := range entries {
			if w.line++; !w.take(&entries[i], yield) {
				return errEnough
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return false
	case errors.Is(err, block.ErrLong), errors.Is(err, errCut):
		w.line++
		w.chain, w.seq, w.lost = false, 0, true
		return yield(Record{}, w.corrupt(err))
	case err != nil:
		yield(Record{}, fmt.Errorf("read audit segment %s: %w", w.segs[0].name, err))
		return false
	}
	return true
}

// take gives a line of a closed segment.
func (w *walk) take(e *entry, yield func(Record, error) bool) bool {
	switch {
	case e.long:
		w.chain = false
		w.seq++
		return yield(Record{}, w.corrupt(errLong))
	case errors.Is(e.err, errPartial):
		w.chain = false
		return yield(Record{}, w.corrupt(errPartial))
	}
	return w.give(e, yield)
}

// backwards finds the newest matches in the lines before end, at most want of
// them, and where the first of them begins; 0 when there are fewer.
func (m *matcher) backwards(f io.ReaderAt, end int64, want int) (n int, off int64, err error) {
	end, err = lastNewline(f, end) // what is behind it is being written
	if err != nil || end < 0 {
		return 0, 0, err
	}
	end++
	buf := make([]byte, block.Size+MaxLineBytes)
	for end > 0 {
		from := max(0, end-int64(len(buf)))
		data := buf[:end-from]
		if _, err := f.ReadAt(data, from); err != nil {
			return 0, 0, err
		}
		for len(data) > 0 {
			start := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
			if start == 0 && from > 0 {
				break // its beginning was not read
			}
			line := data[start : len(data)-1]
			if sh, ok := shapeOf(line); ok && m.line(line, sh) {
				if n++; n == want {
					return n, from + int64(start), nil
				}
			}
			data = data[:start]
		}
		if len(data) == len(buf) {
			return 0, 0, errLong
		}
		end = from + int64(len(data))
	}
	return n, 0, nil
}
