package notify

import "unsafe"

// slot is one place of a ledger.
type slot struct {
	n      notif
	acting uint64
}

// It must fit: a compile error otherwise.
var _ [slotBytes - unsafe.Sizeof(slot{})]byte

func (l *ledger) slot(i int) *slot { return (*slot)(unsafe.Pointer(&l.mem[i*slotBytes])) }
