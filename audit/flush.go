package audit

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// urgent reports whether a record should be on the disk at once: somebody will
// act on it, or it says that something went wrong.
func urgent(r *Record) bool {
	switch r.Gate {
	case GateJail, GateSkill, GateAuth, GateSupervisor, GateGap:
		return true
	}
	return r.Decision != nil || r.Verdict != "" && r.Verdict != "allow" && r.Verdict != "audit"
}

// notify tells the flusher that there is work.
func (l *Log) notify(now bool) {
	signal(l.wake)
	if now {
		signal(l.urgent)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is told already
	}
}

// flusher flushes in the background until stop is closed.
func (l *Log) flusher() {
	defer close(l.done)
	if l.opts.Sync == SyncNever {
		<-l.stop
		return
	}
	timer := time.NewTimer(l.opts.Interval)
	defer timer.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-l.wake:
		}
		if l.opts.Sync == SyncInterval {
			timer.Reset(l.opts.Interval)
			select {
			case <-l.stop:
				return
			case <-l.urgent:
			case <-timer.C:
			}
		}
		l.Sync() // the error is kept, and every later Append gets it
	}
}

// Sync flushes everything appended so far to the disk. Once a flush has
// failed the kernel may have dropped what it held, so that nothing can be said
// about the end of the file any more: the log refuses everything from then on,
// and has to be opened again.
func (l *Log) Sync() error {
	l.mu.Lock()
	f, seq, err := l.seg, l.seq, l.err
	l.mu.Unlock()
	if err != nil {
		return err
	}
	err = f.Sync()
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case errors.Is(err, os.ErrClosed): // rotated meanwhile, which flushed it
	case err != nil:
		l.fail(err)
	case seq > l.synced:
		l.synced = seq
		l.flush.Broadcast()
	}
	return l.err
}

// fail makes an error final.
func (l *Log) fail(err error) {
	if l.err == nil {
		l.err = fmt.Errorf("flush audit log: %w", err)
	}
	l.flush.Broadcast()
}
