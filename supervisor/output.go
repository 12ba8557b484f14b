package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/shim"
	"clawjail/supervisor/api"
)

// maxLogBytes bounds the kept output of a detached jail: one file of this size
// and the one before it.
const maxLogBytes = 16 << 20

// stdio is what a jail gets as its standard streams, and what has to be closed
// once it has them.
type stdio struct {
	jail  shim.Stdio
	close []io.Closer
}

func (s *stdio) Close() {
	for _, c := range s.close {
		_ = c.Close()
	}
}

// stdio gives a foreground jail the client's pipes, and a detached one a pipe
// into its log. The log is never the jail's own descriptor: with that it could
// be truncated, or grow without bound.
func (b *build) stdio(r api.RunRequest, files []*os.File) (*stdio, error) {
	switch {
	case r.Terminal:
		return &stdio{}, nil
	case len(files) == 3:
		return &stdio{jail: shim.Stdio{In: files[0], Out: files[1], Err: files[2]}}, nil
	case !r.Detach:
		return &stdio{}, nil // the shim gives /dev/null
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	// What a jail prints while there is no supervisor waits in the pipe.
	_, _ = unix.FcntlInt(write.Fd(), unix.F_SETPIPE_SZ, pipeBytes) // less will do
	err = b.copyOutput(read)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return &stdio{jail: shim.Stdio{Out: write, Err: write}, close: []io.Closer{write}}, nil
}

// pipeBytes is how much of a detached jail's output fits into its pipe.
const pipeBytes = 1 << 20

// copyOutput copies a detached jail's output into its log until the jail has
// ended, or goes on without this supervisor. It takes read over.
func (b *build) copyOutput(read *os.File) error {
	log, err := openOutput(b.s.opt.Config.LogPath(b.entry.jail.ID))
	if err != nil {
		return errors.Join(err, read.Close())
	}
	if b.output, err = duplicateFile(read); err != nil {
		return errors.Join(err, read.Close(), log.Close())
	}
	b.s.work.Go(func() {
		_, _ = io.Copy(log, read)
		_ = read.Close()
		_ = log.Close()
	})
	b.stopOutput = func() { _ = read.SetReadDeadline(time.Unix(1, 0)) }
	return nil
}

// output is a file that is moved aside once when it reached maxLogBytes, so
// that the newest output is always there.
type output struct {
	mu   sync.Mutex
	path string
	file *os.File
	size int64
}

func openOutput(path string) (*output, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &output{path: path, file: f}, nil
}

// Write never fails: a jail must not be stopped by a full disk of its log, and
// what a jail prints is no evidence. Bytes that do not fit are dropped.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.size > 0 && o.size+int64(len(b)) > maxLogBytes {
		_ = os.Rename(o.path, o.path+".1")
		f, err := os.OpenFile(o.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err == nil {
			_ = o.file.Close()
			o.file, o.size = f, 0
		}
	}
	n, _ := o.file.Write(b)
	o.size += int64(n)
	return len(b), nil
}

func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.file.Close()
}

// logs sends what a detached jail printed, and with follow goes on until it ends.
func (c *call) logs() (any, *api.Error) {
	e, apiErr := c.jail()
	if apiErr != nil {
		return nil, apiErr
	}
	if !e.jail.Detached {
		return nil, api.Errorf(http.StatusConflict, "jail %s runs in the foreground: its output goes to its `clawjail run`", e.jail.Name).
			WithHint("start it with --detach to have its output kept")
	}
	path := c.s.opt.Config.LogPath(e.jail.ID)
	c.w.Header().Set("Content-Type", "application/octet-stream")
	if err := copyFile(c.w, path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, api.Errorf(http.StatusInternalServerError, "%v", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, api.Errorf(http.StatusInternalServerError, "%v", err)
	}
	defer f.Close()
	if c.r.URL.Query().Get("follow") == "true" {
		followFile(c.r.Context(), c.w, f, e.done)
		return nil, nil
	}
	_, _ = io.Copy(c.w, f)
	return nil, nil
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("copy %q: %w", path, err)
	}
	return nil
}

// followInterval is how often a followed log is looked at.
const followInterval = 100 * time.Millisecond

func followFile(ctx context.Context, w http.ResponseWriter, f *os.File, done <-chan struct{}) {
	flush := http.NewResponseController(w)
	tick := time.NewTicker(followInterval)
	defer tick.Stop()
	for {
		if _, err := io.Copy(w, f); err != nil {
			return
		}
		_ = flush.Flush()
		select {
		case <-done:
			_, _ = io.Copy(w, f) // what came between the copy and the end
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
