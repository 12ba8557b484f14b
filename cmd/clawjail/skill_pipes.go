package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// pipes are the standard streams of a child: [0] is the end to read from.
type pipes struct {
	in, out, err [2]*os.File
	copies       sync.WaitGroup
	fed          error
	got, said    limited
}

func newPipes() (*pipes, error) {
	p := &pipes{}
	for _, pair := range []*[2]*os.File{&p.in, &p.out, &p.err} {
		r, w, err := os.Pipe()
		if err != nil {
			p.close()
			return nil, err
		}
		pair[0], pair[1] = r, w
	}
	return p, nil
}

// theirs are the child's ends.
func (p *pipes) theirs() []*os.File { return []*os.File{p.in[0], p.out[1], p.err[1]} }

// begin moves what there is to move until the child closes its ends.
func (p *pipes) begin(feed func(io.Writer) error, most int64) {
	p.got.most, p.said.most = most, maxParserSaid
	p.copies.Go(func() {
		p.fed = feed(p.in[1])
		_ = p.in[1].Close()
	})
	p.copies.Go(func() { _, _ = io.Copy(&p.got, p.out[0]) })
	p.copies.Go(func() { _, _ = io.Copy(&p.said, p.err[0]) })
}

func (p *pipes) wait() { p.copies.Wait() }

func (p *pipes) close() {
	for _, pair := range [][2]*os.File{p.in, p.out, p.err} {
		for _, f := range pair {
			if f != nil {
				_ = f.Close()
			}
		}
	}
}

// output is what the child wrote. What could not be fed to it comes first.
func (p *pipes) output() ([]byte, error) {
	switch {
	case p.fed != nil && !errors.Is(p.fed, syscall.EPIPE):
		return nil, p.fed
	case int64(len(p.got.kept)) > p.got.most:
		return nil, &gaveUpError{fmt.Sprintf("it wrote more than %d bytes", p.got.most)}
	}
	return p.got.kept, nil
}

// complaint is what the child says is wrong with the skill.
func (p *pipes) complaint() error {
	if p.fed != nil && !errors.Is(p.fed, syscall.EPIPE) {
		return p.fed
	}
	text := readable(string(bytes.TrimSpace(p.said.kept)))
	if text == "" {
		text = "it did not say why"
	}
	return errors.New(text)
}

// limited keeps the first bytes that are written to it, and one more than most
// so that the excess shows.
type limited struct {
	kept []byte
	most int64
}

func (l *limited) Write(b []byte) (int, error) {
	room := l.most + 1 - int64(len(l.kept))
	l.kept = append(l.kept, b[:min(int64(len(b)), max(room, 0))]...)
	return len(b), nil
}
