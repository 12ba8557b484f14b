package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"clawjail/policy/source/edit"
	"clawjail/supervisor/approval"
)

// ErrChanged means that somebody else wrote the file meanwhile.
var ErrChanged = errors.New("the file was changed meanwhile")

// maxFileBytes bounds a policy file, as package policy/source does.
const maxFileBytes = 1 << 20

// Change is a policy file with one rule more, not yet in its place.
type Change struct {
	Path string // of the file itself, when it was named by a symbolic link
	Diff string // unified; texts of the request are escaped in it
	old  []byte
	temp string // "" once it is applied or discarded
}

// Prepare makes the change that allows r for good. check judges the new text
// as a policy. Nothing is changed yet, but everything that can fail has been
// tried.
func Prepare(path string, r approval.Request, check func(text []byte) error) (*Change, error) {
	p, err := ruleOf(r)
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	old, mode, err := read(real)
	if err != nil {
		return nil, err
	}
	text, err := p.into(string(old))
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n  the rule, in %s: %s", path, err, p.keys[0], p.item)
	}
	if err := check([]byte(text)); err != nil {
		return nil, fmt.Errorf("%s with the rule in it is no policy: %w\n  the rule: %s", path, err, p.item)
	}
	c := &Change{Path: real, Diff: edit.Diff(real, string(old), text), old: old}
	return c, c.write([]byte(text), mode)
}

// read reads a file that can also be written.
func read(path string) ([]byte, os.FileInfo, error) {
	// Renaming over a file needs no permission on it; who made it read-only
	// meant it all the same. Root passes every check but that of the mode.
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("the policy file cannot be written: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is no regular file", path)
	}
	if st.Mode().Perm()&0o222 == 0 {
		return nil, nil, fmt.Errorf("%s is read-only (mode %04o)", path, st.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err == nil && len(b) > maxFileBytes {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxFileBytes)
	}
	return b, st, err
}

// write makes the temporary file, with mode and owner of the old one.
func (c *Change) write(text []byte, st os.FileInfo) error {
	f, err := os.CreateTemp(filepath.Dir(c.Path), "."+filepath.Base(c.Path)+".*")
	if err != nil {
		return fmt.Errorf("write beside %s: %w", c.Path, err)
	}
	c.temp = f.Name()
	_, err = f.Write(text)
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && err == nil {
		err = f.Chown(int(sys.Uid), int(sys.Gid))
	}
	if err == nil {
		err = f.Chmod(st.Mode().Perm())
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		c.Discard()
		return fmt.Errorf("write %s: %w", c.temp, err)
	}
	return nil
}

// Apply puts the new text in the place of the old, unless that is no longer
// what Prepare read.
func (c *Change) Apply() error {
	now, _, err := read(c.Path)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, c.old) {
		return fmt.Errorf("%s: %w", c.Path, ErrChanged)
	}
	if err := os.Rename(c.temp, c.Path); err != nil {
		return err
	}
	c.temp = ""
	d, err := os.Open(filepath.Dir(c.Path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Discard forgets a change that was not applied.
func (c *Change) Discard() {
	if c.temp != "" {
		_ = os.Remove(c.temp) // a left-over that starts with a dot harms nothing
		c.temp = ""
	}
}
