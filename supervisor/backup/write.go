package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
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

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"clawjail/audit/seal"
)

// Source is what is saved.
type Source struct {
	State  string // /var/lib/clawjail
	Config string // /etc/clawjail; it may be missing
	// Copies has files that stand for those of the same name in State: databases
	// that a supervisor has open. Empty: none does.
	Copies  string
	Version string
	Boot    string
}

// skipped is what of the state is not saved.
func skipped(name string) bool {
	return name == "logs" || name == "backup" || strings.HasSuffix(name, ".new")
}

// Write writes a backup for recipients to w.
func Write(ctx context.Context, w io.Writer, s Source, to []age.Recipient, sign Signer) (Manifest, error) {
	enc, err := age.Encrypt(w, to...)
	if err != nil {
		return Manifest{}, fmt.Errorf("encrypt: %w", err)
	}
	zw, err := zstd.NewWriter(enc)
	if err != nil {
		return Manifest{}, err
	}
	b := &writer{ctx: ctx, tar: tar.NewWriter(zw)}
	b.m = Manifest{Schema: Schema, Created: time.Now().UTC().Round(0), Version: s.Version, Boot: s.Boot, Entries: []Entry{}}
	b.m.Host, _ = os.Hostname()
	err = errors.Join(b.state(s), b.config(s))
	if err == nil {
		err = b.finish(sign)
	}
	return b.m, errors.Join(err, b.tar.Close(), zw.Close(), enc.Close())
}

type writer struct {
	ctx context.Context
	tar *tar.Writer
	m   Manifest
}

// state saves the state: the checkpoints before the segments that they sign.
func (b *writer) state(s Source) error {
	entries, err := os.ReadDir(s.State)
	if err != nil {
		return err
	}
	if err := b.add("state", s.State, ""); err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		from := filepath.Join(s.State, name)
		if copied := filepath.Join(s.Copies, name); s.Copies != "" && exists(copied) {
			from = copied
		}
		switch {
		case skipped(name):
		case name == "audit":
			err = b.audit(from)
		default:
			err = b.walk("state/"+name, from)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// audit saves the log. Segments are written, closed, packed and retired
// meanwhile: what is gone when it is opened has another name by then, or was
// retired.
func (b *writer) audit(dir string) error {
	const name = "state/audit"
	if err := b.add(name, dir, ""); err != nil {
		return err
	}
	marks := filepath.Join(dir, seal.FileName)
	if exists(marks) {
		if err := b.add(name+"/"+seal.FileName, marks, ""); err != nil {
			return err
		}
	}
	saved := make(map[string]bool)
	newest := ""
	for pass := range 8 {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		again := false
		for _, e := range entries {
			key := strings.TrimSuffix(e.Name(), ".zst")
			if e.Name() == seal.FileName || saved[key] || skipped(e.Name()) {
				continue
			}
			// The newest segment grows after it was saved. What follows it was not
			// there at first, and would leave a hole before it.
			if isSegment(key) {
				if pass == 0 {
					newest = max(newest, key)
				} else if key > newest {
					continue
				}
			}
			err := b.walk(name+"/"+e.Name(), filepath.Join(dir, e.Name()))
			if errors.Is(err, fs.ErrNotExist) {
				again = true
				continue
			}
			if err != nil {
				return err
			}
			saved[key] = true
		}
		if !again {
			return nil
		}
	}
	return fmt.Errorf("%s changes faster than it can be read", dir)
}

func (b *writer) config(s Source) error {
	if !exists(s.Config) {
		return nil
	}
	return b.walk("config", s.Config)
}

// walk saves a file, or a directory and all below it. Links are saved as links,
// and never followed.
func (b *writer) walk(name, path string) error {
	return filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(path, p)
		if err != nil {
			return err
		}
		target := ""
		switch t := d.Type(); {
		case t.IsRegular(), t.IsDir():
		case t&fs.ModeSymlink != 0:
			if target, err = os.Readlink(p); err != nil {
				return err
			}
		default:
			return nil // sockets and pipes are made by whoever listens
		}
		if rel == "." {
			return b.add(name, p, target)
		}
		return b.add(name+"/"+filepath.ToSlash(rel), p, target)
	})
}

// add saves one entry. A file that grows is saved as long as it was.
func (b *writer) add(name, path, target string) error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if len(b.m.Entries) >= MaxFiles {
		return fmt.Errorf("more than %d files", MaxFiles)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: the owner is not known", path)
	}
	e := Entry{Path: name, Mode: info.Mode(), UID: int(st.Uid), GID: int(st.Gid), Target: target}
	h := tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Uid: e.UID, Gid: e.GID, Linkname: target, Format: tar.FormatPAX}
	switch {
	case target != "":
		h.Typeflag = tar.TypeSymlink
	case info.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, name+"/"
	default:
		return b.file(&h, e, path)
	}
	b.m.Entries = append(b.m.Entries, e)
	return b.tar.WriteHeader(&h)
}

func (b *writer) file(h *tar.Header, e Entry, path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h.Typeflag, h.Size = tar.TypeReg, info.Size()
	// A line of the log that is being written is not the log's yet.
	if strings.HasPrefix(e.Path, "state/audit/") && isSegment(e.Path) {
		if h.Size, err = wholeLines(f, h.Size); err != nil {
			return err
		}
	}
	if err := b.tar.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(b.tar, sum), io.NewSectionReader(f, 0, h.Size)); err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	e.Size, e.SHA256 = h.Size, hex.EncodeToString(sum.Sum(nil))
	b.m.Entries = append(b.m.Entries, e)
	return nil
}

// isSegment reports whether a file is one of the log's that is not packed.
func isSegment(name string) bool { return strings.HasSuffix(name, ".jsonl") }

// wholeLines gives the length of a file up to its last newline.
func wholeLines(f *os.File, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for end := size; end > 0; {
		begin := max(0, end-int64(len(buf)))
		n, err := f.ReadAt(buf[:end-begin], begin)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return begin + int64(i) + 1, nil
		}
		end = begin
	}
	return 0, nil
}

// finish writes the manifest and its signature.
func (b *writer) finish(sign Signer) error {
	slices.SortFunc(b.m.Entries, func(a, c Entry) int { return strings.Compare(a.Path, c.Path) })
	text, err := json.Marshal(b.m)
	if err != nil {
		return err
	}
	sig, key := sign.Sign(domain, text)
	proof, err := json.Marshal(signature{Key: key, Signature: sig})
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{nameManifest, text}, {nameSig, proof}} {
		if err := b.tar.WriteHeader(&tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.data)), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		if _, err := b.tar.Write(f.data); err != nil {
			return err
		}
	}
	return nil
}
