package audit

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
)

const (
	segmentSuffix = ".jsonl"
	packedSuffix  = ".jsonl.zst" // of a closed segment that was compressed
	segmentDigits = 20           // of the largest uint64

	// recoveryDir is where torn lines are moved to, inside the log's directory.
	recoveryDir = "recovery"
)

// segment is one file of the log.
type segment struct {
	name   string
	first  uint64 // sequence number of its first record
	packed bool   // compressed
}

func segmentAt(first uint64) segment {
	return segment{name: fmt.Sprintf("%0*d%s", segmentDigits, first, segmentSuffix), first: first}
}

// parseSegment gives the segment of that name; false for any other file.
func parseSegment(name string) (segment, bool) {
	if len(name) <= segmentDigits || name[segmentDigits:] != segmentSuffix && name[segmentDigits:] != packedSuffix {
		return segment{}, false
	}
	first, err := strconv.ParseUint(name[:segmentDigits], 10, 64)
	if err != nil || first == 0 {
		return segment{}, false
	}
	return segment{name: name, first: first, packed: name[segmentDigits:] == packedSuffix}, true
}

// listSegments gives the segments of a directory in the order of writing. Where
// a segment is there both ways, the plain one counts: it is removed only when
// the compressed one is whole.
func listSegments(root *os.Root) ([]segment, error) {
	dir, err := root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("list audit directory: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list audit directory: %w", err)
	}
	var segs []segment
	for _, name := range names {
		if s, ok := parseSegment(name); ok {
			segs = append(segs, s)
		}
	}
	slices.SortFunc(segs, func(a, b segment) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(len(a.name), len(b.name)))
	})
	return slices.CompactFunc(segs, func(a, b segment) bool { return a.first == b.first }), nil
}

// openRoot opens the directory of a log for reading.
func openRoot(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no audit log in %q: %w", dir, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("no permission to read the audit log in %q: %w", dir, fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("open audit directory: %w", err)
	}
	return root, nil
}

// syncDir makes new and removed names in a directory durable.
func syncDir(root *os.Root, name string) error {
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
