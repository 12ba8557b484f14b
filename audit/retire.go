package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Boundary is where a log can be cut so that what is left still proves what
// went: everything up to Through, whose hash is Head, stands in Segments.
type Boundary struct {
	Through  uint64
	Head     string
	Segments []string // names, oldest first
	Bytes    int64    // that they take on the disk
	Until    time.Time
}

// Expired gives the boundary in front of the first segment that has a record
// not older than before; false when nothing can go. The newest segment always
// stays.
func Expired(dir string, before time.Time) (Boundary, bool, error) {
	root, err := openRoot(dir)
	if err != nil {
		return Boundary{}, false, err
	}
	defer root.Close()
	segs, err := listSegments(root)
	if err != nil {
		return Boundary{}, false, err
	}
	var b Boundary
	for i := 0; i+1 < len(segs); i++ {
		next, sh, err := firstLine(root, segs[i+1])
		if err != nil {
			return Boundary{}, false, err
		}
		if next.IsZero() || !next.Before(before) {
			break
		}
		st, err := root.Lstat(segs[i].name)
		if err != nil {
			return Boundary{}, false, fmt.Errorf("look at audit segment: %w", err)
		}
		b.Through, b.Head, b.Until = segs[i+1].first-1, string(sh.prev), next
		b.Segments = append(b.Segments, segs[i].name)
		b.Bytes += st.Size()
	}
	return b, len(b.Segments) > 0, nil
}

// firstLine gives the time of a segment's first record; zero when it has none.
func firstLine(root *os.Root, s segment) (time.Time, shape, error) {
	f, err := openSegment(root, s)
	if err != nil {
		return time.Time{}, shape{}, err
	}
	defer f.Close()
	line, err := newLineReader(f, MaxLineBytes).next()
	if err != nil {
		return time.Time{}, shape{}, nil // being written, or nothing there yet
	}
	sh, ok := shapeOf(line)
	if !ok || sh.seq != s.first {
		return time.Time{}, shape{}, fmt.Errorf("audit segment %s does not begin with record %d: it was altered; `clawjail audit verify` says how", s.name, s.first)
	}
	r, err := Decode(line)
	if err != nil {
		return time.Time{}, shape{}, fmt.Errorf("audit segment %s, line 1: %w", s.name, err)
	}
	return r.Time, sh, nil
}

// Remove removes the segments of a boundary, the oldest first, so that a crash
// leaves no hole. What is already gone is no error.
func Remove(dir string, b Boundary) error {
	root, err := openRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range b.Segments {
		s, ok := parseSegment(name)
		if !ok || s.first > b.Through {
			return fmt.Errorf("remove %q: not a segment in front of record %d", name, b.Through+1)
		}
		for _, n := range [...]string{segmentAt(s.first).name, packedAt(s.first).name} {
			if err := root.Remove(n); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove audit segment: %w", err)
			}
		}
	}
	return syncDir(root, ".")
}
