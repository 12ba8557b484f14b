package seal

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Names of the two halves of a key in its directory.
const (
	PrivateName = "audit.key"
	PublicName  = "audit.pub"
)

// ErrNoKey says that there is no signing key.
var ErrNoKey = errors.New("there is no signing key")

// maxKeyBytes bounds a key file.
const maxKeyBytes = 16 << 10

// Public is the half of a key that anybody may have.
type Public struct{ key ed25519.PublicKey }

// Private is the half that signs.
type Private struct{ key ed25519.PrivateKey }

// Public gives the other half.
func (p Private) Public() Public { return Public{p.key.Public().(ed25519.PublicKey)} }

// Sign signs a message that is no checkpoint. The domain, which ends with a
// newline, keeps the signature from meaning anything elsewhere.
func (p Private) Sign(domain string, message []byte) (signature []byte, keyID string) {
	return ed25519.Sign(p.key, append([]byte(domain), message...)), p.Public().ID()
}

// CheckMessage reports whether the key signed the message for the domain.
func (p Public) CheckMessage(domain string, message, signature []byte, keyID string) error {
	if keyID != p.ID() {
		return fmt.Errorf("signed by key %s, not by %s", keyID, p.ID())
	}
	if !ed25519.Verify(p.key, append([]byte(domain), message...), signature) {
		return errors.New("the signature does not fit")
	}
	return nil
}

// ID names a key: the first 16 bytes of the SHA-256 of its public half in DER,
// in hex.
func (p Public) ID() string {
	der, err := x509.MarshalPKIXPublicKey(p.key)
	if err != nil {
		return "" // an ed25519 key always has one
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:16])
}

// PEM gives the key as openssl reads it.
func (p Public) PEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(p.key)
	if err != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// ParsePublic reads a key from PEM.
func ParsePublic(b []byte) (Public, error) {
	block, rest := pem.Decode(b)
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		return Public{}, errors.New("not one PUBLIC KEY in PEM")
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Public{}, fmt.Errorf("public key: %w", err)
	}
	pub, ok := k.(ed25519.PublicKey)
	if !ok {
		return Public{}, fmt.Errorf("public key is a %T, not ed25519", k)
	}
	return Public{pub}, nil
}

// ReadPublic reads a public key from a file.
func ReadPublic(path string) (Public, error) {
	b, err := readSmall(path)
	if err != nil {
		return Public{}, err
	}
	p, err := ParsePublic(b)
	if err != nil {
		return Public{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// maxPublics bounds the keys that a host has had.
const maxPublics = 100

// ReadPublics reads the public key of a host and those that it had before; none
// is fs.ErrNotExist.
func ReadPublics(dir string) ([]Public, error) {
	now, err := ReadPublic(filepath.Join(dir, PublicName))
	if err != nil {
		return nil, err
	}
	out := []Public{now}
	old, err := filepath.Glob(filepath.Join(dir, "audit-*.pub"))
	if err != nil {
		return nil, err
	}
	if len(old) > maxPublics {
		return nil, fmt.Errorf("%d old public keys in %s; at most %d are read", len(old), dir, maxPublics)
	}
	for _, path := range old {
		p, err := ReadPublic(path)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Generate makes a new key.
func Generate() (Private, error) {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	return Private{k}, err
}

// Load reads the private key from dir. It fails with ErrNoKey when there is
// none, and refuses one that others can read or change.
func Load(dir string) (Private, error) {
	path := filepath.Join(dir, PrivateName)
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return Private{}, fmt.Errorf("%s: %w", path, ErrNoKey)
	}
	if err != nil {
		return Private{}, fmt.Errorf("open signing key: %w", err)
	}
	defer f.Close()
	if err := guarded(f, path); err != nil {
		return Private{}, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyBytes))
	if err != nil {
		return Private{}, fmt.Errorf("read signing key: %w", err)
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
		return Private{}, fmt.Errorf("%s: not one PRIVATE KEY in PEM", path)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Private{}, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := k.(ed25519.PrivateKey)
	if !ok {
		return Private{}, fmt.Errorf("%s: a %T, not an ed25519 key", path, k)
	}
	return Private{key}, nil
}

// guarded refuses a key that is not its owner's alone.
func guarded(f *os.File, path string) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || int(st.Uid) != os.Geteuid() || st.Mode&0o077 != 0 {
		return fmt.Errorf("signing key %s (owner %d, mode %#o) can be read by others: what it signed proves nothing; `chown %d %s && chmod 600 %s`, and replace it if somebody may have read it",
			path, st.Uid, st.Mode&0o7777, os.Geteuid(), path, path)
	}
	return nil
}

// Store writes both halves of a new key into dir, which it makes. It never
// writes over a key.
func Store(dir string, k Private) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make key directory: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return err
	}
	if err := writeNew(filepath.Join(dir, PrivateName), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("write signing key: %w", err)
	}
	// The public half can always be made again; an old one must not stay.
	pub := filepath.Join(dir, PublicName)
	if err := os.Remove(pub); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace public key: %w", err)
	}
	if err := writeNew(pub, k.Public().PEM(), 0o644); err != nil {
		return fmt.Errorf("write public key: %w", err)
	}
	return nil
}

// writeNew writes a file that must not exist, durably or not at all.
func writeNew(path string, b []byte, mode os.FileMode) error {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(tmp, path) // fails where a name is, unlike rename
	}
	err = errors.Join(err, os.Remove(tmp))
	if err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeyBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxKeyBytes {
		return nil, fmt.Errorf("%s: larger than a key can be", path)
	}
	return b, nil
}
