package notify

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Bounds of a ledger.
const (
	// MaxLedger is how many received calls it can hold: more than a supervisor
	// lets wait. What does not fit is received all the same, and lost if the
	// receiver is killed before it answers.
	MaxLedger = 512
	slotBytes = 128
)

// NewLedger makes the file that a listener's received calls are written down
// in. Whoever holds it beside the listener can answer them when the receiver is
// gone: the kernel delivers a call once.
func NewLedger() (*os.File, error) {
	fd, err := unix.MemfdCreate("ledger", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "ledger")
	if err := f.Truncate(MaxLedger * slotBytes); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	// What is mapped must not shrink.
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, sizeSeals); err != nil {
		return nil, errors.Join(os.NewSyscallError("fcntl(F_ADD_SEALS)", err), f.Close())
	}
	return f, nil
}

const sizeSeals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// ledger holds the calls that were received and not answered, in memory that
// outlives this process. The kernel itself writes them there: between the
// receive and the note there is no moment at which a kill could lose one.
type ledger struct {
	mem []byte

	mu   sync.Mutex
	at   map[uint64]int // slot of each call
	free []int          // the last is used first, so that few pages are touched
}

func openLedger(f *os.File) (*ledger, error) {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", os.NewSyscallError("fcntl(F_GET_SEALS)", err))
	}
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if seals&sizeSeals != sizeSeals || st.Size() != MaxLedger*slotBytes {
		return nil, errors.New("ledger: not a file that NewLedger made")
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, MaxLedger*slotBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", os.NewSyscallError("mmap", err))
	}
	l := &ledger{mem: mem, at: map[uint64]int{}}
	for i := MaxLedger - 1; i >= 0; i-- {
		if id := l.slot(i).n.id; id != 0 {
			l.at[id] = i
		} else {
			l.free = append(l.free, i)
		}
	}
	return l, nil
}

// take gives a slot that is all zeros, as the kernel wants it, or nil.
func (l *ledger) take(valid func(uint64) bool) *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.free) == 0 {
		// Calls whose callers were killed are answered by nobody.
		for id, i := range l.at {
			if !valid(id) {
				l.drop(id, i)
			}
		}
	}
	if len(l.free) == 0 {
		return nil
	}
	s := l.slot(l.free[len(l.free)-1])
	*s = slot{}
	return s
}

// keep says that the slot that take gave holds a call now.
func (l *ledger) keep(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at[id] = l.free[len(l.free)-1]
	l.free = l.free[:len(l.free)-1]
}

// forget empties the slot of a call that was answered.
func (l *ledger) forget(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i, ok := l.at[id]; ok {
		l.drop(id, i)
	}
}

func (l *ledger) drop(id uint64, i int) {
	*l.slot(i) = slot{}
	delete(l.at, id)
	l.free = append(l.free, i)
}

// acting marks a call as one that is being carried out.
func (l *ledger) acting(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i, ok := l.at[id]; ok {
		l.slot(i).acting = 1
	}
}

// Left is a call that somebody else has received and not answered.
type Left struct {
	Call
	// Acting says that it was being carried out: maybe it was.
	Acting bool
}

// left lists what is in the ledger.
func (l *ledger) left() []Left {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Left
	for _, i := range l.at {
		s := l.slot(i)
		out = append(out, Left{s.n.call(), s.acting != 0})
	}
	return out
}

// close unmaps it; what is asked of it afterwards finds it empty.
func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	mem := l.mem
	l.mem, l.at, l.free = nil, nil, nil
	return os.NewSyscallError("munmap", unix.Munmap(mem))
}
