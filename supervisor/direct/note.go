package direct

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The bounds of notes.
const (
	maxNotes     = 1000
	maxNoteBytes = 8 << 10
	maxReason    = 1000
)

const suffix = ".direct"

// Note says what was done without a supervisor.
type Note struct {
	Time   time.Time `json:"time"`
	Boot   string    `json:"boot"`
	Jail   string    `json:"jail"`
	Name   string    `json:"name"`
	Stands bool      `json:"stands"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Leave writes a note into dir, which it makes, durably.
func Leave(dir string, n Note) error {
	if len(n.Reason) > maxReason {
		n.Reason = n.Reason[:maxReason]
	}
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	path := filepath.Join(dir, n.Time.UTC().Format("20060102T150405.000")+"-"+hex.EncodeToString(id[:])+suffix)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Read gives every note of a directory to take, the oldest first, and removes
// those that it takes without an error. What is no note of root's is moved
// aside, and said in the error.
func Read(dir string, take func(Note) error) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for i, e := range entries {
		if i >= maxNotes || !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		n, err := read(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s is no note and is moved aside: %w", path, err), os.Rename(path, path+".bad"))
			continue
		}
		if err := take(n); err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, os.Remove(path))
	}
	return errors.Join(errs...)
}

func read(path string) (Note, error) {
	var n Note
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return n, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return n, err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || !st.Mode().IsRegular() || int(sys.Uid) != os.Geteuid() || st.Mode().Perm()&0o077 != 0 {
		return n, fmt.Errorf("it is not root's alone (mode %#o)", st.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxNoteBytes+1))
	if err != nil {
		return n, err
	}
	if len(b) > maxNoteBytes {
		return n, fmt.Errorf("more than %d bytes", maxNoteBytes)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&n); err != nil {
		return n, err
	}
	if !idForm().MatchString(n.Jail) {
		return n, fmt.Errorf("%q is no jail", n.Jail)
	}
	return n, nil
}
