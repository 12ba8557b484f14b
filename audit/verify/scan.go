package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"

	"clawjail/audit"
)

const hexLen = 2 * sha256.Size

// fact is what the chain needs of one line.
type fact struct {
	ok   bool // the line has the form of a record
	long bool // it was over the bound, and hash is of nothing
	seq  uint64
	prev [hexLen]byte
	hash [hexLen]byte
}

// blockBytes is how much one goroutine hashes at a time.
const blockBytes = 1 << 20

// block is a piece of a segment that ends where a line ends.
type block struct {
	data  []byte
	facts []fact
	tail  bool // data is the end of the segment and lacks its newline
	err   error
	done  chan struct{}
}

// scan reads a segment and gives its lines' facts in their order. Blocks are
// hashed side by side; at most twice as many as there are processors exist at a
// time.
func scan(ctx context.Context, r io.Reader, each func(facts []fact, partial bool) error) error {
	workers := runtime.GOMAXPROCS(0)
	todo := make(chan *block, workers)    // one for each that hashes
	ordered := make(chan *block, workers) // and one that waits
	stop, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for b := range todo {
				b.facts = factsOf(b.data, b.facts[:0])
				close(b.done)
			}
		})
	}
	free := make(chan *block, 2*workers+2) // every block there can be
	all.Go(func() {
		defer close(todo)
		defer close(ordered)
		split(stop, r, free, func(b *block) bool {
			select {
			case ordered <- b:
			case <-stop.Done():
				return false
			}
			select {
			case todo <- b:
			case <-stop.Done():
				close(b.done)
				return false
			}
			return true
		})
	})
	var err error
	for b := range ordered {
		<-b.done
		if err == nil {
			if err = b.err; err == nil {
				err = each(b.facts, b.tail)
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
	cancel()
	all.Wait()
	return errors.Join(err, ctx.Err())
}

// split cuts a stream into blocks of whole lines.
func split(ctx context.Context, r io.Reader, free <-chan *block, send func(*block) bool) {
	var rest []byte
	for ctx.Err() == nil {
		b := reuse(free)
		b.data = append(b.data[:0], rest...)
		for {
			have := len(b.data)
			b.data = slices.Grow(b.data, blockBytes)[:have+blockBytes]
			n, err := io.ReadFull(r, b.data[have:])
			b.data = b.data[:have+n]
			end := err == io.EOF || err == io.ErrUnexpectedEOF
			if err != nil && !end {
				b.err = err
			}
			nl := bytes.LastIndexByte(b.data, '\n')
			// A line that does not end is looked at no further than it is worth.
			if nl < 0 && !end && b.err == nil && len(b.data) < 64*blockBytes {
				continue
			}
			rest = append(rest[:0], b.data[nl+1:]...)
			if b.err != nil {
				b.data = b.data[:0]
			} else if end && len(rest) > 0 {
				b.tail = true
			} else if !end && nl < 0 {
				b.err = errors.New("a line of more than 64 MiB")
			}
			if !b.tail {
				b.data = b.data[:nl+1]
			}
			if !send(b) || end || b.err != nil {
				return
			}
			break
		}
	}
}

func reuse(free <-chan *block) *block {
	select {
	case b := <-free:
		b.tail, b.err, b.done = false, nil, make(chan struct{})
		return b
	default:
		return &block{done: make(chan struct{})}
	}
}

// factsOf looks at every line of a block.
func factsOf(data []byte, out []fact) []fact {
	for len(data) > 0 {
		line := data
		if nl := bytes.IndexByte(data, '\n'); nl >= 0 {
			line, data = data[:nl], data[nl+1:]
		} else {
			data = nil
		}
		var f fact
		if len(line) > audit.MaxLineBytes {
			f.long = true
			out = append(out, f)
			continue
		}
		if l, ok := audit.ParseLine(line); ok {
			f.ok, f.seq = true, l.Seq
			copy(f.prev[:], l.Prev)
		}
		sum := sha256.Sum256(line)
		hex.Encode(f.hash[:], sum[:])
		out = append(out, f)
	}
	return out
}
