package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that a hostile backup can ask for.
const maxWindow = 256 << 20

// unpack decrypts a backup into a directory that is empty, and holds every file
// against the manifest. Signatures are checked with what check gives for the
// unpacked tree.
func unpack(r io.Reader, root *os.Root, ids []age.Identity, check func() (Checker, error)) (Manifest, error) {
	plain, err := age.Decrypt(r, ids...)
	if err != nil {
		return Manifest{}, fmt.Errorf("decrypt: %w", err)
	}
	zr, err := zstd.NewReader(plain, zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return Manifest{}, err
	}
	defer zr.Close()
	u := &unpacker{root: root, got: make(map[string]Entry)}
	t := tar.NewReader(zr)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Manifest{}, fmt.Errorf("read the backup: %w", err)
		}
		if err := u.take(h, t); err != nil {
			return Manifest{}, err
		}
	}
	return u.finish(check)
}

type unpacker struct {
	root     *os.Root
	got      map[string]Entry
	manifest []byte
	sig      []byte
}

// take puts one entry into the tree.
func (u *unpacker) take(h *tar.Header, r io.Reader) error {
	switch h.Name {
	case nameManifest:
		return read(&u.manifest, r, maxManifest)
	case nameSig:
		return read(&u.sig, r, maxSig)
	}
	name := strings.TrimSuffix(h.Name, "/")
	top, _, _ := strings.Cut(name, "/")
	switch {
	case !fs.ValidPath(name) || path.Clean(name) != name || top != "state" && top != "config" || strings.ContainsAny(name, "\x00\n"):
		return fmt.Errorf("the backup holds %q, which has no place", h.Name)
	case len(u.got) >= MaxFiles:
		return fmt.Errorf("the backup has more than %d files", MaxFiles)
	case u.got[name].Path != "":
		return fmt.Errorf("the backup holds %q twice", name)
	case u.manifest != nil:
		return fmt.Errorf("the backup holds %q behind its manifest", name)
	}
	e := Entry{Path: name, Mode: fs.FileMode(h.Mode) & fs.ModePerm, UID: h.Uid, GID: h.Gid}
	switch h.Typeflag {
	case tar.TypeDir:
		e.Mode |= fs.ModeDir
		if err := u.root.Mkdir(name, 0o700); err != nil {
			return err
		}
	case tar.TypeSymlink:
		e.Mode, e.Target = fs.ModeSymlink|fs.ModePerm, h.Linkname // made at the end: nothing is written through it
	case tar.TypeReg:
		if err := u.file(&e, r); err != nil {
			return err
		}
	default:
		return fmt.Errorf("the backup holds %q of kind %q", name, h.Typeflag)
	}
	u.got[name] = e
	return nil
}

func (u *unpacker) file(e *Entry, r io.Reader) error {
	f, err := u.root.OpenFile(e.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), r)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("restore %s: %w", e.Path, err)
	}
	e.Size, e.SHA256 = n, hex.EncodeToString(sum.Sum(nil))
	return nil
}

func read(to *[]byte, r io.Reader, most int64) error {
	if *to != nil {
		return errors.New("the backup has two manifests")
	}
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("the manifest of the backup has more than %d bytes", most)
	}
	*to = b
	return err
}

// finish holds the tree against the manifest, and gives it owners and modes.
func (u *unpacker) finish(check func() (Checker, error)) (Manifest, error) {
	if u.manifest == nil || u.sig == nil {
		return Manifest{}, errors.New("the backup has no manifest: it was cut off")
	}
	var s signature
	if err := json.Unmarshal(u.sig, &s); err != nil {
		return Manifest{}, fmt.Errorf("signature of the backup: %w", err)
	}
	c, err := check()
	if err != nil {
		return Manifest{}, err
	}
	if err := c.CheckMessage(domain, u.manifest, s.Signature, s.Key); err != nil {
		return Manifest{}, fmt.Errorf("the manifest of the backup: %w", err)
	}
	m, err := decodeManifest(u.manifest)
	if err != nil {
		return m, err
	}
	if len(m.Entries) != len(u.got) {
		return m, fmt.Errorf("the backup holds %d entries, its manifest names %d", len(u.got), len(m.Entries))
	}
	for _, e := range m.Entries {
		got := u.got[e.Path]
		// Of the mode, tar has the bits that chmod gives.
		want := e
		want.Mode = e.Mode.Perm() | e.Mode.Type()
		if e.Target != "" {
			want.Mode = got.Mode
		}
		if got != want {
			return m, fmt.Errorf("%s is not what the manifest says", e.Path)
		}
	}
	return m, u.dress(m.Entries)
}

// dress makes links and gives everything its owner and mode. Directories come
// last: theirs may keep others from being made.
func (u *unpacker) dress(entries []Entry) error {
	for _, e := range entries {
		if e.Target != "" {
			if err := u.root.Symlink(e.Target, e.Path); err != nil {
				return err
			}
		}
		if err := u.root.Lchown(e.Path, e.UID, e.GID); err != nil {
			return err
		}
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if e := entries[i]; e.Target == "" {
			if err := u.root.Chmod(e.Path, e.Mode.Perm()); err != nil {
				return err
			}
		}
	}
	return nil
}
