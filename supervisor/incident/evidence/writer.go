package evidence

import (
	"archive/tar"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Names of the members that prove the others.
const (
	ManifestName  = "manifest.json"
	SignatureName = "manifest.sig"
)

// Domain is what signatures over manifests are for.
const Domain = "clawjail evidence manifest v1\n"

// The bounds of a bundle.
const (
	MaxFiles  = 100_000
	MaxErrors = 1000
)

// Manifest lists what is in a bundle.
type Manifest struct {
	Schema   int       `json:"schema"`
	Incident string    `json:"incident"`
	Jail     string    `json:"jail"`
	Host     string    `json:"host"`
	Kernel   string    `json:"kernel"`
	Version  string    `json:"clawjail"`
	Boot     string    `json:"boot"`
	Begun    time.Time `json:"begun"`
	Ended    time.Time `json:"ended"`
	By       string    `json:"by"`
	Files    []File    `json:"files"`
	Failed   []string  `json:"failed,omitempty"` // sources that could not be read, and why
}

// Schema is the version of a manifest's form.
const Schema = 1

// File is one member.
type File struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	Source string `json:"source,omitempty"` // where it was on the host
	Note   string `json:"note,omitempty"`   // as: cut at a limit
}

// Signer signs a message for a domain.
type Signer interface {
	Sign(domain string, message []byte) (signature []byte, keyID string)
}

// Signature is the last member.
type Signature struct {
	Key       string `json:"key"`
	Signature []byte `json:"signature"` // ed25519 over Domain and the manifest's bytes
}

// Writer writes a bundle.
type Writer struct {
	file     *os.File
	sum      hash.Hash // of the file
	enc      *zstd.Encoder
	tar      *tar.Writer
	manifest Manifest
	err      error // of writing: nothing more can be added
	bytes    *counter
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }

// Create begins a bundle in a new file. Where not even a manifest has room, the
// error is a *NoRoom.
func Create(path string, m Manifest) (*Writer, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if n := left(f); n < reserve {
		return nil, errors.Join(&NoRoom{Need: reserve, Left: n}, f.Close(), os.Remove(path))
	}
	w := &Writer{file: f, sum: sha256.New(), manifest: m, bytes: &counter{}}
	w.manifest.Schema, w.manifest.Files = Schema, []File{}
	w.enc, err = zstd.NewWriter(io.MultiWriter(f, w.sum, w.bytes), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	w.tar = tar.NewWriter(w.enc)
	return w, nil
}

// Fail records that a source could not be read.
func (w *Writer) Fail(source string, err error) {
	switch n := len(w.manifest.Failed); {
	case err == nil:
	case n < MaxErrors:
		w.manifest.Failed = append(w.manifest.Failed, source+": "+err.Error())
	case n == MaxErrors:
		w.manifest.Failed = append(w.manifest.Failed, "and more")
	}
}

// Add adds a member from memory.
func (w *Writer) Add(path string, b []byte, source, note string) {
	w.AddReader(path, bytes.NewReader(b), int64(len(b)), source, note)
}

// AddJSON adds a member that is written as JSON.
func (w *Writer) AddJSON(path string, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		w.Fail(path, err)
		return
	}
	w.Add(path, append(b, '\n'), "", "")
}

// AddReader adds a member of a size that is known before. A reader that gives
// less is filled up with zeros and noted; what it gives beyond is not read. What
// has no room on the disk is noted as failed.
func (w *Writer) AddReader(path string, r io.Reader, size int64, source, note string) {
	if w.err != nil || !w.fits(cmp.Or(source, path), size) {
		return
	}
	if len(w.manifest.Files) >= MaxFiles {
		w.Fail(source, fmt.Errorf("%d members, which is the limit", MaxFiles))
		return
	}
	if w.err = w.tar.WriteHeader(&tar.Header{Name: path, Mode: 0o600, Size: size, ModTime: w.manifest.Begun, Format: tar.FormatPAX}); w.err != nil {
		return
	}
	h := sha256.New()
	out := io.MultiWriter(w.tar, h)
	n, err := io.Copy(out, io.LimitReader(r, size))
	if n < size {
		_, w.err = io.Copy(out, io.LimitReader(zeros{}, size-n))
		note = fmt.Sprintf("%d bytes were read, the rest is filled up; %s", n, note)
		if w.err == nil && err != nil {
			w.Fail(source, err)
		}
	}
	if w.err == nil && n == size {
		w.err = err
	}
	w.manifest.Files = append(w.manifest.Files, File{Path: path, Bytes: size, SHA256: hex.EncodeToString(h.Sum(nil)), Source: source, Note: note})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Result is a bundle that was written.
type Result struct {
	SHA256 string
	Bytes  int64
	Files  int
	Failed []string
}

// Close writes and signs the manifest, and makes the file durable. A bundle that
// could not be written whole is removed.
func (w *Writer) Close(s Signer, now time.Time) (Result, error) {
	w.manifest.Ended = now.UTC().Round(0)
	b, err := json.MarshalIndent(w.manifest, "", "  ")
	if err == nil {
		sig := Signature{}
		sig.Signature, sig.Key = s.Sign(Domain, b)
		var sb []byte
		if sb, err = json.Marshal(sig); err == nil {
			w.raw(ManifestName, b)
			w.raw(SignatureName, sb)
		}
	}
	err = errors.Join(w.err, err, w.tar.Close(), w.enc.Close(), w.file.Sync(), w.file.Close())
	if err != nil {
		return Result{}, errors.Join(err, os.Remove(w.file.Name()))
	}
	return Result{SHA256: hex.EncodeToString(w.sum.Sum(nil)), Bytes: w.bytes.n, Files: len(w.manifest.Files), Failed: w.manifest.Failed}, nil
}

// raw adds a member that the manifest does not list.
func (w *Writer) raw(name string, b []byte) {
	if w.err != nil {
		return
	}
	if w.err = w.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b)), ModTime: w.manifest.Ended, Format: tar.FormatPAX}); w.err == nil {
		_, w.err = w.tar.Write(b)
	}
}
