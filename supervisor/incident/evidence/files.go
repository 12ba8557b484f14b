package evidence

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/audit/seal"
)

// MaxChanged bounds the changed files that are hashed.
const MaxChanged = 10_000

// changed is what became of a file that the jail wrote.
type changed struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes,omitempty"`
	Mode   string `json:"mode,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Copy   string `json:"copy,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Changed takes the files that a jail wrote, as they are now: a hash of each,
// and a copy within the bounds. root is a directory descriptor of the jail's
// root; paths are absolute, in the jail.
func (p *Processes) Changed(w *Writer, root *os.File, paths []string) {
	if len(paths) > MaxChanged {
		w.Fail("changed files", fmt.Errorf("%d files; the first %d were taken", len(paths), MaxChanged))
		paths = paths[:MaxChanged]
	}
	list := make([]changed, 0, len(paths))
	for i, path := range paths {
		list = append(list, p.changedOne(w, root, path, fmt.Sprintf("files/%05d", i)))
	}
	w.AddJSON("files.json", list)
}

func (p *Processes) changedOne(w *Writer, root *os.File, path, to string) changed {
	c := changed{Path: path}
	fail := func(err error) changed { c.Error = err.Error(); return c }
	fd, err := unix.Openat2(int(root.Fd()), path, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
	if err != nil {
		return fail(err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fail(err)
	}
	c.Mode = st.Mode().String()
	if !st.Mode().IsRegular() {
		return c
	}
	c.Bytes = st.Size()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, 1<<40)); err != nil {
		return fail(err)
	}
	c.SHA256 = hex.EncodeToString(h.Sum(nil))
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fail(err)
	}
	if p.copyFile(w, f, c.Bytes, to, path) {
		c.Copy = to
	}
	return c
}

// AuditSlice takes the log from record first on, raw, and its checkpoints. The
// spool file is in dir, and is removed.
func AuditSlice(ctx context.Context, w *Writer, dir, logDir string, first uint64) {
	spool, err := os.CreateTemp(dir, "slice-")
	if err != nil {
		w.Fail("audit log", err)
		return
	}
	defer func() { _ = errors.Join(spool.Close(), os.Remove(spool.Name())) }()
	// It is on the disk twice until the spool is removed.
	n, err := copyRange(ctx, &bounded{w: spool, left: w.room() / 2}, logDir, first)
	if err != nil {
		w.Fail("audit log", err)
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		w.Fail("audit log", err)
		return
	}
	w.AddReader(fmt.Sprintf("audit/%020d.jsonl", first), spool, n, logDir, "")
	b, err := os.ReadFile(logDir + "/" + seal.FileName)
	if err != nil {
		w.Fail("checkpoints", err)
		return
	}
	w.Add("audit/"+seal.FileName, b, logDir+"/"+seal.FileName, "")
}

// bounded refuses what goes beyond what there is room for; before that, lines are
// whole.
type bounded struct {
	w    io.Writer
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if n := int64(len(p)); n > b.left {
		return 0, &NoRoom{Need: n, Left: b.left}
	}
	b.left -= int64(len(p))
	return b.w.Write(p)
}

// maxSlice bounds the audit log that a bundle holds.
const maxSlice = 4 << 30

// copyRange copies the lines from record first on.
func copyRange(ctx context.Context, out io.Writer, logDir string, first uint64) (int64, error) {
	root, err := os.OpenRoot(logDir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	segs, err := audit.Segments(root)
	if err != nil {
		return 0, err
	}
	for len(segs) > 1 && segs[1].First <= first {
		segs = segs[1:]
	}
	var n int64
	for _, s := range segs {
		f, err := audit.OpenSegment(root, s)
		if err != nil {
			return n, err
		}
		k, err := copyLines(ctx, out, f, first)
		f.Close()
		if n += k; err != nil {
			return n, err
		}
		if n > maxSlice {
			return n, fmt.Errorf("more than %d bytes; the rest is in the log itself", int64(maxSlice))
		}
	}
	return n, nil
}

func copyLines(ctx context.Context, out io.Writer, in io.Reader, first uint64) (n int64, err error) {
	r := bufio.NewReaderSize(in, audit.MaxLineBytes+1)
	for ctx.Err() == nil {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return n, nil // what has no end is being written
		}
		if err != nil {
			return n, err
		}
		if l, ok := audit.ParseLine(bytes.TrimSuffix(line, []byte{'\n'})); ok && l.Seq < first {
			continue
		}
		k, err := out.Write(line)
		if n += int64(k); err != nil {
			return n, err
		}
	}
	return n, ctx.Err()
}
