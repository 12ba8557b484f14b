package tracee

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of reading memory. Each of them means that the call is refused.
var (
	ErrTooLong    = errors.New("longer than the limit")
	ErrUnreadable = errors.New("memory cannot be read")
)

// pageSize is the unit in which memory is readable or not; reads never cross
// from one page to another, so that a string may end right before a hole.
const pageSize = 4096

// String copies a NUL-terminated string of at most limit bytes.
func (t *Task) String(addr uint64, limit int) (string, error) {
	var out []byte
	var page [pageSize]byte
	for {
		chunk := page[:pageSize-addr%pageSize]
		n, err := t.mem.ReadAt(chunk, int64(addr))
		if n <= 0 {
			return "", fmt.Errorf("%w at %#x: %w", ErrUnreadable, addr, err)
		}
		chunk = chunk[:n]
		if end := bytes.IndexByte(chunk, 0); end >= 0 {
			out = append(out, chunk[:end]...)
			if len(out) > limit {
				return "", fmt.Errorf("string: %w of %d bytes", ErrTooLong, limit)
			}
			return string(out), nil
		}
		out = append(out, chunk...)
		if len(out) > limit {
			return "", fmt.Errorf("string: %w of %d bytes", ErrTooLong, limit)
		}
		addr += uint64(n)
	}
}

// Strings copies a NULL-terminated array of strings, such as argv: at most
// count of them, and at most size bytes with their NULs. A null array is an
// empty one, as execve(2) has it.
func (t *Task) Strings(addr uint64, count, size int) ([]string, error) {
	if addr == 0 {
		return nil, nil
	}
	var out []string
	for {
		pointers, err := t.pointers(addr)
		if err != nil {
			return nil, err
		}
		for _, p := range pointers {
			if p == 0 {
				return out, nil
			}
			if len(out) == count {
				return nil, fmt.Errorf("array: %w of %d strings", ErrTooLong, count)
			}
			s, err := t.String(p, size)
			if err != nil {
				return nil, err
			}
			if size -= len(s) + 1; size < 0 {
				return nil, fmt.Errorf("array: %w in bytes", ErrTooLong)
			}
			out = append(out, s)
		}
		addr += uint64(len(pointers)) * 8
	}
}

// pointers reads pointers up to the end of a page, one at least.
func (t *Task) pointers(addr uint64) ([]uint64, error) {
	n := (pageSize - addr%pageSize) / 8
	n = min(max(n, 1), 64) // argv is short: most of a page would be read in vain
	buf := make([]byte, n*8)
	got, err := t.mem.ReadAt(buf, int64(addr))
	if got < 8 {
		return nil, fmt.Errorf("%w at %#x: %w", ErrUnreadable, addr, err)
	}
	out := make([]uint64, got/8)
	for i := range out {
		out[i] = binary.NativeEndian.Uint64(buf[i*8:])
	}
	return out, nil
}

// Bytes copies exactly n bytes, such as a socket address.
func (t *Task) Bytes(addr uint64, n int) ([]byte, error) {
	buf := make([]byte, n)
	if got, err := t.mem.ReadAt(buf, int64(addr)); got != n {
		return nil, fmt.Errorf("%w at %#x: %w", ErrUnreadable, addr, err)
	}
	return buf, nil
}
