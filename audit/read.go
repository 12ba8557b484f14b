package audit

import (
	"errors"
	"io"
	"os"
)

// Segment is one file of a log, for those who read it raw.
type Segment struct {
	Name   string
	First  uint64 // sequence number that its name promises for its first record
	Packed bool   // compressed
}

// Segments gives the segments of a log in the order of writing.
func Segments(root *os.Root) ([]Segment, error) {
	segs, err := listSegments(root)
	if err != nil {
		return nil, err
	}
	out := make([]Segment, len(segs))
	for i, s := range segs {
		out[i] = Segment{Name: s.name, First: s.first, Packed: s.packed}
	}
	return out, nil
}

// OpenSegment opens a segment for reading from its beginning, decompressed.
func OpenSegment(root *os.Root, s Segment) (io.ReadCloser, error) {
	f, err := openSegment(root, segment{name: s.Name, first: s.First, packed: s.Packed})
	if err != nil {
		return nil, err
	}
	return &segmentReader{file: f}, nil
}

type segmentReader struct {
	file segmentFile
	off  int64
}

func (r *segmentReader) Read(p []byte) (int, error) {
	n, err := r.file.ReadAt(p, r.off)
	r.off += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (r *segmentReader) Close() error { return r.file.Close() }

// Line is what stands at fixed places of a line.
type Line struct {
	Seq  uint64
	Time []byte // as RFC 3339 with nine digits of a second
	Prev []byte // hash of the line before, in hex
}

// ParseLine finds the fixed parts of a line without its newline; false when
// they are not there. It does not check the rest: Decode does.
func ParseLine(line []byte) (Line, bool) {
	sh, ok := shapeOf(line)
	return Line{Seq: sh.seq, Time: sh.time, Prev: sh.prev}, ok
}
