package verify

import (
	"bufio"
	"errors"
	"io"
)

var (
	errTorn = errors.New("line without an end")
	errLong = errors.New("line over the bound")
)

// lines reads short lines.
type lines struct{ r *bufio.Reader }

func newLines(r io.Reader, maxLine int) *lines { return &lines{bufio.NewReaderSize(r, maxLine+1)} }

// next gives a line without its newline, valid until the next call.
func (l *lines) next() ([]byte, error) {
	b, err := l.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.r.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, errLong
	case errors.Is(err, io.EOF) && len(b) > 0:
		return nil, errTorn
	case err != nil:
		return nil, err
	}
	return b[:len(b)-1], nil
}
