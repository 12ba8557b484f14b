package supervisor

import (
	"time"

	"clawjail/audit"
)

// maxNoted is how many records the judge may have made and not written. They
// wait for others only as long as there are further events in the ring.
const maxNoted = 64

// notebook collects records from which nothing follows, so that one write does
// for many. It belongs to the goroutine that judges, which writes it before
// anything is recorded that is answered, and when the ring is empty.
type notebook struct {
	audit *auditor
	lost  func(*jailView) // a record of this jail was not written
	views []*jailView
	noted []audit.Record
	boot  time.Time // by the wall clock as it stands; zero: not read for this batch
}

// time turns a CLOCK_BOOTTIME instant of the kernel into wall time. The clocks
// are read once a batch, because that is a system call.
func (n *notebook) time(ns uint64) time.Time {
	if n.boot.IsZero() {
		n.boot = bootTime(0)
	}
	return n.boot.Add(time.Duration(ns))
}

// note takes a record.
func (n *notebook) note(v *jailView, r audit.Record) {
	n.views, n.noted = append(n.views, v), append(n.noted, r)
	if len(n.noted) == maxNoted {
		n.write()
	}
}

// write writes what was noted.
func (n *notebook) write() {
	n.boot = time.Time{}
	if len(n.noted) == 0 {
		return
	}
	written, err := n.audit.appendAll(n.noted)
	if err != nil {
		for _, v := range n.views[written:] {
			n.lost(v)
		}
	}
	clear(n.views)
	clear(n.noted)
	n.views, n.noted = n.views[:0], n.noted[:0]
}

// appendAll writes records, see append, and gives how many are in the log.
func (a *auditor) appendAll(records []audit.Record) (written int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		if err := a.mend(); err != nil {
			a.missed += uint64(len(records))
			return 0, err
		}
	}
	written, err = a.log.AppendAll(records)
	for i := range records[:written] {
		a.wrote(&records[i])
	}
	if err != nil {
		a.failed(len(records)-written, err)
	}
	return written, err
}
