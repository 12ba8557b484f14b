package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"
)

// segmentFile is an open segment, compressed or not.
type segmentFile interface {
	io.ReaderAt
	io.Closer
	size() (int64, error) // of the lines in it
}

// plainFile is a segment as it was written.
type plainFile struct{ *os.File }

func (p plainFile) size() (int64, error) { return p.Seek(0, io.SeekEnd) }

// maxWindow bounds what a compressed segment may make its reader keep; Pack
// stays far below.
const maxWindow = 32 << 20

// packedFile reads a compressed segment from its beginning to its end. ReadAt
// goes forward, and back over what the last call read, which is how the line
// reader reads.
type packedFile struct {
	file *os.File
	dec  *zstd.Decoder
	off  int64
	last []byte // what stands before off
}

func openPacked(f *os.File) (*packedFile, error) {
	dec, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return &packedFile{file: f, dec: dec}, nil
}

func (p *packedFile) ReadAt(b []byte, off int64) (int, error) {
	back := p.off - off
	if back < 0 || back > int64(len(p.last)) {
		return 0, fmt.Errorf("compressed segment is read at %d, out of order: %w", off, errors.ErrUnsupported)
	}
	if back > 0 {
		return copy(b, p.last[int64(len(p.last))-back:]), nil
	}
	n, err := io.ReadFull(p.dec, b)
	p.off += int64(n)
	if n > 0 {
		p.last = append(p.last[:0], b[:n]...)
	}
	if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF // or the next call says otherwise
	} else if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	return n, err
}

func (p *packedFile) Close() error {
	p.dec.Close()
	return p.file.Close()
}

// size reads to the end; nothing can be read after.
func (p *packedFile) size() (int64, error) {
	n, err := io.Copy(io.Discard, p.dec)
	p.off += n
	return p.off, err
}

var errCut = errors.New("the compressed data was cut off")

// openSegment opens a segment for reading. One that was compressed since it was
// listed is found under its other name.
func openSegment(root *os.Root, s segment) (segmentFile, error) {
	f, err := root.Open(s.name)
	if errors.Is(err, fs.ErrNotExist) && !s.packed {
		s = packedAt(s.first)
		f, err = root.Open(s.name)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("no permission to read audit segment %s: %w", s.name, fs.ErrPermission)
	}
	if err != nil {
		return nil, fmt.Errorf("open audit segment: %w", err)
	}
	if !s.packed {
		return plainFile{f}, nil
	}
	p, err := openPacked(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open audit segment %s: %w", s.name, err)
	}
	return p, nil
}

func packedAt(first uint64) segment {
	return segment{name: fmt.Sprintf("%0*d%s", segmentDigits, first, packedSuffix), first: first, packed: true}
}

// Pack compresses the closed segments of the log in dir but the newest keep of
// them, and tells how many it did. It may run beside a writer and beside
// readers. A plain segment is removed when what was written compressed has been
// read back from the disk and is the same.
func Pack(ctx context.Context, dir string, keep int) (int, error) {
	root, err := openRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	segs, err := listSegments(root)
	if err != nil {
		return 0, err
	}
	packed := 0
	for i, s := range segs {
		if i >= len(segs)-1-max(keep, 0) {
			break
		}
		if s.packed {
			continue
		}
		if err := packSegment(ctx, root, s); err != nil {
			return packed, fmt.Errorf("compress audit segment %s: %w", s.name, err)
		}
		packed++
	}
	return packed, nil
}

// packingName holds a segment while it is compressed. No reader takes it for a
// segment, and the next Pack writes over it.
const packingName = "packing"

func packSegment(ctx context.Context, root *os.Root, s segment) (err error) {
	in, err := root.Open(s.name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := root.OpenFile(packingName, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return writeError(err)
	}
	defer func() {
		out.Close()
		if err != nil {
			err = errors.Join(err, root.Remove(packingName))
		}
	}()
	want, err := compressTo(ctx, out, in)
	if err != nil {
		return writeError(err)
	}
	if err := out.Sync(); err != nil {
		return err
	}
	got, err := hashPacked(ctx, out)
	if err != nil {
		return err
	}
	if got != want {
		return errors.New("what was written does not give back what was read; the plain segment stays")
	}
	if err := root.Rename(packingName, packedAt(s.first).name); err != nil {
		return err
	}
	if err := syncDir(root, "."); err != nil { // before the plain one goes
		return err
	}
	return errors.Join(root.Remove(s.name), syncDir(root, "."))
}

// compressTo compresses r into w and gives the hash of what it read.
func compressTo(ctx context.Context, w io.Writer, r io.Reader) (sum [sha256.Size]byte, err error) {
	enc, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20))
	if err != nil {
		return sum, err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(enc, h), readerWith(ctx, r))
	err = errors.Join(err, enc.Close())
	return [sha256.Size]byte(h.Sum(nil)), err
}

func hashPacked(ctx context.Context, f *os.File) (sum [sha256.Size]byte, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return sum, err
	}
	dec, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return sum, err
	}
	defer dec.Close()
	h := sha256.New()
	_, err = io.Copy(h, readerWith(ctx, dec))
	return [sha256.Size]byte(h.Sum(nil)), err
}

// ctxReader ends with the context.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func readerWith(ctx context.Context, r io.Reader) io.Reader { return ctxReader{ctx, r} }

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// unpack makes a compressed segment plain again: the writer goes on in it. That
// happens when the segment behind it was lost with the machine.
func (l *Log) unpack(s segment) (segment, error) {
	f, err := openSegment(l.root, s)
	if err != nil {
		return s, err
	}
	defer f.Close()
	out, err := l.root.OpenFile(packingName, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return s, writeError(err)
	}
	_, err = io.Copy(out, f.(*packedFile).dec)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return s, writeError(err)
	}
	plain := segmentAt(s.first)
	if err := l.root.Rename(packingName, plain.name); err != nil {
		return s, err
	}
	return plain, errors.Join(syncDir(l.root, "."), l.root.Remove(s.name))
}
