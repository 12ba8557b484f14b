package limit

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The version byte of records.
const version = 1

// Limits of records.
const (
	maxBootID = 64
	maxWindow = 1 + 3*binary.MaxVarintLen64 + maxEntries*2*binary.MaxVarintLen64
)

var errForm = errors.New("not a record of this version")

// encodeWindow gives: version, keep, reserved, number of entries, and for each
// the time since the one before and the units; all varints.
func encodeWindow(w *window) []byte {
	b := make([]byte, 1, 1+3*binary.MaxVarintLen64+len(w.entries)*6)
	b[0] = version
	b = binary.AppendUvarint(b, uint64(w.keep))
	b = binary.AppendUvarint(b, uint64(w.reserved))
	b = binary.AppendUvarint(b, uint64(len(w.entries)))
	last := int64(0)
	for _, e := range w.entries {
		b = binary.AppendUvarint(b, uint64(e.at-last))
		b = binary.AppendUvarint(b, uint64(e.units))
		last = e.at
	}
	return b
}

// decodeWindow reads what encodeWindow gives, and nothing else.
func decodeWindow(b []byte) (*window, error) {
	if len(b) > maxWindow {
		return nil, fmt.Errorf("%d bytes: %w", len(b), errForm)
	}
	r := reader{rest: b}
	if r.byte() != version {
		return nil, errForm
	}
	w := &window{keep: r.number(), reserved: r.number()}
	n := r.number()
	if w.keep > int64(MaxPer) || w.reserved > MaxMax || n > maxEntries {
		return nil, errForm
	}
	last := int64(0)
	for i := range n {
		step := r.number()
		e := entry{add(last, step), r.number()}
		if r.failed || e.units == 0 || e.units > MaxMax || i > 0 && step == 0 || e.at-last != step {
			return nil, errForm
		}
		w.entries = append(w.entries, e)
		w.total += e.units
		last = e.at
	}
	if r.failed || len(r.rest) > 0 {
		return nil, errForm
	}
	return w, nil
}

func encodeAnchor(a anchor) []byte {
	b := []byte{version, byte(len(a.BootID))}
	b = append(b, a.BootID...)
	for _, n := range []int64{a.Boot, a.Wall, a.Now} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

func decodeAnchor(b []byte) (anchor, error) {
	if len(b) < 2 || b[0] != version || b[1] == 0 || b[1] > maxBootID || len(b) != 2+int(b[1])+3*8 {
		return anchor{}, errForm
	}
	id, rest := b[2:2+b[1]], b[2+b[1]:]
	a := anchor{BootID: string(id)}
	for i, p := range []*int64{&a.Boot, &a.Wall, &a.Now} {
		*p = int64(binary.BigEndian.Uint64(rest[8*i:]))
	}
	if a.Boot < 0 || a.Now < 0 {
		return anchor{}, errForm
	}
	return a, nil
}

// reader takes numbers from bytes; after the first that is not there, or not
// in its shortest form, everything fails.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.failed = true
		return 0
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	return c
}

func (r *reader) number() int64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || n > 1 && r.rest[n-1] == 0 || int64(v) < 0 {
		r.failed = true
		r.rest = nil
		return 0
	}
	r.rest = r.rest[n:]
	return int64(v)
}
