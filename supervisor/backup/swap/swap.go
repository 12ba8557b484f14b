package swap

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

	"golang.org/x/sys/unix"
)

// Pair is a directory, and what is to take its place.
type Pair struct {
	Staged string `json:"staged"`
	Place  string `json:"place"`
	// Before is where what was there goes, unless it was empty.
	Before string `json:"before"`
}

// StagePrefix begins the names of directories that trees are staged in.
const StagePrefix = ".clawjail-restore-"

// Journal is where the journal of a host is, by its configuration's directory.
func Journal(config string) string {
	return filepath.Join(filepath.Dir(filepath.Clean(config)), ".clawjail-restore.journal")
}

// ErrRunning says that the swap is under way in another process.
var ErrRunning = errors.New("a restore is under way in another process")

// Bounds of a journal, which we wrote.
const (
	version    = 1
	maxJournal = 64 << 10
	maxPairs   = 8
)

type journal struct {
	Version int    `json:"version"`
	Mark    string `json:"mark"` // the name of the file that marks a new tree
	Pairs   []Pair `json:"pairs"`
}

// Do swaps all pairs. The staged trees are on the disk already, and each on that of
// its place. With an error nothing has changed, unless the journal is still there:
// then Finish goes on.
func Do(path string, pairs []Pair) (before []string, err error) {
	return do(path, pairs, func(string) error { return nil })
}

// do tells at of every step before it is taken; an error is the end of the power.
func do(path string, pairs []Pair, at func(string) error) ([]string, error) {
	if len(pairs) == 0 || len(pairs) > maxPairs {
		return nil, fmt.Errorf("swap %d directories, at most %d", len(pairs), maxPairs)
	}
	mark := make([]byte, 8)
	if _, err := rand.Read(mark); err != nil {
		return nil, err
	}
	j := journal{Version: version, Mark: ".clawjail-restored-" + hex.EncodeToString(mark), Pairs: pairs}
	for _, p := range pairs {
		if err := p.ready(); err != nil {
			return nil, err
		}
		if err := at("mark " + p.Staged); err != nil {
			return nil, err
		}
		if err := create(filepath.Join(p.Staged, j.Mark), nil); err != nil {
			return nil, err
		}
	}
	if err := at("journal"); err != nil {
		return nil, err
	}
	lock, err := j.write(path)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	return j.carryOut(path, at)
}

// ready reports whether the pair can be exchanged in one step.
func (p Pair) ready() error {
	if err := os.MkdirAll(p.Place, 0o700); err != nil {
		return err
	}
	var staged, place, parent unix.Stat_t
	for _, s := range []struct {
		path string
		st   *unix.Stat_t
	}{{p.Staged, &staged}, {p.Place, &place}, {filepath.Dir(p.Place), &parent}} {
		if err := unix.Lstat(s.path, s.st); err != nil {
			return &fs.PathError{Op: "lstat", Path: s.path, Err: err}
		}
	}
	if staged.Dev != place.Dev || place.Dev != parent.Dev {
		return fmt.Errorf("%s is a mount point, which cannot be exchanged in one step: unmount it and restore into the directory below", p.Place)
	}
	return nil
}

// write makes the journal, whole or not at all, and locks it.
func (j journal) write(path string) (*os.File, error) {
	b, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is there: an earlier restore is not finished; start clawjaild, or restore again", path)
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := create(part, b); err != nil {
		return nil, err
	}
	f, err := lockFile(part)
	if err != nil {
		return nil, err
	}
	err = os.Rename(part, path)
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrRunning
		}
		return nil, os.NewSyscallError("flock", err)
	}
	return f, nil
}

// carryOut does what is not done yet.
func (j journal) carryOut(path string, at func(string) error) (before []string, err error) {
	for i, p := range j.Pairs {
		if err := at("exchange " + p.Place); err != nil {
			return nil, err
		}
		if err := j.exchange(p); err != nil {
			return nil, errors.Join(err, j.giveUp(path, j.Pairs[:i]))
		}
	}
	for _, p := range j.Pairs {
		if err := at("keep " + p.Place); err != nil {
			return before, err
		}
		kept, err := p.keep()
		if err != nil {
			return before, err
		}
		if kept {
			before = append(before, p.Before)
		}
	}
	// The marks last: without them it could not be seen what is in place.
	if err := at("forget"); err != nil {
		return before, err
	}
	if err := os.Remove(path); err != nil {
		return before, err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return before, err
	}
	for _, p := range j.Pairs {
		if err := at("unmark " + p.Place); err != nil {
			return before, err
		}
		if err := os.Remove(filepath.Join(p.Place, j.Mark)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return before, err
		}
	}
	return before, nil
}

// exchange swaps the two directories of a pair in one step, if that was not done.
func (j journal) exchange(p Pair) error {
	if there(filepath.Join(p.Place, j.Mark)) {
		return nil
	}
	if !there(filepath.Join(p.Staged, j.Mark)) {
		return fmt.Errorf("what was to take the place of %s is not in %s any more: restore again", p.Place, p.Staged)
	}
	if err := os.MkdirAll(p.Place, 0o700); err != nil {
		return err
	}
	if err := unix.Renameat2(unix.AT_FDCWD, p.Staged, unix.AT_FDCWD, p.Place, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("exchange %s: %w", p.Place, os.NewSyscallError("renameat2", err))
	}
	return errors.Join(syncDir(filepath.Dir(p.Place)), syncDir(filepath.Dir(p.Staged)))
}

// giveUp exchanges back what was exchanged before something could not be.
func (j journal) giveUp(path string, done []Pair) error {
	for _, p := range done {
		if err := unix.Renameat2(unix.AT_FDCWD, p.Staged, unix.AT_FDCWD, p.Place, unix.RENAME_EXCHANGE); err != nil {
			return fmt.Errorf("exchange %s back: %w", p.Place, os.NewSyscallError("renameat2", err))
		}
		if err := syncDir(filepath.Dir(p.Place)); err != nil {
			return err
		}
	}
	return errors.Join(os.Remove(path), syncDir(filepath.Dir(path)))
}

// keep moves what was there aside, unless it was nothing.
func (p Pair) keep() (bool, error) {
	entries, err := os.ReadDir(p.Staged)
	if errors.Is(err, fs.ErrNotExist) {
		return there(p.Before), nil // before the power went
	}
	if err != nil {
		return false, err
	}
	if len(entries) == 0 {
		return false, os.Remove(p.Staged)
	}
	if err := os.Rename(p.Staged, p.Before); err != nil {
		return false, fmt.Errorf("the restored state is in place; what was there could not be kept: %w", err)
	}
	return true, syncDir(filepath.Dir(p.Before))
}

// Finish goes on with a swap that the end of the power has interrupted, and says
// where what was there is now. Without a journal there is nothing to do.
func Finish(path string) (before []string, err error) {
	return finish(path, func(string) error { return nil })
}

func finish(path string, at func(string) error) ([]string, error) {
	f, err := lockFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("finish the restore of %s: %w", path, err)
	}
	defer f.Close()
	if err := mine(f); err != nil {
		return nil, fmt.Errorf("finish the restore of %s: %w", path, err)
	}
	j, err := read(f)
	if err == nil && there(path) { // or whoever had the lock has finished it
		var before []string
		if before, err = j.carryOut(path, at); err == nil {
			for _, p := range j.Pairs {
				_ = os.Remove(filepath.Dir(p.Staged)) // empty by now, and in nobody's way
			}
			return before, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("finish the restore of %s: %w", path, err)
	}
	return nil, nil
}

// mine refuses a journal that somebody else can have written: the directory may be
// one that is everybody's.
func mine(f *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return fmt.Errorf("it belongs to user %d, mode %o: it is not ours; remove it", st.Uid, st.Mode&0o7777)
	}
	return nil
}

func read(r io.Reader) (journal, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxJournal+1))
	if err != nil {
		return journal{}, err
	}
	var j journal
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return journal{}, err
	}
	if len(b) > maxJournal || j.Version != version || len(j.Pairs) == 0 || len(j.Pairs) > maxPairs || j.Mark != filepath.Base(j.Mark) {
		return journal{}, fmt.Errorf("version %d, %d directories: another clawjail wrote it", j.Version, len(j.Pairs))
	}
	for _, p := range j.Pairs {
		for _, s := range []string{p.Staged, p.Place, p.Before} {
			if !filepath.IsAbs(s) {
				return journal{}, fmt.Errorf("%q is not absolute", s)
			}
		}
	}
	return j, nil
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// create makes a file that is on the disk when it returns.
func create(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(path)))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
