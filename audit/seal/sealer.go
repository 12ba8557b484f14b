package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// FileName is the file of the checkpoints in the directory of a log.
const FileName = "checkpoints.jsonl"

// Source is the log as a Sealer needs it; *audit.Log is one.
type Source interface {
	// Head gives the number and the hash of the newest record.
	Head() (seq uint64, hash string)
	// Sync brings everything up to a Head given before to the disk.
	Sync() error
}

// Options are the settings of a Sealer.
type Options struct {
	Boot    string
	Anchors []Anchor
	Now     func() time.Time // nil: time.Now
}

// Sealer writes the checkpoints of one log.
type Sealer struct {
	opts Options
	key  Private

	mu   sync.Mutex
	file *os.File
	size int64
	last Checkpoint // zero when there is none yet
	prev string     // hash of its line
}

// Open opens the checkpoints of the log in dir for writing with the key in
// keyDir. With no checkpoint yet and no key it makes the key; with checkpoints
// the key must be the one that signed the last of them.
func Open(dir, keyDir string, o Options) (*Sealer, error) {
	s := newSealer(o)
	path := filepath.Join(dir, FileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open checkpoints: %w", err)
	}
	if err := s.resume(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := s.loadKey(keyDir); err != nil {
		f.Close()
		return nil, err
	}
	s.file = f
	return s, nil
}

func newSealer(o Options) *Sealer {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Sealer{opts: o, prev: Genesis}
}

// resume finds the last whole line and cuts what is behind it: a checkpoint
// that was being written when the machine died covers nothing.
func (s *Sealer) resume(f *os.File) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	// Room for a torn line and for the whole one before it.
	tail := make([]byte, min(end, 2*(MaxLineBytes+1)))
	if _, err := f.ReadAt(tail, end-int64(len(tail))); err != nil {
		return err
	}
	whole := bytes.LastIndexByte(tail, '\n') + 1
	if whole == 0 && end > int64(len(tail)) {
		return errors.New("its end is no checkpoint; `clawjail audit verify` says more")
	}
	s.size = end - int64(len(tail)-whole)
	if err := f.Truncate(s.size); err != nil {
		return err
	}
	if whole == 0 {
		return nil
	}
	line := tail[:whole-1]
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	c, err := Decode(line)
	if err != nil {
		return fmt.Errorf("the last line: %w; `clawjail audit verify` says more", err)
	}
	s.last, s.prev = c, hashLine(line)
	return nil
}

// loadKey loads the key and holds it against the last checkpoint.
func (s *Sealer) loadKey(dir string) error {
	k, err := Load(dir)
	if errors.Is(err, ErrNoKey) && s.last.N == 0 {
		if k, err = Generate(); err == nil {
			err = Store(dir, k)
		}
	}
	if errors.Is(err, ErrNoKey) {
		return fmt.Errorf("%w, but the log has checkpoints signed by key %s: restore it, or begin a new one with `clawjail audit key new --lost`", err, s.signer())
	}
	if err != nil {
		return err
	}
	if id := k.Public().ID(); s.last.N > 0 && id != s.signer() {
		if next, ok := finish(dir, s.signer()); ok {
			s.key = next
			return nil
		}
		return fmt.Errorf("the signing key in %s is %s, but the log's checkpoints were signed by %s: restore that key, or begin a new one with `clawjail audit key new --lost`", dir, id, s.signer())
	}
	s.key = k
	return nil
}

// signer is the key that has to sign the next checkpoint.
func (s *Sealer) signer() string {
	if s.last.Kind == NewKey {
		if p, err := s.last.NextKey(); err == nil {
			return p.ID()
		}
	}
	return s.last.Key
}

// Last gives the newest checkpoint; false when there is none.
func (s *Sealer) Last() (Checkpoint, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.last.N > 0
}

// Key gives the public half of the key in use.
func (s *Sealer) Key() Public {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key.Public()
}

// Sign signs a message that is no checkpoint with the key in use.
func (s *Sealer) Sign(domain string, message []byte) (signature []byte, keyID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.key.Sign(domain, message)
}

// Seal signs where the log stands, unless the last checkpoint says so already.
// An error of an anchor is given, but the checkpoint stands.
func (s *Sealer) Seal(log Source) error {
	seq, head := log.Head()
	s.mu.Lock()
	covered := seq == 0 || seq <= s.last.Seq
	s.mu.Unlock()
	if covered {
		return nil
	}
	if err := log.Sync(); err != nil {
		return err
	}
	return s.SealAt(seq, head)
}

// SealAt signs a record that is on the disk already. One that a checkpoint
// covers already is passed over.
func (s *Sealer) SealAt(seq uint64, head string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq <= s.last.Seq {
		return nil
	}
	return s.write(Checkpoint{Kind: Mark, Seq: seq, Head: head})
}

// Retire signs that everything up to seq was removed, and why. It must be on
// the disk before anything is.
func (s *Sealer) Retire(seq uint64, head, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(Checkpoint{Kind: Retire, Seq: seq, Head: head, Reason: reason})
}

// write signs and appends one line.
func (s *Sealer) write(c Checkpoint) error {
	c.N, c.Prev, c.Time, c.Boot = s.last.N+1, s.prev, s.opts.Now().UTC().Round(0), s.opts.Boot
	if err := c.sign(s.key); err != nil {
		return fmt.Errorf("sign checkpoint: %w", err)
	}
	line, err := c.Encode()
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if len(line) > MaxLineBytes {
		return fmt.Errorf("checkpoint of %d bytes; %d are allowed", len(line), MaxLineBytes)
	}
	_, err = s.file.WriteAt(append(line, '\n'), s.size)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		// What is half there is cut off, so that the next one is whole.
		return errors.Join(fmt.Errorf("write checkpoint: %w", err), s.file.Truncate(s.size))
	}
	s.size += int64(len(line)) + 1
	s.last, s.prev = c, hashLine(line)
	var errs []error
	for _, a := range s.opts.Anchors {
		if err := a.Put(line); err != nil {
			errs = append(errs, fmt.Errorf("anchor %s: %w", a, err))
		}
	}
	return errors.Join(errs...)
}

// Close closes the file.
func (s *Sealer) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.Close()
}

func parseDER(der []byte) (Public, error) {
	k, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return Public{}, fmt.Errorf("public key: %w", err)
	}
	pub, ok := k.(ed25519.PublicKey)
	if !ok {
		return Public{}, fmt.Errorf("public key is a %T, not ed25519", k)
	}
	return Public{pub}, nil
}
