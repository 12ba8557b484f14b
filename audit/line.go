package audit

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

var (
	errPartial = errors.New("line without an end: it is being written, or its writer died")
	errLong    = errors.New("line over the bound")
)

// lineReader reads lines from a file that may grow. At the end it forgets what
// it has of an unfinished line, and reads it again from its beginning when
// asked again, because a writer may cut it off and write another.
type lineReader struct {
	f    io.ReaderAt
	off  int64 // of the next line
	buf  []byte
	r, w int
}

func newLineReader(f io.ReaderAt, maxLine int) *lineReader {
	return &lineReader{f: f, buf: make([]byte, maxLine+1)}
}

// reset goes to the beginning of another file.
func (l *lineReader) reset(f io.ReaderAt) {
	l.f, l.off, l.r, l.w = f, 0, 0, 0
}

// next gives the next line without its newline, valid until the next call; at
// the end io.EOF, or errPartial when there is the beginning of a line. A line
// over the bound gives errLong, and is passed over.
func (l *lineReader) next() ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.r:l.w], '\n'); i >= 0 {
			line := l.buf[l.r : l.r+i]
			l.r += i + 1
			l.off += int64(i + 1)
			return line, nil
		}
		if l.r > 0 {
			l.w = copy(l.buf, l.buf[l.r:l.w])
			l.r = 0
		}
		if l.w == len(l.buf) {
			return nil, l.skip()
		}
		n, err := l.f.ReadAt(l.buf[l.w:], l.off+int64(l.w))
		l.w += n
		if n > 0 {
			continue
		}
		partial := l.w > 0
		l.w = 0
		if err == io.EOF && partial {
			return nil, errPartial
		}
		return nil, err
	}
}

// skip passes over the rest of a line that is too long.
func (l *lineReader) skip() error {
	off := l.off + int64(l.w)
	l.w = 0
	for {
		n, err := l.f.ReadAt(l.buf, off)
		if i := bytes.IndexByte(l.buf[:n], '\n'); i >= 0 {
			l.off = off + int64(i+1)
			return errLong
		}
		if off += int64(n); n == 0 {
			if err == io.EOF {
				return errPartial // l.off stays: it may still end
			}
			return err
		}
	}
}

// shape is what can be told of a line without decoding it.
type shape struct {
	seq  uint64
	time []byte // as appendTime wrote it
	prev []byte // 64 characters; hex digits in what we have written
}

const (
	shapeHead = `{"schema":1,"seq":`
	shapeTime = `,"time":`
	shapePrev = `,"prev":"`
	shapeTail = `"}`
)

// shapeOf finds the fixed parts of a line; false when they are not there.
func shapeOf(line []byte) (shape, bool) {
	tail := len(line) - len(shapePrev) - len(Genesis) - len(shapeTail)
	if tail < len(shapeHead) || string(line[:len(shapeHead)]) != shapeHead ||
		string(line[tail:tail+len(shapePrev)]) != shapePrev || string(line[len(line)-len(shapeTail):]) != shapeTail {
		return shape{}, false
	}
	i := len(shapeHead)
	for i < tail && line[i] >= '0' && line[i] <= '9' {
		i++
	}
	seq, err := strconv.ParseUint(string(line[len(shapeHead):i]), 10, 64)
	if err != nil || i+len(shapeTime)+timeLen > tail || string(line[i:i+len(shapeTime)]) != shapeTime {
		return shape{}, false
	}
	i += len(shapeTime)
	prev := line[tail+len(shapePrev) : len(line)-len(shapeTail)]
	if bytes.IndexByte(prev, '\\') >= 0 {
		return shape{}, false // an escape: not what it stands for
	}
	return shape{seq: seq, time: line[i : i+timeLen], prev: prev}, true
}
