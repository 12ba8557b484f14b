package incident

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// What is kept on the disk for the records of incidents alone: a hold and its
// release are written on a disk that evidence, or somebody else, has filled. It is
// some hundred records; the record of an incident is replaced, and does not grow
// with its steps.
const (
	reserveName  = "reserve"
	reserveBytes = 256 << 10
	leastReserve = 16 << 10
)

// keepReserve takes the space, or as much of it as there is. Without it a full
// disk is what it was: a hold that counts, and an error.
func (s *Store) keepReserve() {
	f, err := os.OpenFile(filepath.Join(s.dir, reserveName), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return
	}
	for n := int64(reserveBytes); n > st.Size() && n >= leastReserve; n /= 2 {
		if unix.Fallocate(int(f.Fd()), 0, 0, n) == nil {
			return
		}
	}
}

// write makes an incident's file what the incident is, out of the reserve where
// there is no other space.
func (s *Store) write(i *Incident) error {
	err := s.replace(i)
	if errors.Is(err, unix.ENOSPC) && os.Remove(filepath.Join(s.dir, reserveName)) == nil {
		err = s.replace(i)
	}
	s.keepReserve()
	return err
}
