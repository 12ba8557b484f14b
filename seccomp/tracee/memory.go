package tracee

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Errors of reading memory. Each of them means that the call is refused.
var (
	ErrTooLong    = errors.New("longer than the limit")
	ErrUnreadable = errors.New("memory cannot be read")
)

// pageSize is the unit in which memory is readable or not; reads never cross
// from one page to another, so that a string may end right before a hole.
const pageSize = 4096

// memory copies what a thread's registers point at, a page at a time: strings
// and the arrays that point at them lie close together.
type memory struct {
	tid   int32
	pages [4]page
	next  int // to be replaced
}

// page is what could be read from some address on.
type page struct {
	addr uint64
	n    int
	data [pageSize]byte
}

// reset turns to another thread, and forgets.
func (m *memory) reset(tid int32) {
	m.tid = tid
	for i := range m.pages {
		m.pages[i].n = 0
	}
}

// at gives what stands at an address, up to the end of its page. It is good
// until the next call.
func (m *memory) at(addr uint64) ([]byte, error) {
	for i := range m.pages {
		if p := &m.pages[i]; p.n > 0 && addr >= p.addr && addr < p.addr+uint64(p.n) {
			return p.data[addr-p.addr : p.n], nil
		}
	}
	p := &m.pages[m.next]
	m.next = (m.next + 1) % len(m.pages)
	p.addr = addr &^ (pageSize - 1)
	var err error
	p.n, err = m.read(p.data[:], p.addr)
	if p.n <= int(addr-p.addr) {
		p.n = 0
		return nil, fmt.Errorf("%w at %#x: %w", ErrUnreadable, addr, err)
	}
	return p.data[addr-p.addr : p.n], nil
}

// read copies memory, as the thread itself could.
func (m *memory) read(to []byte, addr uint64) (int, error) {
	local := [1]unix.Iovec{{Base: &to[0]}}
	local[0].SetLen(len(to))
	remote := [1]unix.RemoteIovec{{Base: uintptr(addr), Len: len(to)}}
	n, err := unix.ProcessVMReadv(int(m.tid), local[:], remote[:], 0)
	if err != nil {
		return 0, err
	}
	return n, nil
}

// String copies a NUL-terminated string of at most limit bytes.
func (t *Task) String(addr uint64, limit int) (string, error) { return t.fresh().str(addr, limit) }

// Strings copies a NULL-terminated array of strings, such as argv: at most
// count of them, and at most size bytes with their NULs. A null array is an
// empty one, as execve(2) has it.
func (t *Task) Strings(addr uint64, count, size int) ([]string, error) {
	return t.fresh().strs(addr, count, size)
}

// Bytes copies exactly n bytes, such as a socket address.
func (t *Task) Bytes(addr uint64, n int) ([]byte, error) { return t.fresh().bytes(addr, n) }

// fresh is the thread's memory as it is now.
func (t *Task) fresh() *memory {
	if t.mem == nil {
		t.mem = &memory{}
	}
	t.mem.reset(t.TID)
	return t.mem
}

func (m *memory) str(addr uint64, limit int) (string, error) {
	var out []byte
	for {
		chunk, err := m.at(addr)
		if err != nil {
			return "", err
		}
		end := bytes.IndexByte(chunk, 0)
		whole := end >= 0
		if !whole {
			end = len(chunk)
		}
		if len(out)+end > limit {
			return "", fmt.Errorf("string: %w of %d bytes", ErrTooLong, limit)
		}
		if whole && out == nil {
			return string(chunk[:end]), nil
		}
		out = append(out, chunk[:end]...)
		if whole {
			return string(out), nil
		}
		addr += uint64(len(chunk))
	}
}

func (m *memory) strs(addr uint64, count, size int) ([]string, error) {
	if addr == 0 {
		return nil, nil
	}
	var out []string
	for ; ; addr += 8 {
		p, err := m.pointer(addr)
		if err != nil {
			return nil, err
		}
		if p == 0 {
			return out, nil
		}
		if len(out) == count {
			return nil, fmt.Errorf("array: %w of %d strings", ErrTooLong, count)
		}
		s, err := m.str(p, size)
		if err != nil {
			return nil, err
		}
		if size -= len(s) + 1; size < 0 {
			return nil, fmt.Errorf("array: %w in bytes", ErrTooLong)
		}
		if out == nil {
			out = make([]string, 0, 16)
		}
		out = append(out, s)
	}
}

// pointer reads one, which may lie across two pages.
func (m *memory) pointer(addr uint64) (uint64, error) {
	chunk, err := m.at(addr)
	if err != nil {
		return 0, err
	}
	if len(chunk) >= 8 {
		return binary.NativeEndian.Uint64(chunk), nil
	}
	b, err := m.bytes(addr, 8)
	if err != nil {
		return 0, err
	}
	return binary.NativeEndian.Uint64(b), nil
}

func (m *memory) bytes(addr uint64, n int) ([]byte, error) {
	buf := make([]byte, n)
	if n == 0 {
		return buf, nil
	}
	if got, err := m.read(buf, addr); got != n {
		return nil, fmt.Errorf("%w at %#x: %w", ErrUnreadable, addr, err)
	}
	return buf, nil
}
