package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/policy/skill/stream"
	"clawjail/policy/skill/trust"
)

// DefaultDir is where skills are kept.
const DefaultDir = "/var/lib/clawjail/skills"

// What a store consists of.
const (
	storeDir     = "store"
	installedDir = "installed"
	stagingDir   = "staging"
	filesDir     = "files"
	manifestFile = "manifest.json"
)

// Store is an open store.
type Store struct {
	dir  string
	lock *os.File
}

// Open opens a store, and makes it if there is none.
func Open(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for _, d := range []string{abs, filepath.Join(abs, storeDir), filepath.Join(abs, installedDir), filepath.Join(abs, stagingDir)} {
		mode := fs.FileMode(0o755)
		if filepath.Base(d) == stagingDir {
			mode = 0o700
		}
		if err := os.MkdirAll(d, mode); err != nil {
			return nil, openError(dir, err)
		}
	}
	return Read(dir)
}

// Read opens a store that is there.
func Read(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(abs, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, openError(dir, err)
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, fmt.Errorf("store %q: %w", dir, err)
	}
	if uid := uint32(os.Geteuid()); st.Uid != uid && st.Uid != 0 || st.Mode&0o022 != 0 {
		return nil, fmt.Errorf("store %q: somebody else may write to it (owner %d, mode %04o); it must be your own or root's, and nobody else's to write", dir, st.Uid, st.Mode&0o7777)
	}
	return &Store{dir: abs}, nil
}

func openError(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("store of skills %q: %w\n  run the command with sudo, or use a store of your own: --store DIR", dir, err)
	}
	return fmt.Errorf("store of skills %q: %w", dir, err)
}

// Lock keeps other writers out until Unlock, and removes what a crash left in
// staging.
func (s *Store) Lock() error {
	f, err := os.OpenFile(s.dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return openError(s.dir, err)
	}
	if err := flock(f); err != nil {
		_ = f.Close()
		return fmt.Errorf("lock the store %q: %w", s.dir, err)
	}
	s.lock = f
	left, err := os.ReadDir(filepath.Join(s.dir, stagingDir))
	if err != nil {
		s.Unlock()
		return openError(s.dir, err)
	}
	for _, e := range left {
		if err := removeTree(filepath.Join(s.dir, stagingDir, e.Name())); err != nil {
			s.Unlock()
			return fmt.Errorf("remove what an installation left behind: %w", err)
		}
	}
	return nil
}

// flock waits for the lock; a signal does not end that.
func flock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("flock", err)
		}
	}
}

// Unlock lets other writers in.
func (s *Store) Unlock() {
	if s.lock != nil {
		_ = s.lock.Close()
		s.lock = nil
	}
}

func (s *Store) treeDir(tree trust.Digest) string { return filepath.Join(s.dir, storeDir, hexOf(tree)) }

// PathIn is where the store at dir has, or would have, the files of a skill.
func PathIn(dir string, tree trust.Digest) (string, error) {
	abs, err := filepath.Abs(dir)
	return (&Store{dir: abs}).Path(tree), err
}

// Path is where the files of a stored skill are.
func (s *Store) Path(tree trust.Digest) string { return filepath.Join(s.treeDir(tree), filesDir) }

// DamagedError says that a stored skill is not what was stored.
type DamagedError struct {
	Tree trust.Digest
	Why  string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the stored skill %s is damaged: %s\n  install it again; the damaged copy is never run", e.Tree, e.Why)
}

// Check reads a stored skill and compares it with its digest.
func (s *Store) Check(tree trust.Digest) error {
	dir, err := os.OpenFile(s.Path(tree), os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return &DamagedError{tree, "it cannot be opened: " + err.Error()}
	}
	defer dir.Close()
	loose := ""
	src := func(visit func(stream.Entry) error) error {
		return stream.Walk(context.Background(), dir, Limits(), func(e stream.Entry) error {
			switch {
			case loose != "":
			case trust.Ignored(e.Path):
				loose = fmt.Sprintf("%q was added", e.Path)
			case e.Kind != stream.Link && e.Mode.Perm()&0o222 != 0:
				loose = fmt.Sprintf("%q has become writable", e.Path)
			}
			return visit(e)
		})
	}
	m, err := Measure("stored", src)
	switch {
	case err != nil:
		return &DamagedError{tree, strings.ReplaceAll(err.Error(), "\n", "; ")}
	case loose != "":
		return &DamagedError{tree, loose}
	case m.Manifest.Tree() != tree:
		return &DamagedError{tree, "its files are not those that were stored (their digest is " + m.Manifest.Tree().String() + ")"}
	}
	return nil
}

// Manifest reads the manifest of a stored skill.
func (s *Store) Manifest(tree trust.Digest) (trust.Manifest, error) {
	b, err := readBounded(filepath.Join(s.treeDir(tree), manifestFile), trust.MaxStatement)
	if err != nil {
		return trust.Manifest{}, &DamagedError{tree, "its manifest: " + err.Error()}
	}
	signed, err := trust.ParseStatement(b)
	if err != nil || signed.Tree() != tree {
		return trust.Manifest{}, &DamagedError{tree, "its manifest is not the one that was stored"}
	}
	return signed.Manifest, nil
}

// Collect removes stored skills that no record names. Lock the store before.
func (s *Store) Collect() error {
	records, err := s.List()
	if err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, r := range records {
		if r.Problem != nil {
			return nil // one that cannot be read may name anything
		}
		keep[hexOf(r.Tree)] = true
	}
	entries, err := os.ReadDir(filepath.Join(s.dir, storeDir))
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if !keep[e.Name()] {
			errs = append(errs, removeTree(filepath.Join(s.dir, storeDir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// removeTree removes a directory of ours whose directories are read-only.
func removeTree(dir string) error {
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(p, 0o700)
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(dir))
}

// syncFS brings everything below dir to disk.
func syncFS(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(f.Fd())))
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
