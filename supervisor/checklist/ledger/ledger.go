package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unicode/utf8"
)

// Bounds of a ledger.
const (
	MaxNote        = 1000 // bytes
	maxLedgerBytes = 1 << 20
)

// Entry says that a task was done.
type Entry struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Note string    `json:"note,omitempty"`
}

// Ledger keeps when each task was last done.
type Ledger struct {
	path string
	mu   sync.Mutex
	all  map[string]Entry
}

// Open reads the ledger at path, which need not exist yet. A file that
// cannot be read is an error and stays as it is.
func Open(path string) (*Ledger, error) {
	l := &Ledger{path: path, all: map[string]Entry{}}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l, nil
	case err != nil:
		return nil, err
	case info.Size() > maxLedgerBytes:
		return nil, fmt.Errorf("%s: %d bytes, at most %d", path, info.Size(), maxLedgerBytes)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &l.all); err != nil {
		return nil, fmt.Errorf("%s: %w; move it away to begin anew", path, err)
	}
	if l.all == nil {
		l.all = map[string]Entry{}
	}
	return l, nil
}

// All gives a copy.
func (l *Ledger) All() map[string]Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.all)
}

// Done writes down that a task was done, durably.
func (l *Ledger) Done(id string, e Entry) error {
	if err := Check(id); err != nil {
		return err
	}
	if len(e.Note) > MaxNote || !utf8.ValidString(e.Note) {
		return fmt.Errorf("a note is text of at most %d bytes", MaxNote)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	next := maps.Clone(l.all)
	next[id] = e
	b, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	if err := write(l.path, append(b, '\n')); err != nil {
		return fmt.Errorf("write down that %s was done: %w", id, err)
	}
	l.all = next
	return nil
}

// write replaces a file as a whole.
func write(path string, b []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".checklist-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
