package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pollEvery is how often Follow looks without having been told: where inotify
// is not to be had it is all there is.
const pollEvery = time.Second

// Follow gives what Query gives, and then records as they are written, over
// rotations and restarts of the writer, until ctx ends or the consumer stops.
// The beginning of a line at the very end is waited for, not reported.
func Follow(ctx context.Context, dir string, f Filter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		w, err := newWalk(dir, f)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer w.close()
		w.match.follow = true
		changes, stop := watch(dir) // before the first look, or a change is missed
		defer stop()
		if f.Limit < 0 {
			err = w.end()
		} else {
			err = w.begin(f.Limit)
		}
		if err != nil {
			yield(Record{}, err)
			return
		}
		poll := time.NewTicker(pollEvery)
		defer poll.Stop()
		for ctx.Err() == nil && w.more(yield) {
			select {
			case <-ctx.Done():
			case <-changes:
			case <-poll.C:
			}
		}
	}
}

// end goes behind the last whole line.
func (w *walk) end() error {
	segs, err := listSegments(w.root)
	if err != nil || len(segs) == 0 {
		return err
	}
	w.segs = segs[len(segs)-1:]
	if err := w.open(); err != nil {
		return err
	}
	w.seq = 0 // whatever comes
	size, err := w.file.size()
	if err != nil {
		return fmt.Errorf("size of audit segment: %w", err)
	}
	nl, err := lastNewline(w.file, size)
	if err != nil {
		return fmt.Errorf("read audit segment: %w", err)
	}
	return w.jump(nl + 1)
}

// more gives what is new. A newer segment counts when it has content: from then
// on nobody writes to the one before it, so what is in that one is all.
func (w *walk) more(yield func(Record, error) bool) bool {
	newer, err := w.newer()
	if err != nil {
		yield(Record{}, err)
		return false
	}
	if len(w.segs) == 0 {
		if len(newer) == 0 {
			return true
		}
		if w.segs = newer; w.open() != nil {
			return true // gone again: an empty one that its writer left
		}
	} else {
		w.segs = append(w.segs[:1:1], newer...)
	}
	return w.old(yield)
}

// newer lists the segments with content behind the open one.
func (w *walk) newer() ([]segment, error) {
	segs, err := listSegments(w.root)
	if err != nil {
		return nil, err
	}
	var out []segment
	for _, s := range segs {
		if len(w.segs) > 0 && s.first <= w.segs[0].first {
			continue
		}
		fi, err := w.root.Stat(s.name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at audit segment: %w", err)
		}
		if fi.Size() > 0 {
			out = append(out, s)
		}
	}
	return out, nil
}

// watch tells of changes in a directory. The channel has room for one: it says
// that something changed, not how often.
func watch(dir string) (<-chan struct{}, func()) {
	changes := make(chan struct{}, 1)
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return changes, func() {} // the poll remains
	}
	f := os.NewFile(uintptr(fd), "inotify")
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY|unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		f.Close()
		return changes, func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var buf [4096]byte
		for {
			if _, err := f.Read(buf[:]); err != nil {
				return
			}
			signal(changes)
		}
	}()
	return changes, func() {
		f.Close()
		<-done
	}
}
