package verify

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"clawjail/supervisor/incident/evidence"
)

// Checker checks a signature for a domain.
type Checker interface {
	CheckMessage(domain string, message, signature []byte, keyID string) error
}

// The bounds of what Bundle reads.
const (
	maxManifest = 64 << 20
	maxWindow   = 32 << 20
)

// Bundle proves a bundle: that every member is what the manifest says, that
// there is no other, and that the manifest was signed by a trusted key. Keep is
// called with the name and the content of members that it wants, before they
// are proven; nil wants none. All problems are in the error.
func Bundle(r io.Reader, key Checker, keep func(name string, r io.Reader) error) (evidence.Manifest, error) {
	dec, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return evidence.Manifest{}, err
	}
	defer dec.Close()
	v := verifier{sums: make(map[string]evidence.File)}
	t := tar.NewReader(dec)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return v.manifest, fmt.Errorf("the bundle cannot be read to its end: %w", err)
		}
		if err := v.member(h, t, keep); err != nil {
			return v.manifest, err
		}
	}
	return v.manifest, v.conclude(key)
}

type verifier struct {
	sums         map[string]evidence.File
	manifest     evidence.Manifest
	raw, sig     []byte
	after, twice []string
}

// member takes one member in.
func (v *verifier) member(h *tar.Header, r io.Reader, keep func(string, io.Reader) error) error {
	if len(v.sums) > evidence.MaxFiles {
		return fmt.Errorf("more than %d members", evidence.MaxFiles)
	}
	if h.Name == evidence.ManifestName || h.Name == evidence.SignatureName {
		b, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
		if err != nil {
			return err
		}
		if len(b) > maxManifest {
			return fmt.Errorf("%s of more than %d bytes", h.Name, maxManifest)
		}
		if h.Name == evidence.ManifestName {
			v.raw = b
		} else {
			v.sig = b
		}
		return nil
	}
	if v.raw != nil {
		v.after = append(v.after, h.Name)
	}
	if _, there := v.sums[h.Name]; there {
		v.twice = append(v.twice, h.Name)
	}
	sum := sha256.New()
	in := io.TeeReader(r, sum)
	if keep != nil {
		if err := keep(h.Name, in); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return fmt.Errorf("%s: %w", h.Name, err)
	}
	v.sums[h.Name] = evidence.File{Path: h.Name, Bytes: h.Size, SHA256: hex.EncodeToString(sum.Sum(nil))}
	return nil
}

// conclude holds everything against the manifest.
func (v *verifier) conclude(key Checker) error {
	if v.raw == nil || v.sig == nil {
		return errors.New("the bundle has no signed manifest: it is not whole, or not a bundle of evidence")
	}
	d := json.NewDecoder(bytes.NewReader(v.raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&v.manifest); err != nil {
		return fmt.Errorf("%s: %w", evidence.ManifestName, err)
	}
	var sig evidence.Signature
	if err := json.Unmarshal(v.sig, &sig); err != nil {
		return fmt.Errorf("%s: %w", evidence.SignatureName, err)
	}
	var errs []error
	if err := key.CheckMessage(evidence.Domain, v.raw, sig.Signature, sig.Key); err != nil {
		errs = append(errs, fmt.Errorf("the manifest is not proven: %w", err))
	}
	for _, f := range v.manifest.Files {
		got, there := v.sums[f.Path]
		switch {
		case !there:
			errs = append(errs, fmt.Errorf("%s is missing", f.Path))
		case got.SHA256 != f.SHA256 || got.Bytes != f.Bytes:
			errs = append(errs, fmt.Errorf("%s was altered", f.Path))
		}
		delete(v.sums, f.Path)
	}
	for name := range v.sums {
		errs = append(errs, fmt.Errorf("%s was added", name))
	}
	for _, name := range v.twice {
		errs = append(errs, fmt.Errorf("%s is there twice", name))
	}
	for _, name := range v.after {
		errs = append(errs, fmt.Errorf("%s stands behind the manifest", name))
	}
	return errors.Join(errs...)
}
