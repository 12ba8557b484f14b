package stream

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

const archiveMagic = "clawjail-archive 1\n"

// WriteArchive begins what is not a stream but the bytes of an archive, which
// follow.
func WriteArchive(w io.Writer, name string) error {
	name = name[:min(len(name), maxName)]
	b := append([]byte(archiveMagic), binary.AppendUvarint(nil, uint64(len(name)))...)
	_, err := w.Write(append(b, name...))
	return err
}

// ArchiveHeader reads what WriteArchive wrote, if it is there; else it leaves
// r as it is.
func ArchiveHeader(r *bufio.Reader) (name string, archive bool, err error) {
	head, err := r.Peek(len(archiveMagic))
	if err != nil || string(head) != archiveMagic {
		return "", false, nil // a stream says what is wrong with it
	}
	if _, err := r.Discard(len(archiveMagic)); err != nil {
		return "", false, err
	}
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return "", false, cut(err)
	}
	if n > maxName {
		return "", false, fmt.Errorf("the archive's name has %d bytes, at most %d", n, maxName)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", false, cut(err)
	}
	return string(b), true, nil
}
