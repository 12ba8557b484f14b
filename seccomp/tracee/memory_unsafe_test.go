package tracee

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pages maps memory with a hole behind it. It stays mapped until the test
// binary ends: what is unmapped can become somebody else's.
func pages(t *testing.T, n int) []byte {
	t.Helper()
	b, err := unix.Mmap(-1, 0, (n+1)*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	// A hole, and not only protected: nothing reads that.
	if _, _, errno := unix.Syscall(unix.SYS_MUNMAP, uintptr(unsafe.Pointer(&b[n*pageSize])), pageSize, 0); errno != 0 {
		t.Fatal(errno)
	}
	return b[:n*pageSize]
}

func address(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(&b[0]))) }

func TestString(t *testing.T) {
	task := self(t)
	m := pages(t, 2)
	end := address(m) + uint64(len(m))
	copy(m[len(m)-4:], "abc\x00")
	if got, err := task.String(end-4, 10); err != nil || got != "abc" {
		t.Errorf("right before a hole: %q, %v", got, err)
	}
	if got, err := task.String(end-1, 10); err != nil || got != "" {
		t.Errorf("empty: %q, %v", got, err)
	}
	m[len(m)-1] = 'd'
	if _, err := task.String(end-4, 100); !errors.Is(err, ErrUnreadable) {
		t.Errorf("into a hole: %v", err)
	}
	long := strings.Repeat("x", pageSize+10)
	copy(m, long+"\x00")
	if got, err := task.String(address(m), len(long)); err != nil || got != long {
		t.Errorf("over a page: %d bytes, %v", len(got), err)
	}
	if _, err := task.String(address(m), len(long)-1); !errors.Is(err, ErrTooLong) {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := task.String(8, 10); !errors.Is(err, ErrUnreadable) {
		t.Errorf("null page: %v", err)
	}
}

func TestStrings(t *testing.T) {
	task := self(t)
	m := pages(t, 3)
	text := address(m)
	copy(m, "one\x00two\x00\x00")
	// The array ends right before the hole.
	set := func(list ...uint64) uint64 {
		at := len(m) - len(list)*8
		for i, p := range list {
			*(*uint64)(unsafe.Pointer(&m[at+i*8])) = p
		}
		return address(m) + uint64(at)
	}
	tests := []struct {
		name        string
		addr        uint64
		count, size int
		want        []string
		err         error
	}{
		{"three strings", set(text, text+4, text+8, 0), 10, 100, []string{"one", "two", ""}, nil},
		{"no array", 0, 10, 100, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := task.Strings(tt.addr, tt.count, tt.size)
			if !slices.Equal(got, tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	if _, err := task.Strings(set(text, text, 0), 1, 100); !errors.Is(err, ErrTooLong) {
		t.Errorf("too many: %v", err)
	}
	if _, err := task.Strings(set(text, text, 0), 10, 7); !errors.Is(err, ErrTooLong) {
		t.Errorf("too large: %v", err)
	}
	if _, err := task.Strings(set(text, text), 10, 100); !errors.Is(err, ErrUnreadable) {
		t.Errorf("without an end: %v", err)
	}
	if _, err := task.Strings(set(text, 8, 0), 10, 100); !errors.Is(err, ErrUnreadable) {
		t.Errorf("a bad pointer: %v", err)
	}
	list := make([]uint64, 600) // more than one read of pointers, over a page
	for i := range list[:599] {
		list[i] = text
	}
	got, err := task.Strings(set(list...), 1000, 1<<20)
	if err != nil || len(got) != 599 {
		t.Errorf("%d strings, %v", len(got), err)
	}
}
