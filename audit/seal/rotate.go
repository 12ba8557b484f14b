package seal

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// nextName is where a new key is until the old one has signed for it.
const nextName = "next"

// Rotate begins a new key in keyDir, signed for by the old one. The log in dir
// must have no other writer: who calls it holds its lock.
func Rotate(dir, keyDir string, o Options) (old, next Public, err error) {
	s, err := Open(dir, keyDir, o)
	if err != nil {
		return Public{}, Public{}, err
	}
	old = s.Key()
	k, err := stage(keyDir)
	if err == nil {
		err = s.HandOver(k)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return old, Public{}, err
	}
	return old, k.Public(), promote(keyDir)
}

// Replace begins a new key where the old one is lost. The new one signs for
// itself, which whoever verifies is told.
func Replace(dir, keyDir string, o Options) (Public, error) {
	if _, err := Load(keyDir); err == nil {
		return Public{}, fmt.Errorf("there is a key in %s: move it away first if it is not the log's", keyDir)
	} else if !errors.Is(err, ErrNoKey) {
		return Public{}, err
	}
	k, err := stage(keyDir)
	if err != nil {
		return Public{}, err
	}
	s := newSealer(o)
	s.key = k
	f, err := os.OpenFile(filepath.Join(dir, FileName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return Public{}, fmt.Errorf("open checkpoints: %w", err)
	}
	defer f.Close()
	if err := s.resume(f); err != nil {
		return Public{}, err
	}
	s.file = f
	if err := s.HandOver(k); err != nil {
		return Public{}, err
	}
	return k.Public(), promote(keyDir)
}

// stage makes a key that is not in use yet.
func stage(keyDir string) (Private, error) {
	k, err := Generate()
	if err != nil {
		return k, err
	}
	next := filepath.Join(keyDir, nextName)
	if err := os.RemoveAll(next); err != nil {
		return k, err
	}
	return k, Store(next, k)
}

// promote puts the staged key in the place of the old one, the public half
// first: Load asks only for the private one, which decides.
func promote(keyDir string) error {
	next := filepath.Join(keyDir, nextName)
	if old, err := ReadPublic(filepath.Join(keyDir, PublicName)); err == nil {
		// What the old key signed is still to be proven with it.
		err := writeNew(filepath.Join(keyDir, "audit-"+old.ID()+".pub"), old.PEM(), 0o644)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("keep the old public key: %w", err)
		}
	}
	for _, name := range [...]string{PublicName, PrivateName} {
		if err := os.Rename(filepath.Join(next, name), filepath.Join(keyDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("put the new key in its place: %w", err)
		}
	}
	d, err := os.Open(keyDir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close(), os.Remove(next))
}

// finish ends a rotation that was interrupted: the old key has signed for the
// staged one, which is not in its place yet.
func finish(keyDir, signer string) (Private, bool) {
	k, err := Load(filepath.Join(keyDir, nextName))
	if err != nil || k.Public().ID() != signer {
		return Private{}, false
	}
	return k, promote(keyDir) == nil
}

// HandOver signs that next signs from now on, at the place where the last
// checkpoint stands.
func (s *Sealer) HandOver(next Private) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	der, err := x509.MarshalPKIXPublicKey(next.Public().key)
	if err != nil {
		return err
	}
	c := Checkpoint{Kind: NewKey, Seq: s.last.Seq, Head: s.last.Head, Next: base64.StdEncoding.EncodeToString(der)}
	if s.last.N == 0 {
		c.Head = Genesis
	}
	if err := s.write(c); err != nil {
		return err
	}
	s.key = next
	return nil
}
