package canary

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// markEvery is how often files are marked again.
const markEvery = 10 * time.Second

// metadataLen is the size of struct fanotify_event_metadata
// (include/uapi/linux/fanotify.h, since 2.6.36).
const metadataLen = 24

// Watch is a set of files that are watched.
type Watch struct {
	file  *os.File
	paths []string
	quit  chan struct{}
	done  sync.WaitGroup
}

// Open begins to watch files.
func Open(paths []string) (*Watch, error) {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_LARGEFILE)
	if err != nil {
		return nil, fmt.Errorf("watch canary files: %w; the kernel needs CONFIG_FANOTIFY_ACCESS_PERMISSIONS", os.NewSyscallError("fanotify_init", err))
	}
	w := &Watch{file: os.NewFile(uintptr(fd), "fanotify"), paths: paths, quit: make(chan struct{})}
	if err := w.mark(); err != nil {
		return nil, errors.Join(err, w.file.Close())
	}
	return w, nil
}

// mark marks every file that is there.
func (w *Watch) mark() error {
	raw, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	var errs []error
	err = raw.Control(func(fd uintptr) {
		for _, p := range w.paths {
			err := unix.FanotifyMark(int(fd), unix.FAN_MARK_ADD|unix.FAN_MARK_DONT_FOLLOW, unix.FAN_OPEN_PERM, unix.AT_FDCWD, p)
			if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
				errs = append(errs, fmt.Errorf("watch canary file %s: %w", p, os.NewSyscallError("fanotify_mark", err)))
			}
		}
	})
	return errors.Join(append(errs, err)...)
}

// Run asks touched about everybody who opens a file, and refuses the open when
// it says true. touched must not block: the process waits.
func (w *Watch) Run(touched func(pid int, path string) (refuse bool), report func(error)) {
	w.done.Go(func() {
		t := time.NewTicker(markEvery)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				if err := w.mark(); err != nil {
					report(err)
				}
			case <-w.quit:
				return
			}
		}
	})
	buf := make([]byte, 64*metadataLen)
	for {
		n, err := w.file.Read(buf)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			report(fmt.Errorf("read who opens canary files: %w", err))
			return
		}
		for b := buf[:n]; len(b) >= metadataLen; {
			size := int(binary.NativeEndian.Uint32(b))
			if size < metadataLen || size > len(b) {
				break
			}
			w.answer(b, touched, report)
			b = b[size:]
		}
	}
}

// answer answers one event: event_len u32, vers u8, reserved u8, metadata_len
// u16, mask u64, fd s32, pid s32.
func (w *Watch) answer(b []byte, touched func(int, string) bool, report func(error)) {
	fd, pid := int32(binary.NativeEndian.Uint32(b[16:])), int(int32(binary.NativeEndian.Uint32(b[20:])))
	if fd < 0 {
		return // the queue was full: nobody waits for this one
	}
	defer unix.Close(int(fd))
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		path = "a canary file"
	}
	response := uint32(unix.FAN_ALLOW)
	if touched(pid, path) {
		response = unix.FAN_DENY
	}
	var out [8]byte // struct fanotify_response
	binary.NativeEndian.PutUint32(out[:], uint32(fd))
	binary.NativeEndian.PutUint32(out[4:], response)
	if _, err := w.file.Write(out[:]); err != nil && !errors.Is(err, unix.ENOENT) { // its process was killed meanwhile
		report(fmt.Errorf("answer who opens %s: %w", path, err))
	}
}

// Close ends Run; whoever waits is let through.
func (w *Watch) Close() error {
	close(w.quit)
	err := w.file.Close()
	w.done.Wait()
	return err
}
