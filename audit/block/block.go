package block

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
)

const (
	// Size is how much one goroutine looks at, at a time.
	Size = 1 << 20
	// MaxLine bounds a line.
	MaxLine = 16 << 20
)

// ErrLong says that a line is longer than MaxLine.
var ErrLong = fmt.Errorf("a line of more than %d MiB", MaxLine>>20)

// block is a piece of a stream that ends where a line ends.
type block[T any] struct {
	data   []byte
	result T
	tail   bool // data is the end of the stream and lacks its newline
	err    error
	done   chan struct{}
}

// Scan reads r to its end. look is called for each block, by several goroutines
// at once; it gets the result of an earlier block to use its memory again. each
// is called with the blocks and their results in order, by the caller's
// goroutine; an error from it ends the scan and is returned. tail is true for a
// last block whose last line has no newline. data is valid until each returns.
func Scan[T any](ctx context.Context, r io.Reader, look func(data []byte, old T) T, each func(data []byte, result T, tail bool) error) error {
	workers := runtime.GOMAXPROCS(0)
	todo := make(chan *block[T], workers)    // one for each that looks
	ordered := make(chan *block[T], workers) // and one that waits
	free := make(chan *block[T], 2*workers+2)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for b := range todo {
				b.result = look(b.data, b.result)
				close(b.done)
			}
		})
	}
	all.Go(func() {
		defer close(todo)
		defer close(ordered)
		split(ctx, r, free, func(b *block[T]) bool {
			select {
			case ordered <- b:
			case <-ctx.Done():
				return false
			}
			select {
			case todo <- b:
				return true
			case <-ctx.Done():
				close(b.done) // whoever waits for it has its answer already
				return false
			}
		})
	})
	var err error
	for b := range ordered {
		<-b.done
		if err == nil {
			if err = b.err; err == nil && ctx.Err() == nil {
				err = each(b.data, b.result, b.tail)
			}
			if err != nil {
				cancel()
			}
		}
		select {
		case free <- b:
		default:
		}
	}
	all.Wait()
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// split cuts a stream into blocks of whole lines.
func split[T any](ctx context.Context, r io.Reader, free <-chan *block[T], send func(*block[T]) bool) {
	var rest []byte
	for ctx.Err() == nil {
		b := reuse(free)
		b.data = append(b.data[:0], rest...)
		end := b.fill(r)
		nl := bytes.LastIndexByte(b.data, '\n')
		rest = append(rest[:0], b.data[nl+1:]...)
		switch {
		case b.err != nil:
			b.data = b.data[:0]
		case end && len(rest) > 0:
			b.tail = true
		case !end && nl < 0:
			b.data, b.err = b.data[:0], ErrLong
		default:
			b.data = b.data[:nl+1]
		}
		if !send(b) || end || b.err != nil {
			return
		}
	}
}

// fill reads until there is a whole line and a block's worth; true at the end.
func (b *block[T]) fill(r io.Reader) (end bool) {
	for len(b.data) < MaxLine {
		have := len(b.data)
		b.data = slices.Grow(b.data, Size)[:have+Size]
		n, err := io.ReadFull(r, b.data[have:])
		b.data = b.data[:have+n]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return true
		}
		if b.err = err; err != nil || bytes.IndexByte(b.data[have:], '\n') >= 0 {
			return false
		}
	}
	return false
}

func reuse[T any](free <-chan *block[T]) *block[T] {
	b := &block[T]{}
	select {
	case b = <-free:
	default:
	}
	b.tail, b.err, b.done = false, nil, make(chan struct{})
	return b
}
