package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	fileName = "users.json"
	lockName = "users.lock"
	heading  = "clawjail-users 1 sha256:"
)

// ErrUnknown means that there is no user of that name.
var ErrUnknown = errors.New("no such user")

// Store is a directory with the file.
type Store struct {
	dir string

	mu    sync.Mutex
	users []User // as the file with this identity has them
	seen  identity
}

// identity tells one content of the file from another: a change replaces it.
type identity struct {
	ino, size uint64
	sec, nsec int64
}

// Open takes a directory that exists. What is in it is looked at, so that a
// damaged file is known before anybody signs in.
func Open(dir string) (*Store, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the users in %s can be read by others\n  mend it: chmod 700 %s", dir, dir)
	}
	s := &Store{dir: dir}
	_, err = s.List()
	return s, err
}

// List gives copies of all users, by name.
func (s *Store) List() ([]User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return nil, err
	}
	return clone(s.users)
}

// Get gives a copy of one user; errors.Is(err, ErrUnknown) when there is none.
func (s *Store) Get(name string) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(); err != nil {
		return User{}, err
	}
	for i := range s.users {
		if s.users[i].Name == name {
			one, err := clone(s.users[i : i+1])
			if err != nil {
				return User{}, err
			}
			return one[0], nil
		}
	}
	return User{}, fmt.Errorf("user %q: %w", name, ErrUnknown)
}

// clone copies deeply: what a caller changes is not the store's.
func clone(users []User) ([]User, error) {
	b, err := json.Marshal(users)
	if err != nil {
		return nil, err
	}
	out := []User{}
	return out, json.Unmarshal(b, &out)
}

// load reads the file if it is not the one that was read last.
func (s *Store) load() error {
	path := filepath.Join(s.dir, fileName)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		s.users, s.seen = nil, identity{}
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	id := identity{st.Ino, uint64(st.Size), st.Mtim.Sec, st.Mtim.Nsec}
	if id == s.seen {
		return nil
	}
	if st.Size > MaxBytes {
		return fmt.Errorf("%s has %d bytes, at most %d", path, st.Size, MaxBytes)
	}
	b := make([]byte, st.Size)
	if _, err := f.ReadAt(b, 0); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	users, err := decode(b)
	if err != nil {
		return fmt.Errorf("%s is damaged: %w\n  nobody can sign in until it is restored from a backup, or moved away and the users are made again", path, err)
	}
	s.users, s.seen = users, id
	return nil
}

func decode(b []byte) ([]User, error) {
	first, rest, ok := bytes.Cut(b, []byte("\n"))
	sum, head := bytes.CutPrefix(first, []byte(heading))
	if !ok || !head {
		return nil, errors.New("its first line is not that of a file of users")
	}
	if got := sha256.Sum256(rest); hex.EncodeToString(got[:]) != string(sum) {
		return nil, errors.New("its digest is not that of its content")
	}
	var users []User
	if err := json.Unmarshal(rest, &users); err != nil {
		return nil, err
	}
	if len(users) > MaxUsers {
		return nil, fmt.Errorf("%d users, at most %d", len(users), MaxUsers)
	}
	for i := range users {
		if err := users[i].check(); err != nil {
			return nil, err
		}
	}
	return users, nil
}

// Change lets fn change one user, and writes what became of it. Nothing is
// written if fn gives an error.
func (s *Store) Change(name string, fn func(*User) error) error {
	return s.Update(func(users []User) ([]User, error) {
		for i := range users {
			if users[i].Name == name {
				return users, fn(&users[i])
			}
		}
		return nil, fmt.Errorf("user %q: %w", name, ErrUnknown)
	})
}

// Update lets fn change all users, under a lock that other processes respect.
func (s *Store) Update(fn func([]User) ([]User, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	lock, err := os.OpenFile(filepath.Join(s.dir, lockName), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return os.NewSyscallError("flock", err)
	}
	if err := s.load(); err != nil {
		return err
	}
	users, err := clone(s.users)
	if err != nil {
		return err
	}
	if users, err = fn(users); err != nil {
		return err
	}
	slices.SortFunc(users, func(a, b User) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	b, err := encode(users)
	if err != nil {
		return err
	}
	return s.replace(b)
}

func encode(users []User) ([]byte, error) {
	if len(users) > MaxUsers {
		return nil, fmt.Errorf("%d users, at most %d", len(users), MaxUsers)
	}
	for i := range users {
		if err := users[i].check(); err != nil {
			return nil, err
		}
		if i > 0 && users[i].Name == users[i-1].Name {
			return nil, fmt.Errorf("there is a user %q already", users[i].Name)
		}
	}
	body, err := json.MarshalIndent(users, "", " ")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return append([]byte(heading+hex.EncodeToString(sum[:])+"\n"), body...), nil
}

// replace makes the file have the content b: all of it and on the disk, or
// what it had. The new file, and a lock that root was the first to take, are
// the directory's owner's: root changes users too.
func (s *Store) replace(b []byte) (err error) {
	f, err := os.CreateTemp(s.dir, ".users-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = s.own(f.Name(), filepath.Join(s.dir, lockName))
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(s.dir, fileName)); err != nil {
		return err
	}
	d, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (s *Store) own(names ...string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(s.dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.New("the owner of " + s.dir + " is not known")
	}
	for _, name := range names {
		if err := os.Lchown(name, int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	return nil
}
