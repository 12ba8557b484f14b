package stream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

const magic = "clawjail-skill 1\n"

// Limits of what a Reader accepts, whoever writes.
const (
	maxName    = 255
	maxEntries = 50_000
	maxData    = 64 << 20
	maxTotal   = 256 << 20
)

// ErrTruncated says that a stream ended before its end.
var ErrTruncated = errors.New("the stream of the skill was cut")

// Writer writes a stream. Its first error stays; Close gives it.
type Writer struct {
	w   *bufio.Writer
	err error
}

// NewWriter begins a stream with the skill's name.
func NewWriter(w io.Writer, name string) *Writer {
	sw := &Writer{w: bufio.NewWriterSize(w, 64<<10)}
	sw.bytes([]byte(magic))
	sw.text(name[:min(len(name), maxName)])
	return sw
}

// Write writes one entry.
func (w *Writer) Write(e Entry) error {
	w.bytes([]byte{byte(e.Kind), byte(e.State)})
	for _, n := range []uint64{uint64(e.Mode), e.Links, e.Inode, uint64(e.Size)} {
		w.number(n)
	}
	w.text(e.Path)
	w.text(e.Target)
	w.number(uint64(len(e.Data)))
	w.bytes(e.Data)
	return w.err
}

// Close ends the stream; it does not close what it is written to.
func (w *Writer) Close() error {
	_ = w.Write(Entry{Kind: End})
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}

func (w *Writer) bytes(b []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(b)
	}
}

func (w *Writer) number(n uint64) { w.bytes(binary.AppendUvarint(nil, n)) }

func (w *Writer) text(s string) {
	w.number(uint64(len(s)))
	w.bytes([]byte(s))
}

// Reader reads a stream.
type Reader struct {
	// Name is the skill's.
	Name    string
	r       *bufio.Reader
	entries int
	total   uint64
}

// NewReader reads the beginning of a stream.
func NewReader(r io.Reader) (*Reader, error) {
	sr := &Reader{r: bufio.NewReaderSize(r, 64<<10)}
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(sr.r, head); err != nil || string(head) != magic {
		return nil, fmt.Errorf("this is no stream of a skill: it does not begin with %q", magic)
	}
	name, err := sr.text(maxName)
	sr.Name = name
	return sr, err
}

// Next gives the next entry, and io.EOF after the last.
func (r *Reader) Next() (Entry, error) {
	var head [2]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return Entry{}, cut(err)
	}
	e := Entry{Kind: Kind(head[0]), State: State(head[1])}
	if e.Kind > Limit || e.State > TooDeep {
		return Entry{}, fmt.Errorf("the stream has an entry of kind %d and state %d", e.Kind, e.State)
	}
	var numbers [4]uint64
	for i := range numbers {
		n, err := binary.ReadUvarint(r.r)
		if err != nil {
			return Entry{}, cut(err)
		}
		numbers[i] = n
	}
	e.Mode, e.Links, e.Inode, e.Size = fs.FileMode(uint32(numbers[0])), numbers[1], numbers[2], int64(numbers[3])
	if numbers[0] > 1<<32-1 || e.Size < 0 {
		return Entry{}, errors.New("the stream has a mode or a size that is none")
	}
	var err error
	if e.Path, err = r.text(maxPath); err != nil {
		return Entry{}, err
	}
	if e.Target, err = r.text(maxPath); err != nil {
		return Entry{}, err
	}
	if e.Data, err = r.data(e); err != nil {
		return Entry{}, err
	}
	if e.Kind == End {
		return Entry{}, io.EOF
	}
	if r.entries++; r.entries > maxEntries {
		return Entry{}, fmt.Errorf("the stream has more than %d entries", maxEntries)
	}
	return e, nil
}

func (r *Reader) data(e Entry) ([]byte, error) {
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return nil, cut(err)
	}
	if n == 0 {
		if e.Kind == File && e.State == Read {
			return []byte{}, nil // read, and empty
		}
		return nil, nil
	}
	if r.total += n; n > maxData || r.total > maxTotal || e.Kind != File {
		return nil, fmt.Errorf("the stream has %d bytes of content where it may not", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		return nil, cut(err)
	}
	return b, nil
}

func (r *Reader) text(most int) (string, error) {
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return "", cut(err)
	}
	if n > uint64(most) {
		return "", fmt.Errorf("the stream has a text of %d bytes, at most %d", n, most)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		return "", cut(err)
	}
	return string(b), nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTruncated
	}
	return err
}
